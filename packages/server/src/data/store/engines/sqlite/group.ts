// Runs whatever waits as one transaction: a savepoint per command, one sync of the packs, one commit.
import type { DatabaseSync } from 'node:sqlite'
import { attachBlobs } from '../../aggregates/blobs.ts'
import type { News, Transaction } from '../../command.ts'
import type { PackWriter } from '../../packs/pack-writer.ts'
import type { Attached } from '../../store.ts'
import type { Statements } from './connection.ts'
import { carry, storageFault } from './faults.ts'
import type { Outcome } from './messages.ts'

export interface WaitingCommand {
  readonly id: number
  readonly run: (tx: Transaction, args: unknown) => unknown
  readonly args: unknown
  readonly attached: Attached
}

export interface GroupParts {
  readonly database: DatabaseSync
  readonly statements: Statements
  readonly packs: PackWriter
}

export interface GroupResult {
  /** In the order of the commands. */
  readonly outcomes: readonly Outcome[]
  readonly news: readonly News[]
}

/** Never throws: when the storage fails, every command of the group is told so and nothing of the group is stored. */
export async function runGroup(parts: GroupParts, waiting: readonly WaitingCommand[]): Promise<GroupResult> {
  const { database, packs } = parts
  try {
    database.exec('BEGIN IMMEDIATE')
    const outcomes: Outcome[] = []
    const news: News[] = []
    for (const command of waiting) outcomes.push(await runOne(parts, command, news))
    packs.flush()
    database.exec('COMMIT')
    packs.settle()
    return { outcomes, news }
  } catch (error) {
    packs.discard()
    rollBack(database)
    const carried = carry(error)
    return { outcomes: waiting.map(({ id }) => ({ id, error: carried })), news: [] }
  }
}

async function runOne({ database, statements, packs }: GroupParts, command: WaitingCommand, news: News[]): Promise<Outcome> {
  const mark = packs.mark()
  const announced: News[] = []
  database.exec('SAVEPOINT command')
  try {
    const { blobs = [], rewritten = [] } = command.attached
    const tx: Transaction = {
      ...statements,
      blobs: await attachBlobs(statements, packs, blobs),
      rewritten: rewritten.map(({ content, hash }) => packs.append(content, hash)),
      announce: item => announced.push(item),
    }
    const value = await command.run(tx, command.args)
    database.exec('RELEASE command')
    news.push(...announced)
    return { id: command.id, value }
  } catch (error) {
    // SQLite may have ended the whole transaction already; then the commands before this one are lost too.
    if (storageFault(error) || !database.isTransaction) throw error
    database.exec('ROLLBACK TO command')
    database.exec('RELEASE command')
    packs.dropTo(mark)
    return { id: command.id, error: carry(error) }
  }
}

function rollBack(database: DatabaseSync): void {
  // When even this fails, the next BEGIN reports it.
  try {
    if (database.isTransaction) database.exec('ROLLBACK')
  } catch {}
}

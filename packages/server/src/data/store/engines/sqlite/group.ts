// Runs whatever waits as one transaction: a savepoint per command, one sync of the packs, one commit.
import type { DatabaseSync } from 'node:sqlite'
import { attachBlobs } from '../../aggregates/blobs.ts'
import type { News, Transaction } from '../../command.ts'
import type { PackWriter, Placement } from '../../packs/pack-writer.ts'
import { ContentVanished, createPrepared, type PreparedContents } from '../../packs/prepared.ts'
import { type Attached, type Attachment, isStored } from '../../store.ts'
import type { Statements } from './connection.ts'
import { carry, storageFault } from './faults.ts'
import type { CarriedError, Outcome } from './messages.ts'

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
  /**
   * In the order of the commands. Undefined for a command whose content was collected as garbage just before: nothing of it is stored, and
   * it has to be run again.
   */
  readonly outcomes: readonly (Outcome | undefined)[]
  readonly news: readonly News[]
}

/** Never throws: when the storage fails, every command of the group is told so and nothing of the group is stored. */
export async function runGroup(parts: GroupParts, waiting: readonly WaitingCommand[]): Promise<GroupResult> {
  const { database, packs } = parts
  let flushed: Promise<void> | undefined
  try {
    const contents = prepareContents(parts, waiting)
    // The disk works on the contents while the rows are written; it has to be done before the commit that names them.
    flushed = packs.flush()
    flushed.catch(() => {})
    database.exec('BEGIN IMMEDIATE')
    const outcomes: (Outcome | undefined)[] = []
    const news: News[] = []
    for (const command of waiting) outcomes.push(await runOne(parts, command, contents, news))
    const unnamed = contents.prepared.large.filter(({ hash, placement }) => !isNamed(parts, hash, placement))
    await flushed
    database.exec('COMMIT')
    packs.settle()
    packs.removeFiles(unnamed)
    return { outcomes, news }
  } catch (error) {
    await flushed?.catch(() => {})
    packs.discard()
    rollBack(database)
    const carried = carry(error)
    return { outcomes: waiting.map(({ id }) => ({ id, error: carried })), news: [] }
  }
}

interface GroupContents {
  readonly prepared: PreparedContents
  /** Places of rewritten contents, by command. */
  readonly rewritten: ReadonlyMap<WaitingCommand, readonly Placement[]>
  /** Commands whose contents could not be taken in: a spooled file that is not what was announced. */
  readonly unusable: ReadonlyMap<WaitingCommand, CarriedError>
}

/** Adds contents that have no row to the packs. */
function prepareContents(parts: GroupParts, waiting: readonly WaitingCommand[]): GroupContents {
  const prepared = createPrepared()
  const rewritten = new Map<WaitingCommand, readonly Placement[]>()
  const unusable = new Map<WaitingCommand, CarriedError>()
  for (const command of waiting) {
    try {
      for (const attachment of command.attached.blobs ?? []) prepareOne(parts, prepared, attachment)
      const anew = command.attached.rewritten
      if (anew)
        rewritten.set(
          command,
          anew.map(({ content, hash }) => parts.packs.append(content, hash)),
        )
    } catch (error) {
      if (storageFault(error)) throw error
      unusable.set(command, carry(error))
    }
  }
  return { prepared, rewritten, unusable }
}

function prepareOne({ statements, packs }: GroupParts, prepared: PreparedContents, attachment: Attachment): void {
  if (isStored(attachment)) return
  const hash = prepared.hashOf(attachment)
  if (prepared.has(hash) || statements.get('SELECT id FROM blobs WHERE hash = ?', [hash])) return
  const isInMemory = attachment instanceof Uint8Array
  prepared.put(hash, isInMemory ? packs.append(attachment, hash) : packs.adopt(attachment.path, attachment.size, hash))
}

function isNamed({ statements }: GroupParts, hash: Uint8Array, placement: Placement): boolean {
  const row = statements.get<{ segment: number; offset: number }>('SELECT segment, record_offset AS offset FROM blobs WHERE hash = ?', [
    hash,
  ])
  return row !== undefined && row.segment === placement.segment && row.offset === placement.offset
}

/** Undefined when the command has to be run again. */
async function runOne(
  { database, statements }: GroupParts,
  command: WaitingCommand,
  { prepared, rewritten, unusable }: GroupContents,
  news: News[],
): Promise<Outcome | undefined> {
  const error = unusable.get(command)
  if (error) return { id: command.id, error }
  const announced: News[] = []
  database.exec('SAVEPOINT command')
  try {
    const tx: Transaction = {
      ...statements,
      blobs: await attachBlobs(statements, prepared, command.attached.blobs ?? []),
      rewritten: rewritten.get(command) ?? [],
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
    return error instanceof ContentVanished ? undefined : { id: command.id, error: carry(error) }
  }
}

function rollBack(database: DatabaseSync): void {
  // When even this fails, the next BEGIN reports it.
  try {
    if (database.isTransaction) database.exec('ROLLBACK')
  } catch {}
}

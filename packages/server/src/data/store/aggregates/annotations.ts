// What clients noted about mailboxes and about an account as a whole (RFC 5464): small values by name, everybody's or one principal's.
import type { Command, Query, Transaction } from '../command.ts'
import { refusal } from '../refusal.ts'
import { requireMailbox } from './mailboxes.ts'

/** Stands for the account as a whole where a mailbox is named. */
export const wholeAccount = -1
/** Holder of the notes that everybody with the rights sees. */
const everybody = -1

/** Octets of a value. */
export const maxAnnotationBytes = 64 * 1024
/** Notes of one holder on one mailbox. */
const maxNotes = 100
/**
 * Octets of names and values: of everybody's notes in an account, and of all private notes of a principal wherever they are. What a
 * principal writes into several accounts in the same moment is not added up.
 */
const maxHeldBytes = 1024 * 1024

export interface AnnotationRow {
  /** `wholeAccount` for those of no mailbox. */
  readonly mailboxId: number
  readonly name: string
  readonly isPrivate: boolean
  readonly value: Uint8Array
}

export type AnnotationChange = Pick<AnnotationRow, 'name' | 'isPrivate'> & {
  /** Null removes. */
  readonly value: Uint8Array | null
}

/** Everybody's notes and those of one principal; of one mailbox, or without `mailboxId` all. In the order of mailboxes and names. */
export const annotationsOf: Query<
  { readonly accountId: number; readonly principalId: number; readonly mailboxId?: number },
  readonly AnnotationRow[]
> = {
  name: 'annotations.of',
  run: async (reader, { accountId, principalId, mailboxId }) => {
    const rows = await reader.tuples<[number, number, string, Uint8Array]>(
      `SELECT mailbox_id, holder_id, name, value FROM annotations WHERE account_id = ? AND holder_id IN (?, ?)
       ${mailboxId === undefined ? '' : 'AND mailbox_id = ?'} ORDER BY mailbox_id, holder_id, name`,
      [accountId, everybody, principalId, ...(mailboxId === undefined ? [] : [mailboxId])],
    )
    return rows.map(([id, holder, name, value]) => ({ mailboxId: id, name, isPrivate: holder !== everybody, value }))
  },
}

/** All or none. `mailboxNotFound`, `annotationTooLarge`, `tooManyAnnotations`. */
export const changeAnnotations: Command<
  {
    readonly accountId: number
    readonly principalId: number
    readonly mailboxId: number
    readonly changes: readonly AnnotationChange[]
  },
  void
> = {
  name: 'annotations.change',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, principalId, mailboxId, changes }) => {
    await lockAccount(tx, accountId)
    if (mailboxId !== wholeAccount) await requireMailbox(tx, accountId, mailboxId)
    for (const { name, isPrivate, value } of changes) {
      const key = [accountId, mailboxId, isPrivate ? principalId : everybody, name]
      if (value === null) {
        await tx.run('DELETE FROM annotations WHERE account_id = ? AND mailbox_id = ? AND holder_id = ? AND name = ?', key)
        continue
      }
      if (value.length > maxAnnotationBytes) throw refusal('annotationTooLarge', { limit: maxAnnotationBytes })
      await tx.run(
        `INSERT INTO annotations (account_id, mailbox_id, holder_id, name, value) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (account_id, mailbox_id, holder_id, name) DO UPDATE SET value = excluded.value`,
        [...key, value],
      )
    }
    // Who only removes may do so even where there is too much already.
    const added = changes.filter(({ value }) => value !== null)
    for (const holderId of new Set(added.map(({ isPrivate }) => (isPrivate ? principalId : everybody)))) {
      if ((await countOf(tx, accountId, mailboxId, holderId)) > maxNotes) throw refusal('tooManyAnnotations', { limit: maxNotes })
      if ((await bytesOf(tx, accountId, holderId)) > maxHeldBytes) throw refusal('tooManyAnnotations', { limit: maxHeldBytes })
    }
  },
}

/** So that no mailbox goes while it gets notes. Notes are nothing that change numbers tell of. */
async function lockAccount(tx: Transaction, accountId: number): Promise<void> {
  const { changes } = await tx.run('UPDATE mail_accounts SET account_id = account_id WHERE account_id = ?', [accountId])
  if (changes === 0) throw refusal('accountNotFound')
}

async function countOf(tx: Transaction, accountId: number, mailboxId: number, holderId: number): Promise<number> {
  const row = await tx.get<{ count: number }>(
    'SELECT COUNT(*) AS count FROM annotations WHERE account_id = ? AND mailbox_id = ? AND holder_id = ?',
    [accountId, mailboxId, holderId],
  )
  return row?.count ?? 0
}

async function bytesOf(tx: Transaction, accountId: number, holderId: number): Promise<number> {
  const isShared = holderId === everybody
  const row = await tx.get<{ bytes: number }>(
    `SELECT COALESCE(SUM(LENGTH(name) + LENGTH(value)), 0) AS bytes FROM annotations WHERE holder_id = ? ${isShared ? 'AND account_id = ?' : ''}`,
    [holderId, ...(isShared ? [accountId] : [])],
  )
  return row?.bytes ?? 0
}

/** Gives a mailbox the notes of another, as far as everybody's and each principal's notes stay within their limits. */
export const copyAnnotations: Command<{ readonly accountId: number; readonly fromId: number; readonly toId: number }, void> = {
  name: 'annotations.copy',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, fromId, toId }) => {
    await lockAccount(tx, accountId)
    await requireMailbox(tx, accountId, toId)
    const holders = await tx.tuples<[number, number]>(
      `SELECT holder_id, SUM(LENGTH(name) + LENGTH(value)) FROM annotations WHERE account_id = ? AND mailbox_id = ?
       GROUP BY holder_id ORDER BY holder_id`,
      [accountId, fromId],
    )
    for (const [holderId, bytes] of holders) {
      if ((await bytesOf(tx, accountId, holderId)) + bytes > maxHeldBytes) continue
      await tx.run(
        `INSERT INTO annotations (account_id, mailbox_id, holder_id, name, value)
         SELECT account_id, CAST(? AS BIGINT), holder_id, name, value FROM annotations
         WHERE account_id = ? AND mailbox_id = ? AND holder_id = ? ON CONFLICT DO NOTHING`,
        [toId, accountId, fromId, holderId],
      )
    }
  },
}

export const annotationCommands = [changeAnnotations, copyAnnotations] as const

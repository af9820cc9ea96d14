// What happened after a change number: to one mailbox with the present state of what it touched, or to objects of one kind.
import type { Query, Reader } from '../command.ts'
import { type Change, readChangesSince, unpackChanges } from './changes.ts'
import { type PlacementTuple, placementTupleColumns, readPlacements } from './placements.ts'

export interface MailboxHistory {
  /** Everything up to and including this number is told. */
  readonly upTo: number
  /** False when the log does not reach back: then `removed` is empty and `rows` is all that changed since, present messages only. */
  readonly isComplete: boolean
  readonly isDestroyed: boolean
  /** UIDs, ascending. */
  readonly removed: readonly number[]
  /** By ascending UID. */
  readonly rows: readonly PlacementTuple[]
}

export const mailboxHistory: Query<
  { readonly accountId: number; readonly mailboxId: number; readonly since: number; readonly maxNumbers: number },
  MailboxHistory
> = {
  name: 'history.mailbox',
  consistent: true,
  run: async (reader, { accountId, mailboxId, since, maxNumbers }) => {
    const mailbox = await reader.get<{ changeNumber: number }>(
      'SELECT change_number AS "changeNumber" FROM mailboxes WHERE account_id = ? AND id = ?',
      [accountId, mailboxId],
    )
    const isDestroyed = mailbox === undefined
    // Most questions come when nothing happened here.
    if (mailbox && mailbox.changeNumber <= since) return nothingSince(reader, accountId, since)
    const { newest, isComplete, sets } = await readChangesSince(reader, { accountId, since, limit: maxNumbers + 1 })
    if (!isComplete || sets.length > maxNumbers) {
      const rows = isDestroyed ? [] : await changedRows(reader, accountId, mailboxId, since)
      return { upTo: newest, isComplete: false, isDestroyed, removed: [], rows }
    }
    const { removed, touched } = foldMailbox(
      sets.flatMap(set => set.entries),
      mailboxId,
    )
    const rows = isDestroyed ? [] : await readPlacements(reader, accountId, mailboxId, [...touched])
    return { upTo: newest, isComplete: true, isDestroyed, removed: [...removed].sort((a, b) => a - b), rows }
  },
}

async function nothingSince(reader: Reader, accountId: number, since: number): Promise<MailboxHistory> {
  const account = await reader.get<{ newest: number }>('SELECT change_number AS newest FROM mail_accounts WHERE account_id = ?', [
    accountId,
  ])
  return { upTo: Math.max(since, account?.newest ?? 0), isComplete: true, isDestroyed: false, removed: [], rows: [] }
}

function foldMailbox(entries: readonly Change[], mailboxId: number): { removed: Set<number>; touched: Set<number> } {
  const removed = new Set<number>()
  const touched = new Set<number>()
  for (const entry of entries) {
    if (!('mailboxId' in entry) || !('uid' in entry) || entry.mailboxId !== mailboxId) continue
    // A UID that was touched and then removed is not among the rows that are read for the touched ones.
    if (entry.kind === 'removed') removed.add(entry.uid)
    else touched.add(entry.uid)
  }
  return { removed, touched }
}

async function changedRows(reader: Reader, accountId: number, mailboxId: number, since: number): Promise<PlacementTuple[]> {
  return await reader.tuples<PlacementTuple & readonly (number | Uint8Array | null)[]>(
    `SELECT ${placementTupleColumns} FROM placements WHERE account_id = ? AND mailbox_id = ? AND change_number > ? ORDER BY uid`,
    [accountId, mailboxId, since],
  )
}

/** Kinds of objects that have a state of their own. */
export type ObjectKind = 'message' | 'mailbox' | 'thread'

export interface ObjectHistory {
  readonly created: readonly number[]
  readonly updated: readonly number[]
  readonly destroyed: readonly number[]
  /** Of `updated`: those of which more than counts changed. */
  readonly updatedInFull: readonly number[]
  readonly upTo: number
  readonly hasMore: boolean
}

const numbersPerPage = 500

/** Folds the log: every id in one list. Undefined when the log does not reach back. Ends after the number with which `limit` is reached. */
export const objectHistory: Query<
  { readonly accountId: number; readonly kind: ObjectKind; readonly since: number; readonly limit: number },
  ObjectHistory | undefined
> = {
  name: 'history.objects',
  consistent: true,
  run: async (reader, { accountId, kind, since, limit }) => {
    const history = createFold()
    let examined = since
    let upTo = since
    for (;;) {
      const { isComplete, newest, sets } = await readChangesSince(reader, { accountId, since: examined, limit: numbersPerPage })
      if (!isComplete) return undefined
      for (const set of sets) {
        const concerns = set.entries.filter(entry => history.apply(entry, kind)).length
        examined = set.number
        if (concerns > 0) upTo = set.number
        if (history.size() >= limit && set.number < newest) return history.result(upTo, await concernedLater(reader, accountId, kind, upTo))
      }
      if (sets.length < numbersPerPage) return history.result(upTo, false)
    }
  },
}

async function concernedLater(reader: Reader, accountId: number, kind: ObjectKind, upTo: number): Promise<boolean> {
  const row = await reader.get<{ state: number }>(`SELECT ${kind}_state AS state FROM mail_accounts WHERE account_id = ?`, [accountId])
  return (row?.state ?? 0) > upTo
}

interface Fold {
  /** Whether the entry concerns the kind. */
  apply(entry: Change, kind: ObjectKind): boolean
  size(): number
  result(upTo: number, hasMore: boolean): ObjectHistory
}

function createFold(): Fold {
  const fates = new Map<number, 'created' | 'updated' | 'destroyed'>()
  const inFull = new Set<number>()

  function mark(id: number, fate: 'created' | 'updated' | 'destroyed'): void {
    const before = fates.get(id)
    if (fate === 'updated' && before !== undefined) return
    // Made and gone in between: nobody who asks has ever seen it.
    if (fate === 'destroyed' && before === 'created') fates.delete(id)
    else fates.set(id, fate)
  }

  return {
    apply(entry, kind) {
      const effect = effectOf(entry, kind)
      if (!effect) return false
      mark(effect.id, effect.fate)
      if (effect.inFull) inFull.add(effect.id)
      return true
    },
    size: () => fates.size,
    result(upTo, hasMore) {
      const ids = (fate: string): number[] => [...fates].filter(([, own]) => own === fate).map(([id]) => id)
      const updated = ids('updated')
      return {
        created: ids('created'),
        updated,
        destroyed: ids('destroyed'),
        updatedInFull: updated.filter(id => inFull.has(id)),
        upTo,
        hasMore,
      }
    },
  }
}

function effectOf(
  entry: Change,
  kind: ObjectKind,
): { readonly id: number; readonly fate: 'created' | 'updated' | 'destroyed'; readonly inFull: boolean } | undefined {
  switch (entry.kind) {
    case 'messageCreated':
      return kind === 'message' ? { id: entry.messageId, fate: 'created', inFull: true } : undefined
    case 'messageDestroyed':
      return kind === 'message' ? { id: entry.messageId, fate: 'destroyed', inFull: true } : undefined
    case 'placed':
    case 'removed':
    case 'flagged':
      return kind === 'message' ? { id: entry.messageId, fate: 'updated', inFull: true } : undefined
    case 'threadCreated':
      return kind === 'thread' ? { id: entry.threadId, fate: 'created', inFull: true } : undefined
    case 'threadChanged':
      return kind === 'thread' ? { id: entry.threadId, fate: 'updated', inFull: true } : undefined
    case 'threadDestroyed':
      return kind === 'thread' ? { id: entry.threadId, fate: 'destroyed', inFull: true } : undefined
    case 'mailboxCreated':
      return kind === 'mailbox' ? { id: entry.mailboxId, fate: 'created', inFull: true } : undefined
    case 'mailboxChanged':
      return kind === 'mailbox' ? { id: entry.mailboxId, fate: 'updated', inFull: true } : undefined
    case 'mailboxCounted':
      return kind === 'mailbox' ? { id: entry.mailboxId, fate: 'updated', inFull: false } : undefined
    case 'mailboxDestroyed':
      return kind === 'mailbox' ? { id: entry.mailboxId, fate: 'destroyed', inFull: true } : undefined
    case 'objectCreated':
    case 'objectChanged':
    case 'objectDestroyed':
      return undefined
  }
}

/** The log of all accounts a reader has not seen: entries of one account after `since`, for indexing and training. */
export const changeEntries: Query<
  { readonly accountId: number; readonly since: number; readonly limit: number },
  readonly (readonly [number: number, entries: readonly Change[]])[]
> = {
  name: 'history.entries',
  run: async (reader, { accountId, since, limit }) => {
    const rows = await reader.tuples<[number, Uint8Array]>(
      'SELECT number, entries FROM changes WHERE account_id = ? AND number > ? ORDER BY number LIMIT ?',
      [accountId, since, limit],
    )
    return rows.map(([number, entries]) => [number, unpackChanges(entries)])
  },
}

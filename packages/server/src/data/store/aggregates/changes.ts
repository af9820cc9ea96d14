// The change log of an account: one row per change number, its entries packed. MODSEQ, JMAP state, push and indexing all read it.
import type { Command, Query, Reader } from '../command.ts'

export type Change =
  | { readonly kind: 'messageCreated' | 'messageDestroyed'; readonly messageId: number; readonly threadId: number }
  /** The message came into, left, or changed its flags or keywords in a mailbox. */
  | { readonly kind: 'placed' | 'removed' | 'flagged'; readonly mailboxId: number; readonly uid: number; readonly messageId: number }
  | { readonly kind: 'threadCreated' | 'threadChanged' | 'threadDestroyed'; readonly threadId: number }
  | { readonly kind: 'mailboxCreated' | 'mailboxChanged' | 'mailboxCounted' | 'mailboxDestroyed'; readonly mailboxId: number }
  /** Anything else that belongs to an account; `type` is the number its aggregate chose. */
  | { readonly kind: 'objectCreated' | 'objectChanged' | 'objectDestroyed'; readonly type: number; readonly id: number }

export type ChangeKind = Change['kind']

// The numbers are stored. Fields follow in the order given.
const codes = {
  messageCreated: [1, ['messageId', 'threadId']],
  messageDestroyed: [2, ['messageId', 'threadId']],
  placed: [3, ['mailboxId', 'uid', 'messageId']],
  removed: [4, ['mailboxId', 'uid', 'messageId']],
  flagged: [5, ['mailboxId', 'uid', 'messageId']],
  threadCreated: [6, ['threadId']],
  threadChanged: [7, ['threadId']],
  threadDestroyed: [8, ['threadId']],
  mailboxCreated: [9, ['mailboxId']],
  mailboxChanged: [10, ['mailboxId']],
  mailboxCounted: [11, ['mailboxId']],
  mailboxDestroyed: [12, ['mailboxId']],
  objectCreated: [13, ['type', 'id']],
  objectChanged: [14, ['type', 'id']],
  objectDestroyed: [15, ['type', 'id']],
} as const satisfies Record<ChangeKind, readonly [number, readonly string[]]>

const byCode = new Map(Object.entries(codes).map(([kind, [code, fields]]) => [code as number, { kind: kind as ChangeKind, fields }]))

/** Entries as bytes: kind and fields as base-128 numbers, least significant group first. */
export function packChanges(changes: readonly Change[]): Uint8Array {
  const bytes: number[] = []
  for (const change of changes) {
    const [code, fields] = codes[change.kind]
    pushNumber(bytes, code)
    for (const field of fields) pushNumber(bytes, (change as unknown as Readonly<Record<string, number>>)[field] ?? 0)
  }
  return Uint8Array.from(bytes)
}

export function unpackChanges(bytes: Uint8Array): Change[] {
  const changes: Change[] = []
  const cursor = { bytes, at: 0 }
  while (cursor.at < bytes.length) {
    const code = takeNumber(cursor)
    const known = byCode.get(code)
    if (!known) throw new Error(`a change log entry has the unknown kind ${code}`)
    const change: Record<string, number | string> = { kind: known.kind }
    for (const field of known.fields) change[field] = takeNumber(cursor)
    changes.push(change as unknown as Change)
  }
  return changes
}

/** Appends a number, 0 ≤ n < 2^53. */
export function pushNumber(bytes: number[], value: number): void {
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  bytes.push(rest)
}

export function takeNumber(cursor: { readonly bytes: Uint8Array; at: number }): number {
  let value = 0
  for (let scale = 1; ; scale *= 0x80) {
    const byte = cursor.bytes[cursor.at++]
    if (byte === undefined) throw new Error('a packed number is cut off')
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
  }
}

export interface ChangeSet {
  readonly number: number
  /** Unix seconds. */
  readonly madeAt: number
  readonly entries: readonly Change[]
}

export interface ChangeHistory {
  /** The newest number. */
  readonly newest: number
  /** False when entries after `since` were forgotten already, or `since` is from the future. */
  readonly isComplete: boolean
  /** Ascending. */
  readonly sets: readonly ChangeSet[]
}

/** The log after number `since`, at most `limit` numbers. */
export const changesSince: Query<{ readonly accountId: number; readonly since: number; readonly limit: number }, ChangeHistory> = {
  name: 'changes.since',
  consistent: true,
  run: readChangesSince,
}

export async function readChangesSince(
  reader: Reader,
  { accountId, since, limit }: { readonly accountId: number; readonly since: number; readonly limit: number },
): Promise<ChangeHistory> {
  const account = await reader.get<{ newest: number; forgotten: number }>(
    'SELECT change_number AS newest, forgotten_change AS forgotten FROM mail_accounts WHERE account_id = ?',
    [accountId],
  )
  const { newest, forgotten } = account ?? { newest: 0, forgotten: 0 }
  if (since < forgotten || since > newest) return { newest, isComplete: false, sets: [] }
  if (since === newest) return { newest, isComplete: true, sets: [] }
  const rows = await reader.tuples<[number, number, Uint8Array]>(
    'SELECT number, made_at, entries FROM changes WHERE account_id = ? AND number > ? ORDER BY number LIMIT ?',
    [accountId, since, limit],
  )
  return { newest, isComplete: true, sets: rows.map(([number, madeAt, entries]) => ({ number, madeAt, entries: unpackChanges(entries) })) }
}

/** Forgets an account's log up to the last number made before `before` (Unix seconds). */
export const forgetChanges: Command<{ readonly accountId: number; readonly before: number }, { readonly forgotten: number }> = {
  name: 'changes.forget',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, before }) => {
    const last = await tx.get<{ number: number | null }>('SELECT MAX(number) AS number FROM changes WHERE account_id = ? AND made_at < ?', [
      accountId,
      before,
    ])
    if (last?.number === null || last?.number === undefined) return { forgotten: 0 }
    const { changes } = await tx.run('DELETE FROM changes WHERE account_id = ? AND number <= ?', [accountId, last.number])
    await tx.run('UPDATE mail_accounts SET forgotten_change = ? WHERE account_id = ? AND forgotten_change < ?', [
      last.number,
      accountId,
      last.number,
    ])
    return { forgotten: changes }
  },
}

export const changeCommands = [forgetChanges] as const

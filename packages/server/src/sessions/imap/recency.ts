// Which session is the first to hear of a message (RFC 3501 §2.3.2). Nothing of it is stored: after a restart what has come since counts
// as unheard of.
import { LRUCache } from 'lru-cache'
import type { Clock } from '#base/clock'

/** Messages of a mailbox, by position. */
interface Rows {
  readonly count: number
  readonly uids: Uint32Array
  /** When they came into the mailbox, Unix seconds. */
  readonly saved: Float64Array
}

export interface Recency {
  /** UID from which on nobody has heard of the messages; `claims` makes the caller the one who has. `mailbox`: `mailboxKey`. */
  firstOf(mailbox: string, rows: Rows, claims: boolean): number
}

/** A mailbox with the meaning of its UIDs. */
export function mailboxKey(accountId: number, { id, uidValidity }: { readonly id: number; readonly uidValidity: number }): string {
  return `${accountId}/${id}/${uidValidity}`
}

const maxMailboxes = 50_000

export function createRecency(clock: Pick<Clock, 'now'>): Recency {
  const startedSeconds = Math.floor(clock.now() / 1000)
  const unheard = new LRUCache<string, number>({ max: maxMailboxes })
  return {
    firstOf(mailbox, rows, claims) {
      const next = (rows.uids[rows.count - 1] ?? 0) + 1
      const first = unheard.get(mailbox) ?? firstSince(rows, startedSeconds)
      if (claims) unheard.set(mailbox, Math.max(first, next))
      return first
    },
  }
}

function firstSince({ count, uids, saved }: Rows, seconds: number): number {
  let at = count
  while (at > 0 && (saved[at - 1] ?? 0) > seconds) at--
  return at < count ? (uids[at] ?? 0) : (uids[count - 1] ?? 0) + 1
}

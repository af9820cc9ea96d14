// The inbox as a session sees it: a snapshot by ascending UID, numbered from 1, and what of it is marked to be deleted. What comes later is
// not in it, and what others remove keeps its number (RFC 1939 §5).
import { failure } from '@postern/contract'
import { type AccountMailboxes, inboxId, type MailboxColumns, type Message } from '#services/mailbox'
import type { SentSizes, Sizes } from './sent-sizes.ts'

export interface Maildrop {
  readonly accountId: number
  /** Numbers that are not marked, ascending. */
  numbers(): readonly number[]
  /** Numbers that are marked. */
  readonly marked: ReadonlySet<number>
  /** A number that is in the snapshot and not marked; `messageNotFound`. */
  require(number: number): number
  idOf(number: number): number
  uidOf(number: number): number
  /** Stays the same for as long as the message is in the inbox (RFC 1939 §7). */
  uniqueId(number: number): string
  /** Octets as they are sent, by number; `relieve` is called between the parts of the work. */
  sizes(relieve: () => Promise<void>): Promise<Sizes>
  sizeOf(number: number): Promise<number>
  /** `messageNotFound` when it has left the inbox. */
  message(number: number): Promise<Message>
  readonly account: AccountMailboxes
  mark(number: number): void
  /** Takes back all marks; gives how many there were. */
  unmark(): number
  /** Removes what is marked, in one step; gives how many were still there. */
  removeMarked(): Promise<number>
}

export async function openMaildrop(account: AccountMailboxes, sent: SentSizes): Promise<Maildrop> {
  const rows = await account.columns(inboxId)
  const marked = new Set<number>()
  const uidOf = (number: number): number => rows.uids[number - 1] ?? 0
  const idOf = (number: number): number => rows.ids[number - 1] ?? 0

  return {
    account,
    accountId: account.accountId,
    marked,
    numbers: () => Array.from({ length: rows.count }, (_, index) => index + 1).filter(number => !marked.has(number)),
    require(number) {
      if (number < 1 || number > rows.count || marked.has(number)) throw failure('messageNotFound')
      return number
    },
    idOf,
    uidOf,
    uniqueId: number => `${rows.uidValidity}-${uidOf(number)}`,
    async sizes(relieve) {
      const sizes = await sent.measure(account, rows, relieve)
      return number => sizes(number - 1)
    },
    sizeOf: number => sent.measureOne(account, rows, number - 1),
    async message(number) {
      const now = await account.columns(inboxId)
      const [message] = isIn(now, rows, uidOf(number)) ? await account.messages([idOf(number)]) : []
      if (message === undefined) throw failure('messageNotFound')
      return message
    },
    mark: number => void marked.add(number),
    unmark() {
      const count = marked.size
      marked.clear()
      return count
    },
    async removeMarked() {
      if (marked.size === 0) return 0
      const { uidValidity } = await account.columns(inboxId)
      // Numbered anew meanwhile: the UIDs are other messages now.
      if (uidValidity !== rows.uidValidity) throw failure('conflict')
      return (await account.remove(inboxId, [...marked].map(uidOf))).removed.length
    },
  }
}

function isIn(now: MailboxColumns, then: MailboxColumns, uid: number): boolean {
  if (now === then) return true
  if (now.uidValidity !== then.uidValidity) return false
  let low = 0
  for (let high = now.count; low < high; ) {
    const middle = (low + high) >>> 1
    if ((now.uids[middle] ?? 0) < uid) low = middle + 1
    else high = middle
  }
  return now.uids[low] === uid
}

// Sizes of messages as they are sent. Stored bytes are what came in, and may have lines that end with LF alone; on the way these become
// CRLF, and clients count what comes against what was announced (RFC 1939 §11). Messages never change, so each is looked at once.
import { isFailure } from '@postern/contract'
import { BareLineFeeds } from '@postern/mail/pop3'
import { LRUCache } from 'lru-cache'
import { type AccountMailboxes, inboxId, type MailboxColumns, type Message } from '#services/mailbox'

export interface SentSizes {
  /** Looks at those of a snapshot that nobody has looked at; `relieve` is called between the steps. */
  measure(account: AccountMailboxes, rows: MailboxColumns, relieve: () => Promise<void>): Promise<Sizes>
  /** Octets of the one at a position. */
  measureOne(account: AccountMailboxes, rows: MailboxColumns, index: number): Promise<number>
}

/** Octets of the message at a position of the snapshot. */
export type Sizes = (index: number) => number

/** What is known of an inbox. Its UIDs only ascend, so everything up to one of them is known. */
interface Known {
  readonly uidValidity: number
  upToUid: number
  /** Octets that come on top, by UID; most messages have none. */
  extra: Map<number, number>
}

const messagesPerStep = 64
export const pieceBytes = 256 * 1024
const maxAccounts = 2000
/** So many messages may be damaged, without the owner losing sight of all the others. */
const maxUnreadable = 3

export function createSentSizes(): SentSizes {
  const accounts = new LRUCache<number, Known>({ max: maxAccounts })

  function known({ accountId }: AccountMailboxes, { uidValidity }: MailboxColumns): Known {
    const found = accounts.get(accountId)
    if (found?.uidValidity === uidValidity) return found
    const fresh = { uidValidity, upToUid: 0, extra: new Map<number, number>() }
    accounts.set(accountId, fresh)
    return fresh
  }

  const sizeOf = ({ extra }: Known, rows: MailboxColumns, index: number): number =>
    (rows.sizes[index] ?? 0) + (extra.get(rows.uids[index] ?? 0) ?? 0)

  return {
    async measure(account, rows, relieve) {
      const inbox = known(account, rows)
      forgetRemoved(inbox, rows)
      let unreadable = 0
      const unknown = rows.uids.findIndex(uid => uid > inbox.upToUid)
      const counted = unknown < 0 ? new Map<number, number | undefined>() : await account.bareLineFeeds(inboxId)
      for (let from = unknown; from >= 0 && from < rows.count; from += messagesPerStep) {
        const end = Math.min(from + messagesPerStep, rows.count)
        const ids = [...rows.ids.subarray(from, end)]
        // Those from before it was counted are looked at here.
        const uncounted = ids.filter(id => counted.has(id) && counted.get(id) === undefined)
        const messages = uncounted.length === 0 ? [] : await account.messages(uncounted)
        const byId = new Map(messages.map(message => [message.id, message]))
        for (let index = from; index < end; index++) {
          const id = rows.ids[index] ?? 0
          const message = byId.get(id)
          const looked = message && (await bareLineFeeds(account, message).catch(error => whenUnreadable(error, ++unreadable)))
          const extra = looked ?? counted.get(id) ?? 0
          if (extra > 0) inbox.extra.set(rows.uids[index] ?? 0, extra)
          await relieve()
        }
        inbox.upToUid = Math.max(inbox.upToUid, rows.uids[end - 1] ?? 0)
      }
      return index => sizeOf(inbox, rows, index)
    },

    async measureOne(account, rows, index) {
      const inbox = known(account, rows)
      if ((rows.uids[index] ?? 0) <= inbox.upToUid) return sizeOf(inbox, rows, index)
      const [message] = await account.messages([rows.ids[index] ?? 0])
      return (rows.sizes[index] ?? 0) + (message === undefined ? 0 : await bareLineFeeds(account, message))
    },
  }
}

function whenUnreadable(error: unknown, count: number): number {
  if (count > maxUnreadable || !isFailure(error, 'storeUnavailable')) throw error
  return 0
}

/** What left the inbox needs no memory, once it is more than what is there. */
function forgetRemoved(inbox: Known, { uids, count }: MailboxColumns): void {
  if (inbox.extra.size <= 2 * count + 100) return
  const there = new Set(uids)
  inbox.extra = new Map([...inbox.extra].filter(([uid]) => there.has(uid)))
}

async function bareLineFeeds(account: AccountMailboxes, message: Message): Promise<number> {
  const found = new BareLineFeeds()
  try {
    for await (const piece of pieces(account, message)) found.feed(piece)
  } catch (error) {
    // Removed meanwhile: whoever asks for it is told so.
    if (!isFailure(error, 'blobNotFound')) throw error
  }
  return found.count
}

/** The bytes of a message, one piece at a time. */
export async function* pieces(account: AccountMailboxes, message: Message): AsyncGenerator<Buffer, void, void> {
  for (let start = 0; start < message.size; start += pieceBytes) {
    yield await account.content(message, { start, end: Math.min(message.size, start + pieceBytes) })
  }
}

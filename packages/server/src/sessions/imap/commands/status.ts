import { failure } from '@postern/contract'
import { type Arguments, encodeMailboxName, readStatus, type StatusItem } from '@postern/mail/imap'
import { flagBits, rightBits } from '#services/mailbox'
import type { LoggedIn } from '../command.ts'
import type { Place } from '../folders.ts'
import { mailboxIdOf } from '../object-ids.ts'
import { mailboxKey } from '../recency.ts'
import { ok, type Reply } from '../reply.ts'

/** RFC 9051 §6.3.11. */
export async function status(session: LoggedIn, args: Arguments): Promise<Reply> {
  const { mailbox: wanted, items } = readStatus(args, session.text)
  const place = await session.login.folders.require(wanted)
  if (!mayCount(place)) throw failure('forbidden')
  // RFC 7162 §3.1: asking for it says that the client understands it.
  if (items.includes('HIGHESTMODSEQ')) session.useModSeq()
  await writeStatus(session, place, items)
  const { account, mailbox, name } = place
  return ok(undefined, { fields: { accountId: account.accountId, mailboxId: mailbox.id, mailboxName: name, details: items } })
}

/** RFC 4314 §4: counting is reading. */
export function mayCount({ mailbox }: Place): boolean {
  return (mailbox.rights & rightBits.readItems) !== 0
}

/** `* STATUS`, with the items in the order asked. */
export async function writeStatus(session: LoggedIn, place: Place, items: readonly StatusItem[]): Promise<void> {
  const values: string[] = []
  for (const item of items) values.push(`${item} ${await statusValue(session, place, item)}`)
  session.write(`* STATUS ${encodeMailboxName(place.name, session.text)} (${values.join(' ')})\r\n`)
}

async function statusValue(session: LoggedIn, place: Place, item: StatusItem): Promise<string> {
  const { mailbox } = place
  switch (item) {
    case 'MESSAGES':
      return String(mailbox.total)
    case 'RECENT':
      return String(session.enabled.has('IMAP4rev2') ? 0 : await recentCount(session, place))
    case 'UIDNEXT':
      return String(mailbox.uidNext)
    case 'UIDVALIDITY':
      return String(mailbox.uidValidity)
    case 'UNSEEN':
      return String(mailbox.unseen)
    case 'DELETED':
      return String(mailbox.deleted)
    case 'SIZE':
      return String(mailbox.bytes)
    case 'HIGHESTMODSEQ':
      return String(mailbox.highestChange)
    case 'MAILBOXID':
      return `(${mailboxIdOf(place)})`
    case 'APPENDLIMIT':
      return String(session.limits.maxMessageBytes())
    case 'DELETED-STORAGE':
      return String(mailbox.deleted === 0 ? 0 : await deletedBytes(place))
  }
}

async function recentCount({ recency }: LoggedIn, { account, mailbox }: Place): Promise<number> {
  const columns = await account.columns(mailbox.id)
  const first = recency.firstOf(mailboxKey(account.accountId, mailbox), columns, false)
  return columns.uids.length - columns.uids.findLastIndex(uid => uid < first) - 1
}

async function deletedBytes({ account, mailbox }: Place): Promise<number> {
  const { count, flags, sizes } = await account.columns(mailbox.id)
  let bytes = 0
  for (let at = 0; at < count; at++) if (((flags[at] ?? 0) & flagBits.deleted) !== 0) bytes += sizes[at] ?? 0
  return bytes
}

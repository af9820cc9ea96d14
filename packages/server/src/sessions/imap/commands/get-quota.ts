import { failure } from '@postern/contract'
import { type Arguments, encodeMailboxName, encodeString, readMailbox, readQuotaRoot, readSetQuota } from '@postern/mail/imap'
import type { AccountMailboxes } from '#services/mailbox'
import type { LoggedIn } from '../command.ts'
import { ok, type Reply } from '../reply.ts'

/** The root of one's own account; everything in it counts together (RFC 9208 §3.1). Those of other accounts are nobody's business. */
const ownRoot = ''

/** RFC 9208 §4.1.1. */
export async function getQuota(session: LoggedIn, args: Arguments): Promise<Reply> {
  if (readQuotaRoot(args) !== ownRoot) throw failure('mailboxNotFound')
  session.write(await quotaLine(session.login.folders.own))
  return ok()
}

/** RFC 9208 §4.1.2. */
export async function getQuotaRoot(session: LoggedIn, args: Arguments): Promise<Reply> {
  const { name, isOwn } = await session.login.folders.require(readMailbox(args, session.text))
  session.write(`* QUOTAROOT ${encodeMailboxName(name, session.text)}${isOwn ? ` ${encodeString(ownRoot)}` : ''}\r\n`)
  if (isOwn) session.write(await quotaLine(session.login.folders.own))
  return ok()
}

/** RFC 9208 §4.1.3: limits are the administrator's. */
export async function setQuota(_session: LoggedIn, args: Arguments): Promise<Reply> {
  readSetQuota(args)
  throw failure('forbidden')
}

/** Storage counts in units of 1024 octets (RFC 9208 §5.1); a resource without limit is not named. */
async function quotaLine(account: AccountMailboxes): Promise<string> {
  const [used, most] = [await account.usage(), await account.limits()]
  const resources = [
    ...(most.bytes > 0 ? [`STORAGE ${Math.ceil(used.bytes / 1024)} ${Math.floor(most.bytes / 1024)}`] : []),
    ...(most.messages > 0 ? [`MESSAGE ${used.messages} ${most.messages}`] : []),
  ]
  return `* QUOTA ${encodeString(ownRoot)} (${resources.join(' ')})\r\n`
}

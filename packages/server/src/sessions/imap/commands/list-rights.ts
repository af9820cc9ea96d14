import { failure } from '@postern/contract'
import { type Arguments, encodeMailboxName, encodeString, readMailboxAndIdentifier } from '@postern/mail/imap'
import { rightBits } from '#services/mailbox'
import type { LoggedIn } from '../command.ts'
import { ok, type Reply } from '../reply.ts'
import { rightGroups } from '../rights.ts'

/** RFC 4314 §3.4: nothing is granted to everybody, and letters of one group only together. */
export async function listRights(session: LoggedIn, args: Arguments): Promise<Reply> {
  const { mailbox: wanted, identifier } = readMailboxAndIdentifier(args, session.text)
  const { mailbox, name } = await session.login.folders.require(wanted)
  if ((mailbox.rights & rightBits.administer) === 0) throw failure('forbidden')
  session.write(`* LISTRIGHTS ${encodeMailboxName(name, session.text)} ${encodeString(identifier)} "" ${rightGroups.join(' ')}\r\n`)
  return ok(undefined, { fields: { mailboxName: name } })
}

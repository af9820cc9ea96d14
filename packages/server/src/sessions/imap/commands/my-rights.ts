import { type Arguments, encodeMailboxName, readMailbox } from '@postern/mail/imap'
import type { LoggedIn } from '../command.ts'
import { ok, type Reply } from '../reply.ts'
import { shownRights } from '../rights.ts'

/** RFC 4314 §3.5. */
export async function myRights(session: LoggedIn, args: Arguments): Promise<Reply> {
  const { account, mailbox, name } = await session.login.folders.require(readMailbox(args, session.text))
  const rights = shownRights(mailbox.rights)
  session.write(`* MYRIGHTS ${encodeMailboxName(name, session.text)} ${rights}\r\n`)
  return ok(undefined, { fields: { accountId: account.accountId, mailboxId: mailbox.id, mailboxName: name, details: rights } })
}

import { type Arguments, readMailbox } from '@postern/mail/imap'
import type { LoggedIn } from '../command.ts'
import { ok, type Reply } from '../reply.ts'

/** RFC 9051 §6.3.5. */
export async function deleteMailbox(session: LoggedIn, args: Arguments): Promise<Reply> {
  const { account, mailbox, name } = await session.login.folders.require(readMailbox(args, session.text))
  const mayBeSystemFolder = session.login.caller.rights.has('delete-system-folders')
  await account.destroy(mailbox.id, { removesMessages: true, mayBeSystemFolder })
  return ok(undefined, {
    text: 'Mailbox deleted.',
    fields: { accountId: account.accountId, mailboxId: mailbox.id, mailboxName: name },
  })
}

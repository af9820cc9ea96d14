import { type Arguments, readMailbox } from '@postern/mail/imap'
import type { Call, LoggedIn } from '../command.ts'
import { ok, type Reply } from '../reply.ts'

/** RFC 9051 §6.3.7 and §6.3.8. Both may be repeated, and a name that is gone can always be given up. */
export async function subscribe(session: LoggedIn, args: Arguments, { name: command }: Call): Promise<Reply> {
  const wanted = readMailbox(args, session.text)
  const isSubscribed = command === 'SUBSCRIBE'
  const { folders } = session.login
  const place = isSubscribed ? await folders.require(wanted) : await folders.find(wanted)
  if (place === undefined) return ok()
  const { account, mailbox, name } = place
  await account.subscribe(mailbox.id, isSubscribed)
  return ok(undefined, { fields: { accountId: account.accountId, mailboxId: mailbox.id, mailboxName: name } })
}

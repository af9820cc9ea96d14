import { failure } from '@postern/contract'
import { type Arguments, readRename } from '@postern/mail/imap'
import type { LoggedIn } from '../command.ts'
import { separator } from '../folders.ts'
import { ok, type Reply } from '../reply.ts'

/** RFC 9051 §6.3.6; UIDs, UIDVALIDITY and MAILBOXID go along. */
export async function rename(session: LoggedIn, args: Arguments): Promise<Reply> {
  const { folders } = session.login
  const request = readRename(args, session.text)
  const { account, mailbox, name } = await folders.require(request.from)
  const target = await folders.locate(request.to.replace(/\/+$/, ''))
  if (target.account.accountId !== account.accountId) throw failure('crossAccount')
  const isBelowItself = mailbox.role !== 'inbox' && target.path.join(separator).startsWith(`${mailbox.path.join(separator)}${separator}`)
  if (isBelowItself) throw failure('cannot')
  if (target.path.some(part => part.trim() === '')) throw failure('mailboxNameInvalid', { name: request.to })
  await account.rename(mailbox.id, target.path)
  return ok(undefined, { fields: { accountId: account.accountId, mailboxId: mailbox.id, mailboxName: name } })
}

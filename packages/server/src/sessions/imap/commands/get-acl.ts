import { type Arguments, encodeMailboxName, encodeString, readMailbox } from '@postern/mail/imap'
import type { LoggedIn } from '../command.ts'
import { ok, type Reply } from '../reply.ts'
import { shownRights } from '../rights.ts'

/** RFC 4314 §3.3. */
export async function getAcl(session: LoggedIn, args: Arguments): Promise<Reply> {
  const { folders, directory } = session.login
  const { account, mailbox, name } = await folders.require(readMailbox(args, session.text))
  const entries: string[] = []
  for (const { principalId, rights } of await account.grants(mailbox.id)) {
    const principal = await directory.byId(principalId)
    if (principal !== undefined) entries.push(` ${encodeString(principal.name)} ${shownRights(rights)}`)
  }
  session.write(`* ACL ${encodeMailboxName(name, session.text)}${entries.join('')}\r\n`)
  return ok(undefined, {
    fields: { accountId: account.accountId, mailboxId: mailbox.id, mailboxName: name, total: entries.length },
  })
}

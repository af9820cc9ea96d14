import { failure } from '@postern/contract'
import { type Arguments, readMailboxAndIdentifier, readSetAcl, type SetAclRequest } from '@postern/mail/imap'
import type { LoggedIn } from '../command.ts'
import { ok, type Reply } from '../reply.ts'
import { rightsOfLetters } from '../rights.ts'

/** RFC 4314 §3.1. */
export async function setAcl(session: LoggedIn, args: Arguments): Promise<Reply> {
  return changeRights(session, readSetAcl(args, session.text))
}

/** RFC 4314 §3.2. */
export async function deleteAcl(session: LoggedIn, args: Arguments): Promise<Reply> {
  const request = readMailboxAndIdentifier(args, session.text)
  return changeRights(session, { ...request, change: 'replace', rights: '' })
}

async function changeRights(session: LoggedIn, { mailbox: wanted, identifier, change, rights: letters }: SetAclRequest): Promise<Reply> {
  const { folders, directory } = session.login
  const { account, mailbox, name } = await folders.require(wanted)
  // Asked for in any case, since who may not administer must not learn who exists.
  const grants = await account.grants(mailbox.id)
  const principal = await directory.byName(identifier)
  if (principal === undefined || (principal.type !== 'individual' && principal.type !== 'group'))
    throw failure('notFound', { item: identifier })
  const before = grants.find(({ principalId }) => principalId === principal.id)?.rights ?? 0
  const given = rightsOfLetters(letters)
  const after = { replace: given, add: before | given, remove: before & ~given }[change]
  await account.grant(mailbox.id, principal.id, after)
  return ok(undefined, {
    fields: { accountId: account.accountId, mailboxId: mailbox.id, mailboxName: name, details: [principal.name, letters] },
  })
}

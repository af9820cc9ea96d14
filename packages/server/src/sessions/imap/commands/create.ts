import { failure } from '@postern/contract'
import { type Arguments, GrammarError, readCreate } from '@postern/mail/imap'
import type { Role } from '#services/mailbox'
import type { LoggedIn } from '../command.ts'
import { separator } from '../folders.ts'
import { mailboxIdOf } from '../object-ids.ts'
import { ok, type Reply } from '../reply.ts'
import { roleOfAttribute } from '../special-use.ts'

/** RFC 9051 §6.3.4, special use: RFC 6154 §3. */
export async function create(session: LoggedIn, args: Arguments): Promise<Reply> {
  const { mailbox: wanted, use } = readCreate(args, session.text)
  const role = roleOf(use)
  // A separator at the end only says that there will be something below.
  const name = wanted.trim().replace(/^\/|\/+$/g, '')
  const { account, path, isOwn } = await session.login.folders.locate(name)
  if (path.some(part => part.trim() === '')) throw failure('mailboxNameInvalid', { name })
  const mailbox = await account.create(path, role === undefined ? {} : { role })
  const mailboxName = path.join(separator)
  return ok(`MAILBOXID (${mailboxIdOf({ account, mailbox, isOwn })})`, {
    text: 'Mailbox created.',
    fields: { accountId: account.accountId, mailboxId: mailbox.id, mailboxName },
  })
}

function roleOf(attributes: readonly string[]): Role | undefined {
  const [attribute, ...others] = attributes
  if (attribute === undefined) return undefined
  if (others.length > 0) throw failure('specialUseTaken')
  const role = roleOfAttribute(attribute)
  if (role === undefined) throw new GrammarError(`The special use ${attribute.slice(0, 30)} cannot be given to a mailbox`)
  return role
}

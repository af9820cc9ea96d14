import { failure } from '@postern/contract'
import { type CommandText, readText } from '@postern/mail/pop3'
import type { Session } from '../command.ts'
import { ok, type Reply } from '../reply.ts'

/** RFC 1939 §7. Every name is fine here: who exists is nobody's business before the password. */
export async function user(session: Session, command: CommandText): Promise<Reply> {
  const name = readText(command).toString('utf8').trim()
  if (!session.mayUsePassword) throw failure('encryptionRequired')
  session.user = name
  return ok('Send the password')
}

import { failure } from '@postern/contract'
import { type CommandText, readText } from '@postern/mail/pop3'
import type { Session } from '../command.ts'
import { logIn } from '../log-in.ts'
import { err, type Reply } from '../reply.ts'

/** RFC 1939 §7: the password is the rest of the line, with any blanks in it. */
export async function pass(session: Session, command: CommandText): Promise<Reply> {
  const secret = readText(command).toString('utf8')
  if (!session.mayUsePassword) throw failure('encryptionRequired')
  const login = session.user
  if (login === null) return err('USER comes first.')
  session.user = null
  return logIn(session, { kind: 'password', login, secret })
}

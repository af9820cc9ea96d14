import { failure } from '@postern/contract'
import { type Arguments, readLogin } from '@postern/mail/imap'
import type { Session } from '../command.ts'
import type { Reply } from '../reply.ts'
import { logInWith } from './authenticate.ts'

/** RFC 9051 §6.2.3. */
export async function login(session: Session, args: Arguments): Promise<Reply> {
  const { user, password } = readLogin(args)
  if (!session.mayUsePassword) throw failure('encryptionRequired')
  return logInWith(session, { kind: 'password', login: user.toString(), secret: password.toString() })
}

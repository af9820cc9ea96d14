// STARTTLS — RFC 3207
import { failure } from '@postern/contract'
import { SmtpSyntaxError } from '@postern/mail/smtp'
import type { Answer, Session } from '../command.ts'
import { reply, replyToFailure } from '../reply.ts'

export async function starttls(session: Session, args: string): Promise<Answer> {
  if (args !== '') throw new SmtpSyntaxError(501, '5.5.4', 'Syntax error, expected: STARTTLS')
  if (session.connection.tls !== undefined) {
    session.trace.emit('smtp.start-tls-already')
    return replyToFailure(failure('alreadyEncrypted'))
  }
  if (!session.offersTls) {
    session.trace.emit('smtp.start-tls-unavailable')
    return replyToFailure(failure('tlsUnavailable'))
  }
  session.trace.emit('smtp.start-tls')
  session.startTlsAfterReply()
  return reply(220, '2.0.0', 'Ready to start TLS.')
}

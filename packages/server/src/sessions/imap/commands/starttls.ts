import type { Arguments } from '@postern/mail/imap'
import type { Session } from '../command.ts'
import { bad, no, ok, type Reply } from '../reply.ts'

/** RFC 9051 §6.2.1. */
export async function starttls(session: Session, args: Arguments): Promise<Reply> {
  args.end()
  if (session.isTls) return bad('Already in TLS mode.')
  if (session.login !== null) return bad('STARTTLS comes before the login.')
  if (!session.offersTls) return no('TLS is not available.')
  session.startTlsAfterReply()
  return ok(undefined, { text: 'Begin TLS negotiation now' })
}

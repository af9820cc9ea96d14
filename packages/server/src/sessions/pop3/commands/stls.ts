import type { Session } from '../command.ts'
import { err, ok, type Reply } from '../reply.ts'

/** RFC 2595 §4. */
export async function stls(session: Session): Promise<Reply> {
  if (session.isTls) return err('Already in TLS mode.')
  if (!session.offersTls) return err('TLS is not available.')
  session.startTlsAfterReply()
  return ok('Begin TLS negotiation now')
}

import { capabilities } from '../capabilities.ts'
import type { Session } from '../command.ts'
import { listing, ok, type Reply } from '../reply.ts'

/** RFC 2449 §5. */
export async function capa(session: Session): Promise<Reply> {
  return ok('Capability list follows', {
    body: listing(capabilities(session), line => line),
    fields: { tls: session.isTls, strict: !session.mayUsePassword },
  })
}

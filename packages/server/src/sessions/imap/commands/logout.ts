import type { Session } from '../command.ts'
import { ok, type Reply } from '../reply.ts'

/** RFC 9051 §6.1.3. */
export async function logout(session: Session): Promise<Reply> {
  session.leave('Postern IMAP4rev2 bids you farewell.')
  return ok()
}

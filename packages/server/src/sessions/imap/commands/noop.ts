import { ok, type Reply } from '../reply.ts'

/** RFC 9051 §6.1.2; CHECK (RFC 3501 §6.4.1) is the same here. The news they are sent for come from the table. */
export async function noop(): Promise<Reply> {
  return ok()
}

import type { LoggedIn } from '../command.ts'
import { ok, type Reply } from '../reply.ts'

/** RFC 1939 §5. */
export async function rset({ login: { maildrop } }: LoggedIn): Promise<Reply> {
  const total = maildrop.unmark()
  return ok(`${total} messages undeleted`, { fields: { total } })
}

import type { LoggedIn } from '../command.ts'
import { ok, type Reply } from '../reply.ts'

/** RFC 1939 §5: how many messages, and how many octets in all; what is marked does not count. */
export async function stat(session: LoggedIn): Promise<Reply> {
  const { maildrop } = session.login
  const sizes = await maildrop.sizes(() => session.relieve())
  const numbers = maildrop.numbers()
  const octets = numbers.reduce((sum, number) => sum + sizes(number), 0)
  return ok(`${numbers.length} ${octets}`, { fields: { total: numbers.length, size: octets } })
}

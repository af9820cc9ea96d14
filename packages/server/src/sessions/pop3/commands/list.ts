import { type CommandText, readNumbers } from '@postern/mail/pop3'
import type { LoggedIn } from '../command.ts'
import { listing, ok, type Reply } from '../reply.ts'

/** RFC 1939 §5. */
export async function list(session: LoggedIn, command: CommandText): Promise<Reply> {
  const { maildrop } = session.login
  const [wanted] = readNumbers(command, { min: 0, max: 1 })
  if (wanted !== undefined) {
    const number = maildrop.require(wanted)
    const size = await maildrop.sizeOf(number)
    const fields = { documentId: maildrop.idOf(number), uid: maildrop.uidOf(number), size }
    return ok(`${number} ${size}`, { event: 'pop3.list-message', fields })
  }
  const sizes = await maildrop.sizes(() => session.relieve())
  const numbers = maildrop.numbers()
  return ok(`${numbers.length} messages`, {
    body: listing(numbers, number => `${number} ${sizes(number)}`),
    fields: { total: numbers.length },
  })
}

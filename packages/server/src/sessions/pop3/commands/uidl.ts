import { type CommandText, readNumbers } from '@postern/mail/pop3'
import type { LoggedIn } from '../command.ts'
import { listing, ok, type Reply } from '../reply.ts'

/** RFC 1939 §7. */
export async function uidl({ login: { maildrop } }: LoggedIn, command: CommandText): Promise<Reply> {
  const [wanted] = readNumbers(command, { min: 0, max: 1 })
  if (wanted !== undefined) {
    const number = maildrop.require(wanted)
    const fields = { documentId: maildrop.idOf(number), uid: maildrop.uidOf(number) }
    return ok(`${number} ${maildrop.uniqueId(number)}`, { event: 'pop3.uidl-message', fields })
  }
  const numbers = maildrop.numbers()
  return ok(`${numbers.length} messages`, {
    body: listing(numbers, number => `${number} ${maildrop.uniqueId(number)}`),
    fields: { total: numbers.length },
  })
}

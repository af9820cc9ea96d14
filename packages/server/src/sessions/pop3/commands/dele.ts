import { type CommandText, readNumbers } from '@postern/mail/pop3'
import type { LoggedIn } from '../command.ts'
import { err, ok, type Reply } from '../reply.ts'

/** RFC 1939 §5: marks a message; QUIT removes it. */
export async function dele({ login: { maildrop } }: LoggedIn, command: CommandText): Promise<Reply> {
  const [wanted = 0] = readNumbers(command, { min: 1, max: 1 })
  if (maildrop.marked.has(wanted)) return err(`message ${wanted} already deleted`)
  const number = maildrop.require(wanted)
  maildrop.mark(number)
  const fields = { accountId: maildrop.accountId, documentId: maildrop.idOf(number), total: maildrop.marked.size }
  return ok(`message ${number} deleted`, { fields })
}

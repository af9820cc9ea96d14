import { type CommandText, MessageEncoder, readNumbers } from '@postern/mail/pop3'
import type { LoggedIn } from '../command.ts'
import { ok, type Reply } from '../reply.ts'
import { encodedMessage } from './retr.ts'

/** RFC 1939 §7: the header, the empty line, and so many lines of the body. */
export async function top({ login: { maildrop } }: LoggedIn, command: CommandText): Promise<Reply> {
  const [wanted = 0, bodyLines = 0] = readNumbers(command, { min: 2, max: 2 })
  const number = maildrop.require(wanted)
  const body = await encodedMessage(maildrop, number, new MessageEncoder({ bodyLines }))
  return ok('Top of message follows', { body, fields: { documentId: maildrop.idOf(number), uid: maildrop.uidOf(number) } })
}

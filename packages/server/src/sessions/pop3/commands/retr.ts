import { type CommandText, MessageEncoder, readNumbers } from '@postern/mail/pop3'
import type { LoggedIn } from '../command.ts'
import type { Maildrop } from '../maildrop.ts'
import { ok, type Reply } from '../reply.ts'
import { pieces } from '../sent-sizes.ts'

/** RFC 1939 §5. */
export async function retr({ login: { maildrop } }: LoggedIn, command: CommandText): Promise<Reply> {
  const [wanted = 0] = readNumbers(command, { min: 1, max: 1 })
  const number = maildrop.require(wanted)
  const body = await encodedMessage(maildrop, number, new MessageEncoder())
  const size = await maildrop.sizeOf(number)
  return ok(`${size} octets`, { body, fields: { documentId: maildrop.idOf(number), uid: maildrop.uidOf(number), size } })
}

/** A message in pieces; the first of them is there before anything is promised. `messageNotFound`, `blobNotFound`. */
export async function encodedMessage(
  maildrop: Maildrop,
  number: number,
  encoder: MessageEncoder,
): Promise<AsyncGenerator<Buffer, void, void>> {
  const source = pieces(maildrop.account, await maildrop.message(number))
  const first = await source.next()

  async function* encoded(): AsyncGenerator<Buffer, void, void> {
    for (let piece = first; piece.done !== true && !encoder.isDone; piece = await source.next()) yield encoder.encode(piece.value)
    yield encoder.end()
  }
  return encoded()
}

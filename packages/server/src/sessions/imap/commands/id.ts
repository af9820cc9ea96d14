import { type Arguments, encodeString, readId } from '@postern/mail/imap'
import type { Session } from '../command.ts'
import { ok, type Reply } from '../reply.ts'

const own = ['name', 'Postern', 'vendor', 'Postern'].map(text => encodeString(text)).join(' ')

/** RFC 2971. Some clients send no arguments at all. */
export async function id(session: Session, args: Arguments): Promise<Reply> {
  const fields = args.isAtEnd ? null : readId(args)
  session.write(`* ID (${own})\r\n`)
  const client = [...(fields ?? [])].map(([name, value]) => `${name}=${value ?? ''}`)
  return ok(undefined, client.length > 0 ? { fields: { details: client } } : {})
}

import { type Arguments, encodeString, GrammarError, readId } from '@postern/mail/imap'
import type { Session } from '../command.ts'
import { ok, type Reply } from '../reply.ts'

const own = ['name', 'Postern', 'vendor', 'Postern'].map(text => encodeString(text)).join(' ')

/** RFC 2971. What the client says of itself is for the log only, so it may say it as badly as some do. */
export async function id(session: Session, args: Arguments): Promise<Reply> {
  const fields = clientFields(args)
  session.write(`* ID (${own})\r\n`)
  const client = [...(fields ?? [])].map(([name, value]) => `${name}=${value ?? ''}`)
  return ok(undefined, client.length > 0 ? { fields: { details: client } } : {})
}

function clientFields(args: Arguments): ReadonlyMap<string, string | null> | null {
  try {
    return args.isAtEnd ? null : readId(args)
  } catch (error) {
    if (error instanceof GrammarError) return null
    throw error
  }
}

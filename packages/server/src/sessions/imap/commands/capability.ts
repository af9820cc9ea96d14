import type { Arguments } from '@postern/mail/imap'
import { capabilities } from '../capabilities.ts'
import type { Session } from '../command.ts'
import { ok, type Reply } from '../reply.ts'

/** RFC 9051 §6.1.1. */
export async function capability(session: Session, args: Arguments): Promise<Reply> {
  args.end()
  session.write(`* CAPABILITY ${capabilities(session)}\r\n`)
  return ok(undefined, { fields: { tls: session.isTls, strict: false } })
}

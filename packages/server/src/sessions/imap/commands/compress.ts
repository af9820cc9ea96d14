import type { Arguments } from '@postern/mail/imap'
import type { LoggedIn } from '../command.ts'
import { bad, no, ok, type Reply } from '../reply.ts'

/** RFC 4978 §3. */
export async function compress(session: LoggedIn, args: Arguments): Promise<Reply> {
  args.space()
  const mechanism = args.keyword()
  args.end()
  if (mechanism !== 'DEFLATE') return bad('DEFLATE is the only way to compress here.')
  if (session.isCompressed) return no('Compression is active already.', 'COMPRESSIONACTIVE')
  session.compressAfterReply()
  return ok(undefined, { text: 'DEFLATE active' })
}

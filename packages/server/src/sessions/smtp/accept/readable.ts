// A message must have a header by which it can be told from other text (RFC 5322 §3.6).
import { failure } from '@postern/contract'
import { readFields } from '@postern/mail/mime'
import type { Message, Stage, Verdict } from './stage.ts'

/** Fields of RFC 5322 §3.6 and those that come with every message. */
const known: ReadonlySet<string> = new Set(
  'from sender reply-to to cc bcc subject date message-id in-reply-to references comments keywords received return-path delivered-to mime-version content-type content-transfer-encoding content-disposition resent-from resent-to resent-date resent-message-id dkim-signature authentication-results arc-seal list-id list-unsubscribe'.split(
    ' ',
  ),
)

export const readable: Stage = async (message, { session }, verdict) => {
  if (hasHeader(message)) return verdict
  session.trace.emit('smtp.message-parse-failed')
  return { ...verdict, refusal: failure('messageUnparseable') } satisfies Verdict
}

function hasHeader({ head }: Message): boolean {
  // An empty line first is an empty header; our fields in front of it would not change that.
  if (head[0] === 0x0d || head[0] === 0x0a) return false
  return readFields(head).some(({ name }) => known.has(name))
}

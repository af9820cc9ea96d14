// Messages put together from what is sent and what is stored (RFC 4469).
import { failure, isFailure } from '@postern/contract'
import { type AppendMessage, cutPartial, extractSection, type MessageUrl, parseMessageUrl } from '@postern/mail/imap'
import { unpackStructure } from '@postern/mail/mime'
import type { LoggedIn } from './command.ts'
import { no, type Reply } from './reply.ts'
import type { Batch } from './uploads.ts'

type Spool = Batch['literals'][number]

/** A URL that leads nowhere. */
export class BadUrl {
  private readonly url: string

  constructor(url: string) {
    this.url = url
  }

  get reply(): Reply {
    return no('This URL leads nowhere.', `BADURL "${this.url.replace(/["\\\r\n]/g, '').slice(0, 500)}"`)
  }
}

/** The message; takes its literals from the iterator. `tooLarge`. */
export async function catenate(
  session: LoggedIn,
  { parts }: Pick<AppendMessage, 'parts'>,
  literals: Iterator<Spool>,
  batch: Batch,
): Promise<Spool | BadUrl> {
  const limit = session.limits.maxMessageBytes()
  const pieces: Buffer[] = []
  let size = 0
  for (const part of parts) {
    const piece = 'url' in part ? await octetsOf(session, part.url) : await sentOctets(literals)
    if (piece instanceof BadUrl) return piece
    size += piece.length
    if (size > limit) throw failure('tooLarge', { limit, size })
    pieces.push(piece)
  }
  return batch.join(pieces)
}

async function sentOctets(literals: Iterator<Spool>): Promise<Buffer> {
  const { value: spool } = literals.next()
  if (spool === undefined) throw new Error('a literal of APPEND was lost')
  await spool.finish()
  return spool.bytes()
}

async function octetsOf(session: LoggedIn, text: string): Promise<Buffer | BadUrl> {
  const url = parseMessageUrl(text)
  const octets = url === null ? null : await stored(session, url)
  return octets ?? new BadUrl(text)
}

async function stored(session: LoggedIn, { mailbox: name, uidValidity, uid, section, partial }: MessageUrl): Promise<Buffer | null> {
  try {
    const { account, mailbox } = await session.login.folders.require(name)
    if (uidValidity !== null && uidValidity !== mailbox.uidValidity) return null
    const columns = await account.columns(mailbox.id)
    const at = columns.uids.indexOf(uid)
    const [message] = at < 0 ? [] : await account.messages([columns.ids[at] ?? 0])
    if (message === undefined) return null
    const { buffer, byteOffset, length } = message.structure
    const octets = extractSection(await account.content(message), unpackStructure(Buffer.from(buffer, byteOffset, length)), section)
    return octets && cutPartial(octets, partial)
  } catch (error) {
    if (isFailure(error, 'mailboxNotFound') || isFailure(error, 'forbidden') || isFailure(error, 'blobNotFound')) return null
    throw error
  }
}

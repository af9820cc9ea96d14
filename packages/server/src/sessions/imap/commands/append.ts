import { failure } from '@postern/contract'
import { type AppendMessage, type AppendRequest, type Arguments, compactSet, type LiteralOffer, readAppend } from '@postern/mail/imap'
import { type Mailbox, type NewMessage, rightBits } from '#services/mailbox'
import { BadUrl, catenate } from '../catenate.ts'
import type { LiteralChoice, LoggedIn } from '../command.ts'
import { type StoredFlags, storedFlags } from '../flags.ts'
import type { Place } from '../folders.ts'
import { bad, ok, type Reply } from '../reply.ts'

/** RFC 9051 §6.3.12; put together from pieces: RFC 4469; several messages at once, all or none: RFC 3502; UTF-8 headers: RFC 6855 §4. */
export async function append(session: LoggedIn, args: Arguments): Promise<Reply> {
  const stored = await storeMessages(session, readAppend(args, session.text))
  if ('status' in stored) return stored
  const { appendUid, fields } = stored
  return ok(appendUid, { fields })
}

/** What came with a command, as messages of the mailbox it names; a reply when that cannot be. */
export async function storeMessages(
  session: LoggedIn,
  request: AppendRequest,
): Promise<Reply | { readonly appendUid: string; readonly fields: NonNullable<Reply['fields']> }> {
  await using batch = await session.uploads.take()
  const sent = request.messages.flatMap(({ parts }) => parts.filter(part => 'literal' in part))
  if (batch.literals.length !== sent.length) return bad('The message must be sent as a literal.')
  const place = await target(session, request.mailbox)
  const messages: NewMessage[] = []
  const literals = batch.literals.values()
  for (const message of request.messages) {
    const spool = message.isCatenated ? await catenate(session, message, literals, batch) : literals.next().value
    if (spool instanceof BadUrl) return spool.reply
    const content = await spool?.finish()
    if (content === undefined) throw new Error('a message of APPEND was lost')
    const isBinary = message.parts.some(part => 'literal' in part && part.literal.isBinary)
    messages.push({
      content,
      isBinary,
      mailboxIds: [place.mailbox.id],
      ...allowedFlags(place.mailbox, message),
      ...receivedAt(message),
    })
  }
  const { account, mailbox, name } = place
  const appended = await account.appendAll(messages)
  for (const { id, change, size } of appended)
    session.trace.emit('message-ingest.imap-append', {
      accountId: account.accountId,
      mailboxId: mailbox.id,
      documentId: id,
      changeId: change,
      size,
    })
  const placements = appended.flatMap(({ placements }) => placements)
  return {
    appendUid: `APPENDUID ${placements[0]?.uidValidity ?? mailbox.uidValidity} ${compactSet(placements.map(({ uid }) => uid))}`,
    fields: { accountId: account.accountId, mailboxId: mailbox.id, mailboxName: name, documentId: appended.map(({ id }) => id) },
  }
}

/** Everything that can be wrong is told before the octets come (RFC 7889 §4); what is fine goes to the spool. */
export async function receiveMessage(session: LoggedIn, offer: LiteralOffer): Promise<LiteralChoice> {
  return isMailboxName(offer) ? 'hold' : receiveFor(session, offer, readAppend(offer.argsSoFar(), session.text))
}

/** The same for any command that stores what it has read so far. */
export async function receiveFor(session: LoggedIn, offer: LiteralOffer, request: AppendRequest): Promise<LiteralChoice> {
  const { mailbox: wanted, messages } = request
  const message = messages.at(-1)
  const part = message?.parts.at(-1)
  if (message === undefined || part === undefined) return bad('Invalid arguments.')
  if ('url' in part) return 'hold'
  if (offer.size === 0 && !message.isCatenated) return bad('Invalid arguments.')
  storedFlags(message.flags)
  if (message.isUtf8 && !session.text.utf8) return bad('UTF8 has to be enabled first.')
  const size = session.uploads.announcedBytes + offer.size
  const limit = session.limits.maxMessageBytes()
  if (offer.size > limit || size > session.limits.maxRequestBytes()) throw failure('tooLarge', { limit, size })
  const { account, mailbox } = await target(session, wanted)
  if ((mailbox.rights & rightBits.addItems) === 0) throw failure('forbidden')
  await account.assertRoom(size)
  return session.uploads.begin(offer.size)
}

/** The first argument is a literal too. */
function isMailboxName(offer: LiteralOffer): boolean {
  const args = offer.argsSoFar()
  args.skipSpaces()
  return args.tryLiteral()?.bytes === null
}

async function target(session: LoggedIn, name: string): Promise<Place> {
  const place = await session.login.folders.find(name)
  if (place === undefined) throw failure('tryCreate')
  return place
}

/** RFC 4314 §4: without the right to set flags a message comes in without them. */
function allowedFlags({ rights }: Mailbox, { flags }: AppendMessage): StoredFlags {
  return (rights & rightBits.modifyItems) === 0 ? { flags: 0, keywords: [] } : storedFlags(flags)
}

function receivedAt({ internalDate }: AppendMessage): Pick<NewMessage, 'received'> {
  return internalDate === null ? {} : { received: Math.floor(internalDate / 1000) }
}

import { failure } from '@postern/contract'
import { type Arguments, type LiteralOffer, readSetMetadata } from '@postern/mail/imap'
import { annotationBytes } from '#services/mailbox'
import type { LiteralChoice, LoggedIn } from '../command.ts'
import { ofEntryName } from '../metadata.ts'
import { ok, type Reply } from '../reply.ts'

/** RFC 5464 §4.3: all of the entries or none. */
export async function setMetadata(session: LoggedIn, args: Arguments): Promise<Reply> {
  const { mailbox: wanted, entries } = readSetMetadata(args, session.text)
  const { folders, caller } = session.login
  const place = wanted === '' ? null : await folders.require(wanted)
  const changes = entries.map(({ name, value }) => ({ ...ofEntryName(name), value }))
  await (place?.account ?? folders.own).annotate(place?.mailbox.id ?? null, caller.accountId, changes)
  return ok()
}

/** A value that is too large is refused before it is sent. */
export async function receiveValue(_session: LoggedIn, { size }: LiteralOffer): Promise<LiteralChoice> {
  if (size > annotationBytes) throw failure('annotationTooLarge', { limit: annotationBytes })
  return 'hold'
}

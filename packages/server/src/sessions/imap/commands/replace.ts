import { failure } from '@postern/contract'
import { type Arguments, type LiteralOffer, type ReplaceRequest, readReplace } from '@postern/mail/imap'
import type { Call, LiteralChoice, LoggedIn, Selected } from '../command.ts'
import { bad, ok, type Reply } from '../reply.ts'
import type { MailboxView } from '../selected.ts'
import { receiveFor, storeMessages } from './append.ts'

/** RFC 8508 §3. The new message is stored before the old one goes: what is cut short between leaves both, never neither. */
export async function replace(session: Selected, args: Arguments, { isUid }: Call): Promise<Reply> {
  const { view } = session
  const request = readReplace(args, session.text)
  const uid = uidOf(view, request.number, isUid)
  if (uid === undefined) return bad('There is no such message.')
  if (!view.mayUse('removeItems')) throw failure('forbidden')
  const stored = await storeMessages(session, request)
  if ('status' in stored) return stored
  await view.account.remove(view.mailbox.id, [uid])
  session.write(`* OK [${stored.appendUid}] Replacement Message ready\r\n`)
  return ok(undefined, { fields: stored.fields })
}

export async function receiveReplacement(session: LoggedIn, offer: LiteralOffer): Promise<LiteralChoice> {
  // The name of the mailbox may come as a literal; then nothing is behind it yet.
  const args = offer.argsSoFar()
  args.skipSpaces()
  args.token()
  args.skipSpaces()
  if (args.tryLiteral()?.bytes === null) return 'hold'
  return receiveFor(session, offer, readReplace(offer.argsSoFar(), session.text))
}

function uidOf(view: MailboxView, number: ReplaceRequest['number'], isUid: boolean): number | undefined {
  if (number === '*') return view.rows.uids[view.count - 1]
  if (isUid) return view.indexOf(number) < 0 ? undefined : number
  return view.rows.uids[number - 1]
}

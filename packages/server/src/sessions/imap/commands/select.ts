import { type Arguments, encodeMailboxName, readSelect } from '@postern/mail/imap'
import { flagBits } from '#services/mailbox'
import type { Call, LoggedIn, Selected } from '../command.ts'
import { isSelected } from '../command.ts'
import type { Place } from '../folders.ts'
import { uidRequired } from '../numbers.ts'
import { mailboxIdOf } from '../object-ids.ts'
import { bad, ok, type Reply } from '../reply.ts'
import { MailboxView } from '../selected.ts'
import { writeVanished } from '../vanished.ts'

/** RFC 9051 §6.3.2 and §6.3.3; CONDSTORE and QRESYNC: RFC 7162 §3.1.8, §3.2.5. A mailbox that cannot be selected leaves none selected. */
export async function select(session: LoggedIn, args: Arguments, { name: command }: Call): Promise<Reply> {
  const request = readSelect(args, session.text)
  const isExamine = command === 'EXAMINE'
  if (request.qresync !== null && !session.enabled.has('QRESYNC')) return bad('QRESYNC has to be enabled first.')
  if (session.enabled.has('UIDONLY') && (request.qresync?.match ?? null) !== null) return uidRequired
  if (session.view !== null) {
    session.unselect()
    session.write('* OK [CLOSED] Closed previous mailbox\r\n')
  }
  if (request.condstore) session.enable('CONDSTORE')
  const place = await session.login.folders.require(request.mailbox)
  const columns = await place.account.columns(place.mailbox.id)
  const view = new MailboxView(place, columns, isExamine, session.enabled.has('IMAP4rev2') ? null : session.recency)
  session.select(view)
  session.write(describe(session, place, view, columns))
  if (request.qresync !== null && isSelected(session) && request.qresync.uidValidity === columns.uidValidity)
    await resynchronize(session, request.qresync.modSeq, request.qresync.knownUids)
  const { accountId } = place.account
  const { uidNext, uidValidity, count: total } = columns
  return ok(isExamine || !mayWrite(view) ? 'READ-ONLY' : 'READ-WRITE', {
    fields: { accountId, mailboxId: place.mailbox.id, mailboxName: place.name, total, uidNext, uidValidity },
  })
}

/** RFC 4314 §5.2: a mailbox is writable when anything in it may be changed. */
function mayWrite(view: MailboxView): boolean {
  return view.mayUse('addItems') || view.mayUse('modifyItems') || view.mayUse('removeItems')
}

function describe(
  session: LoggedIn,
  place: Place,
  view: MailboxView,
  columns: { readonly uidNext: number; readonly uidValidity: number; readonly highestChange: number },
): string {
  const isRev2 = session.enabled.has('IMAP4rev2')
  const lines = [`* ${view.count} EXISTS\r\n`, view.flagsLine()]
  if (isRev2) lines.push(`* LIST () "/" ${encodeMailboxName(place.name, session.text)}\r\n`)
  else {
    lines.push(`* ${view.recentCount} RECENT\r\n`)
    const firstUnseen = view.rows.flags.findIndex(flags => (flags & flagBits.seen) === 0)
    if (firstUnseen >= 0 && !session.enabled.has('UIDONLY')) lines.push(`* OK [UNSEEN ${firstUnseen + 1}] First unseen message\r\n`)
  }
  lines.push(
    permanentFlags(view),
    `* OK [UIDVALIDITY ${columns.uidValidity}] UIDs valid\r\n`,
    `* OK [UIDNEXT ${columns.uidNext}] Next predicted UID\r\n`,
    `* OK [HIGHESTMODSEQ ${columns.highestChange}] Highest Modseq\r\n`,
    `* OK [MAILBOXID (${mailboxIdOf(place)})] Unique Mailbox ID\r\n`,
  )
  return lines.join('')
}

function permanentFlags(view: MailboxView): string {
  if (view.isReadOnly || !(view.mayUse('modifyItems') || view.mayUse('removeItems')))
    return '* OK [PERMANENTFLAGS ()] No permanent flags permitted\r\n'
  return '* OK [PERMANENTFLAGS (\\Deleted \\Seen \\Answered \\Flagged \\Draft \\*)] All allowed\r\n'
}

/** What changed since the client was here last: behind the state of the mailbox, in front of the reply. */
async function resynchronize(session: Selected, since: number, knownUids: Parameters<typeof writeVanished>[2]): Promise<void> {
  const { view } = session
  await writeVanished(session, since, knownUids)
  const { rows } = view
  const known = knownUids === null ? null : new Set(view.resolve(knownUids, true))
  for (let index = 0; index < rows.count; index++) {
    if ((rows.changes[index] ?? 0) <= since || (known !== null && !known.has(index))) continue
    session.write(view.flagsResponse(index, { withUid: true, withModSeq: true, byUid: session.enabled.has('UIDONLY') }))
    await session.relieve()
  }
}

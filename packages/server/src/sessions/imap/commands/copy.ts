import { failure } from '@postern/contract'
import { type Arguments, compactSet, readCopy } from '@postern/mail/imap'
import type { AccountMailboxes, Transferred } from '#services/mailbox'
import type { Call, Selected } from '../command.ts'
import { copyAcross } from '../copy-across.ts'
import type { Place } from '../folders.ts'
import { createProgress } from '../progress.ts'
import { ok, type Reply, someExpunged } from '../reply.ts'

/** RFC 9051 §6.4.7; the UIDs of both sides correspond one by one (RFC 4315 §3). */
export async function copy(session: Selected, args: Arguments, call: Call): Promise<Reply> {
  const done = await transfer(session, args, call, { moves: false, within: session.view.account.copy, across: copyAcross })
  if (done === null) return ok()
  const { outcome, fields, isShort } = done
  return isShort && !call.isUid ? { ...someExpunged, fields } : ok(copyUid(outcome), { fields })
}

export interface Transferring {
  readonly moves: boolean
  /** To another mailbox of the same account, or with `moves` to the same. */
  readonly within: AccountMailboxes['copy']
  /** As new messages. */
  readonly across: typeof copyAcross
}

interface Done {
  readonly outcome: Transferred
  readonly fields: NonNullable<Reply['fields']>
  /** Some of the messages were gone. */
  readonly isShort: boolean
}

/** Null when no message was named. */
export async function transfer(
  session: Selected,
  args: Arguments,
  { tag, isUid }: Call,
  { moves, within, across }: Transferring,
): Promise<Done | null> {
  const { account, mailbox } = session.view
  const { uids, target } = await readTransfer(session, args, isUid)
  if (uids.length === 0) return null
  const isNear = target.account.accountId === account.accountId && (moves || target.mailbox.id !== mailbox.id)
  const [copying] = createProgress(session, tag, 1)
  // A message lives in a mailbox once: its copy beside it has to be another message.
  const outcome = isNear ? await within(mailbox.id, uids, target.mailbox.id) : await across(session.view, uids, target, copying)
  return { outcome, fields: transferFields(session, target, outcome), isShort: outcome.pairs.length < uids.length }
}

interface Transfer {
  readonly uids: readonly number[]
  readonly target: Place
}

async function readTransfer(session: Selected, args: Arguments, isUid: boolean): Promise<Transfer> {
  const { view } = session
  const { set, mailbox: name } = readCopy(args, session.text)
  const target = await session.login.folders.find(name)
  if (target === undefined) throw failure('tryCreate')
  const indexes = view.resolve(set, isUid)
  return { uids: view.uidsAt(indexes), target }
}

/** Undefined when nothing was copied: RFC 4315 §3 has no form for that. */
export function copyUid({ uidValidity, pairs }: Transferred): string | undefined {
  if (pairs.length === 0) return undefined
  return `COPYUID ${uidValidity} ${compactSet(pairs.map(({ from }) => from))} ${compactSet(pairs.map(({ to }) => to))}`
}

function transferFields({ view }: Selected, target: Place, { pairs }: Transferred): NonNullable<Reply['fields']> {
  return {
    accountId: view.account.accountId,
    source: view.mailbox.id,
    mailboxId: target.mailbox.id,
    uid: pairs.map(({ to }) => to),
    details: target.name,
  }
}

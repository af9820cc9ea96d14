import { failure } from '@postern/contract'
import { type Arguments, compactSet, readCopy } from '@postern/mail/imap'
import type { Transferred } from '#services/mailbox'
import type { Call, Selected } from '../command.ts'
import { copyAcross } from '../copy-across.ts'
import type { Place } from '../folders.ts'
import { ok, type Reply, someExpunged } from '../reply.ts'

/** RFC 9051 §6.4.7; the UIDs of both sides correspond one by one (RFC 4315 §3). */
export async function copy(session: Selected, args: Arguments, { isUid }: Call): Promise<Reply> {
  const { view } = session
  const { account, mailbox } = view
  const request = await readTransfer(session, args, isUid)
  if (request.uids.length === 0) return ok()
  const outcome =
    request.target.account.accountId === account.accountId
      ? await account.copy(mailbox.id, request.uids, request.target.mailbox.id)
      : await copyAcross(view, request.uids, request.target)
  const fields = transferFields(session, request.target, outcome)
  if (outcome.pairs.length < request.uids.length && !isUid) return { ...someExpunged, fields }
  return ok(copyUid(outcome), { fields })
}

interface Transfer {
  readonly uids: readonly number[]
  readonly target: Place
}

export async function readTransfer(session: Selected, args: Arguments, isUid: boolean): Promise<Transfer> {
  const { view } = session
  const { set, mailbox: name } = readCopy(args, session.text)
  const target = await session.login.folders.find(name)
  if (target === undefined) throw failure('tryCreate')
  // A message lives in a mailbox once, so there is nothing a second copy could be.
  if (target.account.accountId === view.account.accountId && target.mailbox.id === view.mailbox.id) throw failure('cannot')
  const indexes = view.resolve(set, isUid)
  return { uids: view.uidsAt(indexes), target }
}

/** Undefined when nothing was copied: RFC 4315 §3 has no form for that. */
export function copyUid({ uidValidity, pairs }: Transferred): string | undefined {
  if (pairs.length === 0) return undefined
  return `COPYUID ${uidValidity} ${compactSet(pairs.map(({ from }) => from))} ${compactSet(pairs.map(({ to }) => to))}`
}

export function transferFields({ view }: Selected, target: Place, { pairs }: Transferred): NonNullable<Reply['fields']> {
  return {
    accountId: view.account.accountId,
    source: view.mailbox.id,
    mailboxId: target.mailbox.id,
    uid: pairs.map(({ to }) => to),
    details: target.name,
  }
}

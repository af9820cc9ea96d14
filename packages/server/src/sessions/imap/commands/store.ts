import { type Arguments, compactSet, GrammarError, readStore } from '@postern/mail/imap'
import type { Call, Selected } from '../command.ts'
import { storedFlags } from '../flags.ts'
import { fetchStart } from '../numbers.ts'
import { ok, type Reply, someExpunged } from '../reply.ts'

/** RFC 9051 §6.4.6, UNCHANGEDSINCE: RFC 7162 §3.1.3. The FETCH responses are the news behind it. */
export async function store(session: Selected, args: Arguments, { isUid }: Call): Promise<Reply> {
  const { view } = session
  const request = readStore(args)
  // RFC 3501 §2.3.2
  if (request.flags.includes('\\Recent')) throw new GrammarError('\\Recent cannot be changed')
  const change = { mode: request.change, ...storedFlags(request.flags) }
  if (request.unchangedSince !== null) session.useModSeq()
  const uids = view.uidsAt(view.resolve(request.set, isUid))
  const options = request.unchangedSince === null ? {} : { unchangedSince: request.unchangedSince }
  const { account, mailbox } = view
  const outcome = await account.changeKeywords(mailbox.id, uids, change, options)
  if (request.silent) {
    view.expect(outcome.present)
    // RFC 7162 §3.1.3: those who work with mod-sequences need the new one even then.
    if (session.enabled.has('CONDSTORE')) {
      const withUid = isUid && !session.enabled.has('UIDONLY')
      for (const { uid, change: modSeq } of outcome.present) {
        if (modSeq === outcome.change)
          session.write(`${fetchStart(session, view.indexOf(uid))}${withUid ? `UID ${uid} ` : ''}MODSEQ (${modSeq}))\r\n`)
      }
    }
  }
  const fields = { accountId: account.accountId, mailboxId: mailbox.id, documentId: uids, details: request.flags }
  const refused = isUid ? outcome.refused : outcome.refused.map(uid => view.indexOf(uid) + 1)
  const code = refused.length > 0 ? `MODIFIED ${compactSet(refused)}` : undefined
  // RFC 2180 §4.2.1; by UID, what is gone is just not there (RFC 9051 §6.4.9).
  if (outcome.missing.length > 0 && !isUid) return { ...someExpunged, ...(code !== undefined && { code }), fields }
  return ok(code, { fields })
}

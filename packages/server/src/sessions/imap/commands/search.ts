import { type Arguments, encodeEsearch, encodeOldSearch, readSearch } from '@postern/mail/imap'
import type { Call, Selected } from '../command.ts'
import { ok, type Reply } from '../reply.ts'
import { toCriterion, usesModSeq } from '../search-criteria.ts'
import { highestModSeq, isAnswered, reported, wantedResults } from '../search-results.ts'

/** RFC 9051 §6.4.4; results: RFC 4731, saved: RFC 5182, in pieces: RFC 9394, mod-sequences: RFC 7162 §3.1.5. */
export async function search(session: Selected, args: Arguments, { tag, isUid }: Call): Promise<Reply> {
  const { view } = session
  const request = readSearch(args)
  const wanted = wantedResults(session, request)
  const withModSeq = usesModSeq(request.criteria)
  if (withModSeq) session.useModSeq()
  const criterion = toCriterion(request.criteria, view, Math.floor(session.clock.now() / 1000))
  // RFC 5182 §2.1: a search that fails leaves an empty result.
  if (wanted?.save === true) view.saved = []
  const found = (await view.account.search(view.mailbox.id, criterion)).filter(uid => view.indexOf(uid) >= 0)
  if (wanted?.save === true) view.saved = reported(found, wanted)
  const numbers = isUid ? found : found.map(uid => view.indexOf(uid) + 1)
  const modSeq = withModSeq ? highestModSeq(session, reported(found, wanted)) : null
  if (wanted === null) session.write(encodeOldSearch('SEARCH', { numbers, modSeq }))
  else if (isAnswered(wanted)) session.write(encodeEsearch(tag, isUid, wanted, { numbers, modSeq }))
  return ok(undefined, { fields: { accountId: view.account.accountId, mailboxId: view.mailbox.id, total: found.length } })
}

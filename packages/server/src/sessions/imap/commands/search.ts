import {
  type Arguments,
  encodeEsearch,
  encodeOldSearch,
  GrammarError,
  readSearch,
  type SearchRequest,
  type SearchReturn,
  slicePartial,
} from '@postern/mail/imap'
import type { Call, Selected } from '../command.ts'
import { ok, type Reply } from '../reply.ts'
import { toCriterion, usesModSeq } from '../search-criteria.ts'

/** RFC 9051 §6.4.4; results: RFC 4731, saved: RFC 5182, in pieces: RFC 9394, mod-sequences: RFC 7162 §3.1.5. */
export async function search(session: Selected, args: Arguments, { tag, isUid }: Call): Promise<Reply> {
  const { view } = session
  const request = readSearch(args)
  const wanted = wantedResults(session, request)
  const withModSeq = usesModSeq(request.criteria)
  if (withModSeq) session.useModSeq()
  // RFC 5182 §2.1: a search that fails leaves an empty result.
  const criterion = toCriterion(request.criteria, view, Math.floor(session.clock.now() / 1000))
  if (wanted?.save === true) view.saved = []
  const found = (await view.account.search(view.mailbox.id, criterion)).filter(uid => view.indexOf(uid) >= 0)
  if (wanted?.save === true) view.saved = reported(found, wanted)
  const numbers = isUid ? found : found.map(uid => view.indexOf(uid) + 1)
  const modSeq = withModSeq ? highestModSeq(session, reported(found, wanted)) : null
  if (wanted === null) session.write(encodeOldSearch('SEARCH', { numbers, modSeq }))
  else if (isAnswered(wanted)) session.write(encodeEsearch(tag, isUid, wanted, { numbers, modSeq }))
  return ok(undefined, { fields: { accountId: view.account.accountId, mailboxId: view.mailbox.id, total: found.length } })
}

const allResults: SearchReturn = {
  min: false,
  max: false,
  all: true,
  count: false,
  save: false,
  update: false,
  context: false,
  partial: null,
}

/** Null asks for the old response, which IMAP4rev2 has no more (RFC 9051 §6.4.4). */
function wantedResults(session: Selected, { results }: SearchRequest): SearchReturn | null {
  if (results === null) return session.enabled.has('IMAP4rev2') ? allResults : null
  if (results.update) throw new GrammarError('Results are not updated here')
  // CONTEXT alone is a hint (RFC 5267 §3) and asks for nothing.
  return isAnswered(results) || results.save ? results : { ...results, all: true }
}

/** SAVE alone asks for no response (RFC 5182 §2.1). */
function isAnswered({ min, max, all, count, partial }: SearchReturn): boolean {
  return min || max || all || count || partial !== null
}

/** The messages a result is about: with MIN, MAX or both, and nothing else that names or counts messages, only these (RFC 5182 §2.4). */
function reported(found: readonly number[], wanted: SearchReturn | null): readonly number[] {
  if (wanted === null || wanted.all || wanted.count) return found
  if (wanted.partial !== null) return slicePartial(found, wanted.partial.from, wanted.partial.to)
  if (!wanted.min && !wanted.max) return found
  const ends = [...(wanted.min ? found.slice(0, 1) : []), ...(wanted.max ? found.slice(-1) : [])]
  return [...new Set(ends)]
}

/** Of the messages of the result (RFC 7162 §3.1.5, RFC 4731 §3.2). */
function highestModSeq({ view }: Selected, uids: readonly number[]): number | null {
  let highest = 0
  for (const uid of uids) highest = Math.max(highest, view.rows.changes[view.indexOf(uid)] ?? 0)
  return highest === 0 ? null : highest
}

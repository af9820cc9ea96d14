// What a search is to answer, and which messages its result is about.
import { encodeOldSearch, encodeString, GrammarError, type SearchRequest, type SearchReturn, slicePartial } from '@postern/mail/imap'
import type { Progress } from '#services/mailbox'
import type { Call, Selected } from './command.ts'
import { type Context, maxContexts, maxSortedMessages } from './contexts.ts'
import { uidRequired, usesNumbers } from './numbers.ts'
import { createProgress } from './progress.ts'
import { ok, type Reply } from './reply.ts'
import { toCriterion, usesModSeq } from './search-criteria.ts'

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

export interface Found {
  readonly numbers: readonly number[]
  readonly modSeq: number | null
}

/** What tells SEARCH and SORT apart. */
export interface Answering {
  readonly name: 'SEARCH' | 'SORT'
  readonly arrange: (uids: readonly number[], progress?: Progress) => Promise<readonly number[]>
  /** The response of RFC 4731. */
  readonly encode: (wanted: SearchReturn, found: Found) => string
}

/** Searches, saves and answers: RFC 9051 §6.4.4, RFC 5182, RFC 7162 §3.1.5. */
export async function answerSearch(session: Selected, request: SearchRequest, { tag, isUid }: Call, how: Answering): Promise<Reply> {
  const { view } = session
  if (session.enabled.has('UIDONLY') && usesNumbers(request.criteria)) return uidRequired
  const wanted = wantedResults(session, request, tag)
  const withModSeq = usesModSeq(request.criteria)
  if (withModSeq) session.useModSeq()
  const criterion = toCriterion(request.criteria, view, Math.floor(session.clock.now() / 1000))
  // RFC 5182 §2.1: a search that fails leaves an empty result.
  if (wanted?.save === true) view.saved = []
  const [searching, arranging] = createProgress(session, tag, how.name === 'SORT' ? 2 : 1)
  const matches = (await view.account.search(view.mailbox.id, criterion, searching)).filter(uid => view.indexOf(uid) >= 0)
  const uids = await how.arrange(matches, arranging)
  if (wanted?.save === true) view.saved = reported(uids, wanted)
  if (wanted?.update === true) keepCurrent(session, { tag, isUid, criterion, uids, arrange: how.name === 'SORT' ? how.arrange : null })
  const numbers = isUid ? uids : uids.map(uid => view.indexOf(uid) + 1)
  const modSeq = withModSeq ? highestModSeq(session, reported(uids, wanted)) : null
  if (wanted === null) session.write(encodeOldSearch(how.name, { numbers, modSeq }))
  else if (isAnswered(wanted)) session.write(how.encode(wanted, { numbers, modSeq }))
  return ok(undefined, { fields: { accountId: view.account.accountId, mailboxId: view.mailbox.id, total: uids.length } })
}

/** RFC 5267 §4.3.1: what cannot be kept current is told; the result itself is given all the same. */
function keepCurrent(session: Selected, context: Context): void {
  const { view } = session
  const isTooMuch = view.contexts.length >= maxContexts || (context.arrange !== null && context.uids.length > maxSortedMessages)
  if (isTooMuch) session.write(`* NO [NOUPDATE ${encodeString(context.tag)}] This result is not kept current.\r\n`)
  else view.contexts = [...view.contexts, context]
}

/** Null asks for the old response, which IMAP4rev2 has no more (RFC 9051 §6.4.4). */
function wantedResults(session: Selected, { results }: SearchRequest, tag: string): SearchReturn | null {
  if (results === null) return session.enabled.has('IMAP4rev2') ? allResults : null
  if (results.update && session.view?.contexts.some(context => context.tag === tag)) throw new GrammarError('The tag has a result already')
  // CONTEXT alone is a hint (RFC 5267 §3) and asks for nothing.
  return isAnswered(results) || results.save ? results : { ...results, all: true }
}

/** SAVE alone asks for no response (RFC 5182 §2.1). */
function isAnswered({ min, max, all, count, partial, update }: SearchReturn): boolean {
  return min || max || all || count || partial !== null || update
}

/**
 * The messages a result is about, in the order of the result: all, unless only some of them are named and none is counted (RFC 5182 §2.4,
 * RFC 9394 §3.2).
 */
function reported(found: readonly number[], wanted: SearchReturn | null): readonly number[] {
  if (wanted === null || wanted.all || wanted.count || !(wanted.min || wanted.max || wanted.partial !== null)) return found
  const named = [
    ...(wanted.partial === null ? [] : slicePartial(found, wanted.partial.from, wanted.partial.to)),
    ...(wanted.min ? found.slice(0, 1) : []),
    ...(wanted.max ? found.slice(-1) : []),
  ]
  return [...new Set(named)]
}

/** The highest of these messages (RFC 7162 §3.1.5, RFC 4731 §3.2); null without messages. */
function highestModSeq({ view }: Selected, uids: readonly number[]): number | null {
  let highest = 0
  for (const uid of uids) highest = Math.max(highest, view.rows.changes[view.indexOf(uid)] ?? 0)
  return highest === 0 ? null : highest
}

// What a search is to answer, and which messages its result is about.
import { GrammarError, type SearchRequest, type SearchReturn, slicePartial } from '@postern/mail/imap'
import type { Selected } from './command.ts'

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
export function wantedResults(session: Selected, { results }: SearchRequest): SearchReturn | null {
  if (results === null) return session.enabled.has('IMAP4rev2') ? allResults : null
  if (results.update) throw new GrammarError('Results are not updated here')
  // CONTEXT alone is a hint (RFC 5267 §3) and asks for nothing.
  return isAnswered(results) || results.save ? results : { ...results, all: true }
}

/** SAVE alone asks for no response (RFC 5182 §2.1). */
export function isAnswered({ min, max, all, count, partial }: SearchReturn): boolean {
  return min || max || all || count || partial !== null
}

/**
 * The messages a result is about, in the order of the result: all, unless only some of them are named and none is counted (RFC 5182 §2.4,
 * RFC 9394 §3.2).
 */
export function reported(found: readonly number[], wanted: SearchReturn | null): readonly number[] {
  if (wanted === null || wanted.all || wanted.count || !isAnswered(wanted)) return found
  const named = [
    ...(wanted.partial === null ? [] : slicePartial(found, wanted.partial.from, wanted.partial.to)),
    ...(wanted.min ? found.slice(0, 1) : []),
    ...(wanted.max ? found.slice(-1) : []),
  ]
  return [...new Set(named)]
}

/** The highest of these messages (RFC 7162 §3.1.5, RFC 4731 §3.2); null without messages. */
export function highestModSeq({ view }: Selected, uids: readonly number[]): number | null {
  let highest = 0
  for (const uid of uids) highest = Math.max(highest, view.rows.changes[view.indexOf(uid)] ?? 0)
  return highest === 0 ? null : highest
}

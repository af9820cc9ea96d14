import { type Arguments, compactSet, encodeOldSearch, encodeString, readSort, type SearchReturn, slicePartial } from '@postern/mail/imap'
import type { Call, Selected } from '../command.ts'
import { ok, type Reply } from '../reply.ts'
import { toCriterion, usesModSeq } from '../search-criteria.ts'
import { highestModSeq, isAnswered, reported, wantedResults } from '../search-results.ts'
import { sortMessages } from '../sort-order.ts'

/** RFC 5256 §3, with results as of RFC 5267 §3. */
export async function sort(session: Selected, args: Arguments, { tag, isUid }: Call): Promise<Reply> {
  const { view } = session
  const request = readSort(args)
  const wanted = wantedResults(session, request)
  const withModSeq = usesModSeq(request.criteria)
  if (withModSeq) session.useModSeq()
  const criterion = toCriterion(request.criteria, view, Math.floor(session.clock.now() / 1000))
  if (wanted?.save === true) view.saved = []
  const found = (await view.account.search(view.mailbox.id, criterion)).filter(uid => view.indexOf(uid) >= 0)
  const sorted = await sortMessages(view, found, request.order)
  if (wanted?.save === true) view.saved = reported(sorted, wanted)
  const numbers = isUid ? sorted : sorted.map(uid => view.indexOf(uid) + 1)
  const modSeq = withModSeq ? highestModSeq(session, reported(sorted, wanted)) : null
  if (wanted === null) session.write(encodeOldSearch('SORT', { numbers, modSeq }))
  else if (isAnswered(wanted)) session.write(encodeSorted(tag, isUid, wanted, numbers, modSeq))
  return ok(undefined, { fields: { accountId: view.account.accountId, mailboxId: view.mailbox.id, total: sorted.length } })
}

/** RFC 5267 §3.1: the lowest and highest are the first and last by this order. */
function encodeSorted(tag: string, isUid: boolean, wanted: SearchReturn, numbers: readonly number[], modSeq: number | null): string {
  const parts = [`* ESEARCH (TAG ${encodeString(tag)})${isUid ? ' UID' : ''}`]
  if (wanted.count) parts.push(`COUNT ${numbers.length}`)
  if (numbers.length > 0) {
    if (wanted.min) parts.push(`MIN ${numbers[0]}`)
    if (wanted.max) parts.push(`MAX ${numbers.at(-1)}`)
    if (wanted.all) parts.push(`ALL ${compactSet(numbers)}`)
  }
  if (wanted.partial !== null) {
    const { from, to } = wanted.partial
    const set = compactSet(slicePartial(numbers, from, to))
    parts.push(`PARTIAL (${from}:${to} ${set === '' ? 'NIL' : set})`)
  }
  if (modSeq !== null) parts.push(`MODSEQ ${modSeq}`)
  return `${parts.join(' ')}\r\n`
}

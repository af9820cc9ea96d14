import { type Arguments, compactSet, encodeString, readSort, type SearchReturn, slicePartial } from '@postern/mail/imap'
import type { Call, Selected } from '../command.ts'
import type { Reply } from '../reply.ts'
import { answerSearch, type Found } from '../search-results.ts'
import { sortMessages } from '../sort-order.ts'

/** RFC 5256 §3, with results as of RFC 5267 §3. */
export async function sort(session: Selected, args: Arguments, call: Call): Promise<Reply> {
  const request = readSort(args)
  return answerSearch(session, request, call, {
    name: 'SORT',
    arrange: (uids, progress) => sortMessages(session, uids, request.order, progress),
    encode: (wanted, found) => encodeSorted(call, wanted, found),
  })
}

/** RFC 5267 §3.1: the lowest and highest are the first and last by this order. */
function encodeSorted({ tag, isUid }: Call, wanted: SearchReturn, { numbers, modSeq }: Found): string {
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

// Messages that are gone since a mod-sequence the client names (RFC 7162 §3.2.6, §3.2.10.1).
import { compactSet, formatRanges, type Range, rangesInclude, resolveRanges, type SequenceSet } from '@postern/mail/imap'
import type { Selected } from './command.ts'

const everything: readonly Range[] = [{ from: 1, to: Number.POSITIVE_INFINITY }]

/** Writes `* VANISHED (EARLIER)` for the UIDs of a set that are gone; null means all. */
export async function writeVanished(session: Selected, since: number, set: SequenceSet | null): Promise<void> {
  const { view } = session
  const { uids } = view.rows
  const ranges = set === null || set.savedResult ? everything : set.ranges
  const wanted = resolveRanges(ranges, Number.MAX_SAFE_INTEGER)
  const { removed, isComplete } = await view.account.changesIn(view.mailbox.id, since)
  let gone: string
  if (isComplete) {
    // What others removed in this very moment is still counted, and told as news.
    gone = compactSet(removed.filter(uid => rangesInclude(wanted, uid) && view.indexOf(uid) < 0))
  } else {
    // The history does not reach back: whatever the client may know and is not there. Ranges, so that no set is expensive.
    gone = formatRanges(without(wanted, uids, view.mailbox.uidNext - 1))
  }
  if (gone !== '') session.write(`* VANISHED (EARLIER) ${gone}\r\n`)
}

/** The ranges up to `last`, without the values of an ascending list. */
function without(ranges: readonly Range[], ascending: ArrayLike<number>, last: number): Range[] {
  const left: Range[] = []
  let at = 0
  for (const range of ranges) {
    let from = range.from
    const to = Math.min(range.to, last)
    while (at < ascending.length && (ascending[at] ?? 0) < from) at++
    for (; at < ascending.length && (ascending[at] ?? 0) <= to; at++) {
      const value = ascending[at] ?? 0
      if (from < value) left.push({ from, to: value - 1 })
      from = value + 1
    }
    if (from <= to) left.push({ from, to })
  }
  return left
}

// Search keys as clients write them, and the criteria the mailbox service understands. Numbers become UIDs on the way.
import { GrammarError, isUnknownSystemFlag, resolveRanges, type SearchKey, type SequenceSet } from '@postern/mail/imap'
import { type Criterion, flagBits, flagOfKeyword } from '#services/mailbox'
import { storedFlags } from './flags.ts'
import { parseObjectId } from './object-ids.ts'
import type { MailboxView } from './selected.ts'

const daySeconds = 86_400
const all: Criterion = { kind: 'all' }
const none: Criterion = { kind: 'not', of: all }

/** `nowSeconds`: Unix time, for OLDER and YOUNGER. */
export function toCriterion(key: SearchKey, view: MailboxView, nowSeconds: number): Criterion {
  const inner = (operand: SearchKey): Criterion => toCriterion(operand, view, nowSeconds)
  switch (key.key) {
    case 'all':
    case 'saveDateSupported':
      return all
    // RFC 3501 §6.4.4
    case 'recent':
      return recent(view)
    case 'old':
      return { kind: 'not', of: recent(view) }
    case 'new':
      return { kind: 'and', of: [recent(view), { kind: 'not', of: { kind: 'flags', flags: flagBits.seen } }] }
    case 'flag':
      return key.isSet ? flag(key.flag) : { kind: 'not', of: flag(key.flag) }
    case 'match':
      return { kind: key.field, text: key.field === 'body' || key.field === 'text' ? key.value : unfolded(key.value) }
    case 'header':
      return { kind: 'header', name: key.name, text: unfolded(key.value) }
    case 'date':
      return { kind: key.of, ...days(key.when, key.day) }
    case 'larger':
    case 'smaller':
      return { kind: key.key, bytes: key.octets }
    // RFC 5032 §3
    case 'older':
      return { kind: 'received', until: nowSeconds - key.seconds + 1 }
    case 'younger':
      return { kind: 'received', from: nowSeconds - key.seconds }
    case 'sequence':
      return { kind: 'uids', ranges: uidRanges(view, key.set, false) }
    case 'uid':
      return { kind: 'uids', ranges: uidRanges(view, key.set, true) }
    case 'modSeq':
      return { kind: 'changedSince', change: key.modSeq - 1 }
    case 'emailId': {
      const id = parseObjectId(view, key.id)
      return id === undefined ? none : { kind: 'ids', ids: [id] }
    }
    case 'threadId': {
      const threadId = parseObjectId(view, key.id)
      return threadId === undefined ? none : { kind: 'thread', threadId }
    }
    case 'not':
      return { kind: 'not', of: inner(key.operand) }
    case 'fuzzy':
      return inner(key.operand)
    case 'and':
    case 'or':
      return { kind: key.key, of: key.operands.map(inner) }
  }
}

/** Fields are compared without their line breaks; some clients count those of the command into the literal. */
function unfolded(text: string): string {
  return text.replace(/[\r\n]+/g, '')
}

function recent(view: MailboxView): Criterion {
  return { kind: 'uids', ranges: [...view.recentRanges] }
}

function flag(name: string): Criterion {
  if (name === '\\Recent') return none
  if (isUnknownSystemFlag(name)) throw new GrammarError(`Unknown system flag "${name.slice(0, 40)}"`)
  const bit = flagOfKeyword(name)
  if (bit !== 0) return { kind: 'flags', flags: bit }
  const { flags } = storedFlags([name])
  return flags === 0 ? { kind: 'keyword', name } : { kind: 'flags', flags }
}

/** RFC 9051 §6.4.4 disregards time and zone: a day begins at midnight UTC, as INTERNALDATE is shown. */
function days(when: 'before' | 'on' | 'since', day: number): { readonly from?: number; readonly until?: number } {
  const start = day * daySeconds
  if (when === 'before') return { until: start }
  return when === 'since' ? { from: start } : { from: start, until: start + daySeconds }
}

function uidRanges(view: MailboxView, set: SequenceSet, isUid: boolean): (readonly [number, number])[] {
  const { uids, count } = view.rows
  if (set.savedResult) return view.saved.map(uid => [uid, uid])
  if (isUid) return resolveRanges(set.ranges, uids[count - 1] ?? 0).map(({ from, to }) => [from, to])
  // Neighbours by number are neighbours by UID.
  return resolveRanges(set.ranges, count)
    .filter(({ from }) => from <= count)
    .map(({ from, to }) => [uids[from - 1] ?? 0, uids[Math.min(to, count) - 1] ?? 0])
}

/** Whether mod-sequences take part in the search; then they are part of its result (RFC 7162 §3.1.5). */
export function usesModSeq(key: SearchKey): boolean {
  switch (key.key) {
    case 'modSeq':
      return true
    case 'not':
    case 'fuzzy':
      return usesModSeq(key.operand)
    case 'and':
    case 'or':
      return key.operands.some(usesModSeq)
    default:
      return false
  }
}

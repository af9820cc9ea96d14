import type { Arguments } from './arguments.ts'
import { GrammarError } from './grammar-error.ts'

/** Both ends belong to it; `from` ≤ `to`. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** A sequence set as written (RFC 9051 §9). `*` is infinity; `savedResult` is the `$` of RFC 5182. */
export type SequenceSet = { readonly savedResult: true } | { readonly savedResult: false; readonly ranges: readonly Range[] }

const maxNumber = 0xffff_ffff

function readSetNumber(text: string): number {
  if (text === '*') return Number.POSITIVE_INFINITY
  if (!/^\d{1,10}$/.test(text)) throw new GrammarError(`Invalid sequence set: "${text.slice(0, 20)}" is no number`)
  const value = Number(text)
  if (value > maxNumber) throw new GrammarError(`Invalid sequence set: ${text} is too large`)
  return value
}

/** Reads a set from its text: `1,3:5,7:*` or `$`. Throws GrammarError. */
export function parseSequenceSet(text: string): SequenceSet {
  if (text === '$') return { savedResult: true }
  const ranges: Range[] = []
  for (const item of text.split(',')) {
    const colon = item.indexOf(':')
    const first = readSetNumber(colon < 0 ? item : item.slice(0, colon))
    const second = colon < 0 ? first : readSetNumber(item.slice(colon + 1))
    ranges.push(first <= second ? { from: first, to: second } : { from: second, to: first })
  }
  return { savedResult: false, ranges }
}

export function readSequenceSet(args: Arguments): SequenceSet {
  return parseSequenceSet(args.token())
}

/**
 * Ranges sorted, merged and with `*` replaced by `largest` (the highest number or UID in use; 0 when there is none). `10:*` with a largest
 * of 5 is 5:10, as RFC 9051 §6.4.9 says.
 */
export function resolveRanges(ranges: readonly Range[], largest: number): Range[] {
  const fixed = ranges
    .map(({ from, to }) => {
      const a = from === Number.POSITIVE_INFINITY ? largest : from
      const b = to === Number.POSITIVE_INFINITY ? largest : to
      return a <= b ? { from: a, to: b } : { from: b, to: a }
    })
    .filter(range => range.to > 0)
    .sort((a, b) => a.from - b.from)
  const merged: { from: number; to: number }[] = []
  for (const range of fixed) {
    const last = merged.at(-1)
    if (last !== undefined && range.from <= last.to + 1) last.to = Math.max(last.to, range.to)
    else merged.push({ from: Math.max(range.from, 1), to: range.to })
  }
  return merged
}

/** Whether a resolved set holds the number. */
export function rangesInclude(ranges: readonly Range[], value: number): boolean {
  let low = 0
  let high = ranges.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const range = ranges[middle]
    if (range === undefined) return false
    if (value < range.from) high = middle - 1
    else if (value > range.to) low = middle + 1
    else return true
  }
  return false
}

/**
 * Indexes (from 0) of those values of an ascending list that a resolved set holds, ascending; costs what is found, not what the ranges span.
 */
export function* indexesInRanges(ranges: readonly Range[], ascending: ArrayLike<number>): Generator<number> {
  for (const range of ranges) {
    for (let index = lowerBound(ascending, range.from); index < ascending.length; index++) {
      if ((ascending[index] ?? 0) > range.to) break
      yield index
    }
  }
}

/** The first index whose value is at least `value`. */
function lowerBound(ascending: ArrayLike<number>, value: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ascending[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}

/** Writes numbers as a set, runs as ranges, in the order given (SORT results keep theirs): `7,1:3,5`. Empty for no numbers. */
export function compactSet(numbers: Iterable<number>): string {
  const out: string[] = []
  let from = -1
  let to = -1
  const flush = (): void => {
    if (from >= 0) out.push(from === to ? String(from) : `${from}:${to}`)
  }
  for (const number of numbers) {
    if (from >= 0 && number === to + 1) to = number
    else {
      flush()
      from = number
      to = number
    }
  }
  flush()
  return out.join(',')
}

/** Writes ranges as a set (VANISHED). */
export function formatRanges(ranges: readonly Range[]): string {
  return ranges.map(({ from, to }) => (from === to ? String(from) : `${from}:${to}`)).join(',')
}

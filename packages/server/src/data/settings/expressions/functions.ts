// The functions that need nothing but their arguments. Those that ask a store, the directory or the DNS are handed to the
// evaluator from outside.
import { createHash } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import { compare, isArray, isEqual, isTrue, toText, type Value } from './values.ts'

export type PureFunction = (...args: readonly Value[]) => Value

const flag = (value: boolean): number => (value ? 1 : 0)
const text = (value: Value | undefined): string => (value === undefined ? '' : toText(value))
const items = (value: Value | undefined): readonly Value[] => (value === undefined || value === '' ? [] : isArray(value) ? value : [value])

/** Applies a text function to a text, or to each element of an array. */
function mapText(change: (text: string) => Value): PureFunction {
  return value => (isArray(value ?? '') ? (value as readonly Value[]).map(item => change(toText(item))) : change(text(value)))
}

function count(pattern: RegExp): PureFunction {
  return value => [...text(value).matchAll(pattern)].length
}

function letters(value: Value, wanted: RegExp, unwanted: RegExp): number {
  return flag(wanted.test(text(value)) && !unwanted.test(text(value)))
}

const isAddress = (address: string): boolean => /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(address)

function emailPart(address: string, part: string): string {
  const at = address.lastIndexOf('@')
  if (at < 0) return ''
  return part === 'local' ? address.slice(0, at) : part === 'domain' ? address.slice(at + 1) : ''
}

function reverseIp(address: string): string {
  if (isIPv4(address)) return address.split('.').reverse().join('.')
  if (!isIPv6(address)) return ''
  const [head = '', tail] = address.split('::')
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const all = [...left, ...Array(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right]
  return all
    .map(group => group.padStart(4, '0'))
    .join('')
    .split('')
    .reverse()
    .join('.')
}

function splitAt(value: string, index: number, length: number): Value {
  return index < 0 ? '' : [value.slice(0, index), value.slice(index + length)]
}

function splitUpTo(value: string, separator: string, cuts: number): Value {
  if (separator === '') return [value]
  const parts: string[] = []
  let rest = value
  while (parts.length < cuts) {
    const index = rest.indexOf(separator)
    if (index < 0) break
    parts.push(rest.slice(0, index))
    rest = rest.slice(index + separator.length)
  }
  return [...parts, rest]
}

function dedup(values: readonly Value[]): Value[] {
  const kept: Value[] = []
  for (const value of values) if (!kept.some(other => isEqual(other, value))) kept.push(value)
  return kept
}

const hashes: readonly string[] = ['md5', 'sha1', 'sha256', 'sha512']

export const pureFunctions: Readonly<Record<string, PureFunction>> = {
  count: value => (isArray(value ?? '') ? items(value).length : flag(value !== undefined && value !== '')),
  sort: (value, descending) => {
    const sorted = [...items(value)].sort(compare)
    return isTrue(descending ?? 0) ? sorted.reverse() : sorted
  },
  dedup: value => dedup(items(value)),
  winnow: value => items(value).filter(item => typeof item === 'number' || item.length > 0),
  is_intersect: (a, b) => flag(items(a).some(item => items(b).some(other => isEqual(item, other)))),
  is_email: value => flag(isAddress(text(value))),
  email_part: (value, part) => mapText(address => emailPart(address, text(part)))(value ?? ''),
  is_empty: value => flag(typeof value !== 'number' && (value?.length ?? 0) === 0),
  is_number: value => flag(typeof value === 'number'),
  is_ip_addr: value => flag(isIPv4(text(value)) || isIPv6(text(value))),
  is_ipv4_addr: value => flag(isIPv4(text(value))),
  is_ipv6_addr: value => flag(isIPv6(text(value))),
  ip_reverse_name: value => reverseIp(text(value)),
  trim: mapText(value => value.trim()),
  trim_start: mapText(value => value.trimStart()),
  trim_end: mapText(value => value.trimEnd()),
  len: value => (isArray(value ?? '') ? items(value).length : Buffer.byteLength(text(value))),
  to_lowercase: mapText(value => value.toLowerCase()),
  to_uppercase: mapText(value => value.toUpperCase()),
  is_lowercase: mapText(value => letters(value, /\p{L}/u, /\p{Lu}/u)),
  is_uppercase: mapText(value => letters(value, /\p{L}/u, /\p{Ll}/u)),
  has_digits: mapText(value => flag(/\d/.test(value))),
  count_spaces: count(/\s/gu),
  count_uppercase: count(/\p{Lu}/gu),
  count_lowercase: count(/\p{Ll}/gu),
  count_chars: count(/[\s\S]/gu),
  contains: (value, wanted) =>
    flag(isArray(value ?? '') ? items(value).some(item => isEqual(item, wanted ?? '')) : text(value).includes(text(wanted))),
  contains_ignore_case: (value, wanted) => {
    const needle = text(wanted).toLowerCase()
    return flag(
      isArray(value ?? '') ? items(value).some(item => toText(item).toLowerCase() === needle) : text(value).toLowerCase().includes(needle),
    )
  },
  eq_ignore_case: (a, b) => flag(asciiLower(text(a)) === asciiLower(text(b))),
  starts_with: (value, prefix) => flag(text(value).startsWith(text(prefix))),
  ends_with: (value, suffix) => flag(text(value).endsWith(text(suffix))),
  lines: value => text(value).split(/\r?\n/),
  split_words: value =>
    text(value)
      .split(/\s+/)
      .filter(word => /^[\p{L}\p{N}]+$/u.test(word)),
  substring: (value, start, length) => [...text(value)].slice(Number(start ?? 0), Number(start ?? 0) + Number(length ?? 0)).join(''),
  strip_prefix: (value, prefix) => mapText(item => (item.startsWith(text(prefix)) ? item.slice(text(prefix).length) : ''))(value ?? ''),
  strip_suffix: (value, suffix) =>
    mapText(item => (item.endsWith(text(suffix)) ? item.slice(0, item.length - text(suffix).length) : ''))(value ?? ''),
  split: (value, separator) => (text(separator) === '' ? [text(value)] : text(value).split(text(separator))),
  rsplit: (value, separator) => (text(separator) === '' ? [text(value)] : text(value).split(text(separator)).reverse()),
  split_once: (value, separator) => splitAt(text(value), text(value).indexOf(text(separator)), text(separator).length),
  rsplit_once: (value, separator) => splitAt(text(value), text(value).lastIndexOf(text(separator)), text(separator).length),
  split_n: (value, separator, cuts) => splitUpTo(text(value), text(separator), Number(cuts ?? 0)),
  hash: (value, algorithm) => (hashes.includes(text(algorithm)) ? createHash(text(algorithm)).update(text(value)).digest('hex') : ''),
  if_then: (condition, yes, no) => (isTrue(condition ?? 0) ? (yes ?? '') : (no ?? '')),
}

function asciiLower(value: string): string {
  return value.replace(/[A-Z]/g, char => char.toLowerCase())
}

// Whether a reply is what a script expects: names take their value at the first match, lists are compared as their kind or their
// `$!` words say.
import type { List, Value } from './values.ts'

export type Variables = Map<string, string>

/** Message numbers as they were when the command was sent, to what they are when a line comes; undefined once expunged. */
export type Numbering = (original: number) => number | undefined

/** Matches a whole untagged line; names that matched are kept, only if all did. */
export function matchesLine(expected: readonly Value[], actual: readonly Value[], variables: Variables, numbering: Numbering): boolean {
  const kind = kindOf(expected)
  // Behind a status come texts that nobody compares.
  const isOpen = kind === 'status-reply'
  if (expected.length > actual.length || (expected.length < actual.length && !isOpen)) return false
  const trial = new Map(variables)
  const fits = expected.every((value, at) => matches(value, actual[at] ?? '', trial, numbering, kind))
  if (fits) for (const [name, value] of trial) variables.set(name, value)
  return fits
}

type Kind = 'status-reply' | 'pairs' | 'flags' | 'fetched-flags' | 'plain'

function kindOf([first, second]: readonly Value[]): Kind {
  const words = [first, second].map(value => (typeof value === 'string' ? value.toLowerCase() : ''))
  if (words[1] === 'fetch' || words[0] === 'status') return 'pairs'
  if (['list', 'lsub', 'flags'].includes(words[0] ?? '')) return 'flags'
  return ['ok', 'no', 'bad', 'bye', 'preauth'].includes(words[0] ?? '') ? 'status-reply' : 'plain'
}

/** Matches one value. */
export function matches(expected: Value, actual: Value, variables: Variables, numbering: Numbering, kind: Kind = 'plain'): boolean {
  if (typeof expected === 'string') return matchesText(expected, actual, variables, numbering)
  return typeof actual !== 'string' && actual.open === expected.open && matchesList(expected, actual, variables, numbering, kind)
}

function matchesText(expected: string, actual: Value, variables: Variables, numbering: Numbering): boolean {
  if (expected === '$') return true
  if (typeof actual !== 'string') return false
  const name = /^\$(?:(\w+)|\{(\w+)\})$/.exec(expected)
  const variable = name?.[1] ?? name?.[2]
  if (variable !== undefined && !/^\d+$/.test(variable) && !variables.has(variable)) {
    variables.set(variable, actual)
    return true
  }
  return upToNul(fillIn(expected, variables, numbering)).toLowerCase() === upToNul(actual).toLowerCase()
}

/** Scripts were written for a comparison that ends there. */
function upToNul(text: string): string {
  return text.split('\0', 1)[0] ?? ''
}

/** Puts values in place of names; names that have none stay. */
export function fillIn(text: string, variables: Variables, numbering: Numbering = number => number): string {
  return text.replace(/\$\$|\$\{(\w+)\}|\$(\w+)/g, (all, braced?: string, bare?: string) => {
    if (all === '$$') return '$'
    const name = braced ?? bare ?? ''
    if (/^\d+$/.test(name)) return String(numbering(Number(name)) ?? '(expunged)')
    return variables.get(name) ?? all
  })
}

interface Way {
  readonly unordered: number
  readonly allowsExtra: boolean
  readonly ignored: ReadonlySet<string>
  readonly banned: ReadonlySet<string>
}

function matchesList(expected: List, actual: List, variables: Variables, numbering: Numbering, kind: Kind): boolean {
  const words = expected.items.filter(item => typeof item === 'string' && item.startsWith('$!')) as string[]
  const way = wayOf(
    kind,
    words.map(word => word.slice(2).toLowerCase()),
  )
  const lower = (item: Value): string => (typeof item === 'string' ? item.toLowerCase() : '')
  if (actual.items.some(item => way.banned.has(lower(item)))) return false
  const items = actual.items.filter(item => !way.ignored.has(lower(item)))
  const wanted = expected.items.filter(item => !words.includes(item as string) && !way.ignored.has(lower(item)))
  if (way.unordered === 0) {
    if (wanted.length > items.length || (wanted.length < items.length && !way.allowsExtra)) return false
    return wanted.every((value, at) => matches(value, items[at] ?? '', variables, numbering, 'plain'))
  }
  return matchesChains(chainsOf(wanted, way.unordered), chainsOf(items, way.unordered), variables, numbering, kind, way)
}

function wayOf(kind: Kind, words: readonly string[]): Way {
  const values = (name: string): string[] => words.flatMap(word => (word.startsWith(`${name}=`) ? [word.slice(name.length + 1)] : []))
  const defaults = { pairs: 2, flags: 1, 'fetched-flags': 1, 'status-reply': 0, plain: 0 }[kind]
  const said = words.findLast(word => word === 'ordered' || word.startsWith('unordered'))
  const unordered = said === undefined ? defaults : said === 'ordered' ? 0 : Number(said.split('=')[1] ?? 1)
  const noExtra = words.includes('noextra') || (kind === 'fetched-flags' && !words.includes('extra'))
  return {
    unordered,
    allowsExtra: words.includes('extra') || (unordered > 0 && !noExtra),
    ignored: new Set([...values('ignore'), ...(kind === 'fetched-flags' ? ['\\recent'] : [])]),
    banned: new Set(values('ban')),
  }
}

function chainsOf(items: readonly Value[], length: number): Value[][] {
  return Array.from({ length: Math.ceil(items.length / length) }, (_, at) => items.slice(at * length, (at + 1) * length))
}

function matchesChains(
  wanted: readonly Value[][],
  actual: readonly Value[][],
  variables: Variables,
  numbering: Numbering,
  kind: Kind,
  way: Way,
): boolean {
  const left = [...actual]
  for (const chain of wanted) {
    const isFlags = kind === 'pairs' && typeof chain[0] === 'string' && chain[0].toLowerCase() === 'flags'
    const at = left.findIndex(other => {
      if (other.length !== chain.length) return false
      const trial = new Map(variables)
      const fits = chain.every((value, index) => matches(value, other[index] ?? '', trial, numbering, isFlags ? 'fetched-flags' : 'plain'))
      if (fits) for (const [name, value] of trial) variables.set(name, value)
      return fits
    })
    if (at < 0) return false
    left.splice(at, 1)
  }
  return left.length === 0 || way.allowsExtra
}

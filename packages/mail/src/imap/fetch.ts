import type { Arguments } from './arguments.ts'
import { GrammarError } from './grammar-error.ts'
import { type Partial, readBinaryPart, readPartial, readSection, type Section } from './sections.ts'
import { readSequenceSet, type SequenceSet } from './sets.ts'

/** Items that are a name and nothing else. */
export type PlainFetchItem =
  | 'BODY'
  | 'BODYSTRUCTURE'
  | 'EMAILID'
  | 'ENVELOPE'
  | 'FLAGS'
  | 'INTERNALDATE'
  | 'MODSEQ'
  | 'RFC822'
  | 'RFC822.HEADER'
  | 'RFC822.SIZE'
  | 'RFC822.TEXT'
  | 'SAVEDATE'
  | 'THREADID'
  | 'UID'

/** One data item asked for by FETCH (RFC 9051 §6.4.5, RFC 3501 §6.4.5, RFC 7162, 8474, 8514, 8970). */
export type FetchItem =
  | { readonly name: PlainFetchItem }
  | { readonly name: 'BODY[]'; readonly section: Section; readonly peek: boolean; readonly partial: Partial | null }
  | { readonly name: 'BINARY[]'; readonly part: readonly number[]; readonly peek: boolean; readonly partial: Partial | null }
  | { readonly name: 'BINARY.SIZE[]'; readonly part: readonly number[] }
  | { readonly name: 'PREVIEW'; readonly lazy: boolean }

export interface FetchRequest {
  readonly set: SequenceSet
  readonly items: readonly FetchItem[]
  /** RFC 7162 §3.1.4.1. */
  readonly changedSince: number | null
  /** RFC 7162 §3.2.6. */
  readonly vanished: boolean
  /** RFC 9394 §3.3: positions among the messages of the set, counted from the end when negative. */
  readonly partial: { readonly from: number; readonly to: number } | null
}

const plainItems: ReadonlySet<string> = new Set<PlainFetchItem>([
  'BODY',
  'BODYSTRUCTURE',
  'EMAILID',
  'ENVELOPE',
  'FLAGS',
  'INTERNALDATE',
  'MODSEQ',
  'RFC822',
  'RFC822.HEADER',
  'RFC822.SIZE',
  'RFC822.TEXT',
  'SAVEDATE',
  'THREADID',
  'UID',
])

const macros: Readonly<Record<string, readonly PlainFetchItem[]>> = {
  FAST: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'],
  ALL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE'],
  FULL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY'],
}

const maxItems = 200

function isPlain(name: string): name is PlainFetchItem {
  return plainItems.has(name)
}

function readItem(args: Arguments): FetchItem {
  const name = args.keyword()
  const bracket = args.peek() === 0x5b
  if (bracket && (name === 'BODY' || name === 'BODY.PEEK')) {
    return { name: 'BODY[]', section: readSection(args), peek: name === 'BODY.PEEK', partial: readPartial(args) }
  }
  if (bracket && (name === 'BINARY' || name === 'BINARY.PEEK')) {
    return { name: 'BINARY[]', part: readBinaryPart(args), peek: name === 'BINARY.PEEK', partial: readPartial(args) }
  }
  if (bracket && name === 'BINARY.SIZE') return { name: 'BINARY.SIZE[]', part: readBinaryPart(args) }
  if (name === 'PREVIEW') return { name, lazy: readLazy(args) }
  if (isPlain(name) && !bracket) return { name }
  throw new GrammarError(`Invalid attribute "${name.slice(0, 40)}"`)
}

/** RFC 8970 §3.1: `PREVIEW (LAZY)`. A list of anything else behind it belongs to the command. */
function readLazy(args: Arguments): boolean {
  const mark = args.mark()
  args.skipSpaces()
  if (!args.isAtList) {
    args.reset(mark)
    return false
  }
  const words = args.list(() => args.token())
  if (words.length === 1 && words[0]?.toUpperCase() === 'LAZY') return true
  args.reset(mark)
  return false
}

export function readItems(args: Arguments): FetchItem[] {
  if (!args.isAtList) {
    const mark = args.mark()
    const macro = macros[args.keyword()]
    if (macro !== undefined && args.peek() !== 0x5b) return macro.map(name => ({ name }))
    args.reset(mark)
    return [readItem(args)]
  }
  args.expect('(')
  const items: FetchItem[] = []
  for (;;) {
    args.skipSpaces()
    // Some clients forget the last parenthesis; nothing else can follow it.
    if (args.take(')') || args.isAtEnd) break
    if (items.length === maxItems) throw new GrammarError('Too many attributes')
    items.push(readItem(args))
  }
  if (items.length === 0) throw new GrammarError('No data items to fetch are given')
  return items
}

/** Arguments of FETCH and UID FETCH. */
export function readFetch(args: Arguments): FetchRequest {
  args.space()
  const set = readSequenceSet(args)
  args.space()
  const items = readItems(args)
  let changedSince: number | null = null
  let vanished = false
  let partial: FetchRequest['partial'] = null
  if (!args.isAtEnd) {
    args.list(() => {
      const modifier = args.keyword()
      if (modifier === 'VANISHED') vanished = true
      else if (modifier === 'CHANGEDSINCE') {
        args.space()
        changedSince = args.number64()
      } else if (modifier === 'PARTIAL') {
        args.space()
        partial = readPartialRange(args)
      } else throw new GrammarError(`Unknown modifier "${modifier.slice(0, 30)}"`)
    })
  }
  args.end()
  if (vanished && changedSince === null) throw new GrammarError('VANISHED needs CHANGEDSINCE')
  return { set, items, changedSince, vanished, partial }
}

/** RFC 9394 §4 `partial-range`: `1:100` or `-1:-100`; both ends of one sign. */
export function readPartialRange(args: Arguments): { readonly from: number; readonly to: number } {
  const match = /^(-?)(\d{1,10}):(-?)(\d{1,10})$/.exec(args.token())
  if (match === null || match[1] !== match[3] || Number(match[2]) === 0 || Number(match[4]) === 0)
    throw new GrammarError('Invalid partial range')
  const sign = match[1] === '-' ? -1 : 1
  const [low = 1, high = 1] = [Number(match[2]), Number(match[4])].sort((a, b) => a - b)
  return { from: sign * low, to: sign * high }
}

/** True when the item's octets have to be read, not only what is stored about the message. */
export function needsOctets(item: FetchItem): boolean {
  return item.name.startsWith('RFC822') ? item.name !== 'RFC822.SIZE' : item.name.startsWith('BODY[') || item.name.startsWith('BINARY')
}

/** RFC 9051 §6.4.5, RFC 3501 §6.4.5: fetching it sets \Seen. */
export function setsSeen(item: FetchItem): boolean {
  if (item.name === 'BODY[]' || item.name === 'BINARY[]') return !item.peek
  return item.name === 'RFC822' || item.name === 'RFC822.TEXT'
}

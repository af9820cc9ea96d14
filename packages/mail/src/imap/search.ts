import { decodeText, isKnownCharset } from '#text'
import type { Arguments } from './arguments.ts'
import { readSearchDay } from './dates.ts'
import { readPartialRange } from './fetch.ts'
import { readFlag } from './flags.ts'
import { GrammarError } from './grammar-error.ts'
import { parseSequenceSet, readSequenceSet, type SequenceSet } from './sets.ts'

export type SearchField = 'from' | 'to' | 'cc' | 'bcc' | 'subject' | 'body' | 'text'

/** One condition (RFC 9051 §6.4.4, RFC 3501 §6.4.4, RFC 5032, 6203, 7162, 8474, 8514). Days count from 1970-01-01. */
export type SearchKey =
  | { readonly key: 'all' | 'recent' | 'new' | 'old' | 'saveDateSupported' }
  | { readonly key: 'flag'; readonly flag: string; readonly isSet: boolean }
  | { readonly key: 'match'; readonly field: SearchField; readonly value: string }
  | { readonly key: 'header'; readonly name: string; readonly value: string }
  | { readonly key: 'date'; readonly of: 'received' | 'sent' | 'saved'; readonly when: 'before' | 'on' | 'since'; readonly day: number }
  | { readonly key: 'larger' | 'smaller'; readonly octets: number }
  | { readonly key: 'older' | 'younger'; readonly seconds: number }
  | { readonly key: 'sequence' | 'uid'; readonly set: SequenceSet }
  | { readonly key: 'modSeq'; readonly modSeq: number }
  | { readonly key: 'emailId' | 'threadId'; readonly id: string }
  | { readonly key: 'not' | 'fuzzy'; readonly operand: SearchKey }
  | { readonly key: 'and' | 'or'; readonly operands: readonly SearchKey[] }

/** RETURN options (RFC 4731, 5182, 5267, 9394). */
export interface SearchReturn {
  readonly min: boolean
  readonly max: boolean
  readonly all: boolean
  readonly count: boolean
  readonly save: boolean
  readonly update: boolean
  readonly context: boolean
  readonly partial: { readonly from: number; readonly to: number } | null
}

export interface SearchRequest {
  /** Null: the old SEARCH response is asked for. `RETURN ()` means ALL. */
  readonly results: SearchReturn | null
  readonly criteria: SearchKey
}

export interface SortCriterion {
  readonly by: 'ARRIVAL' | 'CC' | 'DATE' | 'DISPLAYFROM' | 'DISPLAYTO' | 'FROM' | 'SIZE' | 'SUBJECT' | 'TO'
  readonly reverse: boolean
}

export interface SortRequest extends SearchRequest {
  readonly order: readonly SortCriterion[]
}

export interface ThreadRequest {
  readonly algorithm: 'ORDEREDSUBJECT' | 'REFERENCES' | 'REFS'
  readonly criteria: SearchKey
}

export interface SearchLimits {
  /** Parentheses inside each other. */
  readonly maxDepth: number
  /** Conditions of one search. */
  readonly maxKeys: number
}

export const defaultSearchLimits: SearchLimits = { maxDepth: 10, maxKeys: 1000 }

// NOT and OR nest without parentheses: long ORs of clients are chains of them.
const maxOperatorDepth = 1000

const flagKeys: Readonly<Record<string, readonly [string, boolean]>> = {
  ANSWERED: ['\\Answered', true],
  DELETED: ['\\Deleted', true],
  DRAFT: ['\\Draft', true],
  FLAGGED: ['\\Flagged', true],
  SEEN: ['\\Seen', true],
  UNANSWERED: ['\\Answered', false],
  UNDELETED: ['\\Deleted', false],
  UNDRAFT: ['\\Draft', false],
  UNFLAGGED: ['\\Flagged', false],
  UNSEEN: ['\\Seen', false],
}

const dateKeys: Readonly<Record<string, readonly ['received' | 'sent' | 'saved', 'before' | 'on' | 'since']>> = {
  BEFORE: ['received', 'before'],
  ON: ['received', 'on'],
  SINCE: ['received', 'since'],
  SENTBEFORE: ['sent', 'before'],
  SENTON: ['sent', 'on'],
  SENTSINCE: ['sent', 'since'],
  SAVEDBEFORE: ['saved', 'before'],
  SAVEDON: ['saved', 'on'],
  SAVEDSINCE: ['saved', 'since'],
}

const matchKeys: Readonly<Record<string, SearchField>> = {
  BCC: 'bcc',
  BODY: 'body',
  CC: 'cc',
  FROM: 'from',
  SUBJECT: 'subject',
  TEXT: 'text',
  TO: 'to',
}

class ProgramReader {
  readonly #args: Arguments
  readonly #charset: string
  readonly #limits: SearchLimits
  #keys = 0

  constructor(args: Arguments, charset: string, limits: SearchLimits) {
    this.#args = args
    this.#charset = charset
    this.#limits = limits
  }

  /** All keys up to the end; they all have to hold. */
  program(): SearchKey {
    const operands: SearchKey[] = []
    while (!this.#args.isAtEnd) operands.push(this.#key(0, 0))
    return joined(operands)
  }

  #text(): string {
    return decodeText(this.#args.astringBytes(), this.#charset).text
  }

  #operand(depth: number, operators: number): SearchKey {
    this.#args.space()
    return this.#key(depth, operators + 1)
  }

  #key(depth: number, operators: number): SearchKey {
    if (++this.#keys > this.#limits.maxKeys || operators > maxOperatorDepth) throw new GrammarError('The search has too many conditions')
    const args = this.#args
    if (args.isAtList) {
      if (depth >= this.#limits.maxDepth) throw new GrammarError('The search is nested too deeply')
      const operands = args.list(() => this.#key(depth + 1, operators))
      if (operands.length === 0) throw new GrammarError('Empty parentheses in a search')
      return joined(operands)
    }
    const word = args.token()
    if (/^[\d*$]/.test(word)) return { key: 'sequence', set: parseSequenceSet(word) }
    return this.#named(word.toUpperCase(), depth, operators)
  }

  #named(word: string, depth: number, operators: number): SearchKey {
    const args = this.#args
    const flag = flagKeys[word]
    if (flag !== undefined) return { key: 'flag', flag: flag[0], isSet: flag[1] }
    const field = matchKeys[word]
    if (field !== undefined) {
      args.space()
      return { key: 'match', field, value: this.#text() }
    }
    const date = dateKeys[word]
    if (date !== undefined) {
      args.space()
      return { key: 'date', of: date[0], when: date[1], day: readSearchDay(args) }
    }
    switch (word) {
      case 'ALL':
        return { key: 'all' }
      case 'RECENT':
        return { key: 'recent' }
      case 'NEW':
        return { key: 'new' }
      case 'OLD':
        return { key: 'old' }
      case 'SAVEDATESUPPORTED':
        return { key: 'saveDateSupported' }
      case 'KEYWORD':
      case 'UNKEYWORD':
        args.space()
        return { key: 'flag', flag: readFlag(args), isSet: word === 'KEYWORD' }
      case 'HEADER': {
        args.space()
        const name = args.astring()
        args.space()
        return { key: 'header', name, value: this.#text() }
      }
      case 'LARGER':
      case 'SMALLER':
        args.space()
        return { key: word === 'LARGER' ? 'larger' : 'smaller', octets: args.number64() }
      case 'OLDER':
      case 'YOUNGER':
        args.space()
        return { key: word === 'OLDER' ? 'older' : 'younger', seconds: args.number() }
      case 'UID':
        args.space()
        return { key: 'uid', set: readSequenceSet(args) }
      case 'EMAILID':
      case 'THREADID':
        args.space()
        return { key: word === 'EMAILID' ? 'emailId' : 'threadId', id: args.astring() }
      case 'MODSEQ':
        return this.#modSeq()
      case 'NOT':
        return { key: 'not', operand: this.#operand(depth, operators) }
      case 'FUZZY':
        return { key: 'fuzzy', operand: this.#operand(depth, operators) }
      case 'OR': {
        const first = this.#operand(depth, operators)
        return { key: 'or', operands: [first, this.#operand(depth, operators)] }
      }
      default:
        throw new GrammarError(`Unknown search key "${word.slice(0, 40)}"`)
    }
  }

  /** RFC 7162 §3.1.5: an entry name and type may stand in front; all entries share one mod-sequence here. */
  #modSeq(): SearchKey {
    const args = this.#args
    args.space()
    if (args.peek() === 0x22) {
      args.string()
      args.space()
      args.keyword()
      args.space()
    }
    return { key: 'modSeq', modSeq: args.number64() }
  }
}

function joined(operands: readonly SearchKey[]): SearchKey {
  const [only] = operands
  return operands.length === 1 && only !== undefined ? only : { key: 'and', operands }
}

function readReturn(args: Arguments): SearchReturn {
  const words = new Set<string>()
  let partial: SearchReturn['partial'] = null
  args.list(() => {
    const word = args.keyword()
    if (word === 'PARTIAL') {
      args.space()
      partial = readPartialRange(args)
    } else if (!['MIN', 'MAX', 'ALL', 'COUNT', 'SAVE', 'UPDATE', 'CONTEXT'].includes(word))
      throw new GrammarError(`Invalid result option "${word.slice(0, 30)}"`)
    words.add(word)
  })
  if (words.has('PARTIAL') && words.has('ALL')) throw new GrammarError('PARTIAL and ALL exclude each other')
  return {
    min: words.has('MIN'),
    max: words.has('MAX'),
    // RFC 4731 §3.1: nothing asked for means ALL; SAVE alone asks for no answer (RFC 5182 §2.1).
    all: words.has('ALL') || words.size === 0,
    count: words.has('COUNT'),
    save: words.has('SAVE'),
    update: words.has('UPDATE'),
    context: words.has('CONTEXT'),
    partial,
  }
}

/** `RETURN (…)` if it stands here. */
function tryReturn(args: Arguments): SearchReturn | null {
  if (args.isAtEnd || args.isAtList) return null
  const mark = args.mark()
  if (args.peek() !== 0x22 && args.token().toUpperCase() === 'RETURN') {
    args.space()
    return readReturn(args)
  }
  args.reset(mark)
  return null
}

function checkedCharset(name: string): string {
  if (!isKnownCharset(name)) throw new GrammarError(`Unknown charset "${name.slice(0, 40)}"`, 'charset')
  return name
}

function readProgram(args: Arguments, charset: string, limits: SearchLimits): SearchKey {
  if (args.isAtEnd) throw new GrammarError('Missing search criteria', 'missing')
  return new ProgramReader(args, charset, limits).program()
}

/** Arguments of SEARCH and UID SEARCH. An unknown charset throws a GrammarError of kind `charset`. */
export function readSearch(args: Arguments, limits: SearchLimits = defaultSearchLimits): SearchRequest {
  const results = tryReturn(args)
  let charset = 'utf-8'
  if (!args.isAtEnd && !args.isAtList) {
    const mark = args.mark()
    if (args.peek() !== 0x22 && args.token().toUpperCase() === 'CHARSET') {
      args.space()
      charset = checkedCharset(args.astring())
    } else args.reset(mark)
  }
  return { results, criteria: readProgram(args, charset, limits) }
}

const sortKeys: ReadonlySet<string> = new Set<SortCriterion['by']>([
  'ARRIVAL',
  'CC',
  'DATE',
  'DISPLAYFROM',
  'DISPLAYTO',
  'FROM',
  'SIZE',
  'SUBJECT',
  'TO',
])

function isSortKey(word: string): word is SortCriterion['by'] {
  return sortKeys.has(word)
}

/** Arguments of SORT and UID SORT (RFC 5256 §3, RFC 5267 §3, RFC 5957). */
export function readSort(args: Arguments, limits: SearchLimits = defaultSearchLimits): SortRequest {
  const results = tryReturn(args)
  args.space()
  const order: SortCriterion[] = []
  let reverse = false
  args.list(() => {
    const word = args.keyword()
    if (word === 'REVERSE' && !reverse) reverse = true
    else if (isSortKey(word)) {
      order.push({ by: word, reverse })
      reverse = false
    } else throw new GrammarError(`Invalid sort criterion "${word.slice(0, 30)}"`)
  })
  if (order.length === 0 || reverse || order.length > 50) throw new GrammarError('Invalid list of sort criteria')
  args.space()
  const charset = checkedCharset(args.astring())
  return { results, order, criteria: readProgram(args, charset, limits) }
}

/** Arguments of THREAD and UID THREAD (RFC 5256 §3). */
export function readThread(args: Arguments, limits: SearchLimits = defaultSearchLimits): ThreadRequest {
  args.space()
  const algorithm = args.keyword()
  if (algorithm !== 'ORDEREDSUBJECT' && algorithm !== 'REFERENCES' && algorithm !== 'REFS')
    throw new GrammarError(`Unknown threading algorithm "${algorithm.slice(0, 30)}"`)
  args.space()
  const charset = checkedCharset(args.astring())
  return { algorithm, criteria: readProgram(args, charset, limits) }
}

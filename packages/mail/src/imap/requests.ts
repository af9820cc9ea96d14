import type { Arguments, Literal } from './arguments.ts'
import { readDateTime } from './dates.ts'
import { readFlags } from './flags.ts'
import { GrammarError } from './grammar-error.ts'
import { type NameOptions, readListPattern, readMailboxName } from './mailbox-names.ts'
import { readEntryNames } from './metadata.ts'
import { parseSequenceSet, readSequenceSet, type SequenceSet } from './sets.ts'

/** Arguments of STORE and UID STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3). */
export interface StoreRequest {
  readonly set: SequenceSet
  readonly change: 'replace' | 'add' | 'remove'
  readonly silent: boolean
  readonly flags: readonly string[]
  readonly unchangedSince: number | null
}

export function readStore(args: Arguments): StoreRequest {
  args.space()
  const set = readSequenceSet(args)
  args.space()
  let unchangedSince: number | null = null
  if (args.isAtList) {
    args.list(() => {
      const modifier = args.keyword()
      if (modifier !== 'UNCHANGEDSINCE') throw new GrammarError(`Unknown modifier "${modifier.slice(0, 30)}"`)
      args.space()
      unchangedSince = args.number64()
    })
    args.space()
  }
  const sign = args.take('+') ? 'add' : args.take('-') ? 'remove' : 'replace'
  const item = args.keyword()
  if (item !== 'FLAGS' && item !== 'FLAGS.SILENT') throw new GrammarError(`Unsupported data item "${item.slice(0, 30)}"`)
  args.space()
  const flags = readFlags(args)
  args.end()
  return { set, change: sign, silent: item === 'FLAGS.SILENT', flags, unchangedSince }
}

/** A piece of a message that is put together (RFC 4469 §3): octets that are sent, or those a URL names. */
export type AppendPart = { readonly literal: Literal } | { readonly url: string }

/** One message of APPEND; octets of a literal may still be on their way. */
export interface AppendMessage {
  readonly flags: readonly string[]
  /** Unix milliseconds; null: now. */
  readonly internalDate: number | null
  /** One literal, but with CATENATE. */
  readonly parts: readonly AppendPart[]
  readonly isCatenated: boolean
  /** Sent as `UTF8 (~{n}…)` (RFC 6855 §4). */
  readonly isUtf8: boolean
}

export interface AppendRequest {
  readonly mailbox: string
  readonly messages: readonly AppendMessage[]
}

/** Arguments of APPEND, several messages at once included (RFC 9051 §6.3.12, RFC 3502); also for what has come of it so far. */
export function readAppend(args: Arguments, options: NameOptions): AppendRequest {
  args.space()
  const mailbox = readMailboxName(args, options)
  const messages: AppendMessage[] = []
  do {
    args.space()
    messages.push(readAppendMessage(args))
  } while (!args.isAtEnd)
  return { mailbox, messages }
}

export interface ReplaceRequest extends AppendRequest {
  /** The message that is replaced: its number or UID; `*` is the last. */
  readonly number: number | '*'
}

/** Arguments of REPLACE and UID REPLACE (RFC 8508 §3); also for what has come of it so far. */
export function readReplace(args: Arguments, options: NameOptions): ReplaceRequest {
  args.space()
  const number = args.take('*') ? '*' : args.number()
  if (number === 0) throw new GrammarError('Numbers begin with 1')
  args.space()
  const mailbox = readMailboxName(args, options)
  args.space()
  const message = readAppendMessage(args)
  args.end()
  return { number, mailbox, messages: [message] }
}

function readAppendMessage(args: Arguments): AppendMessage {
  let flags: string[] = []
  let internalDate: number | null = null
  if (args.isAtList) {
    flags = readFlags(args)
    args.space()
  }
  if (args.peek() === 0x22) {
    internalDate = readDateTime(args)
    args.space()
  }
  const plain = args.tryLiteral()
  if (plain !== null) return { flags, internalDate, parts: [{ literal: plain }], isCatenated: false, isUtf8: false }
  const word = args.keyword()
  if (word === 'CATENATE') return { flags, internalDate, parts: readCatenated(args), isCatenated: true, isUtf8: false }
  if (word !== 'UTF8') throw new GrammarError('The message must be sent as a literal')
  args.space()
  args.expect('(')
  args.skipSpaces()
  const literal = args.tryLiteral()
  if (literal === null || !literal.isBinary) throw new GrammarError('UTF8 needs a literal8')
  // While the octets are on their way the parenthesis cannot be there.
  if (literal.bytes !== null || !args.isAtEnd) args.expect(')')
  return { flags, internalDate, parts: [{ literal }], isCatenated: false, isUtf8: true }
}

const maxParts = 100

/** RFC 4469 §3, as far as it has come. */
function readCatenated(args: Arguments): AppendPart[] {
  args.space()
  args.expect('(')
  const parts: AppendPart[] = []
  for (;;) {
    const word = args.keyword()
    args.space()
    const literal = args.tryLiteral()
    if (word === 'TEXT' && literal !== null) parts.push({ literal })
    else if (word === 'URL') parts.push({ url: literal === null ? args.astring() : (literal.bytes?.toString() ?? '') })
    else throw new GrammarError('CATENATE wants URL and TEXT, and for TEXT a literal')
    if (parts.length > maxParts) throw new GrammarError('Too many parts')
    // While the octets are on their way nothing is behind them.
    if (literal?.bytes === null && args.isAtEnd) return parts
    if (args.take(')')) return parts
    args.space()
  }
}

export const statusItems = [
  'MESSAGES',
  'RECENT',
  'UIDNEXT',
  'UIDVALIDITY',
  'UNSEEN',
  'DELETED',
  'SIZE',
  'HIGHESTMODSEQ',
  'MAILBOXID',
  'APPENDLIMIT',
  'DELETED-STORAGE',
] as const

/** RFC 9051 §6.3.11, RFC 7162 §3.1.7, RFC 7889 §5, RFC 8474 §4.3, RFC 9208 §4.1.4. */
export type StatusItem = (typeof statusItems)[number]

function readStatusItems(args: Arguments): StatusItem[] {
  const items = args.list(() => {
    const word = args.keyword()
    const item = statusItems.find(known => known === word)
    if (item === undefined) throw new GrammarError(`Invalid status item "${word.slice(0, 30)}"`)
    return item
  })
  if (items.length === 0) throw new GrammarError('No status items are given', 'missing')
  return [...new Set(items)]
}

/** Arguments of STATUS. */
export function readStatus(args: Arguments, options: NameOptions): { readonly mailbox: string; readonly items: readonly StatusItem[] } {
  args.space()
  const mailbox = readMailboxName(args, options)
  args.space()
  const items = readStatusItems(args)
  args.end()
  return { mailbox, items }
}

/** Arguments of LIST (RFC 9051 §6.3.9, RFC 5258, 5819, 6154, 8440, 9590). */
export interface ListRequest {
  readonly reference: string
  readonly patterns: readonly string[]
  readonly select: {
    readonly subscribed: boolean
    readonly remote: boolean
    readonly recursiveMatch: boolean
    readonly specialUse: boolean
  }
  readonly results: {
    readonly subscribed: boolean
    readonly children: boolean
    readonly specialUse: boolean
    readonly myRights: boolean
    readonly status: readonly StatusItem[]
    readonly metadata: readonly string[]
  }
  /** Selection options, result options or several patterns were given. */
  readonly isExtended: boolean
}

const maxPatterns = 100

export function readList(args: Arguments, options: NameOptions): ListRequest {
  args.space()
  const selection = new Set<string>()
  let isExtended = false
  if (args.isAtList) {
    isExtended = true
    for (const word of args.list(() => args.keyword())) {
      if (!['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE'].includes(word))
        throw new GrammarError(`Unknown selection option "${word.slice(0, 30)}"`)
      selection.add(word)
    }
    args.space()
  }
  const reference = readListPattern(args, options)
  args.space()
  let patterns: string[]
  if (args.isAtList) {
    isExtended = true
    patterns = args.list(() => readListPattern(args, options))
    if (patterns.length > maxPatterns) throw new GrammarError('Too many patterns')
  } else patterns = [readListPattern(args, options)]
  const results = {
    subscribed: false,
    children: false,
    specialUse: false,
    myRights: false,
    status: [] as StatusItem[],
    metadata: [] as string[],
  }
  if (!args.isAtEnd) {
    isExtended = true
    if (args.keyword() !== 'RETURN') throw new GrammarError('Expected RETURN behind the patterns')
    args.space()
    args.list(() => readListResult(args, results))
  }
  args.end()
  const select = {
    subscribed: selection.has('SUBSCRIBED'),
    remote: selection.has('REMOTE'),
    recursiveMatch: selection.has('RECURSIVEMATCH'),
    specialUse: selection.has('SPECIAL-USE'),
  }
  return { reference, patterns, select, results, isExtended }
}

function readListResult(args: Arguments, results: { -readonly [K in keyof ListRequest['results']]: ListRequest['results'][K] }): void {
  const word = args.keyword()
  switch (word) {
    case 'SUBSCRIBED':
      results.subscribed = true
      break
    case 'CHILDREN':
      results.children = true
      break
    case 'SPECIAL-USE':
      results.specialUse = true
      break
    case 'MYRIGHTS':
      results.myRights = true
      break
    case 'STATUS':
      args.space()
      results.status = readStatusItems(args)
      break
    case 'METADATA':
      args.space()
      results.metadata = readEntryNames(args)
      break
    default:
      throw new GrammarError(`Unknown result option "${word.slice(0, 30)}"`)
  }
}

/** Arguments of LSUB. */
export function readLsub(args: Arguments, options: NameOptions): { readonly reference: string; readonly pattern: string } {
  args.space()
  const reference = readListPattern(args, options)
  args.space()
  const pattern = readListPattern(args, options)
  args.end()
  return { reference, pattern }
}

/** `QRESYNC (uidvalidity modseq [known-uids] [(seqs uids)])` (RFC 7162 §3.2.5). */
export interface QresyncParameter {
  readonly uidValidity: number
  readonly modSeq: number
  readonly knownUids: SequenceSet | null
  readonly match: { readonly numbers: SequenceSet; readonly uids: SequenceSet } | null
}

export interface SelectRequest {
  readonly mailbox: string
  readonly condstore: boolean
  readonly qresync: QresyncParameter | null
}

/** Arguments of SELECT and EXAMINE. */
export function readSelect(args: Arguments, options: NameOptions): SelectRequest {
  args.space()
  const mailbox = readMailboxName(args, options)
  let condstore = false
  let qresync: QresyncParameter | null = null
  if (!args.isAtEnd) {
    args.list(() => {
      const word = args.keyword()
      if (word === 'CONDSTORE') condstore = true
      else if (word === 'QRESYNC') {
        args.space()
        qresync = readQresync(args)
      } else throw new GrammarError(`Unexpected value "${word.slice(0, 30)}"`)
    })
  }
  args.end()
  return { mailbox, condstore, qresync }
}

function readQresync(args: Arguments): QresyncParameter {
  args.expect('(')
  args.skipSpaces()
  const uidValidity = args.number()
  args.space()
  const modSeq = args.number64()
  let knownUids: SequenceSet | null = null
  let match: QresyncParameter['match'] = null
  args.skipSpaces()
  if (args.isAtDigit) {
    knownUids = readKnownSet(args)
    args.skipSpaces()
  }
  if (args.take('(')) {
    args.skipSpaces()
    const numbers = readKnownSet(args)
    args.space()
    match = { numbers, uids: readKnownSet(args) }
    args.skipSpaces()
    args.expect(')')
    args.skipSpaces()
  }
  args.expect(')')
  return { uidValidity, modSeq, knownUids, match }
}

function readKnownSet(args: Arguments): SequenceSet {
  const text = args.token()
  // RFC 7162 §7: known sets hold numbers only.
  if (/[*$]/.test(text)) throw new GrammarError('"*" is not allowed in a set of known messages')
  return parseSequenceSet(text)
}

/** Arguments of CREATE (RFC 9051 §6.3.4, RFC 6154 §3); attributes as written. */
export function readCreate(args: Arguments, options: NameOptions): { readonly mailbox: string; readonly use: readonly string[] } {
  args.space()
  const mailbox = readMailboxName(args, options)
  const use: string[] = []
  if (!args.isAtEnd) {
    args.list(() => {
      const word = args.keyword()
      if (word !== 'USE') throw new GrammarError(`Unexpected value "${word.slice(0, 30)}"`)
      args.space()
      use.push(
        ...args.list(() => {
          args.expect('\\')
          return `\\${args.atom()}`
        }),
      )
    })
  }
  args.end()
  return { mailbox, use }
}

/** The one mailbox name of DELETE, SUBSCRIBE, UNSUBSCRIBE, GETQUOTAROOT, GETACL, MYRIGHTS. */
export function readMailbox(args: Arguments, options: NameOptions): string {
  args.space()
  const mailbox = readMailboxName(args, options)
  args.end()
  return mailbox
}

/** Arguments of RENAME. */
export function readRename(args: Arguments, options: NameOptions): { readonly from: string; readonly to: string } {
  args.space()
  const from = readMailboxName(args, options)
  args.space()
  const to = readMailboxName(args, options)
  args.end()
  return { from, to }
}

/** Arguments of COPY, MOVE and their UID forms. */
export function readCopy(args: Arguments, options: NameOptions): { readonly set: SequenceSet; readonly mailbox: string } {
  args.space()
  const set = readSequenceSet(args)
  args.space()
  const mailbox = readMailboxName(args, options)
  args.end()
  return { set, mailbox }
}

/** The set of UID EXPUNGE. */
export function readUidSet(args: Arguments): SequenceSet {
  args.space()
  const set = readSequenceSet(args)
  args.end()
  return set
}

/** Arguments of LOGIN, as octets since passwords may be in any charset. */
export function readLogin(args: Arguments): { readonly user: Buffer; readonly password: Buffer } {
  args.space()
  const user = args.astringBytes()
  args.space()
  const password = args.astringBytes()
  args.end()
  return { user, password }
}

/** Arguments of AUTHENTICATE (RFC 4959): the mechanism upper case, the initial response as written (`=` is empty) or null. */
export function readAuthenticate(args: Arguments): { readonly mechanism: string; readonly initialResponse: string | null } {
  args.space()
  const mechanism = args.keyword()
  const initialResponse = args.isAtEnd ? null : args.token()
  args.end()
  return { mechanism, initialResponse }
}

/** Capability names of ENABLE (RFC 5161), upper case, each once. */
export function readEnable(args: Arguments): string[] {
  const names = new Set<string>()
  do {
    args.space()
    names.add(args.atom().toUpperCase())
  } while (!args.isAtEnd)
  return [...names]
}

// RFC 2971 §3.3: at most 30 pairs.
const maxIdPairs = 30

/** Fields of ID; null for NIL. */
export function readId(args: Arguments): ReadonlyMap<string, string | null> | null {
  args.space()
  if (!args.isAtList) {
    if (args.keyword() !== 'NIL') throw new GrammarError('Expected a list or NIL')
    args.end()
    return null
  }
  const fields = new Map<string, string | null>()
  args.list(() => {
    const name = args.string()
    args.space()
    fields.set(name.toLowerCase(), args.nstring())
    if (fields.size > maxIdPairs) throw new GrammarError('Too many fields')
  })
  args.end()
  return fields
}

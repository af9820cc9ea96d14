import type { Arguments } from './arguments.ts'
import { GrammarError } from './grammar-error.ts'
import { type NameOptions, readMailboxName } from './mailbox-names.ts'

/** Arguments of SETACL (RFC 4314 §3.1). */
export interface SetAclRequest {
  readonly mailbox: string
  readonly identifier: string
  readonly change: 'replace' | 'add' | 'remove'
  /** Letters as written, each once. */
  readonly rights: string
}

/** RFC 4314 §2.1 and the obsolete `c` and `d` of §2.1.1. */
const knownRights = 'lrswipkxteacd'

export function readSetAcl(args: Arguments, options: NameOptions): SetAclRequest {
  args.space()
  const mailbox = readMailboxName(args, options)
  args.space()
  const identifier = args.astring()
  args.space()
  const text = args.astring()
  args.end()
  const change = text.startsWith('+') ? 'add' : text.startsWith('-') ? 'remove' : 'replace'
  const letters = change === 'replace' ? text : text.slice(1)
  for (const letter of letters) if (!knownRights.includes(letter)) throw new GrammarError(`Unknown right "${letter}"`)
  return { mailbox, identifier, change, rights: [...new Set(letters)].join('') }
}

/** Arguments of DELETEACL and LISTRIGHTS (RFC 4314 §3.2, §3.4). */
export function readMailboxAndIdentifier(args: Arguments, options: NameOptions): { readonly mailbox: string; readonly identifier: string } {
  args.space()
  const mailbox = readMailboxName(args, options)
  args.space()
  const identifier = args.astring()
  args.end()
  return { mailbox, identifier }
}

const maxEntries = 100

function readEntryName(args: Arguments): string {
  const name = args.astring()
  // RFC 5464 §5: slash-separated, no wildcards, no trailing or doubled slash.
  if (!/^(?:\/[^/*%\u0000-\u001f\u0080-\uffff]+)+$/.test(name)) throw new GrammarError('Invalid entry name')
  return name.toLowerCase()
}

/** Arguments of GETMETADATA (RFC 5464 §4.2). The empty mailbox name means the server. */
export interface GetMetadataRequest {
  readonly mailbox: string
  readonly entries: readonly string[]
  readonly maxSize: number | null
  readonly depth: 0 | 1 | 'infinity'
}

export function readGetMetadata(args: Arguments, options: NameOptions): GetMetadataRequest {
  args.space()
  let maxSize: number | null = null
  let depth: GetMetadataRequest['depth'] = 0
  const readOptions = (): void => {
    args.list(() => {
      const word = args.keyword()
      args.space()
      if (word === 'MAXSIZE') maxSize = args.number()
      else if (word === 'DEPTH') depth = readDepth(args.keyword())
      else throw new GrammarError(`Unknown option "${word.slice(0, 30)}"`)
    })
    args.space()
  }
  if (args.isAtList) readOptions()
  const mailbox = readMailboxName(args, options)
  args.space()
  // Erratum 1691 and clients put the options behind the mailbox; entry names begin with a slash.
  if (args.isAtList) {
    const mark = args.mark()
    args.expect('(')
    args.skipSpaces()
    const isEntry = args.peek() === 0x2f || args.peek() === 0x22
    args.reset(mark)
    if (!isEntry) readOptions()
  }
  const entries = args.isAtList ? args.list(() => readEntryName(args)) : [readEntryName(args)]
  args.end()
  if (entries.length === 0 || entries.length > maxEntries) throw new GrammarError('Invalid list of entries')
  return { mailbox, entries, maxSize, depth }
}

function readDepth(word: string): GetMetadataRequest['depth'] {
  if (word === '0') return 0
  if (word === '1') return 1
  if (word === 'INFINITY') return 'infinity'
  throw new GrammarError('DEPTH is 0, 1 or infinity')
}

/** Arguments of SETMETADATA (RFC 5464 §4.3); a null value removes the entry. */
export interface SetMetadataRequest {
  readonly mailbox: string
  readonly entries: readonly { readonly name: string; readonly value: Buffer | null }[]
}

export function readSetMetadata(args: Arguments, options: NameOptions): SetMetadataRequest {
  args.space()
  const mailbox = readMailboxName(args, options)
  args.space()
  const entries = args.list(() => {
    const name = readEntryName(args)
    args.space()
    return { name, value: readValue(args) }
  })
  args.end()
  if (entries.length === 0 || entries.length > maxEntries) throw new GrammarError('Invalid list of entries')
  return { mailbox, entries }
}

function readValue(args: Arguments): Buffer | null {
  const literal = args.tryLiteral()
  if (literal !== null) return literal.bytes
  if (args.peek() === 0x22) return args.stringBytes()
  if (args.keyword() !== 'NIL') throw new GrammarError('Expected a string or NIL')
  return null
}

/** Arguments of SETQUOTA (RFC 9208 §4.1.3): limits by resource name, upper case. */
export function readSetQuota(args: Arguments): { readonly root: string; readonly limits: ReadonlyMap<string, number> } {
  args.space()
  const root = args.astring()
  args.space()
  const limits = new Map<string, number>()
  args.list(() => {
    const resource = args.atom().toUpperCase()
    args.space()
    limits.set(resource, args.number64())
  })
  args.end()
  return { root, limits }
}

/** The quota root of GETQUOTA. */
export function readQuotaRoot(args: Arguments): string {
  args.space()
  const root = args.astring()
  args.end()
  return root
}

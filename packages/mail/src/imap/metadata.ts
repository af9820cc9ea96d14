// Entries of mailboxes and of the server (RFC 5464).
import type { Arguments } from './arguments.ts'
import { encodeMailboxName, encodeString, type TextOptions } from './encode.ts'
import { GrammarError } from './grammar-error.ts'
import { type NameOptions, readMailboxName } from './mailbox-names.ts'
import { encodeLiteral, type Output } from './responses.ts'

const maxEntries = 100

/** Longest name of an entry, octets. */
const maxNameBytes = 256

/** RFC 5464 §3.2: slash-separated, no wildcards, no trailing or doubled slash; below `/private` or `/shared`, which may be asked for as a whole. */
export function readEntryName(args: Arguments): string {
  const name = args.astring().toLowerCase()
  const isEntry = /^\/(?:private|shared)(?:\/[^/*%\u0000-\u001f\u0080-\uffff]+)*$/.test(name)
  if (!isEntry || name.length > maxNameBytes) throw new GrammarError('Invalid entry name')
  return name
}

function checkCount(entries: readonly unknown[]): void {
  if (entries.length === 0 || entries.length > maxEntries) throw new GrammarError('Invalid list of entries')
}

/** The entries of LIST RETURN (METADATA …) (RFC 9590 §4). */
export function readEntryNames(args: Arguments): string[] {
  const entries = args.list(() => readEntryName(args))
  checkCount(entries)
  return entries
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
  checkCount(entries)
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
    if (!name.includes('/', 1)) throw new GrammarError('Invalid entry name')
    args.space()
    return { name, value: readValue(args) }
  })
  args.end()
  checkCount(entries)
  return { mailbox, entries }
}

function readValue(args: Arguments): Buffer | null {
  const literal = args.tryLiteral()
  if (literal !== null) return literal.bytes
  if (args.peek() === 0x22) return args.stringBytes()
  if (args.keyword() !== 'NIL') throw new GrammarError('Expected a string or NIL')
  return null
}

/** A value is sent between quotes up to this length, octets. */
const maxQuotedValue = 1000

/** `* METADATA "name" (/entry value …)` (RFC 5464 §4.4.1); null is NIL. Nothing when there are no entries. */
export function encodeMetadata(
  mailbox: string,
  entries: readonly { readonly name: string; readonly value: Uint8Array | null }[],
  options: TextOptions,
): Output {
  const out: (string | Buffer)[] = []
  for (const [at, { name, value }] of entries.entries()) {
    const shown = /^[^\s(){}"\\\]\u007f]+$/.test(name) ? name : encodeString(name)
    out.push(`${at === 0 ? `* METADATA ${encodeMailboxName(mailbox, options)} (` : ' '}${shown} `, ...encodeValue(value))
  }
  if (out.length > 0) out.push(')\r\n')
  return out
}

function encodeValue(value: Uint8Array | null): Output {
  if (value === null) return ['NIL']
  const octets = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const isPlain = octets.length <= maxQuotedValue && octets.every(octet => octet >= 0x20 && octet < 0x7f)
  return isPlain ? [encodeString(octets.toString('latin1'))] : encodeLiteral(octets, true)
}

import type { Arguments } from './arguments.ts'
import { GrammarError } from './grammar-error.ts'

const base64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,'

/** RFC 3501 §5.1.3 modified UTF-7. What is not valid is taken literally, as some clients send plain `&`. */
export function decodeUtf7(text: string): string {
  if (!text.includes('&')) return text
  let out = ''
  let position = 0
  let end = 0
  for (;;) {
    const start = text.indexOf('&', position)
    if (start < 0 || end < 0) return out + text.slice(position)
    out += text.slice(position, start)
    if (end <= start) end = text.indexOf('-', start)
    const decoded = end < 0 ? null : end === start + 1 ? '&' : decodeShifted(text.slice(start + 1, end))
    if (decoded === null) {
      out += '&'
      position = start + 1
    } else {
      out += decoded
      position = end + 1
    }
  }
}

function decodeShifted(shifted: string): string | null {
  // A mailbox name is at most a few hundred characters; longer runs are no names and scanning them again for every `&` would add up.
  if (shifted.length > 1400 || !/^[A-Za-z0-9+,]+$/.test(shifted)) return null
  const bytes = Buffer.from(shifted.replaceAll(',', '/'), 'base64')
  if (bytes.length === 0 || bytes.length % 2 !== 0) return null
  const text = bytes.swap16().toString('utf16le')
  return text.isWellFormed() ? text : null
}

export function encodeUtf7(name: string): string {
  return name.replace(/&|[^\x20-\x7e]+/g, run => (run === '&' ? '&-' : `&${encodeShifted(run)}-`))
}

function encodeShifted(run: string): string {
  const bytes = Buffer.from(run, 'utf16le').swap16()
  let out = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const bits = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    const digits = Math.min(4, Math.ceil(((bytes.length - i) * 8) / 6))
    for (let digit = 0; digit < digits; digit++) out += base64[(bits >> (18 - 6 * digit)) & 63]
  }
  return out
}

// Longer than any mailbox name a store would take.
const maxNameOctets = 4096

function readName(args: Arguments, options: NameOptions): string {
  const octets = args.astringBytes()
  if (octets.length > maxNameOctets) throw new GrammarError('The mailbox name is too long')
  const text = octets.toString('utf8')
  return options.utf8 ? text : decodeUtf7(text)
}

/** How names travel: modified UTF-7 for IMAP4rev1, UTF-8 after ENABLE UTF8=ACCEPT or IMAP4rev2 (raw UTF-8 is understood in both). */
export interface NameOptions {
  readonly utf8: boolean
}

/** INBOX in any case is INBOX, also as the first level of a path (RFC 9051 §5.1). */
function normalInbox(name: string): string {
  return /^inbox(?=$|\/)/i.test(name) ? `INBOX${name.slice('INBOX'.length)}` : name
}

export function readMailboxName(args: Arguments, options: NameOptions): string {
  const text = readName(args, options)
  if (/[\r\n]/.test(text)) throw new GrammarError('A mailbox name must not hold line breaks')
  return normalInbox(text.normalize('NFC'))
}

/** Longest pattern and most wildcards in it: matching costs their product with each name. */
const maxPattern = 1024
const maxWildcards = 32

/** A list pattern (RFC 9051 §6.3.9): `*` any characters, `%` any but the hierarchy separator. */
export interface ListPattern {
  readonly text: string
  /** Tells whether the whole name fits. */
  readonly matches: (name: string) => boolean
}

export function readListPattern(args: Arguments, options: NameOptions): string {
  return readName(args, options)
}

/** Prepares a pattern behind its reference name. INBOX matches in any case. Throws GrammarError when it is too long or too wild. */
export function compilePattern(reference: string, pattern: string, separator = '/'): ListPattern {
  const text = normalInbox(`${reference}${pattern}`.normalize('NFC'))
    .replace(/\*[*%]+|%+\*[*%]*/g, '*')
    .replace(/%+/g, '%')
  if (text.length > maxPattern) throw new GrammarError('The pattern is too long')
  if ((text.match(/[*%]/g)?.length ?? 0) > maxWildcards) throw new GrammarError('The pattern has too many wildcards')
  if (!/[*%]/.test(text)) return { text, matches: name => name === text }
  return { text, matches: name => matchWild(text, name, separator) || (isInbox(text) && matchWild(text.toUpperCase(), name, separator)) }
}

function isInbox(pattern: string): boolean {
  return /^[inbox*%]+$/i.test(pattern)
}

/** Keeps the set of pattern positions that are reachable; no backtracking, so no pattern is expensive. */
function matchWild(pattern: string, name: string, separator: string): boolean {
  let reachable = new Uint8Array(pattern.length + 1)
  const skipWild = (set: Uint8Array): void => {
    for (let i = 0; i < pattern.length; i++) if (set[i] === 1 && (pattern[i] === '*' || pattern[i] === '%')) set[i + 1] = 1
  }
  reachable[0] = 1
  skipWild(reachable)
  for (const char of name.split('')) {
    const next = new Uint8Array(pattern.length + 1)
    let any = false
    for (let i = 0; i < pattern.length; i++) {
      if (reachable[i] === 0) continue
      const wanted = pattern[i]
      if (wanted === '*' || (wanted === '%' && char !== separator)) next[i] = 1
      else if (wanted === char) next[i + 1] = 1
      else continue
      any = true
    }
    if (!any) return false
    skipWild(next)
    reachable = next
  }
  return reachable[pattern.length] === 1
}

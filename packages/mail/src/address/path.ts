import { domainToAscii, readAddressLiteral } from './domain.ts'
import { atSign } from './list.ts'

/** Why a path was refused, in words for the client. */
export class AddressError extends Error {
  override readonly name = 'AddressError'
}

/** An envelope address (RFC 5321 §4.1.2). */
export interface EnvelopeAddress {
  /** As to be sent on: the local part is quoted only when it has to be. Empty for the null reverse path. */
  readonly address: string
  /** Without quotes. */
  readonly local: string
  /** As written; an address literal keeps its brackets; empty for `<>` and `<postmaster>`. */
  readonly domain: string
  /** Holds characters beyond ASCII, so it needs SMTPUTF8 (RFC 6531 §3.2). */
  readonly needsUtf8: boolean
}

// RFC 5321 §4.5.3.1: 64 and 255 octets. VERP and SRS senders exceed 64; they pass while the whole stays within a path of 256.
const maxLocal = 64
const maxDomain = 255
const maxPath = 254

const atext = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\u{10ffff}]+$/u
const control = /[\u0000-\u001f\u007f]/

/**
 * Reads an address without brackets: `local@domain`, `"quoted local"@domain`, `user@[192.0.2.1]`, UTF-8 anywhere.
 * Throws AddressError.
 */
export function parseAddress(text: string): EnvelopeAddress {
  if (control.test(text)) throw new AddressError('control characters are not allowed in an address')
  const at = atSign(text)
  if (at < 0) throw new AddressError('the domain is missing')
  const local = readLocalPart(text.slice(0, at))
  const domain = readDomain(text.slice(at + 1))
  const address = `${writeLocalPart(local)}@${domain}`
  const localOctets = Buffer.byteLength(local)
  if (localOctets > maxLocal && Buffer.byteLength(address) > maxPath) throw new AddressError('the address is too long')
  return { address, local, domain, needsUtf8: !/^[\x20-\x7e]*$/.test(address) }
}

function readLocalPart(text: string): string {
  if (text === '') throw new AddressError('the local part is empty')
  if (!text.startsWith('"')) {
    for (const atom of text.split('.')) {
      if (!atext.test(atom)) throw new AddressError(atom === '' ? 'misplaced dot in the local part' : 'the local part needs quotes')
    }
    return text
  }
  if (text.length < 3 || !text.endsWith('"')) throw new AddressError('unfinished quotes in the local part')
  const inside = text.slice(1, -1)
  let local = ''
  for (let i = 0; i < inside.length; i++) {
    if (inside[i] === '"') throw new AddressError('unfinished quotes in the local part')
    if (inside[i] === '\\') {
      i++
      if (i === inside.length) throw new AddressError('unfinished quotes in the local part')
    }
    local += inside[i] ?? ''
  }
  return local
}

function readDomain(text: string): string {
  if (text === '') throw new AddressError('the domain is missing')
  if (text.startsWith('[')) {
    if (text.length > maxDomain || readAddressLiteral(text) === null) throw new AddressError('invalid address literal')
    return text
  }
  const domain = text.endsWith('.') ? text.slice(0, -1) : text
  if (Buffer.byteLength(domain) > maxDomain || domainToAscii(domain) === null) throw new AddressError('invalid domain')
  return domain
}

function writeLocalPart(local: string): string {
  if (local.split('.').every(atom => atext.test(atom))) return local
  return `"${local.replace(/["\\]/g, '\\$&')}"`
}

/** `local@domain` from its parts, the local part quoted when it has to be (RFC 5321 §4.1.2). */
export function formatAddress(local: string, domain: string): string {
  return `${writeLocalPart(local)}@${domain}`
}

export interface PathOptions {
  /** Accept `<>` (MAIL FROM, RFC 5321 §4.5.5). */
  readonly allowNull?: boolean
  /** Accept `<postmaster>` without domain (RCPT TO, RFC 5321 §4.1.1.3). */
  readonly allowPostmaster?: boolean
}

/**
 * Reads a path at the start of `text`, after optional blanks: `<local@domain>`; a source route is dropped (RFC 5321 §3.6.1, appendix C).
 * Returns what follows the closing bracket as `rest`. Throws AddressError.
 */
export function parsePath(text: string, options: PathOptions = {}): EnvelopeAddress & { readonly rest: string } {
  let start = 0
  while (text[start] === ' ') start++
  if (text[start] !== '<') throw new AddressError('the address must stand in angle brackets')
  const end = pathEnd(text, start + 1)
  if (end < 0) throw new AddressError('the closing angle bracket is missing')
  const inside = text.slice(start + 1, end).trim()
  const rest = text.slice(end + 1)
  if (inside === '') {
    if (!options.allowNull) throw new AddressError('the address is empty')
    return { address: '', local: '', domain: '', needsUtf8: false, rest }
  }
  if (options.allowPostmaster && inside.toLowerCase() === 'postmaster') {
    return { address: inside, local: inside, domain: '', needsUtf8: false, rest }
  }
  return { ...parseAddress(inside.startsWith('@') ? withoutRoute(inside) : inside), rest }
}

function pathEnd(text: string, from: number): number {
  let quoted = false
  for (let i = from; i < text.length; i++) {
    const char = text[i]
    if (quoted && char === '\\') i++
    else if (char === '"') quoted = !quoted
    else if (char === '>' && !quoted) return i
  }
  return -1
}

function withoutRoute(path: string): string {
  const colon = path.indexOf(':')
  if (colon < 0) throw new AddressError('invalid source route')
  for (const hop of path.slice(0, colon).split(',')) {
    const trimmed = hop.trim()
    if (!trimmed.startsWith('@')) throw new AddressError('invalid source route')
    readDomain(trimmed.slice(1))
  }
  return path.slice(colon + 1).trim()
}

/** Splits at the `@` that counts; the local part keeps its quotes. Without one the domain is empty. */
export function splitAddress(address: string): { readonly local: string; readonly domain: string } {
  const at = atSign(address)
  return at < 0 ? { local: address, domain: '' } : { local: address.slice(0, at), domain: address.slice(at + 1) }
}

/**
 * The form under which an address is stored and compared: NFC, lower case, the domain in A-labels, quotes only where needed.
 * Text that is no address is only normalised.
 */
export function canonicalAddress(address: string): string {
  const text = address.trim().normalize('NFC')
  try {
    const { local, domain } = parseAddress(text)
    return `${writeLocalPart(local.toLowerCase())}@${domainToAscii(domain) ?? domain.toLowerCase()}`
  } catch {
    return text.toLowerCase()
  }
}

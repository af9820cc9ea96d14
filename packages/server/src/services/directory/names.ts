// Names and addresses as they are stored and compared: composed, in lower case, domains as A-labels, nothing invisible, and nothing that
// is made to be taken for something else.
import { domainToASCII, domainToUnicode } from 'node:url'
import { failure } from '@postern/contract'
import { foldName, type PrincipalType } from '#data/store'

const maxNameBytes = 255

/** White space, control and format characters, and what draws nothing: none of it can be seen, so two names could look the same. */
const unseen = /[\s\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}]/u

const domainName = /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

function invalidName(reason: string): Error {
  return failure('other', { details: 'Invalid principal name', reason })
}

/** Checks and folds a name: nothing unseen, at most 255 bytes; domains are host names in A-labels. */
export function readName(type: PrincipalType, name: string): string {
  const folded = foldName(name)
  if (Buffer.byteLength(folded) > maxNameBytes || unseen.test(folded)) {
    throw invalidName(`Names have no white space, nothing invisible and at most ${maxNameBytes} bytes`)
  }
  if (mixesScripts(folded)) throw invalidName('Letters of look-alike alphabets are mixed in one word')
  if (type !== 'domain') return folded
  const ascii = asciiDomain(folded)
  if (ascii === undefined) throw invalidName('Not a domain name')
  return ascii
}

/** A host name in A-labels (RFC 5891), or nothing when it is none. */
export function asciiDomain(name: string): string | undefined {
  // What else a URL could hold between its slashes is no part of a name.
  const ascii = /^[a-z0-9._\-\x80-\u{10ffff}]+$/u.test(name) ? domainToASCII(name) : ''
  return domainName.test(ascii) && !/^\d+(\.\d+){3}$/.test(ascii) ? ascii : undefined
}

/** An address with a domain, folded, the domain in A-labels. A catch-all has an empty local part. */
export function readEmail(address: string): string {
  const folded = foldName(address.trim())
  const at = folded.indexOf('@')
  const local = folded.slice(0, Math.max(0, at))
  const domain = at < 0 ? undefined : asciiDomain(folded.slice(at + 1))
  const isValid = at >= 0 && domain !== undefined && !unseen.test(local) && Buffer.byteLength(folded) <= maxNameBytes
  if (isValid && !mixesScripts(local)) return `${local}@${domain}`
  throw failure('other', { details: 'Invalid email', reason: `${folded.slice(0, 100)} is not an address` })
}

/** An address as it is looked up: folded, its domain in A-labels where it has any. */
export function foldAddress(address: string): string {
  const folded = foldName(address)
  const at = folded.lastIndexOf('@')
  const domain = folded.slice(at + 1)
  return /[^\0-\x7f]/.test(domain) ? `${folded.slice(0, at + 1)}${asciiDomain(domain) ?? domain}` : folded
}

/** A foreign address: its domain has at least two labels. */
export function readExternalMember(address: string): string {
  const folded = foldAddress(address.replace(/\s+/g, ''))
  const [local = '', domain = '', ...more] = folded.split('@')
  const isValid = local !== '' && more.length === 0 && !unseen.test(local) && domain.includes('.') && asciiDomain(domain) === domain
  if (isValid) return folded
  throw failure('other', { details: 'Invalid email address', reason: `${folded.slice(0, 100)} is not an address` })
}

const lookAlikes = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /\p{Script=Armenian}/u, /\p{Script=Cherokee}/u]

/** Whether a word has letters of several alphabets that look alike; no language writes that, and who imitates a name does. */
function mixesScripts(text: string): boolean {
  if (!/[^\0-\x7f]/.test(text)) return false
  return text.split(/[^\p{L}\p{M}\p{N}]+/u).some(word => lookAlikes.filter(script => script.test(word)).length > 1)
}

/**
 * The existing domain that a new one would be taken for (Unicode TR 39 §4, skeletons of the shown form), if any. Plain ASCII imitates
 * nobody here: `rn` is no attack on `m` but part of many names.
 */
export async function imitatedDomain(name: string, existing: ReadonlySet<string>): Promise<string | undefined> {
  const { default: skeletonOf } = await import('unhomoglyph')
  const shown = shownDomain(name)
  const isPlain = shown === name
  const skeleton = skeletonOf(shown.normalize('NFKD'))
  for (const other of existing) {
    const otherShown = shownDomain(other)
    if (other === name || (isPlain && otherShown === other)) continue
    if (skeletonOf(otherShown.normalize('NFKD')) === skeleton) return other
  }
  return undefined
}

/** U-labels. */
function shownDomain(name: string): string {
  return name.includes('xn--') ? domainToUnicode(name) : name
}

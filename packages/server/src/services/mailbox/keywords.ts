// What a keyword may be called, and which names are bits.
import { failure } from '@postern/contract'
import { type FlagName, flagBits } from './types.ts'

/** `$forwarded`, `$seen`, …: lower-case names of JMAP and of the IMAP keyword registry. */
const byName: ReadonlyMap<string, FlagName> = new Map<string, FlagName>([
  ['$seen', 'seen'],
  ['$answered', 'answered'],
  ['$flagged', 'flagged'],
  ['$deleted', 'deleted'],
  ['$draft', 'draft'],
  ['$forwarded', 'forwarded'],
  ['$mdnsent', 'mdnSent'],
  ['$junk', 'junk'],
  ['$notjunk', 'notJunk'],
  ['$phishing', 'phishing'],
  ['$important', 'important'],
])

/** The bit of a keyword that has one; 0 for all others. */
export function flagOfKeyword(name: string): number {
  const flag = byName.get(name.toLowerCase())
  return flag === undefined ? 0 : flagBits[flag]
}

/** Names of the bits that are set: `$seen`, … */
export function keywordsOfFlags(flags: number): string[] {
  return [...byName].filter(([, flag]) => (flags & flagBits[flag]) !== 0).map(([name]) => name)
}

const maxBytes = 255
const maxPerMessage = 100

/** RFC 8621 §4.1.1: printable ASCII without `( ) { ] % * " \`. `tooManyKeywords`, `invalidParameters`. */
export function cleanKeywords(names: readonly string[]): readonly string[] {
  if (names.length > maxPerMessage) throw failure('tooManyKeywords', { limit: maxPerMessage })
  for (const name of names) {
    if (name.length > maxBytes) throw failure('tooManyKeywords', { limit: maxBytes })
    if (!/^[\x21\x23\x24\x26\x27\x2b-\x5b\x5e-\x7a\x7c\x7e]+$/.test(name)) throw failure('invalidParameters', { properties: ['keywords'] })
    if (flagOfKeyword(name) !== 0) throw new Error(`${name} is a flag and belongs among the bits`)
  }
  return names
}

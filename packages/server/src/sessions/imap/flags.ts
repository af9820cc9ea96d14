// Flags as clients write them, and as the mailbox service keeps them: bits for the known ones, names for the rest.
import { GrammarError, isUnknownSystemFlag } from '@postern/mail/imap'
import { type FlagName, flagBits, flagOfKeyword } from '#services/mailbox'

/** In the order in which they are shown. */
const names: ReadonlyArray<readonly [flag: FlagName, name: string]> = [
  ['seen', '\\Seen'],
  ['answered', '\\Answered'],
  ['flagged', '\\Flagged'],
  ['deleted', '\\Deleted'],
  ['draft', '\\Draft'],
  ['forwarded', '$Forwarded'],
  ['mdnSent', '$MDNSent'],
  ['junk', '$Junk'],
  ['notJunk', '$NotJunk'],
  ['phishing', '$Phishing'],
  // RFC 8457 §3: the keyword has a dollar sign, the special use a backslash.
  ['important', '$Important'],
]

const systemNames: ReadonlyMap<string, FlagName> = new Map(
  names.filter(([, name]) => name.startsWith('\\')).map(([flag, name]) => [name, flag]),
)

/** Bits that are system flags; every other bit is a keyword to clients. */
export const systemBits = [...systemNames.values()].reduce((bits, flag) => bits | flagBits[flag], 0)

export interface StoredFlags {
  /** Sum of `flagBits`. */
  readonly flags: number
  readonly keywords: readonly string[]
}

/** `\Recent` belongs to the server (RFC 3501 §2.3.2): a copied message may bring it along, but nobody can set it. */
export function storedFlags(written: readonly string[]): StoredFlags {
  let flags = 0
  const keywords: string[] = []
  for (const name of written) {
    const system = systemNames.get(name)
    if (system !== undefined) flags |= flagBits[system]
    else if (name === '\\Recent') continue
    else if (isUnknownSystemFlag(name)) throw new GrammarError(`Unknown system flag "${name.slice(0, 40)}"`)
    else {
      const bit = flagOfKeyword(name)
      if (bit === 0) keywords.push(name)
      else flags |= bit
    }
  }
  return { flags, keywords }
}

const textsOfBits = new Map<number, string>()

function textOfBits(flags: number): string {
  const known = textsOfBits.get(flags)
  if (known !== undefined) return known
  const text = names
    .filter(([flag]) => (flags & flagBits[flag]) !== 0)
    .map(([, name]) => name)
    .join(' ')
  // At most as many entries as there are sums of bits.
  textsOfBits.set(flags, text)
  return text
}

/** Flags and keywords between parentheses. */
export function shownFlags(flags: number, keywords: readonly string[]): string {
  const bits = textOfBits(flags)
  if (keywords.length === 0) return `(${bits})`
  return bits === '' ? `(${keywords.join(' ')})` : `(${bits} ${keywords.join(' ')})`
}

/** Names of the bits that are keywords to clients. */
export function shownKeywordBits(flags: number): string {
  return textOfBits(flags & ~systemBits)
}

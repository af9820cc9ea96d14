import type { Arguments } from './arguments.ts'
import { GrammarError } from './grammar-error.ts'

/** The system flags of RFC 9051 §2.3.2, in the order servers list them. */
export const systemFlags = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'] as const

const canonical: ReadonlyMap<string, string> = new Map([...systemFlags, '\\Recent'].map(flag => [flag.toLowerCase(), flag]))

const maxFlagBytes = 200

/** True for a flag that begins with a backslash and is none of the five (RFC 9051 leaves them to later extensions). */
export function isUnknownSystemFlag(flag: string): boolean {
  return flag.startsWith('\\') && !systemFlags.some(known => known === flag)
}

/** One flag: a system flag in its canonical case, or a keyword as written. */
export function readFlag(args: Arguments): string {
  const isSystem = args.take('\\')
  if (isSystem && args.take('*')) throw new GrammarError('\\* is no flag')
  const name = args.atom()
  const flag = isSystem ? `\\${name}` : name
  if (Buffer.byteLength(flag) > maxFlagBytes) throw new GrammarError('The flag is too long')
  return canonical.get(flag.toLowerCase()) ?? flag
}

/** Flags in parentheses, or bare as STORE also allows; each once, case of keywords as first written. */
export function readFlags(args: Arguments): string[] {
  const flags = args.isAtList ? args.list(() => readFlag(args)) : readBareFlags(args)
  const seen = new Set<string>()
  return flags.filter(flag => {
    const key = flag.toLowerCase()
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

function readBareFlags(args: Arguments): string[] {
  const flags = [readFlag(args)]
  while (!args.isAtEnd) flags.push(readFlag(args))
  return flags
}

import type { PurgeKind } from '@postern/contract'

/** Beginnings of the keys of each kind of short-lived data; a kind that is not here has none. */
const prefixes: Readonly<Partial<Record<PurgeKind, readonly string[]>>> = {
  oauth: ['oauth-'],
  'rate-rcpt': ['ban:abuse:'],
  'rate-scan': ['ban:scan:'],
  'rate-loiter': ['ban:loiter:'],
  'rate-auth': ['ban:auth:', 'failed-name:', 'guessed:', 'guessed-again:'],
  'rate-hash': ['throttle:'],
  'rate-http-authenticated': ['http:account:'],
  'rate-http-anonymous': ['http:anonymous:'],
}

/** Nothing for a kind that nobody knows: then only what has expired goes, and that goes by itself. */
export function kindsOfKeys(kind: string | undefined): readonly string[] {
  return prefixes[kind as PurgeKind] ?? []
}

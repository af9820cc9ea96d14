import { createHash } from 'node:crypto'
import { settings as declared, failure } from '@postern/contract'
import { LRUCache } from 'lru-cache'
import type { Ephemeral } from '#data/ephemeral'
import type { Settings } from '#data/settings'

/** Slows down the guessing of one name from many addresses; never where its owner is known to be, and never for good. */
export interface NameGuard {
  /** Before a password is looked at. Failure `tooManyRequests` when others have to wait as well. */
  admit(name: string, remoteIp: string): Promise<void>
  failed(name: string): Promise<void>
  /** The owner was here. */
  succeeded(name: string, remoteIp: string): void
}

/** While a name is being guessed, strangers together get one attempt in this time. */
const attemptEveryMs = 10_000
const maxKnownPlaces = 10_000
const knownForMs = 30 * 24 * 60 * 60 * 1000

export function createNameGuard({ ephemeral, settings }: { ephemeral: Ephemeral; settings: Settings }): NameGuard {
  const places = new LRUCache<string, true>({ max: maxKnownPlaces, ttl: knownForMs })
  const placeOf = (name: string, remoteIp: string): string => `${remoteIp} ${name}`
  // Names are as long as whoever sends them likes.
  const keyOf = (name: string): string => createHash('sha256').update(name).digest('base64url')
  return {
    async admit(name, remoteIp) {
      if (places.has(placeOf(name, remoteIp))) return
      const key = keyOf(name)
      if ((await ephemeral.get(`guessed:${key}`)) === undefined) return
      const { events, endsInMs } = await ephemeral.count(`guessed-again:${key}`, attemptEveryMs)
      if (events > 1) throw failure('tooManyRequests', { retryAfterMs: endsInMs })
    },
    async failed(name) {
      const rate = settings.read(declared.server.autoBanAuthRate)
      if (rate === undefined) return
      const key = keyOf(name)
      const { events, endsInMs } = await ephemeral.count(`failed-name:${key}`, rate.periodMs)
      if (events > rate.count) await ephemeral.set(`guessed:${key}`, '1', endsInMs)
    },
    succeeded(name, remoteIp) {
      places.set(placeOf(name, remoteIp), true)
    },
  }
}

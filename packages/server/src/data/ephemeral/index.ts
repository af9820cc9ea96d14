// What may be lost with the process without losing mail: rate windows, locks with an expiry, short-lived values. In memory for
// one process; a cluster puts it elsewhere behind the same door. Never holds anything that was acknowledged to a client.
import type { Clock } from '#base/clock'
import { createRateCounter, type RateCounter } from '#base/limits'

export interface Ephemeral {
  /** See `RateCounter.count`; asynchronous since a cluster counts together. */
  count(key: string, periodMs: number): Promise<{ readonly events: number; readonly endsInMs: number }>
  /** Keeps a value for `ttlMs`. Keys are `kind:rest`; of each kind the oldest values go when there are too many. */
  set(key: string, value: string, ttlMs: number): Promise<void>
  get(key: string): Promise<string | undefined>
  /** Gives a value and forgets it: of several who take it at once one gets it. */
  take(key: string): Promise<string | undefined>
  delete(key: string): Promise<void>
  /** Adds to a counter that has no window and no expiry. @returns the new value */
  increment(key: string, by: number): Promise<number>
  /** Owns a lock for `ttlMs`, or returns false when someone else does. */
  lock(key: string, ttlMs: number): Promise<boolean>
  unlock(key: string): Promise<void>
  /** Forgets all keys and windows that begin so. */
  clear(prefix: string): Promise<void>
}

const defaultMaxKeys = 100_000

/** What stands before the first colon; each kind has its own bound, so that one that strangers fill pushes out no other. */
function kindOf(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf(':')))
}

/** Of the same kind, and no key that anybody sets. */
const lockKey = (key: string): string => `${key}\0lock`

export function createMemoryEphemeral({ clock, maxKeys = defaultMaxKeys }: { clock: Pick<Clock, 'now'>; maxKeys?: number }): Ephemeral {
  const rates: RateCounter = createRateCounter({ clock, maxKeys })
  const kinds = new Map<string, Map<string, { value: string; expiresAt: number }>>()

  function valuesOf(key: string): Map<string, { value: string; expiresAt: number }> {
    const kind = kindOf(key)
    const values = kinds.get(kind) ?? new Map()
    kinds.set(kind, values)
    return values
  }

  function live(key: string): string | undefined {
    const values = valuesOf(key)
    const found = values.get(key)
    if (found === undefined) return undefined
    if (found.expiresAt > clock.now()) return found.value
    values.delete(key)
    return undefined
  }

  function put(key: string, value: string, ttlMs: number): void {
    const values = valuesOf(key)
    values.delete(key)
    values.set(key, { value, expiresAt: clock.now() + ttlMs })
    if (values.size > maxKeys) values.delete(values.keys().next().value ?? '')
  }

  return {
    count: async (key, periodMs) => rates.count(key, periodMs),
    set: async (key, value, ttlMs) => put(key, value, ttlMs),
    get: async key => live(key),
    async take(key) {
      const value = live(key)
      valuesOf(key).delete(key)
      return value
    },
    async delete(key) {
      valuesOf(key).delete(key)
    },
    async increment(key, by) {
      const next = Number(live(key) ?? 0) + by
      put(key, String(next), Number.POSITIVE_INFINITY)
      return next
    },
    async lock(key, ttlMs) {
      if (live(lockKey(key)) !== undefined) return false
      put(lockKey(key), '1', ttlMs)
      return true
    },
    async unlock(key) {
      valuesOf(key).delete(lockKey(key))
    },
    async clear(prefix) {
      rates.clear(prefix)
      for (const values of kinds.values()) for (const key of values.keys()) if (key.startsWith(prefix)) values.delete(key)
    },
  }
}

// What may be lost with the process without losing mail: rate windows, locks with an expiry, short-lived values. In memory for
// one process; a cluster puts it elsewhere behind the same door. Never holds anything that was acknowledged to a client.
import type { Clock } from '#base/clock'
import { createRateCounter, type RateCounter } from '#base/limits'

export interface Ephemeral {
  /** See `RateCounter.count`; asynchronous since a cluster counts together. */
  count(key: string, periodMs: number): Promise<{ readonly events: number; readonly endsInMs: number }>
  /** Keeps a value for `ttlMs`. */
  set(key: string, value: string, ttlMs: number): Promise<void>
  get(key: string): Promise<string | undefined>
  delete(key: string): Promise<void>
  /** Adds to a counter that has no window and no expiry. @returns the new value */
  increment(key: string, by: number): Promise<number>
  /** Owns a lock for `ttlMs`, or returns false when someone else does. */
  lock(key: string, ttlMs: number): Promise<boolean>
  unlock(key: string): Promise<void>
}

const defaultMaxKeys = 100_000

export function createMemoryEphemeral({ clock, maxKeys = defaultMaxKeys }: { clock: Pick<Clock, 'now'>; maxKeys?: number }): Ephemeral {
  const rates: RateCounter = createRateCounter({ clock, maxKeys })
  const values = new Map<string, { value: string; expiresAt: number }>()

  function live(key: string): string | undefined {
    const found = values.get(key)
    if (found === undefined) return undefined
    if (found.expiresAt > clock.now()) return found.value
    values.delete(key)
    return undefined
  }

  function put(key: string, value: string, ttlMs: number): void {
    values.delete(key)
    values.set(key, { value, expiresAt: clock.now() + ttlMs })
    if (values.size > maxKeys) values.delete(values.keys().next().value ?? '')
  }

  return {
    count: async (key, periodMs) => rates.count(key, periodMs),
    set: async (key, value, ttlMs) => put(key, value, ttlMs),
    get: async key => live(key),
    async delete(key) {
      values.delete(key)
    },
    async increment(key, by) {
      const next = Number(live(key) ?? 0) + by
      put(key, String(next), Number.POSITIVE_INFINITY)
      return next
    },
    async lock(key, ttlMs) {
      if (live(`lock:${key}`) !== undefined) return false
      put(`lock:${key}`, '1', ttlMs)
      return true
    },
    async unlock(key) {
      values.delete(`lock:${key}`)
    },
  }
}

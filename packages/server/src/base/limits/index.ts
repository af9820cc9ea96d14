// Bounds on what foreigners may use: bytes in flight, things at once, events per period. Counts in memory only; limits that a
// cluster shares stand in data/ephemeral.
import { type Failure, failure } from '@postern/contract'
import type { Clock } from '#base/clock'

/** A number of bytes shared by many; whoever can't get its share is refused instead of queued. */
export { readBoundedFile } from './files.ts'

export interface ByteBudget {
  readonly maxBytes: number
  readonly usedBytes: number
  /** Takes bytes from the budget; throws Failure `serverBusy` when it is spent. Release what was taken exactly once. */
  take(bytes: number): void
  release(bytes: number): void
}

export function createByteBudget(maxBytes: number): ByteBudget {
  let usedBytes = 0
  return {
    maxBytes,
    get usedBytes() {
      return usedBytes
    },
    take(bytes) {
      if (usedBytes + bytes > maxBytes) throw busy()
      usedBytes += bytes
    },
    release(bytes) {
      usedBytes = Math.max(0, usedBytes - bytes)
    },
  }
}

function busy(): Failure {
  return failure('serverBusy')
}

/** Counts what is open under a key, e.g. the connections of an account. */
export interface ConcurrencyLimit {
  /** A slot to be disposed of, or undefined when the key has `max` of them. */
  enter(key: string, max: number): Disposable | undefined
  count(key: string): number
}

export function createConcurrencyLimit(): ConcurrencyLimit {
  const counts = new Map<string, number>()
  return {
    count: key => counts.get(key) ?? 0,
    enter(key, max) {
      const count = counts.get(key) ?? 0
      if (count >= max) return undefined
      counts.set(key, count + 1)
      let open = true
      return {
        [Symbol.dispose]() {
          if (!open) return
          open = false
          const left = (counts.get(key) ?? 1) - 1
          if (left > 0) counts.set(key, left)
          else counts.delete(key)
        },
      }
    },
  }
}

/** `count` events per `periodMs`. */
export interface Rate {
  readonly count: number
  readonly periodMs: number
}

export interface RateCounter {
  /** Forgets the windows of all keys that begin so. */
  clear(prefix: string): void
  /**
   * Counts one event under a key in windows aligned to multiples of the period.
   * @returns how many the window holds now, this one included, and the milliseconds until it ends.
   */
  count(key: string, periodMs: number): { readonly events: number; readonly endsInMs: number }
}

/** Keeps at most `maxKeys` windows; the oldest are forgotten first. */
export function createRateCounter({ clock, maxKeys = 100_000 }: { clock: Pick<Clock, 'now'>; maxKeys?: number }): RateCounter {
  const windows = new Map<string, { endsAt: number; events: number }>()
  return {
    count(key, periodMs) {
      const now = clock.now()
      const known = windows.get(key)
      const live = known !== undefined && known.endsAt > now ? known : { endsAt: (Math.floor(now / periodMs) + 1) * periodMs, events: 0 }
      live.events++
      if (live !== known) {
        windows.delete(key)
        windows.set(key, live)
        if (windows.size > maxKeys) windows.delete(windows.keys().next().value ?? '')
      }
      return { events: live.events, endsInMs: live.endsAt - now }
    },
    clear(prefix) {
      for (const key of windows.keys()) if (key.startsWith(prefix)) windows.delete(key)
    },
  }
}

/** A turn of the thread, in milliseconds: work that waits for nothing lets others go first at least this often. */
const turnMs = 10

/** Everything else that waits for the thread goes first. */
export function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** To be called between the parts of long work: gives the thread away when its turn is over; resolves with whether it did. */
export function createTurns({ monotonic }: Pick<Clock, 'monotonic'>): () => Promise<boolean> {
  let began = monotonic()
  return async () => {
    if (monotonic() - began < turnMs) return false
    await nextTurn()
    began = monotonic()
    return true
  }
}

import type { Clock, Random, Timer } from '@postern/server/base/clock'
import { sleepWith } from '@postern/server/base/clock'

export interface FakeClock extends Clock {
  /** Moves time on, running every timer that falls due, in order; between timers pending promises get their turn. */
  advance(ms: number): Promise<void>
  /** Timers that wait. */
  readonly pending: number
}

/** Starts at 2026-01-01T00:00:00Z unless told otherwise. */
export function createFakeClock(startMs: number = Date.UTC(2026, 0, 1)): FakeClock {
  let now = startMs
  const timers = new Set<{ at: number; run: () => void }>()
  const clock: FakeClock = {
    now: () => now,
    monotonic: () => now - startMs,
    after(ms, run): Timer {
      const timer = { at: now + Math.max(0, ms), run }
      timers.add(timer)
      return { cancel: () => timers.delete(timer) }
    },
    sleep: (ms, signal) => sleepWith(clock, ms, signal),
    get pending() {
      return timers.size
    },
    async advance(ms) {
      const end = now + ms
      for (;;) {
        await settle()
        const next = [...timers].filter(timer => timer.at <= end).sort((a, b) => a.at - b.at)[0]
        if (next === undefined) break
        timers.delete(next)
        now = Math.max(now, next.at)
        next.run()
      }
      now = end
      await settle()
    },
  }
  return clock
}

/** Lets everything that is ready run, input and output of local sockets and files included. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve))
}

/** Deterministic: the same seed gives the same bytes. */
export function createSeededRandom(seed = 1): Random {
  let state = seed >>> 0 || 1
  const next = (): number => {
    // xorshift32: quality does not matter, repeatability does.
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state
  }
  return {
    bytes: length => Buffer.from(Array.from({ length }, () => next() & 0xff)),
    integer: below => next() % below,
    uuid: () => {
      const hex = Array.from({ length: 32 }, () => (next() & 0xf).toString(16)).join('')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
    },
  }
}

// Time and chance. The only module that asks the machine for either; everything else is handed a Clock and a Random,
// so that tests can move time by hand. Never schedules anything by itself.
import { randomBytes, randomInt, randomUUID } from 'node:crypto'

export { createIdSource, idTime } from './ids.ts'

/** A pending call of `Clock.after`. */
export interface Timer {
  /** Prevents the call; harmless after it ran. */
  cancel(): void
}

export interface Clock {
  /** Wall clock, Unix milliseconds. */
  now(): number
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonic(): number
  /** Calls `run` once, `ms` milliseconds from now. A pending timer does not keep the process alive. */
  after(ms: number, run: () => void): Timer
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface Random {
  /** Cryptographically strong bytes. */
  bytes(length: number): Buffer
  /** A uniform integer, 0 ≤ n < below; `below` at most 2^48 − 1. */
  integer(below: number): number
  /** RFC 9562 version 4. */
  uuid(): string
}

// The runtime clamps longer delays to 1 ms.
const longestTimerMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    let handle: NodeJS.Timeout
    const arm = (remainingMs: number): void => {
      const step = Math.min(remainingMs, longestTimerMs)
      handle = setTimeout(() => (remainingMs > step ? arm(remainingMs - step) : run()), step)
      handle.unref()
    }
    arm(Math.max(0, ms))
    return { cancel: () => clearTimeout(handle) }
  },
  sleep: (ms, signal) => sleepWith(systemClock, ms, signal),
}

export const systemRandom: Random = {
  bytes: length => randomBytes(length),
  integer: below => randomInt(below),
  uuid: () => randomUUID(),
}

/** `Clock.sleep` for any clock that has `after`. */
export function sleepWith(clock: Pick<Clock, 'after'>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const stop = (): void => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', stop)
      resolve()
    })
    signal?.addEventListener('abort', stop, { once: true })
  })
}

const alphanumerics = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** A secret of `length` letters and digits (5.95 bits each). */
export function randomAlphanumerics(random: Random, length: number): string {
  let text = ''
  for (let i = 0; i < length; i++) text += alphanumerics[random.integer(alphanumerics.length)]
  return text
}

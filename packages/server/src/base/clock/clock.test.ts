import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, createIdSource, idTime, randomAlphanumerics, sleepWith, systemClock, systemRandom } from './index.ts'

function manualClock(): Pick<Clock, 'after'> & { fire(): void; readonly pending: number } {
  const pending = new Set<() => void>()
  return {
    after: (_ms, run) => {
      pending.add(run)
      return { cancel: () => pending.delete(run) }
    },
    fire: () => {
      for (const run of pending) run()
      pending.clear()
    },
    get pending() {
      return pending.size
    },
  }
}

test('a sleep ends when its time is over', async () => {
  const clock = manualClock()
  const sleeping = sleepWith(clock, 1000)
  clock.fire()
  await sleeping
})

test('an aborted sleep rejects with the reason and leaves no timer', async () => {
  const clock = manualClock()
  const stop = new AbortController()
  const sleeping = sleepWith(clock, 1000, stop.signal)
  stop.abort(new Error('stopping'))
  await assert.rejects(sleeping, /stopping/)
  assert.equal(clock.pending, 0)
  await assert.rejects(sleepWith(clock, 1, stop.signal), /stopping/)
})

test('the monotonic clock does not go back and the wall clock is in milliseconds', () => {
  const first = systemClock.monotonic()
  assert.ok(systemClock.monotonic() >= first)
  assert.ok(systemClock.now() > 1.7e12)
})

test('random secrets have the wanted length and alphabet', () => {
  assert.match(randomAlphanumerics(systemRandom, 64), /^[A-Za-z0-9]{64}$/)
  assert.equal(systemRandom.bytes(16).length, 16)
  for (let i = 0; i < 100; i++) assert.ok(systemRandom.integer(3) < 3)
})

test('ids ascend within a millisecond, under bursts and when the clock steps back, and stay below 2^53', () => {
  let nowMs = 1_796_000_000_000
  const nextId = createIdSource({ now: () => nowMs }, 3)
  let last = 0
  for (let i = 0; i < 1000; i++) {
    const id = nextId()
    assert.ok(id > last)
    last = id
  }
  nowMs -= 60_000
  assert.ok(nextId() > last)
  assert.ok(last < 2 ** 53)
  assert.ok(Math.abs(idTime(last) - 1_796_000_000_000) < 20)
  nowMs = 3_800_000_000_000
  assert.ok(Number.isSafeInteger(nextId()))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '@postern/contract'
import { createByteBudget, createConcurrencyLimit, createRateCounter, createTurns } from './index.ts'

test('a spent byte budget refuses, and gives again what was released', () => {
  const budget = createByteBudget(100)
  budget.take(60)
  assert.throws(
    () => budget.take(41),
    (error: unknown) => error instanceof Failure && error.code === 'serverBusy',
  )
  budget.take(40)
  budget.release(60)
  assert.equal(budget.usedBytes, 40)
  budget.take(60)
})

test('slots are counted by key and come back once', () => {
  const limit = createConcurrencyLimit()
  const first = limit.enter('a', 2)
  assert.ok(first && limit.enter('a', 2) && limit.enter('b', 1))
  assert.equal(limit.enter('a', 2), undefined)
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  assert.equal(limit.count('a'), 1)
  assert.ok(limit.enter('a', 2))
  assert.equal(limit.enter('a', 2), undefined)
})

test('rate windows are aligned to the period and end', () => {
  let now = 10_500
  const rate = createRateCounter({ clock: { now: () => now } })
  assert.deepEqual(rate.count('k', 1000), { events: 1, endsInMs: 500 })
  assert.equal(rate.count('k', 1000).events, 2)
  assert.equal(rate.count('other', 1000).events, 1)
  now = 11_000
  assert.deepEqual(rate.count('k', 1000), { events: 1, endsInMs: 1000 })
})

test('a flood of keys does not grow the counter beyond its bound', () => {
  const rate = createRateCounter({ clock: { now: () => 0 }, maxKeys: 10 })
  rate.count('first', 1000)
  for (let i = 0; i < 100; i++) rate.count(`k${i}`, 1000)
  assert.equal(rate.count('first', 1000).events, 1)
  assert.equal(rate.count('k99', 1000).events, 2)
})

test('a turn lasts ten milliseconds; then others go first', async () => {
  let now = 0
  const turn = createTurns({ monotonic: () => now })
  let others = 0
  setImmediate(() => others++)
  now = 9
  assert.deepEqual([await turn(), others], [false, 0])
  now = 10
  assert.deepEqual([await turn(), others], [true, 1])
  assert.equal(await turn(), false, 'the next turn has begun')
})

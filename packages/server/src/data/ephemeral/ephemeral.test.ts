import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryEphemeral } from './index.ts'

test('values and locks end with their time', async () => {
  let now = 0
  const ephemeral = createMemoryEphemeral({ clock: { now: () => now } })
  await ephemeral.set('k', 'v', 100)
  assert.equal(await ephemeral.get('k'), 'v')
  assert.equal(await ephemeral.lock('l', 100), true)
  assert.equal(await ephemeral.lock('l', 100), false)
  now = 100
  assert.equal(await ephemeral.get('k'), undefined)
  assert.equal(await ephemeral.lock('l', 100), true)
  await ephemeral.unlock('l')
  assert.equal(await ephemeral.lock('l', 100), true)
})

test('counters add up and stay', async () => {
  const ephemeral = createMemoryEphemeral({ clock: { now: () => 0 } })
  assert.equal(await ephemeral.increment('c', 2), 2)
  assert.equal(await ephemeral.increment('c', 3), 5)
})

test('the store of values is bounded', async () => {
  const ephemeral = createMemoryEphemeral({ clock: { now: () => 0 }, maxKeys: 2 })
  for (const key of ['a', 'b', 'c']) await ephemeral.set(key, key, 1000)
  assert.equal(await ephemeral.get('a'), undefined)
  assert.equal(await ephemeral.get('c'), 'c')
})

test('each kind of values has a bound of its own', async () => {
  const ephemeral = createMemoryEphemeral({ clock: { now: () => 0 }, maxKeys: 2 })
  await ephemeral.set('rare:a', 'kept', 1000)
  for (const key of ['a', 'b', 'c']) await ephemeral.set(`many:${key}`, key, 1000)
  assert.equal(await ephemeral.get('rare:a'), 'kept')
  assert.equal(await ephemeral.get('many:a'), undefined)
})

test('a value is taken once, however many want it', async () => {
  let now = 0
  const ephemeral = createMemoryEphemeral({ clock: { now: () => now } })
  await ephemeral.set('code:a', 'v', 100)
  const taken = await Promise.all([ephemeral.take('code:a'), ephemeral.take('code:a'), ephemeral.take('code:a')])
  assert.deepEqual(taken.filter(Boolean), ['v'])
  await ephemeral.set('code:b', 'v', 100)
  now = 100
  assert.equal(await ephemeral.take('code:b'), undefined)
})

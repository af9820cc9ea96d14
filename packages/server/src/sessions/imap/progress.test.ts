import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFakeClock } from '@postern/testkit'
import { createProgress } from './progress.ts'

test('progress is told every ten seconds at most, in hundredths of all steps, and never that all is done', async () => {
  const clock = createFakeClock()
  const told: string[] = []
  let flushed = 0
  const session = {
    clock,
    write: (text: string | Uint8Array) => void told.push(String(text)),
    flush: async () => void flushed++,
  }
  const [first, second] = createProgress(session, 'a"1', 2)
  assert.ok(first !== undefined && second !== undefined)
  await first(1, 1000)
  await clock.advance(9_999)
  await first(500, 1000)
  assert.deepEqual(told, [], 'not in the first ten seconds')
  await clock.advance(1)
  await first(510, 1000)
  await first(511, 1000)
  await clock.advance(9_000)
  await first(1000, 1000)
  await clock.advance(3_600_000)
  await first(1000, 1000)
  await second(0, 3)
  await clock.advance(10_000)
  await second(2, 3)
  await clock.advance(10_000)
  await second(3, 3)
  await second(0, 0)
  assert.deepEqual(told, [
    '* OK [INPROGRESS ("a\\"1" 25 100)] 25 % done\r\n',
    '* OK [INPROGRESS ("a\\"1" 50 100)] 50 % done\r\n',
    '* OK [INPROGRESS ("a\\"1" 83 100)] 83 % done\r\n',
  ])
  assert.equal(flushed, told.length, 'each is sent at once')
})

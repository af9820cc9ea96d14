import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFakeClock } from '@postern/testkit'
import type { HttpRequest } from '#base/http'
import { answers, healthRoutes } from './health.ts'

test('a server that is not ready is alive all the same', async () => {
  let isReady = false
  const status = async (wanted: string): Promise<number | undefined> =>
    (
      await healthRoutes(() => isReady)
        .find(({ path }) => path === wanted)
        ?.run({} as HttpRequest)
    )?.status
  assert.equal(await status('/healthz/live'), 200)
  assert.equal(await status('/healthz/ready'), 503)
  isReady = true
  assert.equal(await status('/healthz/ready'), 200)
})

test('a store that fails or is silent does not answer', async () => {
  const clock = createFakeClock(0)
  assert.equal(await answers({ read: async () => [] as never }, clock), true)
  assert.equal(await answers({ read: () => Promise.reject(new Error('gone')) }, clock), false)
  const waiting = answers({ read: () => new Promise(() => {}) }, clock)
  await clock.advance(2000)
  assert.equal(await waiting, false)
})

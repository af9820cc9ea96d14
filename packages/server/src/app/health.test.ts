import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpRequest } from '#base/http'
import { healthRoutes } from './health.ts'

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

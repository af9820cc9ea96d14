import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createFakeClock, type FakeClock, startTestServer, type TestServer } from '@postern/testkit'

let clock: FakeClock
let server: TestServer

before(async () => {
  clock = createFakeClock()
  server = await startTestServer({ clock })
})
after(() => server[Symbol.asyncDispose]())

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await server.call(method, path, body)
  return { status: answer.status, body: answer.body as Record<string, unknown> }
}

const ban = {
  address: '192.0.2.0/24',
  reason: 'manual',
  evidence: 'spam run',
  author: 'Fallback Administrator',
  createdAt: '2026-01-01T00:00:00Z',
  expiresAt: '2026-01-01T01:00:00Z',
  count: 0,
}

test('a ban is made, listed, shown, recorded and lifted', async () => {
  const made = await call('POST', '/api/bans', { address: '192.0.2.0/24', reason: 'spam run', expiresAt: ban.expiresAt })
  assert.deepEqual(made.body, { data: ban })
  await call('POST', '/api/settings', [
    { type: 'insert', prefix: null, assert_empty: false, values: [['server.blocked-ip.198.51.100.1', '']] },
  ])
  assert.deepEqual((await call('GET', '/api/bans')).body, {
    data: {
      total: 2,
      items: [ban, { address: '198.51.100.1', reason: null, evidence: null, author: null, createdAt: null, expiresAt: null, count: 0 }],
    },
  })
  assert.deepEqual((await call('GET', '/api/bans?filter=192&limit=1&page=1')).body, { data: { total: 1, items: [ban] } })
  assert.deepEqual((await call('GET', '/api/bans?limit=1&page=3')).body, { data: { total: 2, items: [] } })
  for (const path of ['192.0.2.0/24', '192.0.2.0%2F24']) assert.deepEqual((await call('GET', `/api/bans/${path}`)).body, { data: ban })
  const { body } = await call('GET', '/api/settings/history?key=server.blocked-ip.192')
  const { items } = body['data'] as { items: Array<{ author: string; note: string }> }
  assert.deepEqual([items[0]?.author, items[0]?.note], ['Fallback Administrator', 'ban: spam run'])
  assert.deepEqual((await call('DELETE', '/api/bans/192.0.2.0/24')).body, { data: null })
  assert.equal((await call('DELETE', '/api/bans/192.0.2.0/24')).status, 404)
  assert.equal((await call('GET', '/api/bans/192.0.2.0/24')).status, 404)
  assert.deepEqual((await call('DELETE', '/api/bans/198.51.100.1')).body, { data: null })
})

test('a ban ends by itself', async () => {
  await call('POST', '/api/bans', { address: '192.0.2.9', expiresAt: '2026-01-01T00:00:30Z' })
  await clock.advance(61_000)
  for (let turn = 0; turn < 200 && (await call('GET', '/api/bans/192.0.2.9')).status !== 404; turn++) await clock.advance(0)
  assert.equal((await call('GET', '/api/bans/192.0.2.9')).status, 404)
})

test('bad input is refused, and so is the ban of this machine', async () => {
  for (const body of [{}, { address: 5 }, { address: 'x' }, { address: '1.2.3.4', expiresAt: 'tomorrow' }, { address: '1.2.3.4/2' }, []])
    assert.equal((await call('POST', '/api/bans', body)).status, 400, JSON.stringify(body))
  assert.equal((await call('GET', '/api/bans/nothing')).status, 400)
  assert.equal((await call('POST', '/api/bans', { address: '127.0.0.1' })).body['error'], 'other')
})

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createFakeClock, type FakeClock, startTestServer, type TestServer } from '@postern/testkit'

let clock: FakeClock
let server: TestServer

before(async () => {
  clock = createFakeClock()
  server = await startTestServer({ clock })
})

after(() => server[Symbol.asyncDispose]())

async function call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  return (await server.call(method, path, body)).body as Record<string, unknown>
}

async function data(method: string, path: string, body?: unknown): Promise<never> {
  const answer = await call(method, path, body)
  assert.ok('data' in answer, JSON.stringify(answer))
  return answer['data'] as never
}

const insert = (...values: Array<[string, string]>) => ({ type: 'insert', prefix: null, assert_empty: false, values })

interface Summary {
  readonly id: number
  readonly time: string
  readonly author: string
  readonly note: string
  readonly keys: readonly string[]
  readonly total: number
}

interface Change {
  readonly key: string
  readonly place: string
  readonly before: string | null
  readonly after: string | null
}

const newest = async (query = ''): Promise<Summary> => {
  const { items } = (await data('GET', `/api/settings/history?limit=1${query}`)) as { items: Summary[] }
  assert.ok(items[0])
  return items[0]
}
const changesOf = async (id: number): Promise<readonly Change[]> =>
  ((await data('GET', `/api/settings/history/${id}`)) as { changes: Change[] }).changes

test('a change is recorded with author, time, place and what was there before', async () => {
  await clock.advance(5000)
  await data('POST', '/api/settings', [insert(['queue.outbound.concurrency', '7'], ['server.max-connections', '500'])])
  const set = await newest()
  assert.deepEqual(
    { ...set, id: 0 },
    {
      id: 0,
      time: '2026-01-01T00:00:05Z',
      author: 'Fallback Administrator',
      note: '',
      keys: ['queue.outbound.concurrency', 'server.max-connections'],
      total: 2,
    },
  )
  assert.deepEqual(await changesOf(set.id), [
    { key: 'queue.outbound.concurrency', place: 'database', before: null, after: '7' },
    { key: 'server.max-connections', place: 'file', before: null, after: '500' },
  ])
  await data('DELETE', '/api/settings/queue.outbound.concurrency')
  assert.deepEqual(await changesOf((await newest()).id), [
    { key: 'queue.outbound.concurrency', place: 'database', before: '7', after: null },
  ])
})

test('what changes nothing, and what fails, leaves no change set', async () => {
  const { id } = await newest()
  await data('POST', '/api/settings', [insert(['server.max-connections', '500']), { type: 'delete', keys: ['nothing.here'] }])
  await data('POST', '/api/settings', [])
  const failed = await call('POST', '/api/settings', [
    insert(['server.max-connections', '1']),
    { type: 'insert', prefix: 'server', assert_empty: true, values: [['x', 'y']] },
  ])
  assert.equal(failed['error'], 'assertFailed')
  assert.equal((await newest()).id, id)
  assert.match(await readFile(join(server.folder, 'config.toml'), 'utf8'), /^server\.max-connections = 500$/m)
})

test('an operation sees what those before it did, for keys of the file too', async () => {
  const edit = [
    { type: 'clear', prefix: 'tracer.t.' },
    {
      type: 'insert',
      prefix: 'tracer.t',
      assert_empty: true,
      values: [
        ['type', 'log'],
        ['path', server.folder],
      ],
    },
  ]
  await data('POST', '/api/settings', edit)
  await data('POST', '/api/settings', edit)
  await data('POST', '/api/settings', [{ type: 'clear', prefix: 'tracer.t.' }])
})

test('secrets are never shown in history and plans, but come back with a roll back', async () => {
  await data('POST', '/api/settings', [insert(['oauth.key', 'first-secret'])])
  const { id } = await newest()
  await data('POST', '/api/settings', [insert(['oauth.key', 'second-secret'], ['x.y-password', 'third-secret'])])
  const second = await newest()
  const plan = await call('POST', '/api/settings/plan', [insert(['oauth.key', 'fourth-secret'])])
  const shown = JSON.stringify([plan, await changesOf(id), await changesOf(second.id)])
  assert.doesNotMatch(shown, /-secret"/)
  const [old] = await changesOf(id)
  const [next] = await changesOf(second.id)
  assert.match(old?.after ?? '', /^secret:[0-9a-f]{8}$/)
  assert.equal(next?.before, old?.after)
  assert.notEqual(next?.after, old?.after)
  await data('POST', `/api/settings/rollback/${second.id}`)
  assert.deepEqual(await data('GET', '/api/settings/keys?keys=oauth.key,x.y-password'), { 'oauth.key': 'first-secret' })
})

test('a plan shows what would be different, when it would act, and what the reload would say; and stores nothing', async () => {
  const { id } = await newest()
  const plan = await data('POST', '/api/settings/plan', [
    insert(['queue.outbound.concurrency', 'many'], ['server.max-connections', '600'], ['queue.outbound.concurency', '1']),
    { type: 'delete', keys: ['nothing.here'] },
  ])
  assert.deepEqual(plan, {
    changes: [
      { key: 'server.max-connections', place: 'file', before: '500', after: '600', reload: 'restart' },
      { key: 'queue.outbound.concurency', place: 'database', before: null, after: '1', reload: null },
      { key: 'queue.outbound.concurrency', place: 'database', before: null, after: 'many', reload: 'live' },
    ],
    errors: { 'queue.outbound.concurrency': { type: 'parse', error: 'expected a whole number, found "many"' } },
    warnings: { 'queue.outbound.concurency': { type: 'unread', value: '1', didYouMean: 'queue.outbound.concurrency' } },
  })
  assert.equal((await newest()).id, id)
  assert.deepEqual(await data('GET', '/api/settings/keys?keys=queue.outbound.concurency'), {})
  const refused = await call('POST', '/api/settings/plan', [
    { type: 'insert', prefix: 'lookup.default', assert_empty: true, values: [['x', 'y']] },
  ])
  assert.equal(refused['error'], 'assertFailed')
})

test('a roll back is refused when a key was changed since, names it, and can be forced', async () => {
  await data('POST', '/api/settings', [insert(['queue.outbound.concurrency', '1'], ['session.data.limits.size', '1000'])])
  const { id } = await newest()
  await data('POST', '/api/settings', [insert(['queue.outbound.concurrency', '2'])])
  assert.deepEqual(await call('POST', `/api/settings/rollback/${id}`), {
    error: 'other',
    details: 'Settings were changed since',
    reason: 'queue.outbound.concurrency',
  })
  assert.deepEqual(await data('GET', '/api/settings/keys?keys=session.data.limits.size'), { 'session.data.limits.size': '1000' })
  const { id: undone } = await data('POST', `/api/settings/rollback/${id}?force=true`)
  const set = await newest()
  assert.equal(set.id, undone)
  assert.equal(set.note, `roll back of ${id}`)
  assert.deepEqual(await data('GET', '/api/settings/keys?keys=session.data.limits.size,queue.outbound.concurrency'), {})
  for (const wrong of ['999999', 'x', '9007199254740993'])
    assert.equal((await server.call('POST', `/api/settings/rollback/${wrong}`)).status, 404)
})

test('what is edited in the file by hand is a change of `file`, recorded with the next reload or change', async () => {
  const file = join(server.folder, 'config.toml')
  await writeFile(file, (await readFile(file, 'utf8')).replace('server.max-connections = 500', 'server.max-connections = 501'))
  const { id } = await newest()
  await data('GET', '/api/reload?dry-run=1')
  assert.equal((await newest()).id, id)
  await data('GET', '/api/reload')
  const edit = await newest()
  assert.equal(edit.author, 'file')
  assert.deepEqual(await changesOf(edit.id), [{ key: 'server.max-connections', place: 'file', before: '500', after: '501' }])
  await data('POST', `/api/settings/rollback/${edit.id}`)
  assert.match(await readFile(file, 'utf8'), /^server\.max-connections = 500$/m)
})

test('history is filtered by key and author, and walked by page or id', async () => {
  for (let n = 0; n < 5; n++) await data('POST', '/api/settings', [insert(['walk.a', String(n)])])
  const page = (await data('GET', '/api/settings/history?key=walk.&limit=2&page=2')) as { total: number; items: Summary[] }
  assert.equal(page.total, 5)
  const all = (await data('GET', '/api/settings/history?key=walk.')) as { items: Summary[] }
  assert.deepEqual(
    page.items.map(({ id }) => id),
    all.items.slice(2, 4).map(({ id }) => id),
  )
  const older = (await data('GET', `/api/settings/history?key=walk.&limit=2&before=${page.items[1]?.id}`)) as { items: Summary[] }
  assert.deepEqual(
    older.items.map(({ id }) => id),
    all.items.slice(4).map(({ id }) => id),
  )
  const ofFile = (await data('GET', '/api/settings/history?author=file')) as { total: number; items: Summary[] }
  assert.deepEqual([ofFile.total, ofFile.items.length], [1, 1])
  assert.equal(((await data('GET', '/api/settings/history?key=walk.b')) as { total: number }).total, 0)
})

test('keys may be called plan, history and rollback', async () => {
  for (const key of ['plan', 'history', 'rollback', 'history.5']) {
    await data('POST', '/api/settings', [insert([key, 'x'])])
    await data('DELETE', `/api/settings/${key}`)
    assert.deepEqual(await data('GET', `/api/settings/keys?keys=${key}`), {})
  }
})

test('keys and values that cannot be stored are refused', async () => {
  for (const [key, value] of [
    ['', 'x'],
    ['a\u0000b', 'x'],
    ['a\nb', 'x'],
    ['k'.repeat(1025), 'x'],
    ['a.b', 'x\u0000'],
  ] as const)
    assert.equal((await server.call('POST', '/api/settings', [insert([key, value])])).status, 400, JSON.stringify([key, value]))
})

test('changes and reloads at the same time happen one after the other', async () => {
  const count = 20
  await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      await data('POST', '/api/settings', [insert([`server.x-${n}`, String(n)], [`many.x-${n}`, String(n)])])
      await data('GET', '/api/reload')
    }),
  )
  assert.equal(((await data('GET', '/api/settings/list?prefix=many')) as { total: number }).total, count)
  const file = await readFile(join(server.folder, 'config.toml'), 'utf8')
  for (let n = 0; n < count; n++) assert.match(file, new RegExp(`^server\\.x-${n} = ${n}$`, 'm'))
  await data('POST', '/api/settings', [
    { type: 'clear', prefix: 'server.x-' },
    { type: 'clear', prefix: 'many.' },
  ])
})

test('a reload opens, closes and re-binds listeners; a port that is taken is an error of its own', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  t.after(() => taken.close())
  const takenPort = await new Promise<number>(resolve =>
    taken.on('listening', () => {
      const address = taken.address()
      resolve(address instanceof Object ? address.port : 0)
    }),
  )
  await data('POST', '/api/settings', [
    insert(
      ['server.listener.more.bind', '127.0.0.1:0'],
      ['server.listener.more.protocol', 'imap'],
      ['server.listener.taken.bind', `127.0.0.1:${takenPort}`],
      ['server.listener.taken.protocol', 'imap'],
      ['server.listener.odd.bind', '127.0.0.1:0'],
      ['server.listener.odd.protocol', 'managesieve'],
    ),
  ])
  assert.equal(server.running.ports().has('more'), false)
  const dry = (await data('GET', '/api/reload?dry-run=1')) as { errors: object; warnings: Record<string, { type: string }> }
  assert.deepEqual(dry.errors, {})
  assert.equal(server.running.ports().has('more'), false)
  const report = (await data('GET', '/api/reload')) as { errors: Record<string, { error: string }>; warnings: object }
  assert.deepEqual(Object.keys(report.errors), ['server.listener.taken.bind'])
  assert.match(report.errors['server.listener.taken.bind']?.error ?? '', /the port is taken/)
  const port = server.port('more')
  // Another limit: the listener is closed and opened again, on its port.
  await data('POST', '/api/settings', [
    { type: 'clear', prefix: 'server.listener.taken.' },
    insert(['server.listener.more.bind', `127.0.0.1:${port}`], ['server.listener.more.max-connections', '5']),
  ])
  assert.deepEqual(((await data('GET', '/api/reload')) as { errors: object }).errors, {})
  assert.equal(server.port('more'), port)
  await data('POST', '/api/settings', [
    { type: 'clear', prefix: 'server.listener.more.' },
    { type: 'clear', prefix: 'server.listener.odd.' },
  ])
  await data('GET', '/api/reload')
  assert.equal(server.running.ports().has('more'), false)
})

const outOfRange: ReadonlyArray<readonly [key: string, value: string]> = [
  ['session.data.limits.size', '-5'],
  ['queue.schedule.retry', '0s'],
  ['queue.schedule.expire', '0'],
  ['queue.outbound.timeouts.connect', '-1'],
  ['remote.x.port', '70000'],
  ['server.listener.x.bind', '[::]:70000'],
  ['session.rcpt.max-recipients', "'many'"],
  ['imap.request.max-size', '-5'],
]
for (const [key, value] of outOfRange) {
  test(`a reload refuses ${key} = ${value}, and nothing else acts`, async () => {
    await data('POST', '/api/settings', [insert([key, value], ['queue.outbound.concurrency', '9'])])
    const { errors } = (await data('GET', '/api/reload')) as { errors: object }
    assert.deepEqual(Object.keys(errors), [key])
    // A part that is in order is not held up.
    assert.deepEqual(((await data('GET', '/api/reload/lookup')) as { errors: object }).errors, {})
    await data('POST', `/api/settings/rollback/${(await newest()).id}`)
    assert.deepEqual(((await data('GET', '/api/reload')) as { errors: object }).errors, {})
  })
}

test('a clear with filter takes whole records of a group, and single keys elsewhere', async () => {
  await data('POST', '/api/settings', [
    insert(
      ['remote.a.b.address', 'Relay.Example.org'],
      ['remote.a.b.port', '25'],
      ['remote.a.address', 'other.example.org'],
      ['notes.a.x', 'RELAY'],
      ['notes.a.y', 'keep'],
    ),
    { type: 'clear', prefix: 'remote.', filter: 'reLAY' },
    { type: 'clear', prefix: 'notes.', filter: 'relay' },
  ])
  assert.deepEqual(await data('GET', '/api/settings/keys?prefixes=remote,notes'), {
    'remote.a.address': 'other.example.org',
    'notes.a.y': 'keep',
  })
})

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createFakeClock, createRecordingTrace, type FakeClock, type RecordingTrace } from '@postern/testkit'
import { createIdSource, systemClock, systemRandom } from '#base/clock'
import { memoryResolver } from '#base/dns'
import { createHttpServer } from '#base/http'
import { type Listener, listen } from '#base/net'
import { createWorkers } from '#base/workers'
import { createBlobs } from '#data/blobs'
import { createMemoryEphemeral } from '#data/ephemeral'
import { openSettings, type Settings } from '#data/settings'
import { openStore } from '#data/store'
import { createAccess, createPasswords } from '#services/access'
import { createDirectory } from '#services/directory'
import { createMailAuth } from '#services/mailauth'
import { createMailboxes } from '#services/mailbox'
import { createMaintenance } from '#services/maintenance'
import { createOauth } from '#services/oauth'
import { createQueue, type Queue } from '#services/queue'
import { createSpamRules } from '#services/spam'
import {
  accountHandlers,
  authorizeHandlers,
  type BoundEndpoint,
  banHandlers,
  contractHandlers,
  createBaseUrl,
  createManagement,
  domainHandlers,
  historyHandlers,
  logHandlers,
  oauthHandlers,
  principalHandlers,
  queueHandlers,
  settingsHandlers,
  storeHandlers,
  streamTokenHandlers,
  unhandledEndpoints,
  updateHandlers,
  withUnhandled,
} from './index.ts'

const opened = new AsyncDisposableStack()
let clock: FakeClock
let trace: RecordingTrace
let settings: Settings
let queue: Queue
let handlers: readonly BoundEndpoint[]
let base: string
let logLines: string[] | undefined | 'broken' = []

before(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'management-'))
  opened.defer(() => rm(folder, { recursive: true }))
  clock = createFakeClock()
  trace = createRecordingTrace()
  const store = opened.use(await openStore({ kind: 'sqlite', path: folder, clock, trace }))
  settings = await openSettings({ store, macros: { env: () => undefined, file: async () => '' } })
  await settings.change([
    {
      kind: 'put',
      entries: [
        ['authentication.fallback-admin.user', 'admin'],
        ['authentication.fallback-admin.secret', 'secret'],
        ['jmap.rate-limit.anonymous', '5/1m'],
        ['server.auto-ban.auth.rate', 'false'],
      ],
    },
  ])
  await settings.reload()
  const workers = opened.use(createWorkers({ threads: 1 }))
  const blobs = opened.use(createBlobs({ store, clock, trace }))
  const passwords = createPasswords({ workers, random: systemRandom })
  const directory = opened.use(
    createDirectory({
      store,
      settings,
      hashSecret: passwords.hash,
      verifySecret: passwords.verify,
      trace,
      destroyMail: async () => {},
    }),
  )
  const ephemeral = createMemoryEphemeral({ clock })
  const access = opened.use(
    createAccess({
      store,
      settings,
      directory,
      passwords,
      ephemeral,
      clock,
      random: systemRandom,
      trace,
    }),
  )
  queue = opened.use(createQueue({ store, blobs, settings, clock, random: systemRandom, trace, nextId: createIdSource(clock) }))
  const mailboxes = opened.use(createMailboxes({ store, blobs, clock }))
  const oauth = createOauth({ settings, access, directory, ephemeral, clock, random: systemRandom, trace })
  const baseUrl = createBaseUrl(settings)
  handlers = [
    ...principalHandlers(directory),
    ...settingsHandlers(settings),
    ...historyHandlers(settings),
    ...banHandlers(access.bans),
    ...updateHandlers(createSpamRules({ settings })),
    ...domainHandlers(
      createMailAuth({
        store,
        settings,
        directory,
        certificates: { chainFor: () => undefined },
        resolver: memoryResolver({}),
        clock,
        random: systemRandom,
      }),
    ),
    ...queueHandlers(queue, { directory, clock }),
    ...logHandlers({
      async lines() {
        if (logLines === 'broken') throw new Error('EACCES: permission denied')
        const lines = logLines
        return (
          lines &&
          (async function* () {
            yield* lines
          })()
        )
      },
    }),
    ...accountHandlers(directory),
    ...oauthHandlers(oauth, baseUrl),
    ...authorizeHandlers({ oauth, access, baseUrl, trace }),
    ...streamTokenHandlers(oauth),
    ...storeHandlers(createMaintenance({ store, blobs, mailboxes, directory, ephemeral, settings, trace })),
    ...contractHandlers(),
  ]
  const management = createManagement({ access, settings, endpoints: withUnhandled(handlers), maxMessageBytes: () => 1000, trace })
  const http = opened.use(
    createHttpServer({
      site: async () => management,
      onMalformed: () => {},
      monotonic: systemClock.monotonic,
    }),
  )
  const listener: Listener = opened.use(
    await listen({
      address: '127.0.0.1',
      port: 0,
      maxConnections: 100,
      clock: systemClock,
      serve: connection =>
        http.serve(connection.release(), {
          listenerId: 'http',
          remoteIp: '192.0.2.1',
          remotePort: 1,
          localIp: '127.0.0.1',
          localPort: 80,
          isTls: false,
        }),
      onError: error => {
        throw error
      },
    }),
  )
  base = `http://127.0.0.1:${listener.port}`
})

after(() => opened[Symbol.asyncDispose]())

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

async function call(method: string, path: string, body?: unknown, login: string | undefined = 'admin:secret'): Promise<Answer> {
  const response = await fetch(base + path, {
    method,
    headers: login === undefined ? {} : { Authorization: login.includes(' ') ? login : `Basic ${Buffer.from(login).toString('base64')}` },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
}

const nobody = undefined as unknown as string

test('whoever has not logged in gets 401 on every path, existing or not, and is told how', async () => {
  for (const path of ['/api/principal', '/api/nothing', '/api/', '/api/reload']) {
    await clock.advance(60_000)
    const response = await fetch(base + path)
    assert.equal(response.status, 401)
    assert.match(response.headers.get('www-authenticate') ?? '', /Basic realm=/)
    assert.equal(response.headers.get('content-type'), 'application/problem+json')
    assert.deepEqual(await response.json(), {
      type: 'about:blank',
      status: 401,
      title: 'Unauthorized',
      detail: 'You have to authenticate first.',
    })
  }
})

test('a page whose token has run out asks for the password itself: no browser window covers it', async () => {
  for (const name of ['Origin', 'Referer']) {
    const response = await fetch(`${base}/api/principal`, { headers: { Authorization: 'Bearer old', [name]: 'https://mail.example.org/' } })
    assert.deepEqual([response.status, response.headers.get('www-authenticate')], [401, 'Bearer realm="Postern"'])
  }
})

test('nameless requests are limited, with the time to wait', async () => {
  await clock.advance(60_000)
  for (let i = 0; i < 5; i++) await fetch(`${base}/api/principal`)
  const response = await fetch(`${base}/api/principal`)
  assert.equal(response.status, 429)
  assert.ok(Number(response.headers.get('retry-after')) > 0)
})

const wrongCredentials: ReadonlyArray<[name: string, login: string]> = [
  ['a wrong password', 'admin:wrong'],
  ['no colon', `Basic ${Buffer.from('admin').toString('base64')}`],
  ['no Base64', 'Basic §§§'.replace('§§§', '!!!')],
  ['an unknown scheme', 'Digest x'],
  ['an unknown token', 'Bearer abc'],
  ['an unknown API key', `Bearer api_${Buffer.from('a:b').toString('base64')}`],
  ['a scheme alone', 'Basic '],
]
for (const [name, login] of wrongCredentials) {
  test(`${name} is answered with 401`, async () => {
    await clock.advance(60_000)
    assert.equal((await call('GET', '/api/principal', undefined, login)).status, 401)
  })
}

test('paths and methods that do not exist are 404, with the trailing slash meaning what it says', async () => {
  for (const [method, path] of [
    ['GET', '/api/nothing'],
    ['PUT', '/api/principal'],
    ['GET', '/api/queue/messages/'],
    ['GET', '/api/queue/messages/x'],
    ['GET', '/api/queue/messages/99999999999999999999'],
  ] as const) {
    assert.equal((await call(method, path)).status, 404, `${method} ${path}`)
  }
  assert.deepEqual((await call('GET', '/api/principal/')).body, { error: 'notFound', item: '' })
  assert.equal((await call('GET', '/api/reload/')).status, 200)
  assert.deepEqual((await call('GET', '/api/principal/nobody/more/segments')).body, { error: 'notFound', item: 'nobody' })
})

test('OPTIONS needs no login', async () => {
  assert.equal((await fetch(`${base}/api/principal`, { method: 'OPTIONS' })).status, 204)
})

test('principals are created, shown, changed, listed and removed', async () => {
  assert.equal(typeof (await call('POST', '/api/principal', { type: 'domain', name: 'example.org' })).body['data'], 'number')
  const created = await call('POST', '/api/principal', { type: 'individual', name: 'Jane', emails: ['jane@example.org'], roles: ['user'] })
  assert.match(created.headers.get('content-type') ?? '', /^application\/json; charset=utf-8$/)
  assert.deepEqual((await call('POST', '/api/principal', { name: 'jane' })).body, {
    error: 'fieldAlreadyExists',
    field: 'name',
    value: 'jane',
  })
  assert.deepEqual((await call('PATCH', '/api/principal/jane', [{ action: 'set', field: 'description', value: 'x' }])).body, { data: null })
  const shown = (await call('GET', '/api/principal/JANE')).body['data'] as Record<string, unknown>
  assert.deepEqual(shown, {
    id: created.body['data'],
    type: 'individual',
    name: 'jane',
    description: 'x',
    emails: 'jane@example.org',
    roles: ['user'],
  })
  const list = (await call('GET', '/api/principal?types=individual,nonsense&fields=name&limit=10&page=0')).body
  assert.deepEqual(list, { data: { items: [{ id: created.body['data'], type: 'individual', name: 'jane' }], total: 1 } })
  assert.deepEqual((await call('GET', '/api/principal?count=1&types=individual')).body, { data: { items: [], total: 1 } })
  assert.deepEqual((await call('DELETE', '/api/principal/jane')).body, { data: null })
  assert.deepEqual((await call('GET', '/api/principal/jane')).body, { error: 'notFound', item: 'jane' })
  assert.equal((await call('DELETE', '/api/principal?type=group')).status, 400)
  assert.deepEqual((await call('DELETE', '/api/principal?type=group&confirm=true')).body, { data: false })
})

test('names with reserved characters reach their principal', async () => {
  for (const name of ['a=b&c', 'ünï', 'x%y', 'p+q']) {
    await call('POST', '/api/principal', { type: 'group', name })
    const found = (await call('GET', `/api/principal/${encodeURIComponent(name)}`)).body['data'] as { name: string }
    assert.equal(found.name, name)
  }
})

const badBodies: ReadonlyArray<[name: string, body: string | Buffer]> = [
  ['no JSON', '{'],
  ['nothing', ''],
  ['a list', '[]'],
  ['a text', '"x"'],
  ['null', 'null'],
  ['a number', '5'],
  ['deep nesting', '['.repeat(100_000)],
  ['an unknown field', '{"name":"x","colour":"red"}'],
  ['a boolean for a name', '{"name":true}'],
  ['a wrong type', '{"name":"x","type":"robot"}'],
  ['a replacement character in place of JSON', '\ufffd'],
  ['invalid UTF-8 inside of a name', Buffer.from('{"name":"j\xf6rg"}', 'latin1')],
  ['half of a surrogate pair', '{"name":"x\\ud83d"}'],
]
for (const [name, body] of badBodies) {
  test(`a body that is ${name} is a 400 that says so`, async () => {
    const { status, body: problem } = await call('POST', '/api/principal', body)
    assert.equal(status, 400)
    assert.equal(problem['title'], 'Invalid parameters')
    assert.equal(typeof problem['detail'], 'string')
  })
}

test('an error repeats little of a long key, and both halves of a surrogate pair are a character', async () => {
  const { body: problem } = await call('POST', '/api/principal', JSON.stringify({ ['k'.repeat(100_000)]: 1 }))
  assert.ok(String(problem['detail']).length < 300)
  assert.equal((await call('POST', '/api/principal', '{"name":"smile\\ud83d\\ude00"}')).status, 200)
})

test('a body of a byte too much is refused with 413', async () => {
  assert.equal((await call('POST', '/api/principal', `{"name":"x"${' '.repeat(1_048_576 - 12)}}`)).status, 200, 'at the limit it is read')
  assert.equal((await call('POST', '/api/principal', `{"name":"x"${' '.repeat(1_048_577)}}`)).status, 413)
})

test('settings are inserted, listed, grouped, asserted and cleared in one transaction', async () => {
  const insert = (prefix: string | null, values: string[][], assert_empty = false): unknown => ({
    type: 'insert',
    prefix,
    values,
    assert_empty,
  })
  assert.deepEqual(
    (
      await call('POST', '/api/settings', [
        insert(
          'queue.throttle.a',
          [
            ['key', 'rcpt'],
            ['rate', '1/1s'],
          ],
          true,
        ),
        insert(null, [['golden.x', 'Y']]),
      ])
    ).body,
    { data: null },
  )
  assert.deepEqual(
    (await call('POST', '/api/settings', [insert(null, [['golden.z', '1']]), insert('queue.throttle.a', [['key', 'x']], true)])).body,
    { error: 'assertFailed' },
  )
  assert.deepEqual((await call('GET', '/api/settings/keys?keys=golden.x,golden.z&prefixes=queue.throttle')).body, {
    data: { 'golden.x': 'Y', 'queue.throttle.a.key': 'rcpt', 'queue.throttle.a.rate': '1/1s' },
  })
  assert.deepEqual((await call('GET', '/api/settings/group?prefix=queue.throttle&suffix=key')).body, {
    data: { total: 1, items: [{ _id: 'a', key: 'rcpt', rate: '1/1s' }] },
  })
  assert.deepEqual((await call('GET', '/api/settings/group?prefix=queue.throttle&suffix=key&field=rate&filter=nothing')).body, {
    data: { total: 0, items: [] },
  })
  assert.deepEqual((await call('GET', '/api/settings/group?prefix=golden')).body, {
    data: { total: 1, items: [{ _id: 'x', _value: 'Y' }] },
  })
  assert.deepEqual((await call('GET', '/api/settings/list?prefix=queue.throttle.a&limit=1&page=2')).body, {
    data: { total: 2, items: { rate: '1/1s' } },
  })
  assert.deepEqual(
    (
      await call('POST', '/api/settings', [
        { type: 'clear', prefix: 'queue.throttle.', filter: 'RCPT' },
        { type: 'delete', keys: ['golden.x', 'nope'] },
      ])
    ).body,
    { data: null },
  )
  // A record goes as a whole.
  assert.deepEqual((await call('GET', '/api/settings/list?prefix=queue.throttle')).body, { data: { total: 0, items: {} } })
  for (const wrong of [[{ type: 'drop' }], [{ type: 'insert', values: [] }], [insert(null, [['k', 5 as unknown as string]])], {}])
    assert.equal((await call('POST', '/api/settings', wrong)).status, 400)
})

test('a reload reports what is broken and says nothing of free keys; unknown settings are only named', async () => {
  await call('POST', '/api/settings', [
    {
      type: 'insert',
      prefix: null,
      assert_empty: false,
      values: [
        ['queue.outbound.concurrency', 'many'],
        ['queue.outbound.concurency', '3'],
      ],
    },
  ])
  const { data } = (await call('GET', '/api/reload?dry-run=true')).body as {
    data: { errors: Record<string, { type: string }>; warnings: Record<string, { type: string }> }
  }
  assert.equal(data.errors['queue.outbound.concurrency']?.type, 'parse')
  assert.equal(data.warnings['queue.outbound.concurency']?.type, 'unread')
  await call('POST', '/api/settings', [{ type: 'clear', prefix: 'queue.outbound.' }])
  assert.deepEqual((await call('GET', '/api/reload')).body, { data: { errors: {}, warnings: {} } })
})

test('queued messages are listed, shown, rescheduled and cancelled, the queue paused and resumed', async () => {
  assert.deepEqual((await call('PATCH', '/api/queue/status/stop')).body, { data: true })
  assert.deepEqual((await call('GET', '/api/queue/status')).body, { data: false })
  const id = await queue.accept(
    { returnPath: 'jane@example.org', recipients: [{ address: 'a@x.test' }, { address: 'b@x.test' }], priority: 2, envId: 'e1' },
    Buffer.from('Subject: x\r\n\r\n'),
  )
  assert.deepEqual((await call('GET', '/api/queue/messages')).body, { data: { items: [id], total: 1, status: false } })
  assert.ok(id < 2 ** 53)
  const message = (await call('GET', `/api/queue/messages/${id}`)).body['data'] as Record<string, unknown>
  assert.deepEqual(Object.keys(message).sort(), ['blob_hash', 'created', 'domains', 'env_id', 'id', 'priority', 'return_path', 'size'])
  assert.match(String(message['created']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  const [domain] = message['domains'] as Array<Record<string, unknown>>
  assert.equal(domain?.['status'], 'scheduled')
  assert.deepEqual(domain?.['recipients'], [
    { address: 'a@x.test', status: 'scheduled' },
    { address: 'b@x.test', status: 'scheduled' },
  ])
  const listed = (await call('GET', '/api/queue/messages?values=1&text=B@X')).body['data'] as { items: unknown[] }
  assert.equal(listed.items.length, 0, 'texts are compared as given')
  assert.deepEqual((await call('PATCH', `/api/queue/messages/${id}?filter=nothing`)).body, { data: false })
  assert.deepEqual((await call('PATCH', `/api/queue/messages/${id}?at=2027-01-01T00:00:00Z`)).body, { data: true })
  const later = (await call('GET', `/api/queue/messages/${id}`)).body['data'] as { domains: Array<{ next_retry: string; expires: string }> }
  assert.equal(later.domains[0]?.next_retry, '2027-01-01T00:00:00Z')
  assert.ok((later.domains[0]?.expires ?? '') > '2027-01-01', 'an expiry is never before the attempt')
  assert.deepEqual((await call('DELETE', `/api/queue/messages/${id}?filter=a@`)).body, { data: true })
  const cancelled = (await call('GET', `/api/queue/messages/${id}`)).body['data'] as {
    domains: Array<{ recipients: Array<{ status: unknown }> }>
  }
  assert.deepEqual(cancelled.domains[0]?.recipients[0]?.status, { perm_fail: 'Code: 0, Enhanced code: 0.0.0, Message: Delivery canceled.' })
  assert.deepEqual((await call('DELETE', '/api/queue/messages?text=nothing')).body, { data: false })
  assert.deepEqual((await call('DELETE', `/api/queue/messages/${id}`)).body, { data: true })
  assert.equal((await call('GET', `/api/queue/messages/${id}`)).status, 404)
  assert.deepEqual((await call('PATCH', '/api/queue/status/start')).body, { data: false })
})

test('the log is read back line by line', async () => {
  logLines = ['2026-01-01T00:00:02Z INFO Second (smtp.ehlo) domain = "b"', 'nonsense', '2026-01-01T00:00:01Z WARN First (smtp.noop) ']
  assert.deepEqual((await call('GET', '/api/logs?limit=10')).body, {
    data: {
      items: [
        { timestamp: '2026-01-01T00:00:02Z', level: 'INFO', event: 'Second', event_id: 'smtp.ehlo', details: 'domain = "b"' },
        { timestamp: '2026-01-01T00:00:01Z', level: 'WARN', event: 'First', event_id: 'smtp.noop', details: '' },
      ],
      total: 3,
    },
  })
  assert.deepEqual((await call('GET', '/api/logs?filter=First')).body['data'] instanceof Object, true)
  assert.equal(((await call('GET', '/api/logs?limit=1')).body['data'] as { total: number }).total, 2)
  logLines = undefined
  assert.equal((await call('GET', '/api/logs')).body['error'], 'unsupported')
  logLines = 'broken'
  assert.deepEqual((await call('GET', '/api/logs')).body, {
    error: 'other',
    details: 'Failed to read log files',
    reason: 'EACCES: permission denied',
  })
})

test('who lacks a permission is refused, whatever the endpoint', async () => {
  await call('POST', '/api/principal', { name: 'erin', secrets: ['pw'], roles: ['user'] })
  for (const path of ['/api/settings/list', '/api/reload', '/api/queue/messages', '/api/logs', '/api/principal']) {
    assert.equal((await call('GET', path, undefined, 'erin:pw')).status, 403, path)
  }
  assert.equal((await call('GET', '/api/nothing', undefined, 'erin:pw')).status, 404)
  await call('POST', '/api/principal', { type: 'apiKey', name: 'key', secrets: ['ks'], enabledPermissions: ['authenticate', 'logs-view'] })
  logLines = []
  assert.equal((await call('GET', '/api/logs', undefined, `bearer api_${Buffer.from('key:ks').toString('base64')}`)).status, 200)
  assert.equal((await call('GET', '/api/logs', undefined, 'key:ks')).status, 401)
})

test('the contract and its description are served', async () => {
  assert.equal((await call('GET', '/api/openapi.json')).body['openapi'], '3.1.0')
  assert.ok((await call('GET', '/api/schema')).body['data'])
  assert.equal((await call('GET', '/nothing', undefined, nobody)).status, 404)
})

/** Endpoints that answer 501. The list only shrinks. */
test('a name of a principal that is written with escapes is refused, an escaped value is not', async () => {
  const refused = await call('POST', '/api/principal', '{"type":"domain","na\\u006de":"escaped.example"}')
  assert.deepEqual([refused.status, refused.body['detail']], [400, 'JSON deserialization failed'])
  const taken = await call(
    'POST',
    '/api/principal',
    '{"type":"domain","name":"escap\\u0065d.example","description":"\\"na\\u006de\\" : 1"}',
  )
  assert.equal(typeof taken.body['data'], 'number')
  assert.equal((await call('DELETE', '/api/principal/escaped.example')).body['data'], null)
  const elsewhere = await call('POST', '/api/settings', '[{"t\\u0079pe":"delete","keys":[]}]')
  assert.equal(elsewhere.body['data'], null)
})

test('a body full of escapes is judged in no time', async () => {
  const { status } = await call('POST', '/api/principal', `{"x":"${'\\u0041"\\u003a'.replaceAll('"', '').repeat(80_000)}`)
  assert.equal(status, 400)
})

test('a key set says it is JSON and nothing more, which is what its readers compare', async () => {
  await clock.advance(60_000)
  assert.equal((await fetch(`${base}/auth/jwks.json`)).headers.get('content-type'), 'application/json')
})

test('a hash with padding is a hash', async () => {
  for (const hash of ['AAAA', 'AAAA===='])
    assert.deepEqual((await call('GET', `/api/store/blobs/${hash}`)).body, { error: 'notFound', item: '' })
  for (const hash of ['AA=AA', 'A', 'AA AA']) assert.equal((await call('GET', `/api/store/blobs/${encodeURIComponent(hash)}`)).status, 400)
})

const notYet = [
  'autodiscover',
  'autodiscoverJson',
  'callJmap',
  'classifyMessage',
  'deleteIncomingReport',
  'deleteIncomingReports',
  'deleteOutgoingReport',
  'deleteOutgoingReports',
  'downloadBlob',
  'getAccountCrypto',
  'getAcmeChallenge',
  'getAutoconfig',
  'getIncomingReport',
  'getJmapSession',
  'getLogo',
  'getOutgoingReport',
  'getPrometheusMetrics',
  'getTrace',
  'listIncomingReports',
  'listMetrics',
  'listOutgoingReports',
  'listTraces',
  'openJmapSocket',
  'reindexAccounts',
  'streamChanges',
  'streamMetrics',
  'streamTraces',
  'submitForm',
  'testDelivery',
  'testDmarc',
  'trainHam',
  'trainSpam',
  'updateAccountCrypto',
  'updateWebadmin',
  'uploadBlob',
]

test('every endpoint has one handler, but for these, which say 501', async () => {
  assert.deepEqual(
    unhandledEndpoints(handlers)
      .map(({ id }) => id)
      .sort(),
    notYet,
  )
  const [first] = unhandledEndpoints(handlers)
  const { status } = await call(
    first?.method === 'ANY' ? 'GET' : (first?.method ?? 'GET'),
    (first?.paths[0] ?? '').replace(/\{[^}]+\}/g, '1'),
  )
  assert.equal(status, 501)
})

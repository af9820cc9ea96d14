import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { createFakeClock, type FakeClock, startTestServer, type TestServer } from '@postern/testkit'

let clock: FakeClock
let server: TestServer
let port: number
const changed = new Set<string>()

before(async () => {
  clock = createFakeClock()
  server = await startTestServer({ clock })
  port = server.port('http')
  await server.addAccount('jane@example.org')
})
after(() => server[Symbol.asyncDispose]())
beforeEach(() => clock.advance(60_000))
afterEach(async () => {
  await server.running.settings.change([{ kind: 'delete', keys: [...changed] }])
  await server.running.settings.reload()
  changed.clear()
})

async function set(entries: Readonly<Record<string, string>>): Promise<void> {
  for (const key of Object.keys(entries)) changed.add(key)
  await server.set(entries)
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Record<string, unknown>
}

interface Asked {
  readonly as?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** Without the help of a library that knows better. */
function call(method: string, path: string, { as, headers = {}, body }: Asked = {}): Promise<Answer> {
  const authorization = as === undefined ? {} : { Authorization: as.includes(' ') ? as : `Basic ${Buffer.from(as).toString('base64')}` }
  return new Promise((resolve, reject) => {
    request({ port, method, path, headers: { ...authorization, ...headers }, agent: false }, async answer => {
      let text = ''
      for await (const chunk of answer) text += chunk
      const isJson = /json/.test(answer.headers['content-type'] ?? '')
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: isJson && text !== '' ? JSON.parse(text) : { text } })
    })
      .on('error', reject)
      .end(body)
  })
}

const from = (address: string): Asked => ({ headers: { 'X-Forwarded-For': address } })

for (const path of ['/api/principal', '/api/nothing', '/auth/token', '/jmap/', '/.well-known/jmap'])
  test(`OPTIONS ${path} needs no login`, async () => assert.equal((await call('OPTIONS', path)).status, 204))

test('OPTIONS exists for the contact form while that is on, and nowhere else', async () => {
  assert.equal((await call('OPTIONS', '/form')).status, 404)
  await set({ 'form.enable': 'true' })
  assert.equal((await call('OPTIONS', '/form')).status, 204)
  for (const path of ['/', '/authorize', '/apix', '/jmapx']) assert.equal((await call('OPTIONS', path)).status, 404)
})

test('HEAD does not exist, and a login is asked for before that is said', async () => {
  assert.equal((await call('HEAD', '/api/principal')).status, 401)
  assert.equal((await call('HEAD', '/api/principal', { as: 'admin:admin' })).status, 404)
})

test('crawlers are told to keep out', async () => {
  const { status, headers, body } = await call('GET', '/robots.txt')
  assert.deepEqual([status, headers['content-type'], body['text']], [200, 'text/plain', 'User-agent: *\nDisallow: /\n'])
})

test('fields of every answer: none by default, those of the settings when set', async () => {
  const plain = (await call('GET', '/api/principal')).headers
  for (const name of ['access-control-allow-origin', 'strict-transport-security', 'x-one']) assert.equal(plain[name], undefined)
  await set({
    'server.http.permissive-cors': 'true',
    'server.http.hsts': 'true',
    'server.http.headers.0': 'X-One: 1',
    'server.http.headers.1': 'Link: </a>',
    'server.http.headers.2': 'Link: </b>',
    'server.http.headers.3': 'cache-control: public',
  })
  for (const [method, path] of [
    ['GET', '/api/principal'],
    ['OPTIONS', '/api/principal'],
    ['GET', '/robots.txt'],
    ['GET', '/nowhere'],
  ] as const) {
    const { headers } = await call(method, path)
    assert.equal(headers['access-control-allow-origin'], '*', path)
    assert.equal(headers['access-control-allow-headers'], 'Authorization, Content-Type, Accept, X-Requested-With')
    assert.equal(headers['access-control-allow-methods'], 'POST, GET, PATCH, PUT, DELETE, HEAD, OPTIONS')
    assert.equal(headers['strict-transport-security'], 'max-age=31536000; includeSubDomains; preload')
    assert.equal(headers['x-one'], '1')
    assert.match(String(headers['link']), /<\/a>, ?<\/b>/)
  }
  assert.equal((await call('GET', '/api/principal')).headers['cache-control'], 'no-store', 'what an answer says itself stays')
})

test('an expression lets requests in; this machine always gets in', async () => {
  await set({
    'server.http.use-x-forwarded': 'true',
    'server.http.allowed-endpoint.0.if': "starts_with(url_path, '/api/') && remote_ip != '192.0.2.1'",
    'server.http.allowed-endpoint.0.then': '404',
    'server.http.allowed-endpoint.1.if': "method == 'DELETE'",
    'server.http.allowed-endpoint.1.then': '405',
    'server.http.allowed-endpoint.2.else': '200',
  })
  assert.equal((await call('GET', '/api/principal', from('192.0.2.1'))).status, 401)
  const refused = await call('GET', '/api/principal', from('192.0.2.2'))
  assert.deepEqual(refused.body, { type: 'about:blank', status: 404, detail: 'Not Found' })
  assert.equal(refused.headers['content-type'], 'application/problem+json')
  assert.equal((await call('DELETE', '/robots.txt', from('192.0.2.2'))).status, 405)
  assert.equal((await call('GET', '/robots.txt', from('192.0.2.2'))).status, 200)
  assert.equal((await call('GET', '/api/principal')).status, 401, 'from this machine')
  assert.equal((await call('GET', '/api/principal', from('127.0.0.1'))).status, 401, 'which a field does not put anybody on')
})

test('what is no status lets nobody in from outside', async () => {
  for (const value of ['99', '600', '0']) {
    await set({ 'server.http.use-x-forwarded': 'true', 'server.http.allowed-endpoint': value })
    assert.equal((await call('GET', '/robots.txt', from('192.0.2.2'))).status, 403, value)
  }
})

const addresses: ReadonlyArray<[name: string, headers: Record<string, string>, wanted: string]> = [
  ['Forwarded', { Forwarded: 'for=192.0.2.60;proto=http;by=203.0.113.43' }, '192.0.2.60'],
  ['Forwarded in capitals, quoted, IPv6 with a port', { Forwarded: 'Proto=https;For="[2001:DB8:cafe::17]:4711"' }, '2001:db8:cafe::17'],
  ['the first of several in Forwarded', { Forwarded: 'for=192.0.2.43, for=198.51.100.17' }, '192.0.2.43'],
  ['Forwarded before X-Forwarded-For', { Forwarded: 'for=192.0.2.61', 'X-Forwarded-For': '192.0.2.62' }, '192.0.2.61'],
  ['X-Forwarded-For', { 'X-Forwarded-For': '192.0.2.63, 10.0.0.1' }, '192.0.2.63'],
  ['an IPv6 address', { 'X-Forwarded-For': '2001:db8::5' }, '2001:db8::5'],
  ['an address with a port', { 'X-Forwarded-For': '192.0.2.64:1234' }, '192.0.2.64'],
  ['an IPv4 address written as IPv6', { 'X-Forwarded-For': '::ffff:192.0.2.65' }, '192.0.2.65'],
]
for (const [name, headers, wanted] of addresses) {
  test(`the client is whom the proxy names: ${name}`, async () => {
    await set({ 'server.http.use-x-forwarded': 'true', [`server.blocked-ip.${wanted}`]: '' })
    const { status, body } = await call('GET', '/robots.txt', { headers })
    assert.equal(status, 403)
    assert.deepEqual(body, { type: 'about:blank', status: 403, detail: 'Forbidden' })
    await set({ 'server.http.use-x-forwarded': 'false' })
    assert.equal((await call('GET', '/robots.txt', { headers })).status, 200, 'only behind a proxy')
  })
}

for (const value of ['unknown', '_hidden', '', '999.1.1.1', '[::1', '127.0.0.1', 'x'.repeat(5000)])
  test(`the proxy itself is the client when it names ${JSON.stringify(value.slice(0, 20))}`, async () => {
    await set({ 'server.http.use-x-forwarded': 'true', 'server.http.allowed-endpoint': '418' })
    assert.equal((await call('GET', '/robots.txt', from(value))).status, 200)
  })

test('the limit of nameless requests is that of the client, not of the proxy', async () => {
  await set({ 'server.http.use-x-forwarded': 'true', 'jmap.rate-limit.anonymous': '2/1m' })
  for (let i = 0; i < 2; i++) assert.equal((await call('GET', '/robots.txt', from('192.0.2.70'))).status, 200)
  const limited = await call('GET', '/robots.txt', from('192.0.2.70'))
  assert.equal(limited.status, 429)
  assert.ok(Number(limited.headers['retry-after']) > 0)
  assert.equal((await call('GET', '/robots.txt', from('192.0.2.71'))).status, 200)
})

test('whoever looks for holes is banned at once, and still told 404', async () => {
  await set({ 'server.http.use-x-forwarded': 'true', 'server.auto-ban.scan.paths.0': '*.php*', 'server.auto-ban.scan.paths.1': '/Exact' })
  const probes = ['/index.php', '/a/B.PHP?x=1', '/%2ephp', '/exact']
  for (const [index, path] of probes.entries()) {
    const client = from(`198.51.100.${index + 1}`)
    assert.equal((await call('GET', path, client)).status, 404, path)
    assert.equal((await call('GET', '/robots.txt', client)).status, 403, path)
  }
  for (const path of ['/index.html', '/exact/not', '/not/exact']) assert.equal((await call('GET', path, from('198.51.100.9'))).status, 404)
  assert.equal((await call('GET', '/robots.txt', from('198.51.100.9'))).status, 200)
  assert.equal((await call('GET', '/index.php')).status, 404)
  assert.equal((await call('GET', '/robots.txt')).status, 200, 'this machine is never banned')
})

test('an account has so many requests at once; administrators have no limit', async () => {
  await set({ 'jmap.protocol.request.max-concurrent': '2' })
  /** A request whose body does not end yet. */
  const begin = (as: string) => {
    const headers = { Authorization: `Basic ${Buffer.from(as).toString('base64')}`, 'Transfer-Encoding': 'chunked' }
    const pending = request({ port, method: 'POST', path: '/api/account/auth', headers, agent: false })
    pending.write('[')
    const answered = new Promise<number>((resolve, reject) => {
      pending.on('response', answer => resolve(answer.resume().statusCode ?? 0)).on('error', reject)
    })
    return { answered, end: () => pending.end(']') }
  }
  const get = (as: string) => call('GET', '/api/account/auth', { as })
  const held = [begin('jane:jane'), begin('jane:jane')]
  let refused = await get('jane:jane')
  while (refused.status === 200) refused = await get('jane:jane')
  assert.equal(refused.status, 400)
  assert.deepEqual(
    [refused.body['type'], refused.body['limit'], refused.body['title']],
    ['urn:ietf:params:jmap:error:limit', 'maxConcurrentRequests', undefined],
  )
  assert.equal((await get('admin:admin')).status, 200)
  for (const one of held) one.end()
  assert.deepEqual(await Promise.all(held.map(({ answered }) => answered)), [400, 400], 'an empty list is refused')
  assert.equal((await get('jane:jane')).status, 200)
})

test('a first use of a token counts for the address, later ones for the account', async () => {
  await set({ 'jmap.rate-limit.anonymous': '2/1m', 'server.http.use-x-forwarded': 'true' })
  const guess = (token: string, address: string) => call('GET', '/api/principal', { ...from(address), as: `Bearer ${token}` })
  assert.equal((await guess('a', '192.0.2.80')).status, 401)
  assert.equal((await guess('b', '192.0.2.80')).status, 401)
  assert.equal((await guess('c', '192.0.2.80')).status, 429)
  const { body } = await call('POST', '/api/oauth', {
    as: 'jane:jane',
    body: JSON.stringify({ type: 'code', client_id: 'x', redirect_uri: 'https://x.example/' }),
  })
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    code: (body['data'] as { code: string }).code,
    client_id: 'x',
    redirect_uri: 'https://x.example/',
  })
  const { body: given } = await call('POST', '/auth/token', { headers: { 'Content-Type': 'text/plain' }, body: form.toString() })
  for (let i = 0; i < 5; i++) {
    const answer = await call('GET', '/api/account/auth', { ...from('192.0.2.81'), as: `Bearer ${given['access_token']}` })
    assert.equal(answer.status, 200)
  }
})

const streams = [
  ['/api/telemetry/live/tracing-token', '/api/telemetry/traces/live'],
  ['/api/telemetry/live/metrics-token', '/api/telemetry/metrics/live'],
  ['/api/troubleshoot/token', '/api/troubleshoot/delivery/example.org'],
] as const
for (const [source, path] of streams) {
  test(`a token of ${source} opens its stream for a minute, and nothing else`, async () => {
    const token = String((await call('GET', source, { as: 'admin:admin' })).body['data'])
    const query = `?token=${encodeURIComponent(token)}`
    const open = async (url: string, as?: string) => (await call('GET', url, as === undefined ? {} : { as })).status
    const isLetIn = (status: number) => status !== 401 && status !== 403
    assert.ok(isLetIn(await open(path + query)))
    assert.ok(isLetIn(await open(path + query)), 'again')
    assert.ok(isLetIn(await open(path + query, 'admin:wrong')), 'though the browser adds an old password')
    assert.equal(await open(path), 401)
    assert.equal(await open(path, `Bearer ${token}`), 401)
    for (const other of [source, '/api/account/auth', ...streams.flatMap(([, stream]) => (stream === path ? [] : [stream]))])
      assert.equal(await open(other + query), 401, other)
    assert.equal(await open(`${path}?token=${encodeURIComponent(`${token.slice(0, 20)}A${token.slice(21)}`)}x`), 401)
    await clock.advance(60_000)
    assert.equal(await open(path + query), 401)
  })
}
test('stream tokens are for holders of the permission', async () => {
  for (const [source] of streams) assert.equal((await call('GET', source, { as: 'jane:jane' })).status, 403)
})

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { createFakeClock, type FakeClock, startTestServer, type TestServer } from '@postern/testkit'
import { TOTP } from 'otpauth'

let clock: FakeClock
let server: TestServer
let base: string
let registered: string
const otp = new TOTP({ secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' })

before(async () => {
  clock = createFakeClock()
  server = await startTestServer({ clock })
  base = `http://127.0.0.1:${server.port('http')}`
  await server.set({ 'server.http.url': `'${base}'`, 'server.auto-ban.auth.rate': 'false' })
  await server.addAccount('jane@example.org')
  await server.call('POST', '/api/principal', { name: 'otto', secrets: [otp.toString(), 'otto'], roles: ['user'] })
  await server.call('POST', '/api/principal', { name: 'plain', secrets: ['plain'], enabledPermissions: ['authenticate'] })
  const uris = ['https://app.example.net/cb', 'http://127.0.0.1/cb', 'com.example.app:/cb']
  const { body } = await server.call('POST', '/auth/register', { redirect_uris: uris, client_name: 'Mail & “More” <App>' })
  registered = (body as { client_id: string }).client_id
})
after(() => server[Symbol.asyncDispose]())
beforeEach(() => clock.advance(60_000))

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Where it sends the browser. */
  readonly location: URL | undefined
}

async function read(response: Response): Promise<Answer> {
  const location = response.headers.get('location')
  return {
    status: response.status,
    headers: response.headers,
    text: await response.text(),
    location: location === null ? undefined : new URL(location),
  }
}

const cb = 'https://app.example.net/cb'
const asked = (more: Record<string, string> = {}) => ({
  client_id: registered,
  redirect_uri: cb,
  response_type: 'code',
  state: 's 1&2',
  ...more,
})

async function open(path: string, query: Record<string, string>): Promise<Answer> {
  return read(await fetch(`${base}${path}?${new URLSearchParams(query)}`, { redirect: 'manual' }))
}

async function send(path: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
  return read(await fetch(base + path, { method: 'POST', body: new URLSearchParams(fields), headers, redirect: 'manual' }))
}

const jane = { login: 'jane', password: 'jane' }
const alertOf = ({ text }: Answer): string | undefined => /role="alert"[^>]*>([^<]*)</.exec(text)?.[1]

test('the page names the client and the place, and takes a login without scripts', async () => {
  const { status, headers, text } = await open('/authorize/code', asked())
  assert.equal(status, 200)
  assert.equal(headers.get('content-type'), 'text/html')
  assert.match(text, /<meta charset="utf-8">/)
  assert.match(text, /“Mail &amp; “More” &lt;App&gt;” asks for access/)
  assert.match(text, /app\.example\.net/)
  assert.doesNotMatch(text, /<script|javascript:|onclick|not registered/)
  assert.match(text, /<html lang="en">/)
  assert.match(text, /<form method="post" action="\/authorize\/code">/)
  assert.match(text, /name="state" value="s 1&amp;2"/)
  for (const name of ['login', 'password']) {
    assert.match(text, new RegExp(`<label for="${name}">`))
    assert.match(text, new RegExp(`<input id="${name}" name="${name}"`))
  }
  assert.match(text, /<main>/)
  assert.doesNotMatch(text, /id="totp"/)
})

test('the page may not be framed, may load nothing, and is not kept', async () => {
  const { headers } = await open('/authorize/code', asked())
  const policy = headers.get('content-security-policy') ?? ''
  assert.match(
    policy,
    /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self' https:\/\/app\.example\.net; frame-ancestors 'none'; base-uri 'none'$/,
  )
  assert.equal(headers.get('x-frame-options'), 'DENY')
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.equal(headers.get('x-content-type-options'), 'nosniff')
  for (const [redirect_uri, source] of [
    ['com.example.app:/cb', 'com.example.app:'],
    ['http://127.0.0.1:5050/cb', 'http://127.0.0.1:5050'],
  ] as const) {
    const page = await open('/authorize/code', asked({ redirect_uri }))
    assert.match(page.headers.get('content-security-policy') ?? '', new RegExp(`form-action 'self' ${source};`))
  }
})

test('a login sends the browser back with a code that works, the state and the name of this server', async () => {
  const { status, location, headers } = await send('/authorize/code', { ...asked(), ...jane, action: 'allow' })
  assert.equal(status, 303)
  assert.equal(headers.get('cache-control'), 'no-store')
  const { code = '', ...rest } = Object.fromEntries(location?.searchParams ?? [])
  assert.deepEqual([location?.origin, rest], ['https://app.example.net', { state: 's 1&2', iss: base }])
  const form = new URLSearchParams({ grant_type: 'authorization_code', code, client_id: registered, redirect_uri: cb })
  assert.equal((await fetch(`${base}/auth/token`, { method: 'POST', body: form })).status, 200)
})

test('a query of the address stays, and an application gets its own scheme back', async () => {
  const { location } = await send('/authorize/code', { client_id: 'x', redirect_uri: 'https://a.example/?keep=1', ...jane })
  assert.equal(location?.searchParams.get('keep'), '1')
  const native = await send('/authorize/code', { ...asked({ redirect_uri: 'com.example.app:/cb' }), ...jane })
  assert.match(native.location?.href ?? '', /^com\.example\.app:\/cb\?code=[A-Za-z0-9]{40}&state=/)
})

test('who refuses is sent back without having logged in', async () => {
  const { status, location } = await send('/authorize/code', { ...asked(), action: 'deny' })
  assert.equal(status, 303)
  assert.deepEqual(Object.fromEntries(location?.searchParams ?? []), { error: 'access_denied', state: 's 1&2', iss: base })
})

const wrongLogins: ReadonlyArray<[name: string, fields: Record<string, string>, status: number, alert: RegExp]> = [
  ['a wrong password', { login: 'jane', password: 'x' }, 403, /wrong/],
  ['an unknown name', { login: 'nobody', password: 'x' }, 403, /wrong/],
  ['no password', { login: 'jane' }, 400, /Enter/],
  ['no name', { password: 'jane' }, 400, /Enter/],
  ['an account that may not', { login: 'plain', password: 'plain' }, 403, /may not/],
]
for (const [name, fields, status, alert] of wrongLogins) {
  test(`${name} is told on the page, which keeps what was typed but the password`, async () => {
    const answer = await send('/authorize/code', { ...asked(), ...fields })
    assert.equal(answer.status, status)
    assert.match(alertOf(answer) ?? '', alert)
    assert.match(answer.text, /<title>Something is wrong/)
    if (fields['login']) assert.match(answer.text, new RegExp(`name="login"[^>]*value="${fields['login']}"`))
    assert.match(answer.text, /name="password"[^>]*value=""/)
    assert.match(answer.text, /name="redirect_uri" value="https:\/\/app\.example\.net\/cb"/)
  })
}

test('an account with a second factor is asked for the code', async () => {
  const first = await send('/authorize/code', { ...asked(), login: 'otto', password: 'otto' })
  assert.equal(first.status, 403)
  assert.match(alertOf(first) ?? '', /one-time code/)
  assert.match(first.text, /<label for="totp">[\s\S]*id="totp"[^>]*autocomplete="one-time-code"/)
  const totp = otp.generate({ timestamp: clock.now() })
  const wrong = await send('/authorize/code', { ...asked(), login: 'otto', password: 'otto', totp: '000000' })
  assert.match(wrong.text, /id="totp"/)
  const right = { ...asked(), login: 'otto', password: 'otto', totp: `${totp.slice(0, 3)} ${totp.slice(3)}` }
  assert.equal((await send('/authorize/code', right)).status, 303)
  assert.equal((await send('/authorize/code', right)).status, 403, 'a code is good once')
})

const dangerous: ReadonlyArray<[name: string, query: Record<string, string>]> = [
  ['a script', { redirect_uri: 'javascript:alert(1)' }],
  ['data', { redirect_uri: 'data:text/html,x' }],
  ['plain http', { redirect_uri: 'http://app.example.net/cb' }],
  ['an address that is not registered', { redirect_uri: 'https://evil.example/' }],
  ['a registered address with more behind it', { redirect_uri: `${cb}.evil.example` }],
  ['no address', { redirect_uri: '' }],
  ['no client', { client_id: '' }],
]
for (const [name, query] of dangerous) {
  test(`the browser is never sent to ${name}`, async () => {
    for (const answer of [await open('/authorize/code', asked(query)), await send('/authorize/code', { ...asked(query), ...jane })]) {
      assert.equal(answer.status, 400)
      assert.equal(answer.location, undefined)
      assert.doesNotMatch(answer.text, /<form/)
      assert.match(alertOf(answer) ?? '', /made a mistake/)
    }
    assert.equal((await send('/authorize/code', { ...asked(query), action: 'deny' })).location, undefined)
  })
}

const mistakes: ReadonlyArray<[query: Record<string, string>, error: string]> = [
  [{ response_type: 'token' }, 'unsupported_response_type'],
  [{ code_challenge: 'x'.repeat(43) }, 'invalid_request'],
  [{ code_challenge: 'x'.repeat(43), code_challenge_method: 'plain' }, 'invalid_request'],
  [{ prompt: 'none' }, 'login_required'],
]
for (const [query, error] of mistakes) {
  test(`${JSON.stringify(query)} goes back as ${error} to a client that is known, and to no other`, async () => {
    const { status, location } = await open('/authorize/code', asked(query))
    assert.equal(status, 303)
    assert.deepEqual(Object.fromEntries(location?.searchParams ?? []), { error, state: 's 1&2', iss: base })
    const unknown = await open('/authorize/code', { ...asked(query), client_id: 'unknown', redirect_uri: 'https://evil.example/' })
    assert.deepEqual([unknown.status, unknown.location], [400, undefined])
  })
}

test('an unknown client is said to be one, and refused where registration is demanded', async () => {
  const unknown = { ...asked(), client_id: 'unknown' }
  assert.match((await open('/authorize/code', unknown)).text, /not registered here/)
  await server.set({ 'oauth.client-registration.require': 'true' })
  const answer = await send('/authorize/code', { ...unknown, ...jane })
  assert.deepEqual([answer.status, alertOf(answer)], [403, 'This app may not be used with this account.'])
  assert.equal((await send('/authorize/code', { ...asked(), ...jane })).status, 303)
  await server.set({ 'oauth.client-registration.require': 'false' })
})

const origins: ReadonlyArray<[name: string, headers: () => Record<string, string>, isTaken: boolean]> = [
  ['a program that says nothing', () => ({}), true],
  ['the page itself', () => ({ Origin: base, 'Sec-Fetch-Site': 'same-origin' }), true],
  ['the page in an old browser', () => ({ Origin: base }), true],
  ['another site', () => ({ Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }), false],
  ['another site in an old browser', () => ({ Origin: 'https://evil.example' }), false],
  ['a sandbox', () => ({ Origin: 'null' }), false],
  ['a neighbour', () => ({ Origin: base, 'Sec-Fetch-Site': 'same-site' }), false],
]
for (const [name, headers, isTaken] of origins) {
  test(`a form of ${name} is ${isTaken ? 'taken' : 'refused'}`, async () => {
    assert.equal((await send('/authorize/code', { ...asked(), ...jane }, headers())).status, isTaken ? 303 : 403)
  })
}

test('what is typed and asked is shown as text, whatever it is', async () => {
  const evil = '"><script>alert(1)</script>'
  const page = await send('/authorize/code', { ...asked({ state: evil, nonce: evil, scope: evil }), login: evil, password: 'x' })
  assert.doesNotMatch(page.text, /<script/)
  assert.match(page.text, /&quot;&gt;&lt;script&gt;/)
  const device = await open('/authorize/', { code: evil })
  assert.doesNotMatch(device.text, /<script/)
})

async function startDevice(): Promise<{ device: string; user: string }> {
  const answer = await fetch(`${base}/auth/device`, { method: 'POST', body: new URLSearchParams({ client_id: 'tv' }) })
  const { device_code, user_code } = (await answer.json()) as { device_code: string; user_code: string }
  return { device: device_code, user: user_code }
}

async function poll(device_code: string): Promise<unknown> {
  const form = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code, client_id: 'tv' }
  const answer = await fetch(`${base}/auth/token`, { method: 'POST', body: new URLSearchParams(form) })
  return answer.status === 200 ? 'tokens' : ((await answer.json()) as { error: string }).error
}

test('the page on its own asks for nothing', async () => {
  const { status, text } = await open('/authorize/code', {})
  assert.equal(status, 200)
  assert.doesNotMatch(text, /<form|role="alert"/)
})

test('a device is let in with its code, as people type it', async () => {
  const { device, user } = await startDevice()
  assert.match((await open('/authorize', {})).text, /<label for="code">/)
  const page = await open('/authorize/', { code: user })
  assert.match(page.text, /“tv” asks for access/)
  assert.match(page.text, new RegExp(`name="code"[^>]*value="${user}"`))
  const done = await send('/authorize/', { code: ` ${user.toLowerCase().replace('-', ' ')} `, ...jane })
  assert.equal(done.status, 200)
  assert.match(done.text, /The device is connected/)
  assert.doesNotMatch(done.text, /<form/)
  assert.equal(await poll(device), 'tokens')
  assert.equal((await send('/authorize/', { code: user, ...jane })).status, 400, 'once')
})

test('a device that is refused hears so', async () => {
  const { device, user } = await startDevice()
  assert.match((await send('/authorize', { code: user, action: 'deny' })).text, /was refused/)
  assert.equal(await poll(device), 'access_denied')
  assert.equal(await poll(device), 'expired_token')
})

test('an unknown code, and one with too many failed logins', async () => {
  for (const code of ['', 'AAAA-AAAA', 'x'.repeat(10_000)]) {
    const answer = await send('/authorize', { code, ...jane })
    assert.deepEqual([answer.status, alertOf(answer)?.includes('No device is waiting')], [400, true])
  }
  const { device, user } = await startDevice()
  for (let i = 0; i < 3; i++) assert.equal((await send('/authorize', { code: user, login: 'jane', password: 'x' })).status, 403)
  assert.equal((await send('/authorize', { code: user, ...jane })).status, 400)
  assert.equal(await poll(device), 'access_denied')
})

test('wrong passwords on the page count towards a ban', async () => {
  await server.set({ 'server.auto-ban.auth.rate': '2/1d', 'server.http.use-x-forwarded': 'true' })
  const wrong = () => send('/authorize/code', { ...asked(), login: 'guess', password: 'x' }, { 'X-Forwarded-For': '198.51.100.50' })
  assert.deepEqual([(await wrong()).status, (await wrong()).status, (await wrong()).status, (await wrong()).status], [403, 403, 429, 403])
  assert.match((await read(await fetch(`${base}/robots.txt`, { headers: { 'X-Forwarded-For': '198.51.100.50' } }))).text, /Forbidden/)
})

test('an account that asks too often is told when to come back', async () => {
  await server.set({ 'server.auto-ban.auth.rate': 'false', 'jmap.rate-limit.account': '1/1m' })
  const again = () => send('/authorize/code', { ...asked(), ...jane })
  assert.equal((await again()).status, 303)
  const { status, headers } = await again()
  assert.equal(status, 429)
  assert.ok(Number(headers.get('retry-after')) > 0)
  await server.set({ 'jmap.rate-limit.account': '1000/1m' })
})

test('a form of more than 16 KiB is too large', async () => {
  assert.equal((await send('/authorize/code', { ...asked(), state: 'x'.repeat(16_384) })).status, 413)
})

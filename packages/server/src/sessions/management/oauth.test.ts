import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { createFakeClock, type FakeClock, startTestServer, type TestServer } from '@postern/testkit'

let clock: FakeClock
let server: TestServer
let base: string

before(async () => {
  clock = createFakeClock()
  server = await startTestServer({ clock, settings: { 'oauth.key': 'k'.repeat(64) } })
  base = `http://127.0.0.1:${server.port('http')}`
  await server.set({ 'server.http.url': `'${base}'`, 'server.auto-ban.auth.rate': 'false' })
  await server.addAccount('jane@example.org')
})
after(() => server[Symbol.asyncDispose]())
// The limits of nameless requests count by the minute.
beforeEach(() => clock.advance(60_000))

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

const basic = (login: string): string => `Basic ${Buffer.from(login).toString('base64')}`

async function call(method: string, path: string, { as = 'jane:jane', json, form, raw, type }: Request = {}): Promise<Answer> {
  const authorization = as === 'nobody' ? undefined : as.includes(' ') ? as : basic(as)
  const body = raw ?? (json === undefined ? form && new URLSearchParams(form).toString() : JSON.stringify(json))
  const contentType = type ?? (form === undefined ? undefined : 'application/x-www-form-urlencoded')
  const response = await fetch(base + path, {
    method,
    headers: { ...(authorization && { Authorization: authorization }), ...(contentType && { 'Content-Type': contentType }) },
    // Bytes get no type of their own.
    ...(body !== undefined && { body: Buffer.from(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
}

interface Request {
  readonly as?: string
  readonly json?: unknown
  readonly form?: Readonly<Record<string, string>>
  readonly raw?: string
  readonly type?: string
}

const client = { client_id: 'webadmin', redirect_uri: 'https://app.example.net/cb' } as const

async function getCode(more: object = {}, as = 'jane:jane'): Promise<string> {
  const { body } = await call('POST', '/api/oauth', { as, json: { type: 'code', ...client, ...more } })
  return (body['data'] as { code: string }).code
}

const exchange = (form: Readonly<Record<string, string>>): Promise<Answer> => call('POST', '/auth/token', { as: 'nobody', form })
const exchangeCode = (code: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  exchange({ grant_type: 'authorization_code', code, ...client, ...more })

async function tokensOf(as = 'jane:jane'): Promise<{ access: string; refresh: string }> {
  const { body } = await exchangeCode(await getCode({}, as))
  return { access: String(body['access_token']), refresh: String(body['refresh_token']) }
}

test('a code is for its holder: 40 letters and digits, with rights and version', async () => {
  const { body } = await call('POST', '/api/oauth', { json: { type: 'code', ...client, nonce: null } })
  const { code, permissions, version, isEnterprise } = body['data'] as Record<string, unknown>
  assert.match(String(code), /^[A-Za-z0-9]{40}$/)
  assert.ok((permissions as string[]).includes('authenticate-oauth'))
  assert.ok(!(permissions as string[]).includes('impersonate'))
  assert.deepEqual([version, isEnterprise], ['0.11.0', true])
})

const refusedRequests: ReadonlyArray<[name: string, json: unknown, wanted: string | number]> = [
  ['a client id that is too long', { ...client, client_id: 'x'.repeat(21) }, 'Client ID is invalid.'],
  ['an empty client id', { ...client, client_id: '' }, 'Client ID is invalid.'],
  ['a plain http address', { ...client, redirect_uri: 'http://app.example.net/cb' }, 'Redirect URI must be HTTPS.'],
  ['a script', { ...client, redirect_uri: 'javascript:alert(1)' }, 'Redirect URI is invalid.'],
  ['a script with capitals', { ...client, redirect_uri: 'JavaScript:alert(1)' }, 'Redirect URI is invalid.'],
  ['a script with a tab', { ...client, redirect_uri: 'java\tscript:alert(1)' }, 'Redirect URI is invalid.'],
  ['data', { ...client, redirect_uri: 'data:text/html,x' }, 'Redirect URI is invalid.'],
  ['a fragment', { ...client, redirect_uri: 'https://a.example/#x' }, 'Redirect URI is invalid.'],
  ['a user in the address', { ...client, redirect_uri: 'https://bank.example@evil.example/' }, 'Redirect URI is invalid.'],
  ['no address at all', { ...client, redirect_uri: 'app.example.net' }, 'Redirect URI is invalid.'],
  ['a challenge without method', { ...client, code_challenge: 'x'.repeat(43) }, 'The code challenge must be of method S256.'],
  ['a short challenge', { ...client, code_challenge: 'x', code_challenge_method: 'S256' }, 'The code challenge must be of method S256.'],
  ['a plain challenge', { ...client, code_challenge: 'x'.repeat(43), code_challenge_method: 'plain' }, 400],
  ['no client id', { redirect_uri: client.redirect_uri }, 400],
]
for (const [name, json, wanted] of refusedRequests) {
  test(`a code is refused for ${name}`, async () => {
    const { status, body } = await call('POST', '/api/oauth', { json: { type: 'code', ...(json as object) } })
    if (typeof wanted === 'number') assert.equal(status, wanted)
    else assert.deepEqual(body, { error: 'other', details: wanted, reason: null })
  })
}

for (const redirect_uri of ['webadmin://auth', 'http://127.0.0.1:8080/cb', 'http://[::1]/cb', 'http://localhost:1/', 'com.example.app:/cb'])
  test(`a code may go to ${redirect_uri}`, async () => {
    const { body } = await exchangeCode(await getCode({ redirect_uri }), { redirect_uri })
    assert.equal(typeof body['access_token'], 'string')
  })

test('a code gives tokens of every kind', async () => {
  const { status, headers, body } = await exchangeCode(await getCode({ nonce: 'n-1' }))
  assert.equal(status, 200)
  assert.equal(headers.get('content-type'), 'application/json; charset=utf-8')
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.deepEqual(Object.keys(body).toSorted(), ['access_token', 'expires_in', 'id_token', 'refresh_token', 'token_type'])
  assert.deepEqual([body['token_type'], body['expires_in']], ['bearer', 3600])
  const claims = JSON.parse(Buffer.from(String(body['id_token']).split('.')[1] ?? '', 'base64url').toString())
  assert.deepEqual(
    { ...claims, sub: typeof claims.sub, exp: claims.exp - claims.iat, iat: typeof claims.iat, nbf: claims.nbf - claims.iat },
    {
      iss: base,
      sub: 'string',
      aud: 'webadmin',
      iat: 'number',
      nbf: 0,
      exp: 900,
      nonce: 'n-1',
      preferred_username: 'jane',
      email: 'jane@example.org',
    },
  )
})

test('a code without redirect address goes with an empty one', async () => {
  const code = await getCode({ redirect_uri: null })
  assert.equal((await exchangeCode(code, { redirect_uri: '' })).status, 200)
})

test('of two who show a code at once one gets tokens', async () => {
  const code = await getCode()
  const answers = await Promise.all([exchangeCode(code), exchangeCode(code), exchangeCode(code)])
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 400, 400])
  assert.ok(answers.some(({ body }) => body['error'] === 'access_denied'))
})

const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const withChallenge = { code_challenge: challenge, code_challenge_method: 'S256' }

const refusedExchanges: ReadonlyArray<[name: string, asked: object, form: Record<string, string>, error: string]> = [
  ['another client', {}, { client_id: 'other' }, 'invalid_client'],
  ['another address', {}, { redirect_uri: 'https://evil.example/' }, 'invalid_client'],
  ['an unknown code', {}, { code: 'x'.repeat(40) }, 'access_denied'],
  ['a verifier that nobody asked for', {}, { code_verifier: verifier }, 'invalid_grant'],
  ['a missing verifier', withChallenge, {}, 'invalid_grant'],
  ['a wrong verifier', withChallenge, { code_verifier: `${verifier.slice(0, -1)}x` }, 'invalid_grant'],
  ['the challenge as verifier', withChallenge, { code_verifier: challenge }, 'invalid_grant'],
  ['a grant type that does not exist', {}, { grant_type: 'password' }, 'unsupported_grant_type'],
]
for (const [name, asked, form, error] of refusedExchanges) {
  test(`no tokens for ${name}`, async () => {
    const { status, body } = await exchangeCode(await getCode(asked), form)
    assert.equal(status, 400)
    assert.deepEqual(body, { error })
  })
}

test('the verifier of RFC 7636 fits its challenge, and grant names have no case', async () => {
  const code = await getCode(withChallenge)
  assert.equal((await exchangeCode(code, { code_verifier: verifier, grant_type: 'Authorization_Code' })).status, 200)
})

test('fields that are missing, and a code that is too old', async () => {
  assert.deepEqual((await exchange({ grant_type: 'authorization_code', client_id: 'x' })).body, { error: 'invalid_client' })
  assert.deepEqual((await exchange({ grant_type: 'refresh_token' })).body, { error: 'invalid_request' })
  assert.deepEqual((await exchange({ x: 'y' })).body, { error: 'invalid_grant' })
  const code = await getCode()
  await clock.advance(600_000)
  assert.deepEqual((await exchangeCode(code)).body, { error: 'access_denied' })
})

test('the body may be urlencoded, multipart or of any other type, but must say what it is, and be short', async () => {
  const form = (code: string) => new URLSearchParams({ grant_type: 'authorization_code', code, ...client }).toString()
  const post = (raw: string, type?: string) => call('POST', '/auth/token', { as: 'nobody', raw, ...(type !== undefined && { type }) })
  assert.equal((await post(form(await getCode()), 'text/plain;charset=UTF-8')).status, 200)
  const fields = Object.entries({ grant_type: 'authorization_code', code: await getCode(), ...client })
  const parts = fields.map(([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
  assert.equal((await post(`${parts.join('')}--b--\r\n`, 'multipart/form-data; boundary=b')).status, 200)
  const untyped = await post(form(await getCode()))
  assert.deepEqual([untyped.status, untyped.body['detail']], [400, 'Invalid post request'])
  assert.equal((await post(form(await getCode()), 'nonsense')).status, 400)
  const exact = `${form(await getCode())}&x=`.padEnd(2048, 'y')
  assert.equal((await post(exact, 'text/plain')).status, 200)
  assert.equal((await post(`${form(await getCode())}&x=`.padEnd(2049, 'y'), 'text/plain')).status, 413)
})

test('an access token logs in for an hour and no longer; a refresh token never does', async () => {
  const { access, refresh } = await tokensOf()
  const get = (token: string, path = '/api/account/auth') => call('GET', path, { as: `Bearer ${token}` })
  assert.equal((await get(access)).status, 200)
  assert.equal((await call('GET', '/api/account/auth', { as: `bEARER   ${access}` })).status, 200)
  assert.equal((await get(access, '/api/principal')).status, 403)
  assert.equal((await get(refresh)).status, 401)
  await clock.advance(3_600_000)
  const late = await get(access)
  assert.equal(late.status, 401)
  assert.match(late.headers.get('www-authenticate') ?? '', /Bearer/)
})

test('tokens of others are no tokens: no algorithm, and a public key as a shared secret', async () => {
  const { body } = await exchangeCode(await getCode())
  const idToken = String(body['id_token'])
  const [, payload = ''] = idToken.split('.')
  const { keys } = (await call('GET', '/auth/jwks.json', { as: 'nobody' })).body as { keys: Record<string, string>[] }
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const { createHmac } = await import('node:crypto')
  const head = encode({ alg: 'HS256', kid: 'default' })
  const confused = createHmac('sha256', JSON.stringify(keys[0])).update(`${head}.${payload}`).digest('base64url')
  for (const token of [idToken, `${encode({ alg: 'none' })}.${payload}.`, `${head}.${payload}.${confused}`]) {
    assert.equal((await call('GET', '/api/account/auth', { as: `Bearer ${token}` })).status, 401)
    assert.deepEqual((await call('POST', '/auth/introspect', { form: { token } })).body, { active: false })
  }
})

test('a refresh token gives access, and another of its kind only near its end', async () => {
  const { refresh } = await tokensOf()
  const refreshed = await exchange({ grant_type: 'refresh_token', refresh_token: refresh, client_id: 'webadmin' })
  assert.deepEqual(Object.keys(refreshed.body).toSorted(), ['access_token', 'expires_in', 'token_type'])
  assert.equal((await call('GET', '/api/account/auth', { as: `Bearer ${refreshed.body['access_token']}` })).status, 200)
  await clock.advance(26 * 86_400_000)
  const late = await exchange({ grant_type: 'refresh_token', refresh_token: refresh })
  assert.equal(typeof late.body['refresh_token'], 'string')
  await clock.advance(4 * 86_400_000)
  assert.deepEqual((await exchange({ grant_type: 'refresh_token', refresh_token: refresh })).body, { error: 'invalid_grant' })
  const next = String(late.body['refresh_token'])
  assert.equal((await exchange({ grant_type: 'refresh_token', refresh_token: next })).status, 200)
  assert.deepEqual((await exchange({ grant_type: 'refresh_token', refresh_token: next, client_id: 'other' })).body, {
    error: 'invalid_grant',
  })
})

test('access and garbage do not refresh', async () => {
  const { access } = await tokensOf()
  for (const refresh_token of [access, 'abc', `${access}x`])
    assert.deepEqual((await exchange({ grant_type: 'refresh_token', refresh_token })).body, { error: 'invalid_grant' })
})

test('a new password ends every token at once; deletion does so too', async () => {
  await server.addAccount('otto@example.org')
  const { access, refresh } = await tokensOf('otto:otto')
  const code = await getCode({}, 'otto:otto')
  await server.call('PATCH', '/api/principal/otto', [{ action: 'set', field: 'secrets', value: ['new'] }])
  assert.equal((await call('GET', '/api/account/auth', { as: `Bearer ${access}` })).status, 401)
  assert.deepEqual((await exchange({ grant_type: 'refresh_token', refresh_token: refresh })).body, { error: 'invalid_grant' })
  const fresh = await tokensOf('otto:new')
  await server.call('DELETE', '/api/principal/otto')
  assert.equal((await call('GET', '/api/account/auth', { as: `Bearer ${fresh.access}` })).status, 401)
  assert.deepEqual((await call('POST', '/auth/introspect', { form: { token: fresh.refresh } })).body, { active: false })
  assert.deepEqual((await exchangeCode(code)).body, { error: 'invalid_grant' })
})

test('a code and a device that were let in before the password changed get nothing', async () => {
  await server.addAccount('olga@example.org')
  const code = await getCode({}, 'olga:olga')
  const { body: device } = await call('POST', '/auth/device', { as: 'nobody', form: { client_id: 'tv' } })
  await call('POST', '/api/oauth', { as: 'olga:olga', json: { type: 'device', code: device['user_code'] } })
  await server.call('PATCH', '/api/principal/olga', [{ action: 'set', field: 'secrets', value: ['new'] }])
  assert.deepEqual((await exchangeCode(code)).body, { error: 'invalid_grant' })
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code'
  const polled = await exchange({ grant_type, client_id: 'tv', device_code: String(device['device_code']) })
  assert.deepEqual(polled.body, { error: 'invalid_grant' })
})

test('with an application password in front, or a second factor, a new password still ends what refreshes', async () => {
  await server.addAccount('otto@example.org')
  const otp = 'otpauth://totp/x:otto?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
  await server.call('PATCH', '/api/principal/otto', [{ action: 'set', field: 'secrets', value: ['$app$phone$phone', 'otto'] }])
  const { refresh } = await tokensOf('otto:otto')
  const refreshed = async () => (await exchange({ grant_type: 'refresh_token', refresh_token: refresh })).status
  await server.call('PATCH', '/api/principal/otto', [{ action: 'removeItem', field: 'secrets', value: '$app$phone$' }])
  assert.equal(await refreshed(), 200)
  await server.call('PATCH', '/api/principal/otto', [{ action: 'set', field: 'secrets', value: ['$app$phone$phone', 'new'] }])
  assert.equal(await refreshed(), 400)
  await server.call('PATCH', '/api/principal/otto', [{ action: 'addItem', field: 'secrets', value: otp }])
  const { refresh: second } = await tokensOf('otto:phone')
  await server.call('PATCH', '/api/principal/otto', [{ action: 'set', field: 'secrets', value: [otp, '$app$phone$phone', 'newer'] }])
  assert.equal((await exchange({ grant_type: 'refresh_token', refresh_token: second })).status, 400)
})

test('the emergency administrator has tokens too', async () => {
  const { access, refresh } = await tokensOf('admin:admin')
  assert.equal((await call('GET', '/api/principal', { as: `Bearer ${access}` })).status, 200)
  assert.equal((await exchange({ grant_type: 'refresh_token', refresh_token: refresh })).status, 200)
})

test('whoever lacks the permission, and API keys, get no code', async () => {
  await server.call('POST', '/api/principal', { name: 'plain', secrets: ['plain'], enabledPermissions: ['authenticate'] })
  assert.equal((await call('POST', '/api/oauth', { as: 'plain:plain', json: { type: 'code', ...client } })).status, 403)
  const key = { type: 'apiKey', name: 'key', secrets: ['key'], enabledPermissions: ['authenticate', 'authenticate-oauth'] }
  await server.call('POST', '/api/principal', key)
  const as = `Bearer api_${Buffer.from('key:key').toString('base64')}`
  assert.equal((await call('POST', '/api/oauth', { as, json: { type: 'code', ...client } })).status, 403)
  assert.equal((await call('GET', '/auth/userinfo', { as })).status, 401, 'a key is good for the management interface only')
})

test('introspection tells what a token is, of every kind', async () => {
  const { access, refresh } = await tokensOf()
  const stream = String((await call('GET', '/api/telemetry/live/tracing-token', { as: 'admin:admin' })).body['data'])
  for (const [token, username, client_id, life] of [
    [access, 'jane', 'webadmin', 3600],
    [refresh, 'jane', 'webadmin', 30 * 86_400],
    [stream, 'Fallback Administrator', '', 60],
  ] as const) {
    const { body } = await call('POST', '/auth/introspect', { form: { token } })
    const { exp, iat, ...rest } = body
    assert.deepEqual(rest, { active: true, client_id, username, token_type: 'bearer' })
    assert.equal(Number(exp) - Number(iat), life)
  }
  assert.deepEqual((await call('POST', '/auth/introspect', { form: { token: 'abc' } })).body, { active: false })
  assert.equal((await call('POST', '/auth/introspect', { form: { x: 'y' } })).status, 400)
  assert.equal((await call('POST', '/auth/introspect', { as: 'nobody', form: { token: access } })).status, 401)
})

test('who the caller is', async () => {
  await server.call('PATCH', '/api/principal/jane', [{ action: 'set', field: 'description', value: 'Jane Doe' }])
  const { access } = await tokensOf()
  for (const as of ['jane:jane', `Bearer ${access}`]) {
    const { sub, ...rest } = (await call('GET', '/auth/userinfo', { as })).body
    assert.match(String(sub), /^\d+$/)
    assert.deepEqual(rest, { name: 'Jane Doe', preferred_username: 'jane', email: 'jane@example.org', email_verified: true })
  }
  const admin = (await call('GET', '/auth/userinfo', { as: 'admin:admin' })).body
  assert.deepEqual(admin, { sub: '4294967295', preferred_username: 'Fallback Administrator' })
})

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { createFakeClock, type FakeClock, startTestServer, type TestServer } from '@postern/testkit'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oidc from 'openid-client'

let clock: FakeClock
let server: TestServer
let base: string

before(async () => {
  clock = createFakeClock()
  server = await startTestServer({ clock })
  base = `http://127.0.0.1:${server.port('http')}`
  await server.set({ 'server.http.url': `'${base}'`, 'server.auto-ban.auth.rate': 'false' })
  await server.addAccount('jane@example.org')
})
after(() => server[Symbol.asyncDispose]())
beforeEach(() => clock.advance(60_000))

const basic = (login: string): string => `Basic ${Buffer.from(login).toString('base64')}`

async function post(path: string, body: object, as?: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const isJson = path === '/api/oauth' || path === '/auth/register'
  const response = await fetch(base + path, {
    method: 'POST',
    headers: { ...(as && { Authorization: basic(as) }), ...(isJson && { 'Content-Type': 'application/json' }) },
    body: isJson ? JSON.stringify(body) : new URLSearchParams(body as Record<string, string>),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const poll = (deviceCode: unknown, clientId = 'tv') =>
  post('/auth/token', { grant_type: deviceGrant, device_code: String(deviceCode), client_id: clientId })

test('a device waits, is let in once, and gets tokens once', async () => {
  const { body: login } = await post('/auth/device', { client_id: 'tv', nonce: 'n' })
  assert.match(String(login['device_code']), /^[A-Za-z0-9]{40}$/)
  assert.match(String(login['user_code']), /^[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}$/)
  assert.deepEqual(
    { ...login, device_code: '', user_code: '' },
    {
      device_code: '',
      user_code: '',
      verification_uri: `${base}/authorize`,
      verification_uri_complete: `${base}/authorize/?code=${login['user_code']}`,
      expires_in: 1800,
      interval: 5,
    },
  )
  const approve = (code: unknown) => post('/api/oauth', { type: 'device', code }, 'jane:jane')
  assert.deepEqual(await poll(login['device_code']), { status: 400, body: { error: 'authorization_pending' } })
  assert.deepEqual((await poll(login['device_code'], 'other')).body, { error: 'invalid_client' })
  assert.deepEqual((await approve(String(login['user_code']).toLowerCase())).body, { data: false }, 'exactly this code')
  assert.deepEqual((await approve(login['user_code'])).body, { data: true })
  assert.deepEqual((await approve(login['user_code'])).body, { data: false }, 'once')
  const answers = await Promise.all([poll(login['device_code']), poll(login['device_code'])])
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 400])
  const given = answers.find(({ status }) => status === 200)?.body ?? {}
  const claims = JSON.parse(Buffer.from(String(given['id_token']).split('.')[1] ?? '', 'base64url').toString())
  assert.deepEqual([claims.nonce, claims.aud], ['n', 'tv'])
})

test('a device that asks too often is told to slow down, more each time', async () => {
  const { body } = await post('/auth/device', { client_id: 'tv' })
  const device = body['device_code']
  const told = async () => (await poll(device)).body['error']
  assert.equal(await told(), 'authorization_pending')
  assert.equal(await told(), 'slow_down')
  await clock.advance(5000)
  assert.equal(await told(), 'authorization_pending')
  await clock.advance(5000)
  assert.equal(await told(), 'slow_down', 'the interval has grown')
  await clock.advance(10_000)
  assert.equal(await told(), 'authorization_pending')
})

test('a device login ends with its time', async () => {
  const { body } = await post('/auth/device', { client_id: 'tv' })
  await clock.advance(30 * 60_000)
  assert.deepEqual((await poll(body['device_code'])).body, { error: 'expired_token' })
  assert.deepEqual((await post('/api/oauth', { type: 'device', code: body['user_code'] }, 'jane:jane')).body, { data: false })
  assert.deepEqual((await post('/auth/token', { grant_type: deviceGrant, client_id: 'tv' })).body, { error: 'expired_token' })
})

test('a device needs a client id that is not too long', async () => {
  for (const fields of [{ x: 'y' }, { client_id: 'x'.repeat(21) }, { client_id: '' }, { client_id: 'tv', nonce: 'x'.repeat(513) }])
    assert.equal((await post('/auth/device', fields as object)).status, 400)
})

const wanted = {
  redirect_uris: ['https://new.example.net/cb'],
  client_name: 'New client',
  contacts: ['c@example.net'],
  logo_uri: 'https://new.example.net/logo.png',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code'],
}

test('a client is registered by whoever may, or by everybody while that is open', async () => {
  assert.equal((await post('/auth/register', wanted)).status, 401)
  assert.equal((await post('/auth/register', wanted, 'jane:jane')).status, 403)
  const { status, body } = await post('/auth/register', wanted, 'admin:admin')
  assert.equal(status, 200)
  const { client_id: id, ...echo } = body
  assert.match(String(id), /^[a-z0-9]{20}$/)
  assert.deepEqual(echo, wanted)
  const { body: shown } = await server.call('GET', `/api/principal/${id}`)
  const { id: number, ...principal } = (shown as { data: Record<string, unknown> }).data
  assert.equal(typeof number, 'number')
  assert.deepEqual(principal, {
    type: 'oauthClient',
    name: id,
    description: 'New client',
    picture: 'https://new.example.net/logo.png',
    urls: 'https://new.example.net/cb',
    emails: 'c@example.net',
  })
  await server.set({ 'oauth.client-registration.anonymous': 'true' })
  assert.equal((await post('/auth/register', wanted)).status, 200, 'the same contact is no obstacle')
  const squatter = await post('/auth/register', { ...wanted, contacts: ['ceo@example.org', 'nonsense'] })
  assert.equal(squatter.status, 200)
  const made = await server.call('POST', '/api/principal', { name: 'ceo', emails: ['ceo@example.org'] })
  assert.ok((made.body as { data?: number }).data, 'a contact keeps no address from its account')
  await server.set({ 'oauth.client-registration.anonymous': 'false' })
})

const wrongRegistrations: ReadonlyArray<[name: string, body: object]> = [
  ['no addresses', { client_name: 'x' }],
  ['an empty list', { redirect_uris: [] }],
  ['too many', { redirect_uris: Array(21).fill('https://a.example/') }],
  ['a script', { redirect_uris: ['javascript:alert(1)'] }],
  ['plain http', { redirect_uris: ['http://a.example/'] }],
  ['a text instead of a list', { redirect_uris: 'https://a.example/' }],
  ['an application type that does not exist', { ...wanted, application_type: 'toaster' }],
  ['a name that turns the page around', { ...wanted, client_name: 'Bank\u202eliame' }],
  ['a name of several lines', { ...wanted, client_name: 'Bank\r\nSafe' }],
  ['a host that speaks in the security policy', { redirect_uris: ['https://a.example;sandbox/cb'] }],
  ['a host with a wildcard', { redirect_uris: ['https://*/cb'] }],
  ['a name without end', { ...wanted, client_name: 'x'.repeat(513) }],
]
for (const [name, body] of wrongRegistrations)
  test(`no client is registered with ${name}`, async () => assert.equal((await post('/auth/register', body, 'admin:admin')).status, 400))

test('a registration of more than 20 KiB is too large', async () => {
  assert.equal((await post('/auth/register', { ...wanted, more: 'x'.repeat(20_480) }, 'admin:admin')).status, 413)
})

test('with registration demanded, only known clients with known addresses get tokens', async () => {
  const { body } = await post('/auth/register', wanted, 'admin:admin')
  const known = String(body['client_id'])
  const tryAs = async (client_id: string, redirect_uri: string, as = 'jane:jane') => {
    const { body: given } = await post('/api/oauth', { type: 'code', client_id, redirect_uri }, as)
    const code = (given['data'] as { code: string }).code
    const { body: answer } = await post('/auth/token', { grant_type: 'authorization_code', code, client_id, redirect_uri })
    return answer['error'] ?? 'tokens'
  }
  assert.equal(await tryAs(known, 'https://new.example.net/cb2'), 'invalid_client', 'whether demanded or not')
  await server.set({ 'oauth.client-registration.require': 'true' })
  assert.equal(await tryAs(known, 'https://new.example.net/cb'), 'tokens')
  assert.equal(await tryAs(known, 'https://new.example.net/cb2'), 'invalid_client')
  const asked = { client_id: known, redirect_uri: 'https://new.example.net/cb' }
  const { body: given } = await post('/api/oauth', { type: 'code', ...asked }, 'jane:jane')
  const { code } = given['data'] as { code: string }
  const { body: tokens } = await post('/auth/token', { grant_type: 'authorization_code', code, ...asked })
  const refresh = async () =>
    (await post('/auth/token', { grant_type: 'refresh_token', refresh_token: String(tokens['refresh_token']) })).body
  assert.ok((await refresh())['access_token'])
  await server.call('DELETE', `/api/principal/${known}`)
  assert.deepEqual(await refresh(), { error: 'invalid_request' }, 'a client that is gone refreshes nothing')
  assert.equal(await tryAs('unknown', 'https://new.example.net/cb'), 'invalid_request')
  assert.equal(await tryAs('unknown', 'https://new.example.net/cb', 'admin:admin'), 'tokens', 'some may override it')
  const { body: device } = await post('/auth/device', { client_id: 'tv' })
  await post('/api/oauth', { type: 'device', code: device['user_code'] }, 'jane:jane')
  assert.deepEqual((await poll(device['device_code'])).body, { error: 'invalid_request' })
  await server.set({ 'oauth.client-registration.require': 'false' })
})

const get = async (path: string): Promise<Record<string, unknown>> => (await fetch(base + path)).json() as never

test('both metadata documents name this server, and what it can do', async () => {
  const oauth = await get('/.well-known/oauth-authorization-server')
  const openId = await get('/.well-known/openid-configuration')
  for (const document of [oauth, openId]) {
    assert.equal(document['issuer'], base)
    assert.equal(document['authorization_endpoint'], `${base}/authorize/code`)
    assert.deepEqual(document['code_challenge_methods_supported'], ['S256'])
  }
  assert.equal(oauth['device_authorization_endpoint'], `${base}/auth/device`)
  assert.equal(oauth['introspection_endpoint'], `${base}/auth/introspect`)
  assert.equal(openId['userinfo_endpoint'], `${base}/auth/userinfo`)
  assert.equal(openId['jwks_uri'], `${base}/auth/jwks.json`)
  assert.equal(openId['introspection_endpoint'], undefined)
})

test('the Host field of a request does not name the server', async () => {
  const { request } = await import('node:http')
  const text = await new Promise<string>(resolve => {
    request(`${base}/.well-known/openid-configuration`, { headers: { Host: 'evil.example' } }, async answer => {
      let body = ''
      for await (const chunk of answer) body += chunk
      resolve(body)
    }).end()
  })
  assert.equal(JSON.parse(text).issuer, base)
})

async function idToken(): Promise<string> {
  const asked = { client_id: 'app', redirect_uri: 'https://app.example.net/cb' }
  const { body } = await post('/api/oauth', { type: 'code', ...asked }, 'jane:jane')
  const { code } = body['data'] as { code: string }
  return String((await post('/auth/token', { grant_type: 'authorization_code', code, ...asked })).body['id_token'])
}

test('a key is made once, kept, and published without its private part', async () => {
  const [first, second] = await Promise.all([get('/auth/jwks.json'), get('/auth/jwks.json')])
  assert.deepEqual(first, second)
  const [key] = first['keys'] as Record<string, unknown>[]
  assert.deepEqual(Object.keys(key ?? {}).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  assert.deepEqual([key?.['alg'], key?.['kid'], key?.['use']], ['ES256', 'default', 'sig'])
  assert.match(server.running.settings.stored().get('oauth.oidc.signature-key') as string, /BEGIN PRIVATE KEY/)
})

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
const pem = (key: typeof rsa, type: 'pkcs8' | 'pkcs1' | 'sec1' = 'pkcs8') => key.export({ type, format: 'pem' }) as string
for (const [algorithm, key] of [
  ['RS256', pem(rsa)],
  ['RS512', pem(rsa, 'pkcs1')],
  ['PS384', pem(rsa)],
  ['ES384', pem(p384, 'sec1')],
] as const) {
  test(`ID tokens are signed with ${algorithm} and verify with the published key`, async () => {
    await server.set({ 'oauth.oidc.signature-algorithm': algorithm, 'oauth.oidc.signature-key': key })
    const { payload, protectedHeader } = await jwtVerify(await idToken(), createRemoteJWKSet(new URL(`${base}/auth/jwks.json`)), {
      issuer: base,
      audience: 'app',
      currentDate: new Date(clock.now()),
    })
    assert.deepEqual([protectedHeader.alg, protectedHeader.kid, payload['preferred_username']], [algorithm, 'default', 'jane'])
  })
}

test('a shared secret signs and is never published', async () => {
  await server.set({ 'oauth.oidc.signature-algorithm': 'HS256', 'oauth.oidc.signature-key': 'a secret that is long enough to sign' })
  assert.deepEqual(await get('/auth/jwks.json'), { keys: [] })
  const { payload } = await jwtVerify(await idToken(), Buffer.from('a secret that is long enough to sign'), {
    currentDate: new Date(clock.now()),
  })
  assert.equal(payload.aud, 'app')
})

test('with a key that does not fit the algorithm there is no ID token, and nothing is published', async () => {
  await server.set({ 'oauth.oidc.signature-algorithm': 'ES256', 'oauth.oidc.signature-key': pem(rsa) })
  assert.deepEqual(await get('/auth/jwks.json'), { keys: [] })
  assert.equal(await idToken(), 'undefined')
  await server.set({ 'oauth.oidc.signature-key': '' })
})

/** The library looks at the machine's clock; here time is what the test says. */
const atTestTime = () => ({ [oidc.clockSkew]: Math.round((clock.now() - Date.now()) / 1000) })

async function discover(clientId: string): Promise<oidc.Configuration> {
  return oidc.discovery(new URL(base), clientId, atTestTime(), oidc.None(), {
    execute: [oidc.allowInsecureRequests],
  })
}

test('a client library logs in with a code and PKCE through the page, and refreshes', async () => {
  const config = await discover('app')
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const [state, nonce] = [oidc.randomState(), oidc.randomNonce()]
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: 'https://app.example.net/cb',
    scope: 'openid',
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  const page = await fetch(url)
  assert.equal(page.status, 200)
  const hidden = [...(await page.text()).matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)]
  const form = new URLSearchParams(hidden.map(([, name = '', value = '']): [string, string] => [name, value]))
  form.append('login', 'jane')
  form.append('password', 'jane')
  const sent = await fetch(`${base}/authorize/code`, { method: 'POST', body: form, redirect: 'manual' })
  assert.equal(sent.status, 303)
  const tokens = await oidc.authorizationCodeGrant(config, new URL(sent.headers.get('location') ?? ''), {
    pkceCodeVerifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  })
  assert.equal(tokens.claims()?.['preferred_username'], 'jane')
  const info = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? '')
  assert.equal(info.email, 'jane@example.org')
  const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
  assert.equal((await oidc.fetchUserInfo(config, refreshed.access_token, info.sub)).preferred_username, 'jane')
})

test('a client library logs in a device', async () => {
  const found = await discover('tv')
  // OpenID discovery does not name the device endpoint; the document of RFC 8414 does.
  const metadata = await get('/.well-known/oauth-authorization-server')
  const config = new oidc.Configuration({ ...found.serverMetadata(), ...metadata } as oidc.ServerMetadata, 'tv', atTestTime(), oidc.None())
  oidc.allowInsecureRequests(config)
  config.timeout = 10
  const login = await oidc.initiateDeviceAuthorization(config, {})
  const form = new URLSearchParams({ code: login.user_code, login: 'jane', password: 'jane' })
  const sent = await fetch(login.verification_uri, { method: 'POST', body: form })
  assert.match(await sent.text(), /The device is connected/)
  const answer = await oidc.genericGrantRequest(config, deviceGrant, { device_code: login.device_code })
  assert.equal(typeof answer.access_token, 'string')
})

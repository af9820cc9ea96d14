import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { createFakeClock, type FakeClock, startTestServer, type TestServer } from '@postern/testkit'
import { TOTP } from 'otpauth'

let clock: FakeClock
let server: TestServer
let base: string
const otp = new TOTP({ secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', label: 'jane' })

before(async () => {
  clock = createFakeClock()
  server = await startTestServer({ clock })
  base = `http://127.0.0.1:${server.port('http')}`
  // Plain text would be kept as it is otherwise.
  await server.set({ 'authentication.secrets.verbatim': 'false', 'server.auto-ban.auth.rate': 'false' })
})
after(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  await clock.advance(60_000)
  await server.call('DELETE', '/api/principal/jane')
  await server.addAccount('jane@example.org')
})

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function call(as: string, changes?: unknown): Promise<Answer> {
  const response = await fetch(`${base}/api/account/auth`, {
    headers: { Authorization: as.includes(' ') ? as : `Basic ${Buffer.from(as).toString('base64')}` },
    ...(changes !== undefined && { method: 'POST', body: JSON.stringify(changes) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function secretsOf(name: string): Promise<string[]> {
  const { body } = await server.call('GET', `/api/principal/${name}`)
  return [(body as { data: { secrets: string | string[] } }).data.secrets].flat()
}

async function tokenOf(as: string): Promise<string> {
  const headers = { Authorization: `Basic ${Buffer.from(as).toString('base64')}` }
  const asked = { client_id: 'x', redirect_uri: 'https://x.example/' }
  const given = await fetch(`${base}/api/oauth`, { method: 'POST', headers, body: JSON.stringify({ type: 'code', ...asked }) })
  const { data } = (await given.json()) as { data: { code: string } }
  const form = new URLSearchParams({ grant_type: 'authorization_code', code: data.code, ...asked })
  const { access_token } = (await (await fetch(`${base}/auth/token`, { method: 'POST', body: form })).json()) as { access_token: string }
  return `Bearer ${access_token}`
}

const none = { data: { otpEnabled: false, appPasswords: [] } }

test('a new password replaces all others, is hashed, and acts at once', async () => {
  await server.call('PATCH', '/api/principal/jane', [{ action: 'addItem', field: 'secrets', value: 'second' }])
  assert.deepEqual((await call('jane:jane')).body, none)
  assert.deepEqual((await call('jane:jane', [{ type: 'setPassword', password: 'new' }])).body, { data: null })
  for (const old of ['jane:jane', 'jane:second']) assert.equal((await call(old)).status, 401)
  assert.equal((await call('jane:new')).status, 200)
  const secrets = await secretsOf('jane')
  assert.equal(secrets.length, 1)
  assert.match(secrets[0] ?? '', /^\$argon2id\$/)
})

test('a second factor is switched on, demanded, and off again', async () => {
  const url = otp.toString()
  assert.deepEqual((await call('jane:jane', [{ type: 'enableOtpAuth', url }])).body, { data: null })
  assert.equal((await secretsOf('jane'))[0], url)
  assert.equal((await call('jane:jane')).status, 402)
  const withCode = () => `jane:jane$${otp.generate({ timestamp: clock.now() })}`
  assert.deepEqual((await call(withCode())).body, { data: { otpEnabled: true, appPasswords: [] } })
  assert.equal((await call(withCode())).status, 401, 'a code is good once')
  await clock.advance(60_000)
  assert.deepEqual((await call(withCode(), [{ type: 'disableOtpAuth', url: 'otpauth://totp/other' }])).body, { data: null })
  assert.equal((await call('jane:jane')).status, 402, 'another URL is another factor')
  await clock.advance(60_000)
  assert.deepEqual((await call(withCode(), [{ type: 'disableOtpAuth', url: null }])).body, { data: null })
  assert.deepEqual((await call('jane:jane')).body, none)
})

test('app passwords come, log in without a code, and go by their exact name', async () => {
  const add = (name: string) => ({ type: 'addAppPassword', name, password: `secret-${name}` })
  assert.deepEqual((await call('jane:jane', [add('phone'), add('phone2'), add('dGVzdA==')])).body, { data: null })
  assert.deepEqual((await call('jane:jane')).body, { data: { otpEnabled: false, appPasswords: ['phone', 'phone2', 'dGVzdA=='] } })
  assert.equal((await call('jane:secret-phone2')).status, 200)
  assert.ok((await secretsOf('jane')).slice(1).every(secret => /^\$app\$[^$]+\$\$argon2id\$/.test(secret)))
  await call('jane:jane', [{ type: 'removeAppPassword', name: 'phone' }])
  assert.deepEqual((await call('jane:jane')).body, { data: { otpEnabled: false, appPasswords: ['phone2', 'dGVzdA=='] } })
  assert.equal((await call('jane:secret-phone')).status, 401)
  await call('jane:jane', [{ type: 'removeAppPassword', name: null }])
  assert.deepEqual((await call('jane:jane')).body, none)
})

test('a token may change app passwords, and nothing that could shut the owner out', async () => {
  const token = await tokenOf('jane:jane')
  for (const change of [
    { type: 'setPassword', password: 'stolen' },
    { type: 'enableOtpAuth', url: otp.toString() },
    { type: 'disableOtpAuth', url: null },
  ]) {
    const { body } = await call(token, [{ type: 'removeAppPassword', name: 'x' }, change])
    assert.deepEqual([body['error'], body['reason']], ['other', null])
  }
  assert.deepEqual((await call(token, [{ type: 'addAppPassword', name: 'a', password: 'b' }])).body, { data: null })
  assert.equal((await call(token)).status, 200, 'whoever adds one stays logged in')
  const later = await tokenOf('jane:jane')
  assert.deepEqual((await call(later, [{ type: 'removeAppPassword', name: 'a' }])).body, { data: null })
  assert.equal((await call(later)).status, 401, 'what one app password may have opened ends with it')
})

const refused: ReadonlyArray<[name: string, changes: unknown, wanted: string | 400]> = [
  ['an empty list', [], 400],
  ['no list', { type: 'setPassword', password: 'x' }, 400],
  ['an unknown change', [{ type: 'dropTables' }], 400],
  ['a missing field', [{ type: 'setPassword' }], 400],
  ['an empty password', [{ type: 'setPassword', password: '' }], 'Invalid password'],
  ['a password without end', [{ type: 'setPassword', password: 'x'.repeat(513) }], 'Invalid password'],
  ['a password that is an app password', [{ type: 'setPassword', password: '$app$x$y' }], 'Invalid password'],
  ['a password that is a factor', [{ type: 'setPassword', password: otp.toString() }], 'Invalid password'],
  ['an app password whose name holds a dollar', [{ type: 'addAppPassword', name: 'a$b', password: 'c' }], 'Invalid app password name'],
  ['an app password without name', [{ type: 'addAppPassword', name: '', password: 'c' }], 'Invalid app password name'],
  ...[
    '',
    'https://x',
    'otpauth://hotp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&counter=0',
    'otpauth://totp/x',
    'otpauth://totp/x?secret=A1',
  ]
    .concat(['otpauth://totp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=ROT13', 'otpauth://totp/x?secret=JBSWY3DP'])
    .concat(`otpauth://totp/x?secret=${'JBSWY3DP'.repeat(100)}`)
    .map((url): [string, unknown, string] => [`the URL ${url.slice(0, 60)}`, [{ type: 'enableOtpAuth', url }], 'Invalid TOTP URL']),
]
for (const [name, changes, wanted] of refused) {
  test(`${name} is refused, and what stands before it is not done`, async () => {
    const before = await secretsOf('jane')
    const all =
      Array.isArray(changes) && changes.length > 0 ? [{ type: 'addAppPassword', name: 'before', password: 'x' }, ...changes] : changes
    const { status, body } = await call('jane:jane', all)
    if (wanted === 400) assert.equal(status, 400)
    else assert.deepEqual(body, { error: 'other', details: wanted, reason: null })
    assert.deepEqual(await secretsOf('jane'), before)
  })
}

test('changes at the same time all count', async () => {
  const answers = await Promise.all(['a', 'b', 'c', 'd'].map(name => call('jane:jane', [{ type: 'addAppPassword', name, password: name }])))
  assert.ok(answers.every(({ body }) => body['data'] === null))
  const { body } = await call('jane:jane')
  assert.deepEqual((body['data'] as { appPasswords: string[] }).appPasswords.toSorted(), ['a', 'b', 'c', 'd'])
})

test('who may not manage passwords is refused', async () => {
  await server.call('PATCH', '/api/principal/jane', [{ action: 'addItem', field: 'disabledPermissions', value: 'manage-passwords' }])
  assert.equal((await call('jane:jane')).status, 403)
  assert.equal((await call('jane:jane', [{ type: 'setPassword', password: 'x' }])).status, 403)
})

test('the emergency administrator changes its password only', async () => {
  assert.deepEqual((await call('admin:admin')).body, none)
  assert.deepEqual((await call('admin:admin', [{ type: 'addAppPassword', name: 'a', password: 'b' }])).body, {
    error: 'other',
    details: 'Fallback administrator accounts do not support 2FA or AppPasswords',
    reason: null,
  })
  assert.deepEqual(
    (
      await call('admin:admin', [
        { type: 'setPassword', password: 'admin2' },
        { type: 'enableOtpAuth', url: 'x' },
      ])
    ).body,
    {
      data: null,
    },
  )
  assert.equal((await call('admin:admin')).status, 401)
  assert.equal((await call('admin:admin2', [{ type: 'setPassword', password: 'admin' }])).status, 200)
})

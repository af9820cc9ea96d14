import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createFakeClock, startTestServer, type TestServer } from '@postern/testkit'
import fc from 'fast-check'

let server: TestServer
let base: string

before(async () => {
  server = await startTestServer({ clock: createFakeClock() })
  base = `http://127.0.0.1:${server.port('http')}`
  await server.set({ 'jmap.rate-limit.anonymous': 'false', 'server.auto-ban.auth.rate': 'false' })
  await server.addAccount('jane@example.org')
})
after(() => server[Symbol.asyncDispose]())

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    ...[
      '',
      'jane',
      'code',
      'device',
      'S256',
      'plain',
      'refresh_token',
      'authorization_code',
      'urn:ietf:params:oauth:grant-type:device_code',
    ],
    ...['https://a.example/', 'webadmin://auth', 'javascript:1', 'http://[::1', 'AAAA-AAAA', '__proto__', '\0', 'x'.repeat(1000)],
  ),
)
const names =
  'grant_type code client_id redirect_uri code_verifier device_code refresh_token state nonce response_type code_challenge code_challenge_method login password totp action token prompt __proto__'
const fields = fc.dictionary(fc.constantFrom(...names.split(' ')), text)
const types = fc.constantFrom('application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x', 'x/y;;;', 'nonsense')
const jane = `Basic ${Buffer.from('jane:jane').toString('base64')}`

test('no form that anybody sends is an error of the server', async () => {
  const paths = fc.constantFrom('/auth/token', '/auth/device', '/auth/introspect', '/authorize/code', '/authorize', '/authorize/')
  await fc.assert(
    fc.asyncProperty(paths, fields, types, async (path, form, type) => {
      const body = new URLSearchParams(form).toString()
      const headers = { 'Content-Type': type, Authorization: jane }
      const { status } = await fetch(base + path, { method: 'POST', headers, body, redirect: 'manual' })
      assert.ok(status < 500, `${status}`)
    }),
    { numRuns: 300 },
  )
})

test('no query of the page is an error of the server, and none puts a script into it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('/authorize/code', '/authorize/'), fields, async (path, query) => {
      const answer = await fetch(`${base}${path}?${new URLSearchParams({ ...query, state: `${query['state']}"><script>` })}`, {
        redirect: 'manual',
      })
      assert.ok(answer.status < 500)
      assert.doesNotMatch(await answer.text(), /<script/)
    }),
    { numRuns: 200 },
  )
})

test('no JSON that anybody sends is an error of the server', async () => {
  const paths = fc.constantFrom('/api/oauth', '/auth/register', '/api/account/auth')
  const shaped = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        type: text,
        client_id: fc.oneof(text, fc.jsonValue()),
        redirect_uri: fc.oneof(text, fc.jsonValue()),
        redirect_uris: fc.array(text),
      },
      { requiredKeys: [] },
    ),
    fc.array(fc.record({ type: fc.constantFrom('enableOtpAuth', 'disableOtpAuth', 'removeAppPassword'), url: text, name: text })),
  )
  const admin = `Basic ${Buffer.from('admin:admin').toString('base64')}`
  await fc.assert(
    fc.asyncProperty(paths, shaped, fc.constantFrom(jane, admin), async (path, value, Authorization) => {
      const answer = await fetch(base + path, { method: 'POST', headers: { Authorization }, body: JSON.stringify(value) })
      assert.ok(answer.status < 500, `${answer.status}`)
      assert.ok((await answer.json()) instanceof Object)
    }),
    { numRuns: 300 },
  )
})

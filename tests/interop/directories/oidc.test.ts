import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import type { TestServer } from '@postern/testkit'
import { basic, expectRecipients, logIn, principal, startServer } from './whole.ts'

interface Asked {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly authorization: string | undefined
  readonly form: URLSearchParams
}

/** A stand-in for a provider: says what the test wants, and remembers what it was asked. */
let provider: Server
let answer: (asked: Asked) => { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
let asked: Asked[] = []
let url: string

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request) text += part
  return text
}

before(async () => {
  provider = createServer(async (request, response) => {
    const own = {
      method: request.method,
      path: request.url,
      authorization: request.headers.authorization,
      form: new URLSearchParams(await bodyOf(request)),
    }
    asked.push(own)
    const { status, body = '', headers = {} } = answer(own)
    response.writeHead(status, headers).end(body)
  })
  await new Promise<void>(resolve => provider.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/endpoint`
})

after(() => provider.close())

beforeEach(() => {
  asked = []
})

const settings = (more: Record<string, string>): Record<string, string> => ({
  'storage.directory': 'sso',
  'directory.sso.type': 'oidc',
  'directory.sso.timeout': '2s',
  'directory.sso.endpoint.url': url,
  'directory.sso.fields.email': 'email',
  'directory.sso.fields.username': 'preferred_username',
  'directory.sso.fields.full-name': 'name',
  ...more,
})

const claims = { sub: '1', preferred_username: 'Jane', email: 'Jane@example.org', name: 'Jane Doe' }

async function start(more: Record<string, string>): Promise<TestServer> {
  const server = await startServer(settings(more))
  await server.call('POST', '/api/principal', { type: 'domain', name: 'example.org' })
  return server
}

test('the userinfo endpoint says whose token it is', async () => {
  await using server = await start({ 'directory.sso.endpoint.method': 'userinfo', 'directory.sso.auth.method': 'none' })
  answer = ({ authorization }) =>
    authorization === 'Bearer good' ? { status: 200, body: JSON.stringify(claims) } : { status: 401, body: '{"error":"invalid_token"}' }
  assert.equal(await logIn(server, 'Bearer bad'), 'refused')
  assert.equal(await logIn(server, 'Bearer good'), 'in')
  assert.equal(await logIn(server, 'Bearer good'), 'in')
  assert.equal(asked.filter(({ authorization }) => authorization === 'Bearer good').length, 1, 'an answer is believed for a while')
  assert.equal(asked[0]?.method, 'GET')
  const { id: _, ...jane } = await principal(server, 'jane')
  assert.deepEqual(jane, { type: 'individual', name: 'jane', description: 'Jane Doe', emails: 'jane@example.org', roles: ['user'] })
  await expectRecipients(server, { 'jane@example.org': '250', 'bob@example.org': '550' })
  assert.equal(await logIn(server, basic('jane', 'good')), 'refused', 'there are no passwords')
  assert.equal(await logIn(server, basic('admin', 'admin')), 'in')
})

const proofs: ReadonlyArray<readonly [method: string, settings: Record<string, string>, authorization: string | undefined]> = [
  ['basic', { 'directory.sso.auth.username': 'postern', 'directory.sso.auth.secret': 'p:w' }, basic('postern', 'p:w')],
  ['token', { 'directory.sso.auth.token': 'service-token' }, 'Bearer service-token'],
  ['user-token', {}, 'Bearer good'],
  ['none', {}, undefined],
]
for (const [method, more, authorization] of proofs) {
  test(`introspection, with the proof ${method}`, async () => {
    await using server = await start({ 'directory.sso.endpoint.method': 'introspect', 'directory.sso.auth.method': method, ...more })
    answer = ({ form }) => ({
      status: 200,
      body: JSON.stringify(form.get('token') === 'good' ? { active: true, ...claims } : { active: false }),
    })
    assert.equal(await logIn(server, 'Bearer good'), 'in')
    assert.equal(await logIn(server, 'Bearer bad&token=good'), 'refused')
    assert.equal(asked[0]?.method, 'POST')
    assert.equal(asked[0]?.authorization, authorization)
  })
}

const troubles: ReadonlyArray<readonly [name: string, answer: ReturnType<typeof answer>]> = [
  ['refuses the server itself', { status: 401 }],
  ['fails', { status: 500, body: 'oops' }],
  ['answers no JSON', { status: 200, body: '<html>' }],
  ['answers null', { status: 200, body: 'null' }],
  ['answers without end', { status: 200, body: JSON.stringify({ active: true, ...claims, more: 'x'.repeat(100_000) }) }],
  ['sends elsewhere', { status: 302, headers: { location: 'http://127.0.0.1:9/' } }],
]
for (const [name, given] of troubles) {
  test(`an endpoint that ${name} is an outage`, async () => {
    await using server = await start({ 'directory.sso.endpoint.method': 'introspect', 'directory.sso.auth.method': 'none' })
    answer = () => given
    assert.equal(await logIn(server, 'Bearer good'), 'later')
    assert.equal((await principal(server, 'jane'))['error'], 'notFound')
  })
}

test('what an endpoint says is checked', async () => {
  await using server = await start({ 'directory.sso.endpoint.method': 'introspect', 'directory.sso.auth.method': 'none' })
  for (const wrong of [{ active: 'true' }, { active: true }, { active: true, email: 5 }, {}]) {
    answer = () => ({ status: 200, body: JSON.stringify(wrong) })
    assert.equal(await logIn(server, `Bearer t${JSON.stringify(wrong).length}`), 'refused', JSON.stringify(wrong))
  }
})

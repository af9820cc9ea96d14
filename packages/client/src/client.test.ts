import assert from 'node:assert/strict'
import { test } from 'node:test'
import { declaredEndpoints, type Endpoint, endpoints } from '@postern/contract/endpoints'
import fc from 'fast-check'
import { readEvents } from './events.ts'
import { ApiError, type ClientOptions, ConnectionError, createClient, requestOf } from './index.ts'

interface Sent {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  readonly body: unknown
}

/** A client whose server always answers the same, and what it was sent. */
function withAnswer(answer: () => Response | Promise<Response>, options: Partial<ClientOptions> = {}) {
  const sent: Sent[] = []
  const client = createClient({
    url: 'https://mail.test/',
    credentials: { login: 'jane', password: 'sécret:1' },
    async fetch(url, init) {
      sent.push({ url: String(url), method: init?.method ?? '', headers: new Headers(init?.headers), body: init?.body })
      return answer()
    },
    ...options,
  })
  return { client, sent }
}

function json(body: unknown, status = 200, headers: Record<string, string> = {}): () => Response {
  const contentType = status === 200 ? 'application/json; charset=utf-8' : 'application/problem+json'
  return () => new Response(JSON.stringify(body), { status, headers: { 'Content-Type': contentType, ...headers } })
}

const requests: ReadonlyArray<readonly [name: string, endpoint: Endpoint, input: object, method: string, target: string]> = [
  ['a name of odd letters', endpoints.principals.getPrincipal, { name: 'a/b c?=&ä' }, 'GET', '/api/principal/a%2Fb%20c%3F%3D%26%C3%A4'],
  ['flags that are off', endpoints.principals.listPrincipals, { count: false }, 'GET', '/api/principal'],
  [
    'lists and numbers',
    endpoints.principals.listPrincipals,
    { types: ['group', 'list'], page: 2 },
    'GET',
    '/api/principal?types=group%2Clist&page=2',
  ],
  ['an optional element left out', endpoints.settings.reloadSettings, {}, 'GET', '/api/reload'],
  [
    'an optional element',
    endpoints.settings.reloadSettings,
    { scope: 'lookup', 'dry-run': true },
    'GET',
    '/api/reload/lookup?dry-run=true',
  ],
  ['times', endpoints.queue.rescheduleMessage, { id: 7, at: 0 }, 'PATCH', '/api/queue/messages/7?at=1970-01-01T00%3A00%3A00.000Z'],
  ['any method, with a body', endpoints.account.authorizeClient, { body: { type: 'device', code: 'X' } }, 'POST', '/api/oauth'],
]
for (const [name, endpoint, input, method, target] of requests) {
  test(`a request with ${name}`, () => {
    const request = requestOf(endpoint, input as Record<string, unknown>)
    assert.deepEqual([request.method, request.target], [method, target])
  })
}

test('every endpoint of the contract has a method of its own and a request', () => {
  const { client } = withAnswer(json({ data: null }))
  for (const { area, endpoint } of declaredEndpoints) {
    assert.equal(typeof (client[area] as Readonly<Record<string, unknown>>)[endpoint.id], 'function', endpoint.id)
    const words = Object.fromEntries(Object.entries(endpoint.params).map(([name, { words: all }]) => [name, all?.[0] ?? '1']))
    assert.match(requestOf(endpoint, { ...words, body: {} }).target, /^\/[^{}]*$/, endpoint.id)
  }
})

test('a name that would be a step in the path is refused here, not sent elsewhere', async () => {
  const { client, sent } = withAnswer(json({ data: null }))
  await assert.rejects(client.principals.deletePrincipal({ name: '..' }), TypeError)
  await assert.rejects(client.principals.deletePrincipal({} as never), TypeError)
  assert.equal(sent.length, 0)
})

test('each kind of credentials; none go to endpoints that are open to all', async () => {
  const { client, sent } = withAnswer(json({ data: true }))
  await client.queue.getQueueStatus()
  assert.equal(sent[0]?.headers.get('Authorization'), `Basic ${Buffer.from('jane:sécret:1').toString('base64')}`)
  assert.equal(sent[0]?.url, 'https://mail.test/api/queue/status')
  const key = withAnswer(json({ data: true }), { credentials: { apiKey: { name: 'k', secret: 's' } } })
  await key.client.queue.getQueueStatus()
  assert.equal(key.sent[0]?.headers.get('Authorization'), `Bearer api_${btoa('k:s')}`)
  const token = withAnswer(json({ data: true }), { credentials: { token: async () => 'fresh' } })
  await token.client.queue.getQueueStatus()
  assert.equal(token.sent[0]?.headers.get('Authorization'), 'Bearer fresh')
  const open = withAnswer(json({ keys: [] }))
  await open.client.open.getSigningKeys()
  assert.equal(open.sent[0]?.headers.get('Authorization'), null)
})

test('a refusal by name is an error with its fields; so is a problem document, with when to come back', async () => {
  const named = withAnswer(json({ error: 'fieldAlreadyExists', field: 'name', value: 'jane' }))
  await assert.rejects(named.client.principals.createPrincipal({ body: { name: 'jane' } }), (error: ApiError) => {
    assert.ok(error instanceof ApiError)
    assert.deepEqual([error.status, error.code, error.details['value']], [200, 'fieldAlreadyExists', 'jane'])
    assert.match(error.message, /already in use.*name: jane/)
    return true
  })
  const problem = { type: 'about:blank', status: 429, title: 'Too Many Requests', detail: 'Slow down.' }
  const busy = withAnswer(json(problem, 429, { 'Retry-After': '7' }))
  await assert.rejects(busy.client.queue.getQueueStatus(), {
    code: 'tooManyRequests',
    status: 429,
    retryAfterMs: 7000,
    message: 'Slow down.',
  })
  const oauth = withAnswer(json({ error: 'invalid_grant' }, 400))
  await assert.rejects(oauth.client.open.getToken({ body: {} }), { code: 'invalid_grant', status: 400 })
})

const strange: ReadonlyArray<readonly [name: string, answer: () => Response, message: RegExp]> = [
  ['a web page', () => new Response('<p>hello', { headers: { 'Content-Type': 'text/html' } }), /no JSON/],
  ['broken JSON', () => new Response('{"da', { headers: { 'Content-Type': 'application/json' } }), /broken JSON/],
  ['JSON of something else', json({ hello: 1 }), /not one of this API/],
  ['an array', json([]), /not one of this API/],
  ['an endless answer', () => new Response(new Uint8Array(2000), { headers: { 'Content-Type': 'application/json' } }), /longer than 1000/],
]
for (const [name, answer, message] of strange) {
  test(`${name} instead of an answer is told`, async () => {
    const { client } = withAnswer(answer, { maxAnswerBytes: 1000 })
    await assert.rejects(client.queue.getQueueStatus(), error => error instanceof ConnectionError && message.test(error.message))
  })
}

test('a server that does not answer is told with the reason; the caller may end a call with its own', async () => {
  const dead = createClient({ url: 'http://127.0.0.1:1' })
  await assert.rejects(
    dead.queue.getQueueStatus(),
    error => error instanceof ConnectionError && /127\.0\.0\.1:1 does not answer/.test(error.message),
  )
  const hanging = createClient({ url: 'http://x.test', timeoutMs: 1, fetch: (_, init) => rejectedWith(init?.signal) })
  await assert.rejects(hanging.queue.getQueueStatus(), /no answer within 1 ms/)
  await assert.rejects(hanging.queue.getQueueStatus({}, { signal: AbortSignal.abort(new Error('enough')) }), /^Error: enough$/)
})

function rejectedWith(signal: AbortSignal | null | undefined): Promise<Response> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason))
  })
}

test('frames of a stream come out whole, wherever the network cuts them', async () => {
  const text =
    ': ping\n\nevent: event\ndata: [{"a":"ä"},\ndata: 2]\n\nevent: other\r\ndata:{"b":1}\r\n\r\nid: 1\n\ndata: "no name"\n\nevent: cut'
  const bytes = new TextEncoder().encode(text)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 12 }), async cuts => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
      async function* pieces() {
        for (const [index, start] of at.entries()) yield bytes.subarray(start, at[index + 1])
      }
      assert.deepEqual(await Array.fromAsync(readEvents(pieces())), [
        { event: 'event', data: [{ a: 'ä' }, 2] },
        { event: 'other', data: { b: 1 } },
        { event: 'message', data: 'no name' },
      ])
    }),
  )
})

test('a frame without end does not fill the memory', async () => {
  async function* endless() {
    for (;;) yield new Uint8Array(1024 * 1024).fill(65)
  }
  await assert.rejects(Array.fromAsync(readEvents(endless())), /longer than/)
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { BodyTooLarge, createHttpServer, decodeElement, type HttpReply, type HttpRequest, parseQuery } from './index.ts'
import { createRouter } from './routes.ts'

const answer = async (): Promise<HttpReply> => ({ status: 200 })
const route = createRouter([
  { method: 'GET', path: '/api/principal', run: answer },
  { method: 'GET', path: '/api/principal/{name}', run: answer },
  { method: 'GET', path: '/api/queue/status', run: answer },
  { method: 'GET', path: '/api/queue/{id}', run: answer },
  { method: 'GET', path: '/api/dkim/{id}/{rest*}', run: answer },
])

const routed: ReadonlyArray<[path: string, pattern: string | undefined, params: Record<string, string>]> = [
  ['/api/principal', '/api/principal', {}],
  ['/api/principal/', '/api/principal/{name}', { name: '' }],
  ['/api/principal/jane%40example.org', '/api/principal/{name}', { name: 'jane@example.org' }],
  ['/api/principal/a+b', '/api/principal/{name}', { name: 'a b' }],
  ['/api/principal/a=b&c', '/api/principal/{name}', { name: 'a=b&c' }],
  ['/api/principal/%ff%zz', '/api/principal/{name}', { name: '\ufffd%zz' }],
  ['/api/queue/status', '/api/queue/status', {}],
  ['/api/queue/17', '/api/queue/{id}', { id: '17' }],
  ['/api/dkim/x/y/z', '/api/dkim/{id}/{rest*}', { id: 'x', rest: 'y/z' }],
  ['/api/principal/a/b', undefined, {}],
  ['/api', undefined, {}],
]
for (const [path, pattern, params] of routed) {
  test(`${path} goes to ${pattern}`, () => {
    const found = route('GET', path)
    assert.equal(found?.route.path, pattern)
    if (found) assert.deepEqual(found.params, params)
    assert.equal(route('POST', path), undefined)
  })
}

test('query values: empty is absent, the last wins, flags and numbers', () => {
  const query = parseQuery('a=1&a=2&b=&c=x%20y+z&d&e=0&f=12x&g=%C3%BC')
  assert.equal(query.get('a'), '2')
  assert.equal(query.get('b'), undefined)
  assert.equal(query.get('c'), 'x y z')
  assert.equal(query.has('d'), false)
  assert.equal(query.has('e'), true)
  assert.equal(query.integer('a'), 2)
  assert.equal(query.integer('f'), undefined)
  assert.equal(query.get('g'), 'ü')
  assert.equal(decodeElement('%41+%'), 'A %')
  assert.equal(decodeElement('😀%20%F0%9F%98%80'), '😀 😀', 'characters beyond 16 bits stand beside percent sequences')
})

interface Running extends AsyncDisposable {
  readonly malformed: string[]
  open(): Promise<Socket>
}

async function running(run: (request: HttpRequest) => Promise<HttpReply>): Promise<Running> {
  const malformed: string[] = []
  let sites = 0
  const http = createHttpServer({
    routes: [{ method: 'GET', path: '/first', run: async () => ({ status: 200, body: `${sites} sites` }) }],
    site: async () => {
      sites++
      return {
        routes: [
          { method: 'GET', path: '/x', run },
          { method: 'POST', path: '/x', run },
        ],
        fallback: async () => ({ status: 404, body: 'nothing here' }),
        onError: error => (error instanceof BodyTooLarge ? { status: 413 } : { status: 500 }),
      }
    },
    onMalformed: (_peer, reason) => malformed.push(reason),
    monotonic: () => 0,
  })
  const peer = { listenerId: 'http', remoteIp: '127.0.0.1', remotePort: 1, localIp: '127.0.0.1', localPort: 2, isTls: false }
  const tcp = createTcpServer(socket => void http.serve(socket, peer))
  await once(tcp.listen(0, '127.0.0.1'), 'listening')
  const address = tcp.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    malformed,
    async open() {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      return socket
    },
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]()
      tcp.close()
    },
  }
}

async function exchange(socket: Socket, text: string): Promise<string> {
  socket.end(text)
  let all = ''
  for await (const chunk of socket) all += chunk
  return all
}

test('the site is loaded once, with the first request that needs it', async () => {
  await using server = await running(async () => ({ status: 200, body: 'x' }))
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n`
  const text = await exchange(
    await server.open(),
    `${get('/first')}\r\n${get('/x')}\r\n${get('/x')}\r\n${get('/first')}Connection: close\r\n\r\n`,
  )
  assert.deepEqual(text.match(/\d sites|x(?=HTTP)/g), ['0 sites', 'x', 'x', '1 sites'])
})

test('several requests on one connection are answered in order', async () => {
  await using server = await running(async ({ path }) => ({ status: 200, body: path }))
  const text = await exchange(
    await server.open(),
    'GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  )
  assert.match(text, /200 OK[\s\S]*\/xHTTP\/1\.1 404[\s\S]*nothing here$/)
})

test('a body over the limit is refused, and its rest is not taken for a request', async () => {
  await using server = await running(async request => ({ status: 200, body: String((await request.body(10)).length) }))
  assert.match(
    await exchange(await server.open(), 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello'),
    /200 OK[\s\S]*\r\n5$/,
  )
  const tooLong = await exchange(
    await server.open(),
    `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n`,
  )
  assert.match(tooLong, /^HTTP\/1\.1 413/)
  assert.equal(tooLong.match(/HTTP\/1\.1/g)?.length, 1)
  const chunked = await exchange(
    await server.open(),
    'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n14\r\naaaaaaaaaaaaaaaaaaaa\r\n0\r\n\r\n',
  )
  assert.match(chunked, /^HTTP\/1\.1 413/)
})

test('input that is no HTTP is reported and the connection closed', async () => {
  await using server = await running(answer)
  assert.match(await exchange(await server.open(), '\x16\x03\x01 garbage\r\n\r\n'), /^HTTP\/1\.1 400/)
  assert.equal(server.malformed.length, 1)
})

test('a request that names two hosts is refused: a proxy may have gone by the other one', async () => {
  await using server = await running(answer)
  const text = await exchange(await server.open(), 'GET /x HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.match(text, /^HTTP\/1\.1 400/)
  assert.equal(text.match(/HTTP\/1\.1/g)?.length, 1)
  assert.deepEqual(server.malformed, ['more than one Host field'])
})

test('a stream ends when the client goes away', async () => {
  let ended: () => void = () => {}
  const end = new Promise<void>(resolve => {
    ended = resolve
  })
  await using server = await running(async ({ signal }) => ({
    status: 200,
    body: (async function* () {
      try {
        while (!signal.aborted) {
          yield 'data: x\n\n'
          await new Promise(resolve => setImmediate(resolve))
        }
      } finally {
        ended()
      }
    })(),
  }))
  const socket = await server.open()
  socket.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
  socket.destroy()
  await end
})

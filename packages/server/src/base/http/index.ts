// HTTP: a server behind the listeners of base/net, and the only place that calls out over HTTP. Owns request limits, decoding of
// paths and queries, routing by path patterns. Never knows who calls or what a path means.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { createRouter, type HttpRoute, type Router } from './routes.ts'

export { decodeElement, parseQuery, type Query } from './decoding.ts'
export { type FetchedAnswer, type FetchOptions, fetchBounded } from './fetch.ts'
export { parseForm } from './forms.ts'
export type { HttpRoute } from './routes.ts'

/** The two ends of a connection, proxies already looked through. */
export interface HttpPeer {
  readonly listenerId: string
  readonly remoteIp: string
  readonly remotePort: number
  readonly localIp: string
  readonly localPort: number
  readonly isTls: boolean
}

export interface HttpRequest {
  readonly method: string
  /** Path and query as sent. */
  readonly url: string
  /** Path as sent, undecoded. */
  readonly path: string
  /** Raw query, without the question mark. */
  readonly rawQuery: string
  readonly headers: IncomingMessage['headers']
  readonly peer: HttpPeer
  /** Decoded path elements by the names in the route. */
  readonly params: Readonly<Record<string, string>>
  /** Aborted when the client goes away or the server stops. */
  readonly signal: AbortSignal
  /** The whole body. @throws BodyTooLarge */
  body(maxBytes: number): Promise<Buffer>
}

export interface HttpReply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | string[]>>
  /** Text, bytes, or a stream of texts that is sent as it comes. */
  readonly body?: string | Uint8Array | AsyncIterable<string>
}

export type HeaderField = readonly [name: string, value: string]

export class BodyTooLarge extends Error {
  readonly maxBytes: number
  constructor(maxBytes: number) {
    super(`the body is larger than ${maxBytes} bytes`)
    this.maxBytes = maxBytes
  }
}

/** What a server answers with. */
export interface HttpSite {
  /** Looks at a request before its route does: gives it as it shall be seen, or the answer at once. */
  readonly enter?: (request: HttpRequest) => Promise<HttpRequest | HttpReply>
  /** Fields that every answer gets, where it has none of that name. */
  readonly fields?: () => readonly HeaderField[]
  readonly routes: readonly HttpRoute[]
  /** Answers what no route matches. */
  readonly fallback: (request: HttpRequest) => Promise<HttpReply>
  /** Turns what a handler threw into an answer. */
  readonly onError: (error: unknown, request: HttpRequest) => HttpReply
}

export interface HttpServerParts {
  /** Routes that are there at once. They do not throw. */
  readonly routes?: readonly HttpRoute[]
  /** Everything else, asked for once: with the first request that none of `routes` matches. */
  readonly site: () => Promise<HttpSite>
  /** Told of input that is no HTTP; the connection is closed. */
  readonly onMalformed: (peer: HttpPeer, reason: string) => void
  /** Told of every answer, for the log. */
  readonly onAnswer?: (request: HttpRequest, status: number, elapsedMs: number) => void
  readonly monotonic: () => number
}

export interface HttpServer extends AsyncDisposable {
  /** Serves one accepted connection (TLS already done); resolves when it is closed. */
  serve(socket: Duplex, peer: HttpPeer): Promise<void>
}

// An import would look at every export of the module, and one of them loads a whole HTTP client.
const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http')

/** RFC 9110 §15. */
export function reasonPhrase(status: number): string {
  return STATUS_CODES[status] ?? 'Unknown'
}

const maxHeaderBytes = 32 * 1024
const maxRequestsPerSocket = 10_000
const idleMs = 60_000
const wholeRequestMs = 300_000

export function createHttpServer(parts: HttpServerParts): HttpServer {
  const firstRoute = createRouter(parts.routes ?? [])
  let site: Promise<RoutedSite> | undefined
  const peers = new WeakMap<Duplex, HttpPeer>()
  const sockets = new Set<Duplex>()
  const stopping = new AbortController()
  const server: Server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      keepAliveTimeout: idleMs,
      headersTimeout: idleMs,
      requestTimeout: wholeRequestMs,
      insecureHTTPParser: false,
    },
    (incoming, response) => void answer(incoming, response),
  )
  server.maxRequestsPerSocket = maxRequestsPerSocket
  server.timeout = idleMs
  // Sockets are handed over, so the server itself never listens; its watch over slow requests starts with this event.
  server.emit('listening')
  server.on('clientError', (error: Error, socket: Duplex) => {
    const peer = peers.get(socket)
    if (peer !== undefined) parts.onMalformed(peer, error.message)
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    else socket.destroy()
  })

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = parts.monotonic()
    // RFC 9112 §3.2: a proxy in front may have gone by the other one.
    if (countOf('host', incoming) > 1) {
      const peer = peers.get(incoming.socket)
      if (peer !== undefined) parts.onMalformed(peer, 'more than one Host field')
      response.writeHead(400, { Connection: 'close', 'Content-Length': '0' }).end()
      return
    }
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    let request = describe(incoming, AbortSignal.any([gone.signal, stopping.signal]))
    let reply: HttpReply
    try {
      ;({ request, reply } = await replyTo(request))
      await send(response, incoming, reply, request.signal)
    } catch (error) {
      if (!response.destroyed) response.destroy(error as Error)
      return
    }
    parts.onAnswer?.(request, reply.status, parts.monotonic() - started)
  }

  /** The answer, and the request as the site saw it. */
  async function replyTo(request: HttpRequest): Promise<{ readonly request: HttpRequest; readonly reply: HttpReply }> {
    const first = firstRoute(request.method, request.path)
    if (first !== undefined) return { request, reply: await first.route.run({ ...request, params: first.params }) }
    const loaded = await (site ??= routed(parts.site))
    let seen = request
    let reply: HttpReply
    try {
      const entered = (await loaded.enter?.(request)) ?? request
      if ('status' in entered) reply = entered
      else {
        seen = entered
        const matched = loaded.route(seen.method, seen.path)
        reply = matched === undefined ? await loaded.fallback(seen) : await matched.route.run({ ...seen, params: matched.params })
      }
    } catch (error) {
      reply = loaded.onError(error, seen)
    }
    return { request: seen, reply: withFields(reply, loaded.fields?.() ?? []) }
  }

  function describe(incoming: IncomingMessage, signal: AbortSignal): HttpRequest {
    const url = incoming.url ?? '/'
    const mark = url.indexOf('?')
    const peer = peers.get(incoming.socket)
    if (peer === undefined) throw new Error('a request on a connection that was not handed over')
    return {
      method: incoming.method ?? 'GET',
      url,
      path: mark < 0 ? url : url.slice(0, mark),
      rawQuery: mark < 0 ? '' : url.slice(mark + 1),
      headers: incoming.headers,
      peer,
      params: {},
      signal,
      body: maxBytes => readBody(incoming, maxBytes),
    }
  }

  return {
    serve(socket, peer) {
      peers.set(socket, peer)
      sockets.add(socket)
      return new Promise(resolve => {
        socket.once('close', () => {
          sockets.delete(socket)
          resolve()
        })
        server.emit('connection', socket)
      })
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      server.closeIdleConnections()
      server.close()
      for (const socket of sockets) socket.end()
    },
  }
}

function countOf(name: string, { rawHeaders }: IncomingMessage): number {
  return rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === name).length
}

function withFields(reply: HttpReply, fields: readonly HeaderField[]): HttpReply {
  if (fields.length === 0) return reply
  const own = new Set(Object.keys(reply.headers ?? {}).map(name => name.toLowerCase()))
  const added = Map.groupBy(
    fields.filter(([name]) => !own.has(name.toLowerCase())),
    ([name]) => name,
  )
  const more = Object.fromEntries([...added].map(([name, lines]) => [name, lines.map(([, value]) => value)]))
  return { ...reply, headers: { ...more, ...reply.headers } }
}

interface RoutedSite extends HttpSite {
  readonly route: Router
}

async function routed(load: () => Promise<HttpSite>): Promise<RoutedSite> {
  const site = await load()
  return { ...site, route: createRouter(site.routes) }
}

async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) throw new BodyTooLarge(maxBytes)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw new BodyTooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function send(
  response: ServerResponse,
  incoming: IncomingMessage,
  { status, headers = {}, body }: HttpReply,
  signal: AbortSignal,
): Promise<void> {
  // A body that was not read would be taken for the next request.
  const isUnread = !incoming.complete && incoming.headers['content-length'] !== '0' && hasBody(incoming)
  const common = isUnread ? { ...headers, Connection: 'close' } : headers
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
    const bytes = typeof body === 'string' ? Buffer.from(body) : (body ?? new Uint8Array())
    response.writeHead(status, status === 204 ? common : { ...common, 'Content-Length': String(bytes.byteLength) })
    response.end(incoming.method === 'HEAD' || status === 204 ? undefined : bytes)
    return
  }
  response.writeHead(status, common)
  response.flushHeaders()
  for await (const text of body) {
    if (signal.aborted) break
    if (!response.write(text)) await drained(response, signal)
  }
  response.end()
}

function hasBody(incoming: IncomingMessage): boolean {
  return incoming.headers['content-length'] !== undefined || incoming.headers['transfer-encoding'] !== undefined
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    response.once('drain', resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

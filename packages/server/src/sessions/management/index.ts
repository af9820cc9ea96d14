// The management API: one route per endpoint of the contract. Authenticates, checks the declared permission, decodes input by its
// schema, calls one handler, encodes what it returns. Owns no rule: handlers ask one service each.
import { Failure, failure } from '@postern/contract'
import type { StreamToken } from '@postern/contract/endpoints'
import { BodyTooLarge, type HttpReply, type HttpRequest, type HttpRoute, type HttpSite } from '#base/http'
import { ip as ipField, type Trace } from '#base/trace'
import type { Access, Credentials } from '#services/access'
import type { Caller } from '#services/directory'
import { renderFailure, renderOutput } from './answer.ts'
import { decodeInput } from './decode.ts'
import type { BoundEndpoint } from './handlers.ts'

export { banHandlers } from './bans.ts'
export { contractHandlers } from './contract.ts'
export { type BoundEndpoint, bind, unhandledEndpoints, withUnhandled } from './handlers.ts'
export { historyHandlers } from './history.ts'
export { type LogSource, logHandlers } from './logs.ts'
export { principalHandlers } from './principals.ts'
export { queueHandlers } from './queue.ts'
export { settingsHandlers } from './settings.ts'

export interface ManagementParts {
  readonly access: Access
  readonly endpoints: readonly BoundEndpoint[]
  /** Largest body of endpoints that take a message. */
  readonly maxMessageBytes: () => number
  readonly trace: Trace
}

export function createManagement({ access, endpoints, maxMessageBytes, trace }: ManagementParts): HttpSite {
  function routesOf(bound: BoundEndpoint): HttpRoute[] {
    const { endpoint } = bound
    const methods = endpoint.method === 'ANY' ? ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] : [endpoint.method]
    return methods.flatMap(method => endpoint.paths.map(path => ({ method, path, run: (request: HttpRequest) => answer(bound, request) })))
  }

  /** More segments than an endpoint has are ignored, but where they would name something else. */
  function withMoreSegments(routes: readonly HttpRoute[]): HttpRoute[] {
    return routes.filter(({ path }) => !path.endsWith('/') && !isExact(path)).map(route => ({ ...route, path: `${route.path}/{more*}` }))
  }

  async function answer({ endpoint, handle }: BoundEndpoint, request: HttpRequest): Promise<HttpReply> {
    const caller = await identify(
      request,
      endpoint.access === 'anonymous' || endpoint.access === 'public' ? endpoint.access : 'login',
      endpoint.streamToken,
    )
    if (caller !== undefined) demandAccess(endpoint.access, caller)
    if (handle === undefined) return { status: 501, headers: problemHeaders, body: notImplemented(endpoint.id) }
    const input = await decodeInput(endpoint, request, maxMessageBytes)
    return renderOutput(endpoint.output, await handle(caller, input, request))
  }

  /** The caller, counted against its request rate; undefined on endpoints that nobody logs in to. */
  async function identify(
    request: HttpRequest,
    wanted: 'anonymous' | 'public' | 'login',
    _token?: StreamToken,
  ): Promise<Caller | undefined> {
    const { remoteIp } = request.peer
    if (wanted === 'public') return undefined
    if (wanted === 'anonymous') {
      await access.admitAnonymous(remoteIp)
      return undefined
    }
    const credentials = readAuthorization(request.headers.authorization)
    if (credentials === undefined) {
      if (request.headers.authorization === undefined) await access.admitAnonymous(remoteIp)
      throw failure('unauthorized')
    }
    const caller = await access.authenticate(credentials, { remoteIp, trace })
    await access.admit(caller)
    return caller
  }

  const routes = endpoints.flatMap(routesOf)
  return {
    routes: [...routes, ...withMoreSegments(routes)],
    async fallback(request) {
      if (request.method === 'OPTIONS' && isApi(request.path)) return { status: 204 }
      if (isApi(request.path)) await identify(request, 'login')
      throw failure('resourceNotFound')
    },
    onError(error, request) {
      if (error instanceof Failure) {
        if (error.code === 'forbidden')
          trace.emit('security.unauthorized', {
            remoteIp: ipField(request.peer.remoteIp),
            details: String(error.details['permission'] ?? ''),
          })
        return renderFailure(error)
      }
      if (error instanceof BodyTooLarge) return renderFailure(failure('requestTooLarge', { limit: error.maxBytes }))
      trace.emit('http.error', { url: request.path, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) })
      return renderFailure(failure('internal'))
    },
  }

  function demandAccess(wanted: BoundEndpoint['endpoint']['access'], caller: Caller): void {
    // What a principal's type asks for is checked where the type is known.
    if (wanted === 'login' || wanted === 'anonymous' || wanted === 'public') return
    if (typeof wanted === 'object') {
      if ('principal' in wanted || wanted.anyOf.some(permission => caller.rights.has(permission))) return
      throw failure('forbidden', { permission: wanted.anyOf.join(' or ') })
    }
    if (!caller.rights.has(wanted)) throw failure('forbidden', { permission: wanted })
  }
}

const problemHeaders = { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' } as const

function notImplemented(id: string): string {
  return JSON.stringify({ type: 'about:blank', status: 501, title: 'Not Implemented', detail: `This version does not do ${id} yet.` })
}

/** What stands behind these is an account, and one too many is a mistake worth a 404; and collections end where they end. */
function isExact(path: string): boolean {
  return !path.endsWith('}') || path.startsWith('/api/store/reindex') || path.startsWith('/api/store/uids')
}

function isApi(path: string): boolean {
  return path === '/api' || path.startsWith('/api/')
}

/** Basic, or an API key as Bearer. Undefined for anything else, undecodable values included. */
function readAuthorization(header: string | undefined): Credentials | undefined {
  const found = /^\s*(\S+)\s+(\S[\s\S]*?)\s*$/.exec(header ?? '')
  const scheme = found?.[1]?.toLowerCase()
  const value = found?.[2] ?? ''
  if (scheme === 'basic') {
    const [login, secret] = splitPair(value) ?? []
    return login === undefined || secret === undefined ? undefined : { kind: 'password', login, secret }
  }
  if (scheme !== 'bearer' || !value.startsWith('api_')) return undefined
  const [name, secret] = splitPair(value.slice(4)) ?? []
  return name === undefined || secret === undefined ? undefined : { kind: 'apiKey', name, secret }
}

function splitPair(base64: string): readonly [string, string] | undefined {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(base64)) return undefined
  const text = Buffer.from(base64, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : [text.slice(0, colon), text.slice(colon + 1)]
}

// The management API: one route per endpoint of the contract. Authenticates, checks the declared permission, decodes input by its
// schema, calls one handler, encodes what it returns. Owns no rule: handlers ask one service each.
import { settings as declared, Failure, failure } from '@postern/contract'
import { BodyTooLarge, type HttpReply, type HttpRequest, type HttpRoute, type HttpSite } from '#base/http'
import { createConcurrencyLimit } from '#base/limits'
import { ip as ipField, type Trace } from '#base/trace'
import type { Settings } from '#data/settings'
import type { Access } from '#services/access'
import type { Caller } from '#services/directory'
import { renderFailure, renderOutput } from './answer.ts'
import { createIdentify } from './authorization.ts'
import { decodeInput } from './decode.ts'
import type { BoundEndpoint } from './handlers.ts'
import { createTransport } from './transport.ts'

export { accountHandlers } from './account.ts'
export { authorizeHandlers } from './authorize/index.ts'
export { banHandlers } from './bans.ts'
export { contractHandlers } from './contract.ts'
export { domainHandlers } from './domains.ts'
export { type BoundEndpoint, bind, unhandledEndpoints, withUnhandled } from './handlers.ts'
export { historyHandlers } from './history.ts'
export { type LogSource, logHandlers } from './logs.ts'
export { oauthHandlers, streamTokenHandlers } from './oauth.ts'
export { principalHandlers } from './principals.ts'
export { queueHandlers } from './queue.ts'
export { settingsHandlers } from './settings.ts'
export { storeHandlers } from './store.ts'
export { createBaseUrl } from './transport.ts'
export { updateHandlers } from './update.ts'

export interface ManagementParts {
  readonly access: Access
  readonly settings: Settings
  readonly endpoints: readonly BoundEndpoint[]
  /** Largest body of endpoints that take a message. */
  readonly maxMessageBytes: () => number
  readonly trace: Trace
}

export function createManagement({ access, settings, endpoints, maxMessageBytes, trace }: ManagementParts): HttpSite {
  const transport = createTransport({ settings, bans: access.bans, trace })
  const identify = createIdentify({ access, settings, trace })
  const concurrency = createConcurrencyLimit()

  function routesOf(bound: BoundEndpoint): HttpRoute[] {
    const { endpoint } = bound
    const methods = endpoint.method === 'ANY' ? ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] : [endpoint.method]
    return methods.flatMap(method => endpoint.paths.map(path => ({ method, path, run: (request: HttpRequest) => answer(bound, request) })))
  }

  /** More segments than an endpoint has are ignored, but where they would name something else. */
  function withMoreSegments(routes: readonly HttpRoute[]): HttpRoute[] {
    return routes.filter(({ path }) => !path.endsWith('/') && !isExact(path)).map(route => ({ ...route, path: `${route.path}/{more*}` }))
  }

  async function answer({ endpoint, handle, replies }: BoundEndpoint, request: HttpRequest): Promise<HttpReply> {
    const caller = await identify(request, endpoint)
    if (caller !== undefined) demandAccess(endpoint.access, caller)
    using _ = enter(caller)
    if (handle === undefined) return { status: 501, headers: problemHeaders, body: notImplemented(endpoint.id) }
    const input = await decodeInput(endpoint, request, maxMessageBytes)
    const output = await handle(caller, input, request)
    return replies ? (output as HttpReply) : renderOutput(endpoint.output, output)
  }

  /** A request of an account, while it is being answered. */
  function enter(caller: Caller | undefined): Disposable | undefined {
    if (caller === undefined || caller.rights.has('unlimited-requests')) return undefined
    const most = settings.read(declared.jmap.protocolRequestMaxConcurrent)
    const entered = concurrency.enter(String(caller.accountId), most)
    if (entered === undefined) throw failure('limit', { limit: 'maxConcurrentRequests' })
    return entered
  }

  /** Whether browsers may ask about a path before they call it. */
  function hasOptions(path: string): boolean {
    if (path === '/form') return settings.read(declared.form.enable)
    return ['/api', '/auth', '/jmap', '/.well-known'].some(folder => isBelow(path, folder))
  }

  const routes = endpoints.flatMap(routesOf)
  return {
    enter: transport.enter,
    fields: transport.fields,
    routes: [...routes, ...withMoreSegments(routes)],
    async fallback(request) {
      if (request.method === 'OPTIONS' && hasOptions(request.path)) return optionsReply
      if (isApi(request.path)) await identify(request, { access: 'login' })
      await transport.notFound(request)
      throw failure('resourceNotFound')
    },
    onError(error, request) {
      if (error instanceof Failure) {
        if (error.code === 'forbidden')
          trace.emit('security.unauthorized', {
            remoteIp: ipField(request.peer.remoteIp),
            details: String(error.details['permission'] ?? ''),
          })
        return renderFailure(error, { fromPage: isFromPage(request) })
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

/** The type says nothing of an empty answer, but clients of this API are used to it. */
const optionsReply: HttpReply = { status: 204, headers: { 'Content-Type': 'application/problem+json' } }

/** What stands behind these is an account, and one too many is a mistake worth a 404; and collections end where they end. */
function isExact(path: string): boolean {
  return !path.endsWith('}') || path.startsWith('/api/store/reindex') || path.startsWith('/api/store/uids')
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

function isApi(path: string): boolean {
  return isBelow(path, '/api')
}

/** What a browser adds to requests that a page makes. */
function isFromPage({ headers }: HttpRequest): boolean {
  return headers.origin !== undefined || headers.referer !== undefined
}

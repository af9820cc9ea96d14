// Rules of HTTP that hold whatever is asked: which address the client has, which requests get in, which fields every answer has, what
// the server calls itself.
import { isIP } from 'node:net'
import { settings as declared, failure } from '@postern/contract'
import { decodeElement, type HeaderField, type HttpReply, type HttpRequest, reasonPhrase } from '#base/http'
import { ip as ipField, type Trace } from '#base/trace'
import type { Settings, Variables } from '#data/settings'
import type { Bans } from '#services/access'

export interface Transport {
  /** See `HttpSite.enter`. Failure `addressBlocked` */
  enter(request: HttpRequest): Promise<HttpRequest | HttpReply>
  fields(): readonly HeaderField[]
  /** Bans whoever looks for holes: paths that do not exist and that no honest client asks for. */
  notFound(request: HttpRequest): Promise<void>
}

const corsFields: readonly HeaderField[] = [
  ['Access-Control-Allow-Origin', '*'],
  ['Access-Control-Allow-Headers', 'Authorization, Content-Type, Accept, X-Requested-With'],
  ['Access-Control-Allow-Methods', 'POST, GET, PATCH, PUT, DELETE, HEAD, OPTIONS'],
]
const hstsField: HeaderField = ['Strict-Transport-Security', 'max-age=31536000; includeSubDomains; preload']

export function createTransport({ settings, bans, trace }: { settings: Settings; bans: Bans; trace: Trace }): Transport {
  /** Behind a proxy the client is whom it names. */
  function withClientAddress(request: HttpRequest): HttpRequest {
    if (!settings.read(declared.server.httpUseXForwarded)) return request
    const remoteIp = forwardedAddress(request.headers)
    if (remoteIp === undefined) {
      trace.emit('http.x-forwarded-missing', { remoteIp: ipField(request.peer.remoteIp) })
      return request
    }
    // Nobody who comes from outside is on this machine, whatever the field says.
    if (isLoopback(remoteIp)) return request
    if (bans.isBlocked(remoteIp)) throw failure('addressBlocked')
    return { ...request, peer: { ...request.peer, remoteIp } }
  }

  /** Only a status that says so lets a request in; an expression that fails lets nobody in. */
  async function statusFor(request: HttpRequest): Promise<number> {
    if (isLoopback(request.peer.remoteIp)) return 200
    const status = await settings.evaluate(declared.server.httpAllowedEndpoint, variablesOf(request))
    return status !== undefined && status >= 200 && status <= 599 ? status : 403
  }

  return {
    async enter(given) {
      const request = withClientAddress(given)
      const status = await statusFor(request)
      if (status === 200) return request
      return {
        status,
        headers: { 'Content-Type': 'application/problem+json' },
        body: JSON.stringify({ type: 'about:blank', status, detail: reasonPhrase(status) }),
      }
    },
    fields: () => [
      ...(settings.read(declared.server.httpPermissiveCors) ? corsFields : []),
      ...(settings.read(declared.server.httpHsts) ? [hstsField] : []),
      ...settings.read(declared.server.httpHeaders).map(({ name, value }): HeaderField => [name, value]),
    ],
    async notFound({ path, peer }) {
      const seen = [path.toLowerCase(), decodeElement(path).toLowerCase()]
      const pattern = settings.read(declared.server.autoBanScanPaths).find(one => seen.some(text => matches(one.toLowerCase(), text)))
      if (pattern !== undefined) await bans.ban('scan', peer.remoteIp, `asked for ${path.slice(0, 200)}`)
    },
  }
}

/** URL of this server as clients see it, without a slash at the end; it never comes from what a client says. */
export function createBaseUrl(settings: Settings): (request: HttpRequest) => Promise<string> {
  return async request => {
    const { isTls, localIp, localPort } = request.peer
    const url = await settings.evaluate(declared.server.httpUrl, variablesOf(request))
    if (url && URL.canParse(url)) return url.replace(/\/+$/, '')
    return `http${isTls ? 's' : ''}://${isIP(localIp) === 6 ? `[${localIp}]` : localIp}:${localPort}`
  }
}

function variablesOf({ peer, url, path, headers, method }: HttpRequest): Variables {
  return {
    listener: peer.listenerId,
    remote_ip: peer.remoteIp,
    remote_port: peer.remotePort,
    local_ip: peer.localIp,
    local_port: peer.localPort,
    protocol: peer.isTls ? 'https' : 'http',
    is_tls: peer.isTls,
    url,
    url_path: path,
    headers: () => Object.entries(headers).flatMap(([name, value]) => [value ?? []].flat().map(one => `${name}: ${one}`)),
    method,
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
}

/** RFC 7239 §4, else the field that was in use before it; the first address is the client's. */
function forwardedAddress(headers: HttpRequest['headers']): string | undefined {
  const named = /(?:^|[;,])\s*for\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/i.exec(headers['forwarded'] ?? '')
  const text = named?.[1] ?? named?.[2] ?? [headers['x-forwarded-for'] ?? ''].flat().join(',').split(',')[0] ?? ''
  const found = /^\s*(?:\[([0-9a-f:.]+)\](?::\d+)?|([0-9.]+)(?::\d+)?|([0-9a-f:.]+))\s*$/i.exec(text)
  const address = (found?.[1] ?? found?.[2] ?? found?.[3] ?? '').replace(/^::ffff:(?=\d+\.)/i, '').toLowerCase()
  return isIP(address) === 0 ? undefined : address
}

/** `*` stands for anything. */
function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const piece of rest) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}

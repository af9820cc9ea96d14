// Who calls: the Authorization field, or the token of a stream.
import { createHash } from 'node:crypto'
import { settings as declared, failure, isFailure } from '@postern/contract'
import type { Endpoint, OpeningSetting } from '@postern/contract/endpoints'
import { LRUCache } from 'lru-cache'
import { type HttpRequest, parseQuery } from '#base/http'
import type { Trace } from '#base/trace'
import type { Settings } from '#data/settings'
import type { Access, Credentials } from '#services/access'
import type { Caller } from '#services/directory'

type Wanted = Pick<Endpoint, 'access' | 'streamToken' | 'openedBy'>

/** The caller, counted against its request rate; undefined on endpoints that nobody logs in to. */
export type Identify = (request: HttpRequest, endpoint: Wanted) => Promise<Caller | undefined>

const maxKnownTokens = 10_000

const openings = {
  anonymousRegistration: declared.oauth.clientRegistrationAnonymous,
} as const satisfies Record<OpeningSetting, unknown>

export function createIdentify({ access, settings, trace }: { access: Access; settings: Settings; trace: Trace }): Identify {
  /** Digests of tokens that were good before. */
  const knownTokens = new LRUCache<string, true>({ max: maxKnownTokens })

  async function logIn(credentials: Credentials, remoteIp: string): Promise<Caller> {
    if (credentials.kind !== 'token') return access.authenticate(credentials, { remoteIp, trace })
    const digest = createHash('sha256').update(credentials.token).digest('base64')
    if (!knownTokens.has(digest)) await access.admitAnonymous(remoteIp)
    const caller = await access.authenticate(credentials, { remoteIp, trace })
    knownTokens.set(digest, true)
    return caller
  }

  async function identify(request: HttpRequest, { streamToken: stream }: Wanted): Promise<Caller> {
    const { remoteIp } = request.peer
    const { authorization } = request.headers
    const token = stream === undefined ? undefined : parseQuery(request.rawQuery).get('token')
    const byStream: Credentials | undefined = stream && token !== undefined ? { kind: 'token', token, stream } : undefined
    if (authorization === undefined) {
      if (byStream !== undefined) return logIn(byStream, remoteIp)
      await access.admitAnonymous(remoteIp)
      throw failure('unauthorized')
    }
    const credentials = readAuthorization(authorization)
    if (credentials === undefined || (credentials.kind === 'apiKey' && !takesApiKeys(request.path))) throw failure('unauthorized')
    try {
      return await logIn(credentials, remoteIp)
    } catch (error) {
      // A browser may add an old login by itself.
      if (byStream !== undefined && isFailure(error, 'authenticationFailed')) return logIn(byStream, remoteIp)
      throw error
    }
  }

  return async (request, endpoint) => {
    if (endpoint.access === 'public') return undefined
    const isOpen = endpoint.openedBy !== undefined && settings.read(openings[endpoint.openedBy])
    if (endpoint.access === 'anonymous' || isOpen) {
      await access.admitAnonymous(request.peer.remoteIp)
      return undefined
    }
    const caller = await identify(request, endpoint)
    await access.admit(caller)
    return caller
  }
}

/** API keys administer; they never get at mail. */
function takesApiKeys(path: string): boolean {
  return path.startsWith('/api/') || path === '/auth/register'
}

/** Whether the caller showed a password rather than a token (RFC 7617). */
export function usesPassword(request: HttpRequest): boolean {
  return /^\s*basic\s/i.test(request.headers.authorization ?? '')
}

/** Basic, an API key as Bearer, or a token as Bearer. Undefined for anything else, undecodable values included. */
function readAuthorization(header: string): Credentials | undefined {
  const found = /^\s*(\S+)\s+(\S[\s\S]*?)\s*$/.exec(header)
  const scheme = found?.[1]?.toLowerCase()
  const value = found?.[2] ?? ''
  if (scheme === 'basic') {
    const [login, secret] = splitPair(value) ?? []
    return login === undefined || secret === undefined ? undefined : { kind: 'password', login, secret }
  }
  if (scheme !== 'bearer') return undefined
  if (!value.startsWith('api_')) return { kind: 'token', token: value }
  const [name, secret] = splitPair(value.slice(4)) ?? []
  return name === undefined || secret === undefined ? undefined : { kind: 'apiKey', name, secret }
}

function splitPair(base64: string): readonly [string, string] | undefined {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(base64)) return undefined
  const text = Buffer.from(base64, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : [text.slice(0, colon), text.slice(colon + 1)]
}

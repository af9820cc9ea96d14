import { settings as declared, failure } from '@postern/contract'
import { fetchBounded } from '#base/http'
import type { Settings } from '#data/settings'
import { foldName } from '#data/store'
import { foldAddress } from '../names.ts'
import type { ExternalDirectory, ExternalPrincipal } from './index.ts'

const maxAnswerBytes = 64 * 1024
const maxTokenBytes = 16 * 1024

/** Accounts of an OpenID provider, known by the access tokens that it gave out. */
export function createOidcDirectory(settings: Settings, id: string): ExternalDirectory {
  const url = settings.read(declared.directory.endpointUrl, { id })
  const emailClaim = settings.read(declared.directory.fieldsEmail, { id })
  if (url === undefined || emailClaim === undefined) throw failure('directoryUnavailable')
  const nameClaim = settings.read(declared.directory.fieldsUsername, { id })
  const fullNameClaim = settings.read(declared.directory.fieldsFullName, { id })
  const introspects = settings.read(declared.directory.endpointMethod, { id }) === 'introspect'
  const timeoutMs = settings.read(declared.directory.timeout, { id })
  const login = {
    method: settings.read(declared.directory.authMethod, { id }),
    username: settings.read(declared.directory.authUsername, { id }) ?? '',
    secret: settings.read(declared.directory.authSecret, { id }) ?? '',
    token: settings.read(declared.directory.authToken, { id }) ?? '',
  }

  /** Of RFC 7662 §2.1 or of OpenID Connect Core §5.3.1. */
  function requestFor(token: string): Parameters<typeof fetchBounded>[1] {
    const bounds = { timeoutMs, maxBytes: maxAnswerBytes }
    if (!introspects) return { ...bounds, method: 'GET', headers: { authorization: `Bearer ${token}`, accept: 'application/json' } }
    const headers: Record<string, string> = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }
    if (login.method === 'basic') headers['authorization'] = `Basic ${Buffer.from(`${login.username}:${login.secret}`).toString('base64')}`
    if (login.method === 'token') headers['authorization'] = `Bearer ${login.token}`
    if (login.method === 'user-token') headers['authorization'] = `Bearer ${token}`
    return { ...bounds, method: 'POST', headers, body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString() }
  }

  return {
    knowsTokensOnly: true,
    byName: async () => undefined,
    byAddress: async () => undefined,
    prove: undefined,
    async byToken(token) {
      if (Buffer.byteLength(token) > maxTokenBytes || !/^[\x21-\x7e]+$/.test(token)) return undefined
      const { status, body } = await fetchBounded(url, requestFor(token))
      // With its own credentials refused the server learns nothing of the token; with those of the user it learns that it is void.
      const isVerdict = !introspects || login.method === 'user-token'
      if (isVerdict && (status === 400 || status === 401 || status === 403)) return undefined
      if (status !== 200) throw new Error(`the endpoint answers ${status}`)
      const claims: unknown = JSON.parse(body.toString())
      if (typeof claims !== 'object' || claims === null) throw new Error('the endpoint answers no JSON object')
      return readClaims(claims as Readonly<Record<string, unknown>>)
    },
    domains: new Set(),
    [Symbol.asyncDispose]: async () => {},
  }

  function readClaims(claims: Readonly<Record<string, unknown>>): ExternalPrincipal | undefined {
    if (introspects && claims['active'] !== true) return undefined
    const text = (claim: string | undefined): string | undefined => {
      const value = claim === undefined ? undefined : claims[claim]
      return typeof value === 'string' && value !== '' ? value : undefined
    }
    const email = text(emailClaim)
    const name = text(nameClaim) ?? email
    if (name === undefined) return undefined
    return {
      type: 'individual',
      name: foldName(name),
      description: text(fullNameClaim),
      quota: undefined,
      emails: email === undefined ? undefined : [foldAddress(email)],
      groups: undefined,
      lists: undefined,
      isAdmin: undefined,
      secrets: [],
    }
  }
}

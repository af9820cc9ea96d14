// OAuth 2.0 and OpenID Connect: codes, device logins, tokens, clients. Owns what is granted to whom and for how long. Checks no
// password and knows nothing of HTTP beyond the names of fields.
import { createHash } from 'node:crypto'
import { settings as declared, Failure, failure } from '@postern/contract'
import type { StreamToken } from '@postern/contract/endpoints'
import { type Clock, type Random, randomAlphanumerics } from '#base/clock'
import type { Trace } from '#base/trace'
import type { Ephemeral } from '#data/ephemeral'
import type { Settings } from '#data/settings'
import { type Access, isEqual } from '#services/access'
import { type Caller, type Directory, fallbackAdministratorId } from '#services/directory'
import { type Client, createClients, maxClientIdBytes, type Registration } from './clients.ts'
import { createDeviceLogins, type DeviceLogin } from './devices.ts'
import { oauthMetadata, openIdMetadata } from './metadata.ts'
import { redirectProblem } from './redirects.ts'
import { createSigning } from './signing.ts'

export type { Client, Registration } from './clients.ts'
export type { DeviceLogin } from './devices.ts'
export { isRegistered, redirectProblem } from './redirects.ts'

/** What a client asks a person for. Null and empty texts count as absent. */
export interface CodeRequest {
  readonly clientId: string
  readonly redirectUri?: string | null | undefined
  readonly nonce?: string | null | undefined
  /** PKCE (RFC 7636), method S256. */
  readonly codeChallenge?: string | null | undefined
  readonly codeChallengeMethod?: string | null | undefined
}

/** Fields of RFC 6749 §4.1.3 and §6 and RFC 8628 §3.4. */
export interface TokenRequest {
  readonly grant_type?: string
  readonly code?: string
  readonly client_id?: string
  readonly redirect_uri?: string
  readonly code_verifier?: string
  readonly device_code?: string
  readonly refresh_token?: string
}

export interface TokenAnswer {
  readonly access_token: string
  readonly token_type: 'bearer'
  readonly expires_in: number
  readonly refresh_token?: string
  readonly id_token?: string
}

export interface TokenRefusal {
  readonly error:
    | 'access_denied'
    | 'authorization_pending'
    | 'expired_token'
    | 'invalid_client'
    | 'invalid_grant'
    | 'invalid_request'
    | 'slow_down'
    | 'unsupported_grant_type'
}

export type Introspection =
  | { readonly active: false }
  | {
      readonly active: true
      readonly client_id: string
      readonly username: string
      readonly token_type: 'bearer'
      readonly exp: number
      readonly iat: number
    }

export interface UserInfo {
  readonly sub: string
  readonly name?: string
  readonly preferred_username: string
  readonly email?: string
  readonly email_verified?: true
}

/** `base` is the URL of this server as clients see it, without a slash at the end. */
export interface Oauth {
  /** Checks a request for a code; Failure `other`. */
  checkRequest(request: CodeRequest): void
  client(id: string): Promise<Client>
  /** Whether registration rules let the person send the client to the address. */
  isClientAllowed(caller: Caller, request: CodeRequest): Promise<boolean>
  /** An authorization code; Failures `other`, `forbidden`. */
  authorize(caller: Caller, request: CodeRequest): Promise<string>
  /** Failure `invalidParameters`. */
  startDevice(request: { readonly clientId: string; readonly nonce?: string | undefined }, base: string): Promise<DeviceLogin>
  /** Who waits with a user code. */
  waitingDevice(userCode: string): Promise<Client | undefined>
  /** @returns whether a device was waiting with exactly this code. Failure `forbidden` */
  approveDevice(caller: Caller, userCode: string): Promise<boolean>
  denyDevice(userCode: string): Promise<boolean>
  /** Somebody failed to log in with a user code on the page; a code with too many failures is given up. */
  deviceLoginFailed(userCode: string): Promise<void>
  exchange(request: TokenRequest, base: string): Promise<TokenAnswer | TokenRefusal>
  introspect(token: string): Promise<Introspection>
  userInfo(caller: Caller): Promise<UserInfo>
  register(registration: Registration): Promise<Readonly<Record<string, unknown>>>
  streamToken(caller: Caller, stream: StreamToken): Promise<string>
  publicKeys(): Promise<readonly Readonly<Record<string, unknown>>[]>
  oauthMetadata(base: string): Readonly<Record<string, unknown>>
  openIdMetadata(base: string): Readonly<Record<string, unknown>>
}

export interface OauthParts {
  readonly settings: Settings
  readonly access: Access
  readonly directory: Directory
  readonly ephemeral: Ephemeral
  readonly clock: Clock
  readonly random: Random
  readonly trace: Trace
}

/** What was granted with a code. */
interface Grant {
  readonly accountId: number
  readonly clientId: string
  readonly redirectUri: string
  readonly nonce: string | undefined
  readonly codeChallenge: string | undefined
  /** A token of the account from when it agreed: it ends with the secrets that were shown then, and the grant with it. */
  readonly proof: string
}

const codeLength = 40
const maxNonceLength = 512
const streamTokenLifeMs = 60_000
const minuteMs = 60_000

export function createOauth({ settings, access, directory, ephemeral, clock, random, trace }: OauthParts): Oauth {
  const { tokens } = access
  const clients = createClients({ settings, directory, random, trace })
  const signing = createSigning({ settings, random, trace })
  const devices = createDeviceLogins({ settings, ephemeral, clock, random })

  function checkRequest({ clientId, redirectUri, nonce, codeChallenge, codeChallengeMethod }: CodeRequest): void {
    const refuse = (details: string): Failure => failure('other', { details, reason: null })
    if (clientId === '' || Buffer.byteLength(clientId) > maxClientIdBytes) throw refuse('Client ID is invalid.')
    const problem = redirectUri ? redirectProblem(redirectUri) : undefined
    if (problem !== undefined) throw refuse(problem === 'notHttps' ? 'Redirect URI must be HTTPS.' : 'Redirect URI is invalid.')
    if (nonce && nonce.length > maxNonceLength) throw refuse('Nonce is too long.')
    // A missing method means `plain` (RFC 7636 §4.3), and that is no protection.
    const isChallengeRight = !codeChallenge || (codeChallengeMethod === 'S256' && /^[A-Za-z0-9_-]{43}$/.test(codeChallenge))
    if (!isChallengeRight || (!codeChallenge && codeChallengeMethod)) throw refuse('The code challenge must be of method S256.')
  }

  /** Codes are for people: a key of the API is no way to get at anybody's mail. */
  async function demandPerson(caller: Caller): Promise<void> {
    const isPerson = caller.accountId === fallbackAdministratorId || (await directory.byId(caller.accountId))?.type === 'individual'
    if (!isPerson || !caller.rights.has('authenticate-oauth')) throw failure('forbidden', { permission: 'authenticate-oauth' })
  }

  function issueAccess(accountId: number, clientId: string): Promise<string> {
    return tokens.issue({ kind: 'access', accountId, clientId, lifeMs: settings.read(declared.oauth.expiryToken) })
  }

  function proofOf({ accountId }: Caller, clientId: string, lifeMs: number): Promise<string> {
    return tokens.issue({ kind: 'access', accountId, clientId, lifeMs })
  }

  /** Whether the account is as it was when it agreed. */
  async function isStillGranted({ accountId, proof }: Pick<Grant, 'accountId' | 'proof'>): Promise<boolean> {
    return (await tokens.open(proof).catch(undefinedIfRefused))?.accountId === accountId
  }

  function issueRefresh(accountId: number, clientId: string): Promise<string> {
    return tokens.issue({ kind: 'refresh', accountId, clientId, lifeMs: settings.read(declared.oauth.expiryRefreshToken) })
  }

  const expiresIn = (): number => Math.floor(settings.read(declared.oauth.expiryToken) / 1000)

  async function issueAll(grant: Pick<Grant, 'accountId' | 'clientId' | 'nonce'>, base: string): Promise<TokenAnswer> {
    const { accountId, clientId } = grant
    const idToken = await issueIdToken(grant, base)
    return {
      access_token: await issueAccess(accountId, clientId),
      token_type: 'bearer',
      expires_in: expiresIn(),
      refresh_token: await issueRefresh(accountId, clientId),
      ...(idToken !== undefined && { id_token: idToken }),
    }
  }

  /** OpenID Connect Core §2. */
  async function issueIdToken(
    { accountId, clientId, nonce }: Pick<Grant, 'accountId' | 'clientId' | 'nonce'>,
    base: string,
  ): Promise<string | undefined> {
    const { sub, preferred_username, email } = await userInfo(await access.callerFor(accountId))
    const now = Math.floor(clock.now() / 1000)
    return signing.sign({
      iss: base,
      sub,
      aud: clientId,
      iat: now,
      nbf: now,
      exp: now + Math.floor(settings.read(declared.oauth.oidcExpiryIdToken) / 1000),
      ...(nonce && { nonce }),
      preferred_username,
      ...(email !== undefined && { email }),
    })
  }

  async function userInfo({ accountId, name }: Caller): Promise<UserInfo> {
    const record = accountId === fallbackAdministratorId ? undefined : await directory.byId(accountId)
    const [email] = record?.emails ?? []
    return {
      sub: String(accountId),
      ...(record?.description && { name: record.description }),
      preferred_username: name,
      ...(email !== undefined && { email, email_verified: true }),
    }
  }

  async function registrationRefusal(accountId: number, clientId: string, redirectUri?: string): Promise<TokenRefusal | undefined> {
    const { rights } = await access.callerFor(accountId)
    const error = await clients.check(clientId, redirectUri, rights)
    return error && { error }
  }

  async function exchangeCode({ code, client_id, redirect_uri, code_verifier }: TokenRequest, base: string) {
    if (code === undefined || client_id === undefined || redirect_uri === undefined) return { error: 'invalid_client' } as const
    // Taken whatever comes next: a code that somebody tried with the wrong client is good for nobody.
    const kept = await ephemeral.take(codeKey(code))
    if (kept === undefined) return { error: 'access_denied' } as const
    const grant = JSON.parse(kept) as Grant
    if (grant.clientId !== client_id || grant.redirectUri !== redirect_uri) return { error: 'invalid_client' } as const
    if (!isVerifierRight(grant.codeChallenge, code_verifier)) return { error: 'invalid_grant' } as const
    if (!(await isStillGranted(grant))) return { error: 'invalid_grant' } as const
    const refusal = await registrationRefusal(grant.accountId, grant.clientId, grant.redirectUri)
    return refusal ?? issueAll(grant, base)
  }

  async function exchangeDevice({ device_code, client_id }: TokenRequest, base: string) {
    const polled = await devices.poll(device_code ?? '', client_id)
    if ('error' in polled) return polled
    if (!(await isStillGranted(polled))) return { error: 'invalid_grant' } as const
    const refusal = await registrationRefusal(polled.accountId, polled.clientId)
    return refusal ?? issueAll(polled, base)
  }

  async function exchangeRefresh({ refresh_token, client_id }: TokenRequest): Promise<TokenAnswer | TokenRefusal> {
    if (!refresh_token) return { error: 'invalid_request' }
    const claims = await tokens.open(refresh_token).catch(undefinedIfRefused)
    const isRight = claims?.kind === 'refresh' && (!client_id || client_id === claims.clientId)
    const caller = isRight ? await access.callerFor(claims.accountId).catch(undefinedIfRefused) : undefined
    if (claims === undefined || !caller?.rights.has('authenticate')) return { error: 'invalid_grant' }
    const { accountId, clientId, expiresAt } = claims
    // The registration may have gone since.
    const refusal = await registrationRefusal(accountId, clientId)
    if (refusal !== undefined) return refusal
    const isOld = expiresAt - clock.now() <= settings.read(declared.oauth.expiryRefreshTokenRenew)
    return {
      access_token: await issueAccess(accountId, clientId),
      token_type: 'bearer',
      expires_in: expiresIn(),
      ...(isOld && { refresh_token: await issueRefresh(accountId, clientId) }),
    }
  }

  return {
    checkRequest,
    client: clients.find,
    isClientAllowed: async ({ rights }, { clientId, redirectUri }) =>
      (await clients.check(clientId, redirectUri || undefined, rights)) === undefined,

    async authorize(caller, request) {
      checkRequest(request)
      await demandPerson(caller)
      const { clientId, redirectUri } = request
      const code = randomAlphanumerics(random, codeLength)
      const lifeMs = settings.read(declared.oauth.expiryAuthCode)
      const grant: Grant = {
        accountId: caller.accountId,
        clientId,
        redirectUri: redirectUri ?? '',
        nonce: request.nonce || undefined,
        codeChallenge: request.codeChallenge || undefined,
        proof: await proofOf(caller, clientId, lifeMs),
      }
      await ephemeral.set(codeKey(code), JSON.stringify(grant), lifeMs)
      return code
    },

    async startDevice({ clientId, nonce }, base) {
      if (clientId === '' || Buffer.byteLength(clientId) > maxClientIdBytes)
        throw failure('invalidParameters', { detail: 'Client ID is invalid.' })
      if (nonce !== undefined && nonce.length > maxNonceLength) throw failure('invalidParameters', { detail: 'Nonce is too long.' })
      return devices.start({ clientId, nonce }, base)
    },
    async waitingDevice(userCode) {
      const clientId = await devices.clientOf(userCode)
      return clientId === undefined ? undefined : clients.find(clientId)
    },
    async approveDevice(caller, userCode) {
      await demandPerson(caller)
      const proof = await proofOf(caller, '', settings.read(declared.oauth.expiryUserCode))
      return devices.settle(userCode, { accountId: caller.accountId, proof })
    },
    denyDevice: userCode => devices.settle(userCode, undefined),
    async deviceLoginFailed(userCode) {
      const { events } = await ephemeral.count(`oauth-failed:${userCode.slice(0, 20)}`, 30 * minuteMs)
      if (events >= settings.read(declared.oauth.authMaxAttempts)) await devices.settle(userCode, undefined)
    },

    async exchange(request, base) {
      switch (request.grant_type?.toLowerCase()) {
        case 'authorization_code':
          return exchangeCode(request, base)
        case 'urn:ietf:params:oauth:grant-type:device_code':
          return exchangeDevice(request, base)
        case 'refresh_token':
          return exchangeRefresh(request)
        case undefined:
          return { error: 'invalid_grant' }
        default:
          return { error: 'unsupported_grant_type' }
      }
    },

    async introspect(token) {
      const claims = await tokens.open(token).catch(undefinedIfRefused)
      const caller = claims && (await access.callerFor(claims.accountId).catch(undefinedIfRefused))
      if (claims === undefined || caller === undefined) return { active: false }
      return {
        active: true,
        client_id: claims.clientId,
        username: caller.name,
        token_type: 'bearer',
        exp: claims.expiresAt / 1000,
        iat: claims.issuedAt / 1000,
      }
    },

    userInfo,
    register: clients.register,
    streamToken: ({ accountId }, stream) => tokens.issue({ kind: stream, accountId, clientId: '', lifeMs: streamTokenLifeMs }),
    publicKeys: signing.publicKeys,
    oauthMetadata,
    openIdMetadata,
  }
}

const codeKey = (code: string): string => `oauth-code:${code.slice(0, codeLength + 1)}`

/** RFC 7636 §4.6. A verifier without a challenge means that somebody took the challenge out of the request (RFC 9700 §4.8.2). */
function isVerifierRight(challenge: string | undefined, verifier: string | undefined): boolean {
  if (challenge === undefined) return !verifier
  if (verifier === undefined || !/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return false
  return isEqual(createHash('sha256').update(verifier).digest('base64url'), challenge)
}

function undefinedIfRefused(error: unknown): undefined {
  if (!(error instanceof Failure)) throw error
  return undefined
}

// Who is at the door: credentials to callers, request rates, bans. Owns every password check. Never knows a protocol's words and
// never decides what a caller may do beyond logging in: that is what `Caller.rights` is for.

import { createHmac } from 'node:crypto'
import { settings as declared, failure, isFailure, type PermissionId } from '@postern/contract'
import type { StreamToken } from '@postern/contract/endpoints'
import { LRUCache } from 'lru-cache'
import type { Clock, Random } from '#base/clock'
import { ip as ipField, type Trace } from '#base/trace'
import type { Ephemeral } from '#data/ephemeral'
import type { Settings } from '#data/settings'
import type { PrincipalRecord, Store } from '#data/store'
import { allPermissions, type Caller, type Directory, fallbackAdministratorId, type LoginAccount } from '#services/directory'
import { type Bans, createBans, partyOf } from './bans.ts'
import { isEqual } from './equal.ts'
import { createNameGuard } from './name-guard.ts'
import { decoyHash, type Passwords } from './passwords.ts'
import { createTokens, type Tokens } from './tokens.ts'
import { createSecondFactor } from './totp.ts'

export type { BanEntry, Bans, Offence } from './bans.ts'
export { type ClientLimits, createClientLimits } from './client-limits.ts'
export { isEqual } from './equal.ts'
export { createPasswords, isHashed, type Passwords } from './passwords.ts'
export type { TokenClaims, TokenKind, Tokens } from './tokens.ts'

/** `actAs` is whom the client wants to act as, by SASL authorization identity; nobody else when absent or empty. */
export type Credentials =
  /** `secret` carries the second factor as `password$code` where one is needed. */
  | { readonly kind: 'password'; readonly login: string; readonly secret: string; readonly actAs?: string }
  | { readonly kind: 'apiKey'; readonly name: string; readonly secret: string }
  /** An access token, or the token of one stream. */
  | { readonly kind: 'token'; readonly token: string; readonly stream?: StreamToken; readonly actAs?: string }

type SecretCredentials = Exclude<Credentials, { kind: 'token' }>

/** Where an attempt comes from. */
export interface Origin {
  readonly remoteIp: string
  /** The session's own trace, so that the attempt shows with it. */
  readonly trace: Trace
}

export interface Access {
  readonly bans: Bans
  readonly tokens: Tokens
  /**
   * Proves who somebody is. Failures: `authenticationFailed`, `totpRequired`, `tooManyAuthAttempts` (banned by this very attempt),
   * `tooManyRequests` (the name is being guessed), `loginForbidden` (may not log in at all, or not as whom it asked for), `tokenExpired`, `temporaryAuthFailure`.
   */
  authenticate(credentials: Credentials, origin: Origin): Promise<Caller>
  /** The caller for an account that proved itself otherwise. Failure `authenticationFailed` when it is gone. */
  callerFor(accountId: number): Promise<Caller>
  /** Counts a request of a caller; Failure `tooManyRequests`. */
  admit(caller: Caller): Promise<void>
  /** Counts a request of nobody in particular; Failure `tooManyRequests`. */
  admitAnonymous(remoteIp: string): Promise<void>
}

export interface AccessParts {
  readonly store: Store
  readonly settings: Settings
  readonly directory: Directory
  readonly passwords: Passwords
  readonly ephemeral: Ephemeral
  readonly clock: Clock
  readonly random: Random
  readonly trace: Trace
}

const fallbackName = 'Fallback Administrator'
const maxLoginBytes = 512
/** A token that its directory took back is good for so long at most. */
const foreignTokenMs = 60_000

/** Credentials that matched, and the account as it was then; the emergency administrator has no record. */
interface Proof {
  readonly accountId: number
  readonly record: PrincipalRecord | undefined
}

/** What the holder of a stream token may do: watch. */
const streamRights: Readonly<Record<StreamToken, readonly PermissionId[]>> = {
  'live-tracing': ['tracing-live', 'metrics-live'],
  'live-metrics': ['tracing-live', 'metrics-live'],
  troubleshoot: ['troubleshoot'],
}

type Check = 'match' | 'needsCode' | 'mismatch'

export function createAccess({ store, settings, directory, passwords, ephemeral, clock, random, trace }: AccessParts): Access & Disposable {
  const bans = createBans({ store, settings, ephemeral, clock, trace })
  const tokens = createTokens({ settings, directory, clock, random })
  const secondFactor = createSecondFactor({ ephemeral, clock })
  const nameGuard = createNameGuard({ ephemeral, settings })
  const cacheKey = random.bytes(32)
  const proven = new LRUCache<string, Proof>({ max: 10_000 })
  const stopReload = settings.onReload(() => proven.clear())

  async function callerFor(accountId: number): Promise<Caller> {
    if (accountId === fallbackAdministratorId) {
      return { accountId, name: fallbackName, rights: allPermissions, tenantId: undefined }
    }
    const record = await directory.byId(accountId)
    if (record === undefined) throw failure('authenticationFailed')
    return { accountId, name: record.name, rights: await directory.rights(accountId), tenantId: record.tenant?.id }
  }

  /** The record is the one whose secrets were checked: what changes meanwhile is not proven. */
  async function prove({ kind, ...given }: SecretCredentials, remoteIp: string): Promise<Proof | 'needsCode' | undefined> {
    if ('name' in given) return proveKey(given.name.toLowerCase(), given.secret, [remoteIp, given.name.toLowerCase()])
    const { login, secret } = given
    const from = [remoteIp, login]
    let outage: unknown
    let wasCompared = false
    try {
      const account = await directory.account(login)
      wasCompared =
        account !== undefined && (account.prove !== undefined || account.secrets.some(secret => !secret.startsWith('otpauth://')))
      const checked = account && (await checkAccount(account, secret, from))
      if (checked === 'needsCode') return 'needsCode'
      if (account !== undefined && checked === 'match') {
        const record = await account.record()
        return { accountId: record.id, record }
      }
    } catch (error) {
      // The emergency administrator gets in without it.
      if (!isFailure(error, 'directoryUnavailable') && !isFailure(error, 'storeUnavailable')) throw error
      outage = error
    }
    const { fallbackAdminUser, fallbackAdminSecret, masterUser, masterSecret } = declared.authentication
    const isFallback = await isConfigured(fallbackAdminUser, fallbackAdminSecret, login, secret, from)
    if (isFallback) return { accountId: fallbackAdministratorId, record: undefined }
    const percent = login.lastIndexOf('%')
    const isMaster = percent > 0 ? await isConfigured(masterUser, masterSecret, login.slice(percent + 1), secret, from) : undefined
    if (isMaster) {
      const record = await (await directory.account(login.slice(0, percent)))?.record()
      if (record !== undefined) return { accountId: record.id, record }
    }
    if (outage !== undefined) throw failure('temporaryAuthFailure')
    // A name that has nothing to compare with takes as long as others, and one of the settings no longer.
    wasCompared ||= isFallback !== undefined || isMaster !== undefined
    if (!wasCompared) await passwords.verify(decoyHash, secret, from)
    return undefined
  }

  async function proveKey(name: string, secret: string, from: readonly string[]): Promise<Proof | undefined> {
    const record = await directory.byName(name)
    if (record?.type !== 'apiKey' || record.secrets.length === 0) {
      await passwords.verify(decoyHash, secret, from)
      return undefined
    }
    for (const stored of record.secrets) if (await passwords.verify(stored, secret, from)) return { accountId: record.id, record }
    return undefined
  }

  async function checkAccount(account: LoginAccount, given: string, from: readonly string[]): Promise<Check> {
    const { prove, secrets } = account
    if (prove !== undefined) return (await prove(given)) ? 'match' : 'mismatch'
    const hasCodes = secrets.some(secret => secret.startsWith('otpauth://'))
    return checkSecrets({ id: hasCodes ? (await account.record()).id : 0, secrets }, given, from)
  }

  async function checkSecrets(
    { id, secrets }: Pick<PrincipalRecord, 'id' | 'secrets'>,
    given: string,
    from: readonly string[],
  ): Promise<Check> {
    const second = secrets.filter(secret => secret.startsWith('otpauth://'))
    const apps = secrets.flatMap(secret => /^\$app\$[^$]*\$([\s\S]*)$/.exec(secret)?.[1] ?? [])
    const ordinary = secrets.filter(secret => !secret.startsWith('otpauth://') && !secret.startsWith('$app$'))
    for (const app of apps) if (await passwords.verify(app, given, from)) return 'match'
    const withCode = second.length > 0 ? /^([\s\S]*)\$(\d{6,8})$/.exec(given) : null
    const password = withCode?.[1] ?? given
    for (const stored of ordinary) {
      if (!(await passwords.verify(stored, password, from))) continue
      if (second.length === 0) return 'match'
      if (withCode === null) return 'needsCode'
      return (await secondFactor.accept(id, second, withCode[2] ?? '')) ? 'match' : 'mismatch'
    }
    return 'mismatch'
  }

  /** Undefined when the settings name somebody else or nobody. */
  async function isConfigured(
    userSetting: typeof declared.authentication.masterUser,
    secretSetting: typeof declared.authentication.masterSecret,
    login: string,
    secret: string,
    from: readonly string[],
  ): Promise<boolean | undefined> {
    const user = settings.read(userSetting)
    const stored = settings.read(secretSetting)
    if (user === undefined || stored === undefined || stored === '' || !isEqual(user.toLowerCase(), login)) return undefined
    return passwords.verify(stored, secret, from)
  }

  function recordOf(accountId: number): Promise<PrincipalRecord | undefined> {
    return accountId === fallbackAdministratorId ? Promise.resolve(undefined) : directory.byId(accountId)
  }

  /** A proof holds as long as the account is as it was: any change of it makes a new record. */
  async function stillProven(proof: Proof | undefined): Promise<number | undefined> {
    return proof !== undefined && (await recordOf(proof.accountId)) === proof.record ? proof.accountId : undefined
  }

  function cacheKeyOf(credentials: SecretCredentials): string {
    const name = credentials.kind === 'apiKey' ? credentials.name : credentials.login
    return createHmac('sha256', cacheKey)
      .update(JSON.stringify([credentials.kind, name, credentials.secret]))
      .digest('base64')
  }

  async function fail(name: string, { remoteIp, trace: own }: Origin, reason: string): Promise<never> {
    own.emit('auth.failed', { accountName: name, remoteIp: ipField(remoteIp), details: { word: reason } })
    const isBanned = await bans.count('auth', remoteIp, { evidence: `failed login as ${name}` })
    await nameGuard.failed(name)
    throw failure(isBanned ? 'tooManyAuthAttempts' : 'authenticationFailed')
  }

  async function take(key: string, rate: { count: number; periodMs: number } | undefined): Promise<void> {
    if (rate === undefined) return
    const { events, endsInMs } = await ephemeral.count(key, rate.periodMs)
    if (events > rate.count) throw failure('tooManyRequests', { retryAfterMs: endsInMs })
  }

  async function bySecret(given: SecretCredentials, origin: Origin): Promise<Caller> {
    const credentials: SecretCredentials = given.kind === 'password' ? { ...given, login: given.login.trim().toLowerCase() } : given
    const name = credentials.kind === 'apiKey' ? credentials.name : credentials.login
    if (name === '' || Buffer.byteLength(name) > maxLoginBytes) return fail(name.slice(0, 100), origin, 'Login is empty or too long')
    const key = cacheKeyOf(credentials)
    const known = await stillProven(proven.get(key))
    if (known !== undefined) return callerFor(known)
    await nameGuard.admit(name, origin.remoteIp)
    const found = await prove(credentials, origin.remoteIp)
    if (found === 'needsCode') {
      origin.trace.emit('auth.missing-totp', { accountName: name, remoteIp: ipField(origin.remoteIp) })
      throw failure('totpRequired')
    }
    if (found === undefined) return fail(name, origin, 'Credentials do not match')
    nameGuard.succeeded(name, origin.remoteIp)
    // A code is good for one login, so what it proved is not remembered.
    const usedCode = credentials.kind === 'password' && /\$\d{6,8}$/.test(credentials.secret)
    if (!usedCode) proven.set(key, found, { ttl: settings.read(declared.cache.sessionTtl) ?? 3_600_000 })
    return callerFor(found.accountId)
  }

  /** A token that another directory gave out; what it says is believed for a short while. */
  async function byForeignToken(token: string): Promise<Caller> {
    const key = createHmac('sha256', cacheKey).update(`token:${token}`).digest('base64')
    const known = await stillProven(proven.get(key))
    if (known !== undefined) return callerFor(known)
    const record = await directory.byToken(token).catch(error => {
      throw isFailure(error, 'directoryUnavailable') ? failure('temporaryAuthFailure') : error
    })
    if (record === undefined) throw failure('authenticationFailed')
    proven.set(key, { accountId: record.id, record }, { ttl: foreignTokenMs })
    return callerFor(record.id)
  }

  /** Guessing tokens is hopeless, and honest clients come with old ones: failures are not counted towards a ban. */
  async function byToken(token: string, stream: StreamToken | undefined, { remoteIp, trace: own }: Origin): Promise<Caller> {
    const opened = await tokens.open(token).catch(error => {
      if (isFailure(error, 'tokenExpired')) own.emit('auth.token-expired', { remoteIp: ipField(remoteIp) })
      if (stream === undefined && isFailure(error, 'authenticationFailed')) return undefined
      throw error
    })
    if (opened === undefined) return byForeignToken(token)
    const { kind, accountId } = opened
    if (kind !== (stream ?? 'access')) throw failure('authenticationFailed')
    const caller = await callerFor(accountId)
    if (stream === undefined) return caller
    return { ...caller, rights: caller.rights.intersection(new Set([...streamRights[stream], 'authenticate'])) }
  }

  function demand({ rights, name }: Caller, right: PermissionId, { trace: own, remoteIp }: Origin): void {
    if (rights.has(right)) return
    own.emit('security.unauthorized', { accountName: name, remoteIp: ipField(remoteIp), details: { word: right } })
    throw failure('loginForbidden')
  }

  /** RFC 4616 §2: who may not act as somebody is refused. Nobody acts for another tenant. */
  async function actingAs(caller: Caller, credentials: Credentials, origin: Origin): Promise<Caller> {
    if (credentials.kind === 'apiKey' || !credentials.actAs) return caller
    const { actAs } = credentials
    const isLogin = credentials.kind === 'password' && credentials.login.toLowerCase() === actAs.toLowerCase()
    if (isLogin || (await directory.ownsAddress(caller.accountId, actAs))) return caller
    demand(caller, 'impersonate', origin)
    const account = await directory.byName(actAs)
    const isWithinReach = caller.tenantId === undefined || account?.tenant?.id === caller.tenantId
    if (account?.type !== 'individual' || !isWithinReach) throw failure('loginForbidden')
    return callerFor(account.id)
  }

  return {
    bans,
    tokens,
    callerFor,
    async authenticate(credentials, origin) {
      const proven = await (credentials.kind === 'token'
        ? byToken(credentials.token, credentials.stream, origin)
        : bySecret(credentials, origin))
      demand(proven, 'authenticate', origin)
      if (proven.rights.has('settings-update')) bans.protect(origin.remoteIp)
      const caller = await actingAs(proven, credentials, origin)
      demand(caller, 'authenticate', origin)
      origin.trace.emit('auth.success', { accountName: caller.name, remoteIp: ipField(origin.remoteIp) })
      return caller
    },
    async admit(caller) {
      if (!caller.rights.has('unlimited-requests'))
        await take(`http:account:${caller.accountId}`, settings.read(declared.jmap.rateLimitAccount))
    },
    admitAnonymous: remoteIp => take(`http:anonymous:${partyOf(remoteIp)}`, settings.read(declared.jmap.rateLimitAnonymous)),
    [Symbol.dispose]: stopReload,
  }
}

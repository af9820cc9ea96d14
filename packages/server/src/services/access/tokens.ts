// Sealed tokens: everything about them is inside, so nothing is stored. Each is bound to the secrets that its account had, and so ends
// when one of them changes or goes; a secret that is added behind them ends nothing.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import { settings as declared, failure } from '@postern/contract'
import type { StreamToken } from '@postern/contract/endpoints'
import type { Clock, Random } from '#base/clock'
import type { Settings } from '#data/settings'
import { type Directory, fallbackAdministratorId } from '#services/directory'

export type TokenKind = 'access' | 'refresh' | StreamToken

/** What a token says; times in Unix milliseconds, to the second. */
export interface TokenClaims {
  readonly kind: TokenKind
  readonly accountId: number
  readonly clientId: string
  readonly issuedAt: number
  readonly expiresAt: number
}

export interface Tokens {
  /** Failure `unauthorized` for an account that is gone or has no secret to bind the token to. */
  issue(wanted: { kind: TokenKind; accountId: number; clientId: string; lifeMs: number }): Promise<string>
  /** Failures: `tokenExpired`; `authenticationFailed` for what is no token, or none any more. */
  open(token: string): Promise<TokenClaims>
}

export interface TokensParts {
  readonly settings: Settings
  readonly directory: Pick<Directory, 'byId'>
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

/** Base64 of: version, nonce, sealed (kind, account, issued, expires, number of secrets, digest of these, length of client id, client id), tag. */
const version = 2
const nonceBytes = 12
const tagBytes = 16
const digestBytes = 16
const fixedBytes = 1 + 4 + 6 + 6 + 1 + digestBytes + 1
const maxClientIdBytes = 255
const maxBoundSecrets = 255
const maxTokenLength = 1024

const kinds: readonly TokenKind[] = ['access', 'refresh', 'live-tracing', 'live-metrics', 'troubleshoot']

export function createTokens({ settings, directory, clock, random }: TokensParts): Tokens {
  // Without a key in the settings tokens end with the process.
  const keyOfProcess = random.bytes(32).toString('base64')
  let derived: { readonly from: string; readonly sealing: Buffer; readonly binding: Buffer } | undefined

  function keys(): { readonly sealing: Buffer; readonly binding: Buffer } {
    const from = settings.read(declared.oauth.key) || keyOfProcess
    if (derived?.from !== from) {
      const derive = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', from, '', `postern tokens: ${purpose}`, 32))
      derived = { from, sealing: derive('sealing'), binding: derive('binding') }
    }
    return derived
  }

  async function secretsOf(accountId: number): Promise<readonly string[]> {
    if (accountId !== fallbackAdministratorId) return (await directory.byId(accountId))?.secrets ?? []
    const secret = settings.read(declared.authentication.fallbackAdminUser) && settings.read(declared.authentication.fallbackAdminSecret)
    return secret ? [secret] : []
  }

  function digestOf(accountId: number, secrets: readonly string[]): Buffer {
    return createHmac('sha256', keys().binding)
      .update(JSON.stringify([accountId, secrets]))
      .digest()
      .subarray(0, digestBytes)
  }

  /** Refresh tokens outlive what happens to application passwords, where there is another secret to hang on. */
  async function boundSecrets(accountId: number, kind: TokenKind): Promise<readonly string[]> {
    const secrets = (await secretsOf(accountId)).slice(0, maxBoundSecrets)
    if (kind !== 'refresh') return secrets
    const lasting = secrets.filter(secret => !secret.startsWith('$app$'))
    return lasting.length > 0 ? lasting : secrets.slice(0, 1)
  }

  return {
    async issue({ kind, accountId, clientId, lifeMs }) {
      const secrets = await boundSecrets(accountId, kind)
      const client = Buffer.from(clientId)
      if (secrets.length === 0) throw failure('unauthorized')
      if (client.length > maxClientIdBytes) throw new RangeError('a client id that is too long')
      const length = fixedBytes + client.length
      // One more byte where needed: a token always ends in padding.
      const body = Buffer.alloc((1 + nonceBytes + length + tagBytes) % 3 === 0 ? length + 1 : length)
      const issuedAt = Math.floor(clock.now() / 1000)
      let at = body.writeUInt8(kinds.indexOf(kind), 0)
      at = body.writeUInt32BE(accountId, at)
      at = body.writeUIntBE(issuedAt, at, 6)
      at = body.writeUIntBE(issuedAt + Math.floor(lifeMs / 1000), at, 6)
      at = body.writeUInt8(secrets.length, at)
      at += digestOf(accountId, secrets).copy(body, at)
      at = body.writeUInt8(client.length, at)
      client.copy(body, at)
      const nonce = random.bytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', keys().sealing, nonce).setAAD(Buffer.of(version))
      return Buffer.concat([Buffer.of(version), nonce, cipher.update(body), cipher.final(), cipher.getAuthTag()]).toString('base64')
    },

    async open(token) {
      const body = unseal(token, keys().sealing)
      if (body === undefined) throw failure('authenticationFailed')
      const kind = kinds[body.readUInt8(0)]
      const accountId = body.readUInt32BE(1)
      const issuedAt = body.readUIntBE(5, 6) * 1000
      const expiresAt = body.readUIntBE(11, 6) * 1000
      const count = body.readUInt8(17)
      const bound = body.subarray(18, 18 + digestBytes)
      const clientId = body.toString('utf8', fixedBytes, fixedBytes + body.readUInt8(fixedBytes - 1))
      if (kind === undefined) throw failure('authenticationFailed')
      if (expiresAt <= clock.now()) throw failure('tokenExpired')
      const secrets = (await boundSecrets(accountId, kind)).slice(0, count)
      if (!digestOf(accountId, secrets).equals(bound)) throw failure('authenticationFailed')
      return { kind, accountId, clientId, issuedAt, expiresAt }
    },
  }
}

function unseal(token: string, key: Buffer): Buffer | undefined {
  if (token.length > maxTokenLength) return undefined
  const bytes = Buffer.from(token, 'base64')
  const headBytes = 1 + nonceBytes
  // A token has one spelling only.
  if (bytes.toString('base64') !== token || bytes.length < headBytes + fixedBytes + tagBytes || bytes[0] !== version) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, headBytes), { authTagLength: tagBytes })
  decipher.setAAD(bytes.subarray(0, 1)).setAuthTag(bytes.subarray(-tagBytes))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(headBytes, -tagBytes)), decipher.final()])
  } catch {
    return undefined
  }
}

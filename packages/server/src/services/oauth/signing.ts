// The key of ID tokens (RFC 7515, RFC 7517): configured, or made once and kept in the settings. A shared secret is never published.
import { createPrivateKey, createPublicKey, createSecretKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { settings as declared } from '@postern/contract'
import { type Random, randomAlphanumerics } from '#base/clock'
import type { Trace } from '#base/trace'
import type { Settings } from '#data/settings'

export interface Signing {
  /** A signed JWT; undefined when the configured key does not fit the algorithm, which is traced. */
  sign(claims: Readonly<Record<string, unknown>>): Promise<string | undefined>
  /** Public keys as JWK; none for a shared secret. */
  publicKeys(): Promise<readonly Readonly<Record<string, unknown>>[]>
}

const keyId = 'default'
const curves: Readonly<Record<string, string>> = { ES256: 'prime256v1', ES384: 'secp384r1' }
const rsaBits = 2048
const sharedSecretLength = 64

export function createSigning({ settings, random, trace }: { settings: Settings; random: Random; trace: Trace }): Signing {
  let making: Promise<string> | undefined
  let parsed: { readonly from: string; readonly key: KeyObject | undefined } | undefined

  const algorithmInForce = (): string => settings.read(declared.oauth.oidcSignatureAlgorithm)

  /** Whoever needs it first makes it; the others wait for the same one. */
  async function keyText(algorithm: string): Promise<string> {
    const configured = settings.read(declared.oauth.oidcSignatureKey)
    if (configured) return configured
    making ??= keep(algorithm).finally(() => {
      making = undefined
    })
    return making
  }

  async function keep(algorithm: string): Promise<string> {
    const key = algorithm.startsWith('HS') ? randomAlphanumerics(random, sharedSecretLength) : await makePem(algorithm)
    const name = declared.oauth.oidcSignatureKey.pattern
    await settings.change([{ kind: 'put', entries: [[name, key]] }])
    await settings.reload({ only: [name] })
    return key
  }

  async function keyInForce(algorithm: string): Promise<KeyObject | undefined> {
    const text = await keyText(algorithm)
    const from = `${algorithm} ${text}`
    if (parsed?.from !== from) {
      parsed = { from, key: parseKey(algorithm, text) }
      if (parsed.key === undefined)
        trace.emit('auth.error', { reason: `${declared.oauth.oidcSignatureKey.pattern} is no key for ${algorithm}` })
    }
    return parsed.key
  }

  return {
    async sign(claims) {
      const algorithm = algorithmInForce()
      const key = await keyInForce(algorithm)
      if (key === undefined) return undefined
      const { SignJWT } = await import('jose')
      return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: keyId, typ: 'JWT' }).sign(key)
    },
    async publicKeys() {
      const algorithm = algorithmInForce()
      if (algorithm.startsWith('HS')) return []
      const key = await keyInForce(algorithm)
      return key === undefined ? [] : [{ use: 'sig', alg: algorithm, kid: keyId, ...createPublicKey(key).export({ format: 'jwk' }) }]
    },
  }
}

async function makePem(algorithm: string): Promise<string> {
  const namedCurve = curves[algorithm]
  const { privateKey } = await (namedCurve === undefined
    ? promisify(generateKeyPair)('rsa', { modulusLength: rsaBits })
    : promisify(generateKeyPair)('ec', { namedCurve }))
  return privateKey.export({ type: 'pkcs8', format: 'pem' })
}

function parseKey(algorithm: string, text: string): KeyObject | undefined {
  if (algorithm.startsWith('HS')) return createSecretKey(text, 'utf8')
  try {
    const key = createPrivateKey(text)
    const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
    const wantedCurve = curves[algorithm]
    const fits =
      wantedCurve === undefined
        ? key.asymmetricKeyType === 'rsa' && modulusLength >= rsaBits
        : key.asymmetricKeyType === 'ec' && namedCurve === wantedCurve
    return fits ? key : undefined
  } catch {
    return undefined
  }
}

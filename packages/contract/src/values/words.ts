import { quoted, ValueError, type ValueType } from './value-type.ts'

/**
 * A choice of words. Compared without case; aliases are read as the word they stand for.
 *
 * @param aliases other spelling → canonical word
 */
export function options<const W extends string>(
  name: string,
  words: readonly W[],
  aliases: Readonly<Record<string, NoInfer<W>>> = {},
): ValueType<W> {
  const spellings = new Map<string, W>([...words.map(word => [word.toLowerCase(), word] as const), ...Object.entries(aliases)])
  return {
    name,
    parse: source => {
      const word = spellings.get(source.trim().toLowerCase())
      if (word === undefined) throw new ValueError(`expected one of ${words.join(', ')}, found ${quoted(source)}`)
      return word
    },
    format: value => value,
    jsonSchema: { type: 'string', enum: [...words, ...Object.keys(aliases)] },
    words,
  }
}

export const ipStrategy = options('IP strategy', ['ipv4_only', 'ipv6_only', 'ipv4_then_ipv6', 'ipv6_then_ipv4'])
export type IpStrategy = 'ipv4_only' | 'ipv6_only' | 'ipv4_then_ipv6' | 'ipv6_then_ipv4'

/**
 * How much TLS a delivery demands: `optional` encrypts when it can and checks nothing (RFC 7435), `require` insists on
 * encryption, `verify` also on a certificate that passes PKIX, `disable` never encrypts.
 */
export const tlsOption = options('TLS option', ['optional', 'require', 'verify', 'disable'], {
  required: 'require',
  disabled: 'disable',
  none: 'disable',
  false: 'disable',
})
export type TlsOption = 'optional' | 'require' | 'verify' | 'disable'

export const verifyStrategy = options('verify strategy', ['relaxed', 'strict', 'disable'], {
  disabled: 'disable',
  never: 'disable',
  none: 'disable',
})
export type VerifyStrategy = 'relaxed' | 'strict' | 'disable'

export const frequency = options('frequency', ['hourly', 'daily', 'weekly', 'never'], {
  hour: 'hourly',
  day: 'daily',
  week: 'weekly',
  disable: 'never',
  false: 'never',
})
export type Frequency = 'hourly' | 'daily' | 'weekly' | 'never'

/** Profiles of RFC 6710. */
export const mtPriority = options('MT-PRIORITY profile', ['mixer', 'stanag4406', 'nsep'])
export type MtPriority = 'mixer' | 'stanag4406' | 'nsep'

const signatureAlgorithms = options('DKIM algorithm', ['rsa-sha256', 'ed25519-sha256'], {
  'rsa-sha-256': 'rsa-sha256',
  'ed25519-sha-256': 'ed25519-sha256',
})

/** Signature algorithms; rsa-sha1 is known and refused (RFC 8301 §3.1). */
export const dkimAlgorithm: ValueType<'rsa-sha256' | 'ed25519-sha256'> = {
  ...signatureAlgorithms,
  parse: source => {
    if (/^rsa-sha-?1$/i.test(source.trim())) throw new ValueError('rsa-sha1 must not be used any more (RFC 8301), use rsa-sha256')
    return signatureAlgorithms.parse(source)
  },
}
export type DkimAlgorithm = 'rsa-sha256' | 'ed25519-sha256'

export const hash = options('hash', ['sha256', 'sha1'], { 'sha-256': 'sha256', 'sha-1': 'sha1' })

export type CanonicalForm = 'relaxed' | 'simple'

export interface Canonicalization {
  readonly headers: CanonicalForm
  readonly body: CanonicalForm
}

const canonicalForm = options('canonicalization', ['relaxed', 'simple'])

/** `relaxed` or `simple` for both, or `headers/body` (RFC 6376 §3.4). */
export const canonicalization: ValueType<Canonicalization> = {
  name: 'canonicalization',
  parse: source => {
    const [headers = '', body = headers, ...rest] = source.split('/')
    if (rest.length > 0) throw new ValueError(`expected headers/body, found ${quoted(source)}`)
    return { headers: canonicalForm.parse(headers), body: canonicalForm.parse(body) }
  },
  format: value => `${value.headers}/${value.body}`,
  jsonSchema: { type: 'string', pattern: '^(relaxed|simple)(/(relaxed|simple))?$' },
}

const suites = [
  'TLS13_AES_256_GCM_SHA384',
  'TLS13_AES_128_GCM_SHA256',
  'TLS13_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
] as const

export type CipherSuite = (typeof suites)[number]
export const cipherSuite: ValueType<CipherSuite> = options('cipher suite', suites)

export const tlsVersion = options('TLS version', ['TLSv1.2', 'TLSv1.3'], { '0x0303': 'TLSv1.2', '0x0304': 'TLSv1.3' })
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

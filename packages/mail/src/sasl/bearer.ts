import { encodeChallenge } from './base64.ts'

export interface BearerMessage {
  /** Whom the token is said to belong to or to act for; empty when left out. */
  readonly actAs: string
  readonly token: string
}

/**
 * RFC 7628 §3.1: `n,[a=authzid],` then `key=value` pairs, each ended by ^A, then one more ^A. Null when it has another shape or brings
 * no bearer token. Channel bindings (`p=`) are not offered.
 */
export function parseOauthBearer(message: Buffer): BearerMessage | null {
  const found = /^[ny],(?:a=([^,\x01]*))?,\x01((?:[A-Za-z]+=[^\x01]*\x01)+)\x01$/.exec(message.toString('utf8'))
  if (found === null) return null
  const [, name = '', pairs = ''] = found
  const token = bearerIn(pairs)
  // RFC 5801 §4: `,` and `=` of a name are written as codes; any other `=` is an error.
  if (token === null || /=(?!2C|3D)/.test(name)) return null
  return { actAs: name.replaceAll('=2C', ',').replaceAll('=3D', '='), token }
}

/** Older form of the same, not standardised: `user=name ^A auth=Bearer token ^A ^A`. */
export function parseXoauth2(message: Buffer): BearerMessage | null {
  const found = /^user=([^\x01]*)\x01((?:[A-Za-z]+=[^\x01]*\x01)+)\x01$/.exec(message.toString('utf8'))
  if (found === null) return null
  const token = bearerIn(found[2] ?? '')
  return token === null ? null : { actAs: found[1] ?? '', token }
}

/** Scheme names have no case (RFC 6750 §2.1, RFC 9110 §11.1). */
function bearerIn(pairs: string): string | null {
  return /(?:^|\x01)auth=bearer +([\x21-\x7e]+)\x01/i.exec(pairs)?.[1] ?? null
}

/** RFC 7628 §3.2.2: why a token is refused, as the challenge that comes before the failure; it tells the client to get another one. */
export function bearerError(): string {
  return encodeChallenge(JSON.stringify({ status: 'invalid_token', schemes: 'bearer' }))
}

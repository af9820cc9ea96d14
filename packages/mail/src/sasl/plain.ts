export interface PlainMessage {
  /** Whom to act as; empty for oneself. */
  readonly actAs: string
  readonly login: string
  readonly secret: string
}

/** RFC 4616 §2: `[authzid] NUL authcid NUL passwd`. Null when it has another shape or a name or secret is empty. */
export function parsePlain(message: Buffer): PlainMessage | null {
  const parts = message.toString('utf8').split('\0')
  const [actAs = '', login = '', secret = ''] = parts
  return parts.length === 3 && login !== '' && secret !== '' ? { actAs, login, secret } : null
}

// Object ids as clients see them (RFC 8474): the same strings as in JMAP, so that a client of both can compare them.

/** Values of the digits 0 to 31. */
const alphabet = 'abcdefghijklmnopqrstuvwxyz792013'

/** Base 32, most significant digit first, no padding. */
export function encodeObjectId(id: number): string {
  let rest = id
  let text = ''
  do {
    text = (alphabet[rest % 32] ?? '') + text
    rest = Math.floor(rest / 32)
  } while (rest > 0)
  return text
}

/** Undefined for what no id looks like. */
export function decodeObjectId(text: string): number | undefined {
  let id = 0
  for (const char of text) {
    const digit = alphabet.indexOf(char)
    id = id * 32 + digit
    if (digit < 0 || !Number.isSafeInteger(id)) return undefined
  }
  // One id has one form.
  return encodeObjectId(id) === text ? id : undefined
}

/** What an id belongs to: a bare number tells objects of the own account apart, others need their account in front. */
interface Owner {
  readonly account: { readonly accountId: number }
  readonly isOwn: boolean
}

function prefixOf({ account, isOwn }: Owner): string {
  return isOwn ? '' : `${encodeObjectId(account.accountId)}-`
}

export function mailboxIdOf(place: Owner & { readonly mailbox: { readonly id: number } }): string {
  return `${prefixOf(place)}${encodeObjectId(place.mailbox.id)}`
}

/** EMAILID or THREADID. */
export function objectIdOf(owner: Owner, id: number): string {
  return `${prefixOf(owner)}${encodeObjectId(id)}`
}

/** The number behind an EMAILID or THREADID; undefined when it cannot be one of this account. */
export function parseObjectId(owner: Owner, text: string): number | undefined {
  const prefix = prefixOf(owner)
  return text.startsWith(prefix) ? decodeObjectId(text.slice(prefix.length)) : undefined
}

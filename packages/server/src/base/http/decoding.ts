/** Query parameters; an empty value counts as absent, the last of several wins. */
export interface Query {
  get(name: string): string | undefined
  /** True with any value, even `0` or `false`. */
  has(name: string): boolean
  /** Undefined when absent or no whole number. */
  integer(name: string): number | undefined
}

/** `+` and percent sequences; invalid UTF-8 is replaced, a stray `%` stays. `=` and `&` are ordinary characters here. */
export function decodeElement(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  if (!spaced.includes('%')) return spaced
  const given = Buffer.from(spaced)
  let length = 0
  for (let at = 0; at < given.length; at++) {
    const hex = given[at] === percent ? /^[0-9a-fA-F]{2}/.exec(given.toString('latin1', at + 1, at + 3)) : null
    given[length++] = hex === null ? (given[at] ?? 0) : Number.parseInt(hex[0], 16)
    if (hex !== null) at += 2
  }
  return given.toString('utf8', 0, length)
}

const percent = 0x25
const maxParameters = 100

export function parseQuery(raw: string): Query {
  const values = new Map<string, string>()
  for (const pair of raw.split('&').slice(0, maxParameters)) {
    const equals = pair.indexOf('=')
    if (equals < 0) continue
    values.set(decodeElement(pair.slice(0, equals)), decodeElement(pair.slice(equals + 1)))
  }
  const get = (name: string): string | undefined => values.get(name) || undefined
  return {
    get,
    has: name => get(name) !== undefined,
    integer(name) {
      const text = get(name)
      // Numbers of 64 bits are understood, though none that large means anything here.
      return text !== undefined && /^\d{1,20}$/.test(text) ? Math.min(Number(text), Number.MAX_SAFE_INTEGER) : undefined
    },
  }
}

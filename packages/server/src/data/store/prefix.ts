/** The least text, by bytes, above everything that starts with the prefix. */
export function endOf(prefix: string): string {
  const points = [...prefix].map(character => character.codePointAt(0) ?? 0)
  while (points.at(-1) === lastCodePoint) points.pop()
  const last = points.pop()
  if (last === undefined) return unbounded
  // Surrogates have no bytes of their own.
  points.push(last === 0xd7ff ? 0xe000 : last + 1)
  return String.fromCodePoint(...points)
}
const lastCodePoint = 0x10ffff
const unbounded = String.fromCodePoint(lastCodePoint).repeat(64)

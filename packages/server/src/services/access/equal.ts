import { timingSafeEqual } from 'node:crypto'

/** Compares secrets; the time it takes tells their lengths and nothing else. */
export function isEqual(a: string | Uint8Array, b: string | Uint8Array): boolean {
  const [left, right] = [bytesOf(a), bytesOf(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

function bytesOf(secret: string | Uint8Array): Uint8Array {
  return typeof secret === 'string' ? Buffer.from(secret) : secret
}

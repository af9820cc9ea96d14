// Just enough DER (ITU-T X.690) to write a certificate.

const tags = { integer: 2, bitString: 3, octetString: 4, oid: 6, utf8String: 12, utcTime: 23, generalizedTime: 24 } as const

function element(tag: number, content: Uint8Array): Buffer {
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  if (length > 0xffff) throw new RangeError('an element of more than 65535 bytes')
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

export function sequence(...items: readonly Uint8Array[]): Buffer {
  return element(0x30, Buffer.concat(items))
}

export function set(...items: readonly Uint8Array[]): Buffer {
  return element(0x31, Buffer.concat(items))
}

/** `[number]` around what it is: `constructed` for other elements, else bytes that replace an element's. */
export function tagged(number: number, content: Uint8Array, constructed: 'constructed' | 'primitive'): Buffer {
  return element((constructed === 'constructed' ? 0xa0 : 0x80) | number, content)
}

/** A number of at least one byte, never negative. */
export function integer(bytes: Uint8Array): Buffer {
  const start = bytes.findIndex(byte => byte !== 0)
  const shortest = start < 0 ? Buffer.from([0]) : Buffer.from(bytes.subarray(start))
  return element(tags.integer, (shortest[0] ?? 0) < 0x80 ? shortest : Buffer.concat([Buffer.from([0]), shortest]))
}

export const truth: Buffer = Buffer.from([1, 1, 0xff])

/** @param unusedBits of the last byte */
export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return element(tags.bitString, Buffer.concat([Buffer.from([unusedBits]), bytes]))
}

export function octetString(bytes: Uint8Array): Buffer {
  return element(tags.octetString, bytes)
}

export function utf8String(text: string): Buffer {
  return element(tags.utf8String, Buffer.from(text))
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return element(tags.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(value: number): number[] {
  const digits = [value & 127]
  for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift((left & 127) | 128)
  return digits
}

/** Seconds of a point in time; from 2050 on with a year of four digits (RFC 5280 §4.1.2.5). */
export function time(unixMs: number): Buffer {
  const digits = `${new Date(unixMs).toISOString().slice(0, 19).replace(/\D/g, '')}Z`
  return digits < '2050' ? element(tags.utcTime, Buffer.from(digits.slice(2))) : element(tags.generalizedTime, Buffer.from(digits))
}

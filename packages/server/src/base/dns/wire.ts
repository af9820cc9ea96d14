// Names and record data as bytes (RFC 1035 §3), written without compression, which updates and signatures need.
import { askableName, canonicalName } from './names.ts'

/** Lower case, as signatures want it (RFC 8945 §4.3.3); throws RangeError for what is no name. */
export function nameBytes(name: string): Buffer {
  const plain = canonicalName(name)
  if (plain === '') return Buffer.from([0])
  const ascii = askableName(plain)
  if (ascii === undefined) throw new RangeError(`${name.slice(0, 100)} is no name`)
  const labels = ascii.split('.').map(label => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]))
  return Buffer.concat([...labels, Buffer.from([0])])
}

/** Where a name ends; throws RangeError beyond the message. */
export function skipName(message: Buffer, start: number): number {
  for (let at = start; ; ) {
    const length = message.readUInt8(at)
    if (length === 0) return at + 1
    if (length >= 0xc0) return at + 2
    at += 1 + length
  }
}

export function skipRecord(message: Buffer, start: number): number {
  const at = skipName(message, start)
  return at + 10 + message.readUInt16BE(at + 8)
}

export const typeNumbers = { CNAME: 5, SOA: 6, MX: 15, TXT: 16, SRV: 33, TLSA: 52, ANY: 255 } as const

export type WritableType = 'CNAME' | 'MX' | 'TXT' | 'SRV' | 'TLSA'

/** Record data from presentation form, TXT as one text without quotes; throws RangeError for what does not fit. */
export function dataBytes(type: WritableType, content: string): Buffer {
  const parts = content.split(/\s+/)
  switch (type) {
    case 'CNAME':
      return nameBytes(content)
    case 'MX':
      return Buffer.concat([uint16(parts[0]), nameBytes(parts[1] ?? '')])
    case 'SRV':
      return Buffer.concat([uint16(parts[0]), uint16(parts[1]), uint16(parts[2]), nameBytes(parts[3] ?? '')])
    case 'TLSA':
      return Buffer.concat([Buffer.from(parts.slice(0, 3).map(Number)), Buffer.from(parts[3] ?? '', 'hex')])
    case 'TXT':
      return textBytes(content)
  }
}

function uint16(text: string | undefined): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(Number(text))
  return bytes
}

/** Strings of at most 255 bytes. */
function textBytes(content: string): Buffer {
  const bytes = Buffer.from(content)
  const strings: Buffer[] = []
  for (let at = 0; at === 0 || at < bytes.length; at += 255) {
    const part = bytes.subarray(at, at + 255)
    strings.push(Buffer.from([part.length]), part)
  }
  return Buffer.concat(strings)
}

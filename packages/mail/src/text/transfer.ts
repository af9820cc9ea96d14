/** Bytes behind a content transfer encoding; `problem` says that something did not belong there and was worked around. */
export interface DecodedBytes {
  readonly bytes: Buffer
  readonly problem: boolean
}

const invalid = 0x40
const padding = 0x41
const blank = 0x42

const base64Values = base64Table()

function base64Table(): Uint8Array {
  const table = new Uint8Array(256).fill(invalid)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  for (let i = 0; i < alphabet.length; i++) table[alphabet.charCodeAt(i)] = i
  for (const space of [0x09, 0x0a, 0x0d, 0x20]) table[space] = blank
  table[0x3d] = padding
  return table
}

/** RFC 2045 §6.8, tolerant: foreign characters are skipped and flagged, padding may be missing or stand in the middle. */
export function decodeBase64(source: Buffer): DecodedBytes {
  const out = Buffer.allocUnsafe(Math.ceil(source.length / 4) * 3)
  const table = base64Values
  let length = 0
  let bits = 0
  let count = 0
  let problem = false
  for (let i = 0; i < source.length; i++) {
    const value = table[source[i] ?? 0] ?? invalid
    if (value < invalid) {
      bits = (bits << 6) | value
      if (++count === 4) {
        out[length++] = bits >> 16
        out[length++] = bits >> 8
        out[length++] = bits
        bits = 0
        count = 0
      }
    } else if (value === padding) {
      length = flushBits(out, length, bits, count)
      bits = 0
      count = 0
    } else if (value === invalid) problem = true
  }
  if (count === 1) problem = true
  length = flushBits(out, length, bits, count)
  return { bytes: out.subarray(0, length), problem }
}

function flushBits(out: Buffer, length: number, bits: number, count: number): number {
  if (count === 2) {
    out[length] = bits >> 4
    return length + 1
  }
  if (count === 3) {
    out[length] = bits >> 10
    out[length + 1] = bits >> 2
    return length + 2
  }
  return length
}

function hexValue(byte: number | undefined): number {
  if (byte === undefined) return -1
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/** The end of `=` + blanks + line break at `index` (which points behind the equals sign), or −1 when it is no soft line break. */
function softBreakEnd(source: Buffer, index: number): number {
  let i = index
  while (source[i] === 0x20 || source[i] === 0x09) i++
  if (i >= source.length) return i
  if (source[i] === 0x0a) return i + 1
  if (source[i] === 0x0d) return source[i + 1] === 0x0a ? i + 2 : i + 1
  return -1
}

/** RFC 2045 §6.7, tolerant: an equals sign that starts nothing known stays as it is and is flagged, blanks at line ends are dropped. */
export function decodeQuotedPrintable(source: Buffer): DecodedBytes {
  const out = Buffer.allocUnsafe(source.length)
  let length = 0
  // Where the line would end if only blanks followed; encoded blanks count as text.
  let textEnd = 0
  let problem = false
  let i = 0
  while (i < source.length) {
    const byte = source[i] ?? 0
    if (byte === 0x3d) {
      const high = hexValue(source[i + 1])
      const low = high < 0 ? -1 : hexValue(source[i + 2])
      if (low >= 0) {
        out[length++] = (high << 4) | low
        textEnd = length
        i += 3
        continue
      }
      const next = softBreakEnd(source, i + 1)
      if (next >= 0) {
        textEnd = length
        i = next
        continue
      }
      problem = true
      out[length++] = byte
      textEnd = length
      i++
    } else if (byte === 0x20 || byte === 0x09) {
      out[length++] = byte
      i++
    } else if (byte === 0x0a || (byte === 0x0d && source[i + 1] === 0x0a)) {
      length = textEnd
      if (byte === 0x0d) {
        out[length++] = 0x0d
        i++
      }
      out[length++] = 0x0a
      textEnd = length
      i++
    } else {
      out[length++] = byte
      textEnd = length
      i++
    }
  }
  return { bytes: out.subarray(0, textEnd), problem }
}

/** Base64 in lines of 76 characters, each ended by CRLF. */
export function encodeBase64Lines(bytes: Buffer): Buffer {
  const text = bytes.toString('base64')
  const lines: string[] = []
  for (let i = 0; i < text.length; i += 76) lines.push(text.slice(i, i + 76), '\r\n')
  return Buffer.from(lines.join(''), 'latin1')
}

const hexDigits = '0123456789ABCDEF'

/** Quoted-printable with lines of at most 76 characters; CRLF and LF in the text become hard line breaks. */
export function encodeQuotedPrintable(bytes: Buffer): Buffer {
  const out: string[] = []
  let line = ''
  const softBreakBefore = (piece: string): void => {
    if (line.length + piece.length > 75) {
      out.push(line, '=\r\n')
      line = ''
    }
    line += piece
  }
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0
    const lineBreak = byte === 0x0a ? 1 : byte === 0x0d && bytes[i + 1] === 0x0a ? 2 : 0
    if (lineBreak > 0) {
      out.push(line, '\r\n')
      line = ''
      i += lineBreak - 1
      continue
    }
    const next = bytes[i + 1]
    const atLineEnd = next === undefined || next === 0x0a || (next === 0x0d && bytes[i + 2] === 0x0a)
    const plain = (byte > 0x20 && byte < 0x7f && byte !== 0x3d) || ((byte === 0x20 || byte === 0x09) && !atLineEnd)
    // RFC 2049 §3 and RFC 5321 §4.5.2: keep dots and "From " off line starts, some gateways change them.
    const risky = line === '' && (byte === 0x2e || (byte === 0x46 && bytes.toString('latin1', i, i + 5) === 'From '))
    softBreakBefore(plain && !risky ? String.fromCharCode(byte) : `=${hexDigits[byte >> 4]}${hexDigits[byte & 15]}`)
  }
  if (line !== '') out.push(line)
  return Buffer.from(out.join(''), 'latin1')
}

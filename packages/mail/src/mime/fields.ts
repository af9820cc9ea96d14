import { decodeUnlabelled, fieldText } from '#text'

/** One header field. Offsets count octets of the bytes that were scanned. */
export interface Field {
  /** Lower case. */
  readonly name: string
  readonly start: number
  /** Behind the colon. */
  readonly valueStart: number
  /** Behind the field's last line break. */
  readonly end: number
}

export interface HeaderScan {
  readonly fields: Field[]
  /** Where the fields begin, behind leading blank lines and an mbox line. */
  readonly start: number
  /** First octet of the body: behind the empty line, or where the header stopped without one. */
  readonly bodyStart: number
  /** A boundary line ended the header; it begins at `bodyStart`. */
  readonly stoppedAtBoundary: boolean
}

export interface HeaderScanOptions {
  readonly start: number
  readonly end: number
  readonly maxBytes: number
  readonly maxFields: number
  /** Nobody asks where the body begins: reading ends with the last field within the limits. */
  readonly fieldsOnly?: boolean
  /** A whole message begins here: blank lines and a `From ` line in front of it are passed over. */
  readonly isMessage: boolean
  /** Tells whether the line at this offset, which begins with two hyphens, delimits an enclosing multipart. */
  readonly isBoundary: ((lineStart: number) => boolean) | null
}

const lf = 0x0a
const cr = 0x0d
const colon = 0x3a
const hyphen = 0x2d

function isBlankByte(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09
}

function lineEndAfter(bytes: Buffer, from: number, end: number): number {
  const found = bytes.indexOf(lf, from)
  return found < 0 || found >= end ? end : found + 1
}

/** Length of the field name at `start`, 0 when the line has none (RFC 5322 §2.2: printable ASCII but colon; blanks before the colon pass). */
function nameLength(bytes: Buffer, start: number, end: number): number {
  let i = start
  while (i < end) {
    const byte = bytes[i] ?? 0
    if (byte <= 0x20 || byte === colon || byte >= 0x7f) break
    i++
  }
  const length = i - start
  while (i < end && isBlankByte(bytes[i])) i++
  return bytes[i] === colon && i < end ? length : 0
}

function skipLeading(bytes: Buffer, start: number, end: number): number {
  let i = start
  for (;;) {
    let next = i
    while (next < end && (isBlankByte(bytes[next]) || bytes[next] === cr)) next++
    if (next >= end || bytes[next] !== lf) break
    i = next + 1
  }
  // Blanks in front of the very first field name.
  let first = i
  while (first < end && isBlankByte(bytes[first])) first++
  if (first > i && nameLength(bytes, first, end) > 0) i = first
  if (bytes[i] === 0x46 && bytes.toString('latin1', i, i + 5) === 'From ') i = lineEndAfter(bytes, i, end)
  return i
}

/**
 * Reads a header block. Lines that are no field are passed over once; at the second one with text the body begins, since the empty
 * line is missing. Linear; never throws.
 */
export function scanHeader(bytes: Buffer, options: HeaderScanOptions): HeaderScan {
  const { end, isBoundary, maxFields, fieldsOnly = false } = options
  const start = options.isMessage ? skipLeading(bytes, options.start, end) : options.start
  const readUntil = start + options.maxBytes
  const fields: Field[] = []
  let open: { name: string; start: number; valueStart: number } | null = null
  let strayStart = -1
  let strayNext = -1
  let i = start
  const close = (at: number): void => {
    if (open !== null) fields.push({ ...open, end: at })
    open = null
  }
  while (i < end) {
    const first = bytes[i]
    if (first === lf || (first === cr && (bytes[i + 1] === lf || i + 1 >= end))) {
      close(i)
      return { fields, start, bodyStart: lineEndAfter(bytes, i, end), stoppedAtBoundary: false }
    }
    const next = lineEndAfter(bytes, i, end)
    if (isBlankByte(first)) {
      // A fold; in front of any field it is a stray blank line and goes unnoticed.
      i = next
      continue
    }
    if (first === hyphen && bytes[i + 1] === hyphen && isBoundary?.(i) === true) {
      close(i)
      return { fields, start, bodyStart: i, stoppedAtBoundary: true }
    }
    close(i)
    if (fieldsOnly && fields.length === maxFields) break
    const length = nameLength(bytes, i, next)
    if (length > 0) {
      // Beyond the limits only the end of the header is looked for: an object per line of 64 MB would fill the memory.
      if (fields.length < maxFields && i < readUntil)
        open = { name: bytes.toString('latin1', i, i + length).toLowerCase(), start: i, valueStart: bytes.indexOf(colon, i + length) + 1 }
    } else if (strayStart >= 0) {
      // Text without an empty line before it: neighbouring stray lines are its beginning.
      return { fields, start, bodyStart: strayNext === i ? strayStart : i, stoppedAtBoundary: false }
    } else {
      strayStart = i
      strayNext = next
    }
    i = next
  }
  close(end)
  return { fields, start, bodyStart: end, stoppedAtBoundary: false }
}

/** Far more than any message has, little enough to be read while others wait. */
const mostFields = 100_000

/** The first 100,000 fields of a header block in order, for those who need more than the structure keeps. */
export function readFields(bytes: Buffer, start = 0, end = bytes.length, isMessage = true): Field[] {
  const options = { start, end, maxBytes: end - start, maxFields: mostFields, fieldsOnly: true, isMessage, isBoundary: null }
  return scanHeader(bytes, options).fields
}

/** A field's value unfolded, encoded words as written. */
export function fieldValue(bytes: Buffer, field: Field): string {
  return fieldText(bytes.subarray(field.valueStart, field.end))
}

/** A field's octets behind the colon with their folding (RFC 8621 §4.1.2.1 raw form), trailing line break removed. */
export function rawFieldValue(bytes: Buffer, field: Field): string {
  return decodeUnlabelled(bytes.subarray(field.valueStart, field.end)).text.trimEnd()
}

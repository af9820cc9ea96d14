import { decodeBase64, decodeQuotedPrintable, fieldText } from '#text'
import { type EnvelopeFields, readEnvelope } from './envelope.ts'
import { type HeaderScan, scanHeader } from './fields.ts'
import { type ParameterizedValue, parseParameterized } from './parameters.ts'
import { defaultParseLimits, type MessageStructure, type ParseLimits, type Part, type PartKind } from './structure.ts'
import { parseCommaList } from './values.ts'

type Building = { -readonly [K in keyof Part]: Part[K] } & { children: number[] }

interface Frame {
  readonly part: Building
  readonly parts: Building[]
  /** Lines that delimit this multipart; null for other parts and behind the close delimiter. */
  boundary: Buffer | null
  readonly isDigest: boolean
  readonly linesBefore: number
}

interface Delimiter {
  readonly frame: number
  readonly isClose: boolean
  /** The line break before it belongs to it. */
  readonly contentEnd: number
  readonly lineStart: number
  readonly lineEnd: number
}

interface OpenMessage {
  readonly structure: { parts: Building[]; envelope: MessageStructure['envelope']; isDecoded: boolean; hasKnownField: boolean }
}

const lf = 0x0a
const cr = 0x0d
const hyphen = 0x2d
const delimiterStart = Buffer.from('\n--')

// Any of these in the first header makes the bytes a message.
const knownFields: ReadonlySet<string> = new Set(
  (
    'date from sender reply-to to cc bcc message-id in-reply-to references subject comments keywords received return-path delivered-to ' +
    'resent-date resent-from resent-sender resent-to resent-cc resent-bcc resent-message-id mime-version content-type content-transfer-encoding ' +
    'content-id content-description content-disposition content-language content-location list-id list-unsubscribe list-post list-help ' +
    'list-subscribe list-owner list-archive dkim-signature authentication-results auto-submitted return-receipt-to'
  ).split(' '),
)

const usedFields: ReadonlySet<string> = new Set(
  (
    'date from sender reply-to to cc bcc message-id in-reply-to subject content-type content-transfer-encoding content-id ' +
    'content-description content-disposition content-language content-location content-md5'
  ).split(' '),
)

/**
 * Reads the structure of a message in one pass over its bytes, which it never changes or keeps. Never throws; time and memory are
 * linear in the length whatever the bytes are.
 */
export function parseMessage(bytes: Buffer, limits: ParseLimits = defaultParseLimits): MessageStructure {
  const budget = { parts: limits.maxParts, decodedBytes: bytes.length * 2 }
  return new Parser(bytes, limits, budget, 0).parse(false)
}

class Parser {
  readonly #bytes: Buffer
  readonly #limits: ParseLimits
  readonly #budget: { parts: number; decodedBytes: number }
  readonly #depth: number
  readonly #stack: Frame[] = []
  #boundaries = 0
  #messages = 0
  #lineCount = 0
  #countedTo = 0

  constructor(bytes: Buffer, limits: ParseLimits, budget: { parts: number; decodedBytes: number }, depth: number) {
    this.#bytes = bytes
    this.#limits = limits
    this.#budget = budget
    this.#depth = depth
  }

  parse(isDecoded: boolean): MessageStructure {
    const root = openMessage(isDecoded)
    let parts = root.structure.parts
    let message: OpenMessage | null = root
    let position = 0
    for (;;) {
      const header = this.#scan(position, message !== null)
      const frame = this.#openPart(parts, header, message)
      const nested = header.stoppedAtBoundary ? null : this.#nestedMessage(frame.part)
      if (nested !== null) {
        parts = nested.structure.parts
        message = nested
        position = frame.part.bodyStart
        continue
      }
      let delimiter = header.stoppedAtBoundary ? this.#delimiterAt(header.bodyStart) : this.#nextDelimiter(header.bodyStart)
      while (delimiter?.isClose) {
        this.#closeAbove(delimiter.frame, delimiter.contentEnd)
        this.#endMultipart(delimiter)
        delimiter = this.#nextDelimiter(delimiter.lineEnd)
      }
      if (delimiter === null) break
      this.#closeAbove(delimiter.frame, delimiter.contentEnd)
      const parent = this.#stack[delimiter.frame]
      if (parent === undefined) break
      parts = parent.parts
      message = null
      position = delimiter.lineEnd
      if (this.#budget.parts <= 1) {
        this.#openRemainder(parts, position)
        break
      }
    }
    this.#closeAbove(-1, this.#bytes.length)
    return root.structure
  }

  #scan(start: number, isMessage: boolean): HeaderScan {
    const isBoundary = this.#boundaries > 0 ? (lineStart: number) => this.#delimiterAt(lineStart) !== null : null
    return scanHeader(this.#bytes, {
      start,
      end: this.#bytes.length,
      maxBytes: this.#limits.maxHeaderBytes,
      maxFields: this.#limits.maxFields,
      isMessage,
      isBoundary,
    })
  }

  /** Makes the part a header describes and puts it on the stack. */
  #openPart(parts: Building[], header: HeaderScan, message: OpenMessage | null): Frame {
    const values = this.#fieldValues(header, message)
    if (message !== null) message.structure.envelope = readEnvelope(values)
    const parent = message === null ? this.#parentIndex(parts) : -1
    const isDigest = parent >= 0 && this.#stack.at(-1)?.isDigest === true
    const content = contentType(values['content-type'], isDigest)
    const disposition = values['content-disposition'] ? parseParameterized(values['content-disposition']) : null
    const language = values['content-language']
    const encoding = encodingName(values['content-transfer-encoding'])
    const part: Building = {
      index: parts.length,
      parent,
      children: [],
      kind: kindOf(content.type, content.subtype, encoding),
      type: content.type,
      subtype: content.subtype,
      parameters: content.parameters,
      encoding,
      disposition:
        disposition === null || disposition.value === '' ? null : { type: disposition.value, parameters: disposition.parameters },
      id: values['content-id'] || null,
      description: values['content-description'] || null,
      language: language === undefined ? [] : parseCommaList(language),
      location: values['content-location']?.replace(/\s+/g, '') || null,
      md5: values['content-md5'] || null,
      headerStart: header.start,
      bodyStart: header.bodyStart,
      end: header.bodyStart,
      lines: 0,
      isDamaged: false,
      message: null,
    }
    this.#budget.parts--
    this.#fitLimits(part)
    const boundary = part.kind === 'multipart' ? this.#boundaryOf(part, content.boundary) : null
    return this.#push(parts, part, boundary)
  }

  #push(parts: Building[], part: Building, boundary: Buffer | null): Frame {
    if (part.parent >= 0) parts[part.parent]?.children.push(part.index)
    parts.push(part)
    const counts = part.kind === 'message' || part.type === 'text'
    if (part.kind === 'message') this.#messages++
    const linesBefore = counts || this.#messages > 0 ? this.#linesAt(part.bodyStart) : 0
    const frame: Frame = { part, parts, boundary, isDigest: part.kind === 'multipart' && part.subtype === 'digest', linesBefore }
    if (boundary !== null) this.#boundaries++
    this.#stack.push(frame)
    return frame
  }

  #parentIndex(parts: readonly Building[]): number {
    const top = this.#stack.at(-1)
    return top !== undefined && top.parts === parts ? top.part.index : -1
  }

  #fieldValues(header: HeaderScan, message: OpenMessage | null): EnvelopeFields {
    const values: Record<string, string> = {}
    const readUntil = header.start + this.#limits.maxHeaderBytes
    for (const field of header.fields) {
      if (message !== null && !message.structure.hasKnownField && knownFields.has(field.name)) message.structure.hasKnownField = true
      if (!usedFields.has(field.name)) continue
      // RFC 5322 §3.6 allows one of each. Of several the last counts, but a second Content-Type must not hide what the first one declared.
      if (field.name.startsWith('content-') && values[field.name] !== undefined) continue
      values[field.name] = fieldText(this.#bytes.subarray(field.valueStart, Math.min(field.end, readUntil)))
    }
    return values
  }

  /** What is nested too deep is not opened. */
  #fitLimits(part: Building): void {
    const isContainer = part.kind === 'multipart' || part.kind === 'message'
    if (isContainer && this.#depth + this.#stack.length >= this.#limits.maxDepth) makeOpaque(part)
  }

  #boundaryOf(part: Building, written: string | null): Buffer | null {
    const boundary = written ?? this.#guessBoundary(part.bodyStart)
    if (written === null) part.isDamaged = true
    return boundary === null ? null : Buffer.from(boundary, 'utf8')
  }

  /** A multipart without a boundary parameter: its first line of two hyphens and a token, if a header seems to follow. */
  #guessBoundary(from: number): string | null {
    const text = this.#bytes.toString('latin1', from, from + 16_384)
    const found = /(?:^|\n)--([0-9A-Za-z'()+_,./:=?-]{1,70})[ \t]*\r?\n(?=[\x21-\x39\x3b-\x7e]{1,60}:|\r?\n)/.exec(text)
    const boundary = found?.[1] ?? null
    return boundary === null || boundary.endsWith('--') ? null : boundary
  }

  /** A message part that stands in clear is parsed in place; an encoded one, and one without a body, when its end is known. */
  #nestedMessage(part: Building): OpenMessage | null {
    if (part.kind !== 'message' || isEncoded(part.encoding) || this.#budget.parts <= 1) return null
    const nested = openMessage(false)
    part.message = nested.structure
    return nested
  }

  #openRemainder(parts: Building[], from: number): void {
    const part: Building = {
      index: parts.length,
      parent: this.#parentIndex(parts),
      children: [],
      kind: 'binary',
      type: 'application',
      subtype: 'octet-stream',
      parameters: [],
      encoding: '8bit',
      disposition: null,
      id: null,
      description: null,
      language: [],
      location: null,
      md5: null,
      headerStart: from,
      bodyStart: from,
      end: from,
      lines: 0,
      isDamaged: true,
      message: null,
    }
    this.#budget.parts--
    // The rest is one part, so nothing in it delimits anything.
    for (const frame of this.#stack) frame.boundary = null
    this.#push(parts, part, null)
  }

  #closeAbove(frame: number, contentEnd: number): void {
    let end = contentEnd
    while (this.#stack.length - 1 > frame) {
      const top = this.#stack.pop()
      if (top === undefined) continue
      this.#closePart(top, end)
      // What is around a part ends no earlier than it does.
      end = top.part.end
    }
  }

  #closePart(frame: Frame, end: number): void {
    const { part } = frame
    // A delimiter may follow the header's empty line at once; its line break is then the header's.
    part.end = Math.max(end, part.bodyStart)
    if (part.kind === 'message' || part.type === 'text') part.lines = this.#linesAt(part.end) - frame.linesBefore
    else if (this.#messages === 0) this.#countedTo = Math.max(this.#countedTo, part.end)
    if (part.kind === 'message') {
      this.#messages--
      if (part.message === null) this.#parseEncoded(part)
    }
    if (part.kind !== 'multipart') return
    if (frame.boundary !== null) {
      this.#boundaries--
      part.isDamaged = true
      this.#markLastLeaf(frame)
    }
    if (part.children.length === 0) makeText(part, this.#countLines(part))
  }

  /** The close delimiter is missing, so the last part may have been cut. */
  #markLastLeaf(frame: Frame): void {
    const last = frame.part.children.at(-1)
    const child = last === undefined ? undefined : frame.parts[last]
    if (child !== undefined) child.isDamaged = true
  }

  #countLines(part: Building): number {
    let lines = 0
    for (let i = part.bodyStart; i < part.end; i++) if (this.#bytes[i] === lf) lines++
    return lines
  }

  #parseEncoded(part: Building): void {
    const body = this.#bytes.subarray(part.bodyStart, part.end)
    if (this.#budget.parts <= 1 || body.length > this.#budget.decodedBytes) return makeOpaque(part)
    const { bytes } = part.encoding === 'base64' ? decodeBase64(body) : decodeQuotedPrintable(body)
    this.#budget.decodedBytes -= bytes.length
    part.message = new Parser(bytes, this.#limits, this.#budget, this.#depth + this.#stack.length + 1).parse(true)
  }

  /** The close delimiter ends the parts of a multipart; its epilogue still belongs to it. */
  #endMultipart(delimiter: Delimiter): void {
    const frame = this.#stack[delimiter.frame]
    if (frame === undefined) return
    frame.boundary = null
    this.#boundaries--
    if (frame.part.children.length > 0) return
    // IMAP has no way to show a multipart without parts (RFC 9051 body-type-mpart).
    const empty: HeaderScan = { fields: [], start: delimiter.lineStart, bodyStart: delimiter.lineStart, stoppedAtBoundary: false }
    if (this.#budget.parts <= 1) return
    this.#openPart(frame.parts, empty, null)
    this.#closeAbove(delimiter.frame, delimiter.lineStart)
  }

  #nextDelimiter(from: number): Delimiter | null {
    if (this.#boundaries === 0) return null
    const bytes = this.#bytes
    if (bytes[from] === hyphen && bytes[from + 1] === hyphen) {
      const first = this.#delimiterAt(from)
      if (first !== null) return first
    }
    let at = bytes.indexOf(delimiterStart, Math.max(0, from - 1))
    while (at >= 0) {
      const found = at + 1 >= from ? this.#delimiterAt(at + 1) : null
      if (found !== null) return found
      at = bytes.indexOf(delimiterStart, at + 1)
    }
    return null
  }

  /** The delimiter whose line begins at `lineStart`: the whole line but trailing blanks has to match; inner multiparts come first. */
  #delimiterAt(lineStart: number): Delimiter | null {
    const bytes = this.#bytes
    const found = bytes.indexOf(lf, lineStart)
    const lineEnd = found < 0 ? bytes.length : found + 1
    let end = found < 0 ? bytes.length : found
    while (end > lineStart && (bytes[end - 1] === cr || bytes[end - 1] === 0x20 || bytes[end - 1] === 0x09)) end--
    const start = lineStart + 2
    for (let frame = this.#stack.length - 1; frame >= 0; frame--) {
      const boundary = this.#stack[frame]?.boundary
      if (boundary === undefined || boundary === null) continue
      const extra = end - start - boundary.length
      if (extra !== 0 && extra !== 2) continue
      if (boundary.compare(bytes, start, start + boundary.length) !== 0) continue
      const isClose = extra === 2
      if (isClose && (bytes[end - 1] !== hyphen || bytes[end - 2] !== hyphen)) continue
      return { frame, isClose, contentEnd: contentEnd(bytes, lineStart), lineStart, lineEnd }
    }
    return null
  }

  /** Line feeds before `position`; positions must not go back. */
  #linesAt(position: number): number {
    const bytes = this.#bytes
    let count = this.#lineCount
    for (let i = this.#countedTo; i < position; i++) if (bytes[i] === lf) count++
    this.#lineCount = count
    this.#countedTo = Math.max(this.#countedTo, position)
    return count
  }
}

function openMessage(isDecoded: boolean): OpenMessage {
  return { structure: { parts: [], envelope: readEnvelope({}), isDecoded, hasKnownField: false } }
}

function contentEnd(bytes: Buffer, lineStart: number): number {
  let end = lineStart
  if (bytes[end - 1] === lf) end--
  if (end < lineStart && bytes[end - 1] === cr) end--
  return end
}

interface ContentType {
  readonly type: string
  readonly subtype: string
  readonly parameters: ParameterizedValue['parameters']
  readonly boundary: string | null
}

const mediaToken = /^([^\s/()<>@,;:\\"[\]?=]+)\s*\/\s*([^\s/()<>@,;:\\"[\]?=]+)/

/** RFC 2045 §5.2: missing or broken means text/plain; RFC 2046 §5.1.5: missing in a digest means message/rfc822. */
function contentType(field: string | undefined, isDigest: boolean): ContentType {
  const parsed = field === undefined ? null : parseParameterized(field)
  const match = parsed === null ? null : mediaToken.exec(parsed.value)
  if (parsed === null || match === null) {
    const absent = field === undefined && isDigest
    return { type: absent ? 'message' : 'text', subtype: absent ? 'rfc822' : 'plain', parameters: parsed?.parameters ?? [], boundary: null }
  }
  return { type: match[1] ?? '', subtype: match[2] ?? '', parameters: parsed.parameters, boundary: parsed.boundary }
}

function encodingName(field: string | undefined): string {
  if (field === undefined) return '7bit'
  // Comments and parameters are not allowed here but sent.
  return /^[^\s;()"]+/.exec(parseParameterized(field).value)?.[0] ?? '7bit'
}

const knownEncodings: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary', 'base64', 'quoted-printable'])

/** True when the body has to be decoded before use. */
export function isEncoded(encoding: string): boolean {
  return encoding === 'base64' || encoding === 'quoted-printable'
}

/** RFC 2049 §2: an unknown transfer encoding makes the part opaque. */
export function isKnownEncoding(encoding: string): boolean {
  return knownEncodings.has(encoding)
}

export function kindOf(type: string, subtype: string, encoding: string): PartKind {
  // RFC 2045 §6.4: a multipart has no encoding, whatever it says.
  if (type === 'multipart') return 'multipart'
  if (!isKnownEncoding(encoding)) return 'binary'
  if (type === 'message' && (subtype === 'rfc822' || subtype === 'global')) return 'message'
  if (type !== 'text') return 'binary'
  return subtype === 'html' ? 'html' : 'text'
}

function makeOpaque(part: Building): void {
  part.kind = 'binary'
  part.type = 'application'
  part.subtype = 'octet-stream'
  part.isDamaged = true
}

/** A multipart none of whose delimiters occurs is text after all. */
function makeText(part: Building, lines: number): void {
  part.kind = 'text'
  part.type = 'text'
  part.subtype = 'plain'
  part.lines = lines
  part.isDamaged = true
}

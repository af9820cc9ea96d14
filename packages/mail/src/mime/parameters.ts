import { decodeEncodedWords, decodeText, decodeUnlabelled } from '#text'
import type { Parameter } from './structure.ts'

/** A structured value `word; name=value; …` (Content-Type, Content-Disposition). */
export interface ParameterizedValue {
  /** Before the first semicolon, comments removed, lower case. */
  readonly value: string
  readonly parameters: readonly Parameter[]
  /** The boundary exactly as written; decoding it could make it miss its lines. */
  readonly boundary: string | null
}

interface Segment {
  readonly index: number
  readonly isEncoded: boolean
  readonly text: string
}

interface Collected {
  plain: string | null
  segments: Segment[]
}

// More than any mailer writes; the rest is not looked at.
const maxParameters = 500

/**
 * Reads `value; name=value` with comments, quoted strings, unquoted values with blanks, missing semicolons, and the RFC 2231
 * continuations and charsets in any order. Input is unfolded. Never throws, linear.
 */
export function parseParameterized(text: string): ParameterizedValue {
  const reader = new ParameterReader(text)
  const value = reader.value()
  const collected = new Map<string, Collected>()
  let count = 0
  for (let next = reader.parameter(); next !== null && count < maxParameters; next = reader.parameter()) {
    collect(collected, next.name, next.value)
    count++
  }
  const parameters: Parameter[] = []
  for (const [name, found] of collected)
    parameters.push({ name, value: found.segments.length > 0 ? joinSegments(found.segments) : decodeEncodedWords(found.plain ?? '') })
  const boundary = collected.get('boundary')
  const written = boundary === undefined ? null : (boundary.plain ?? joinSegments(boundary.segments))
  return { value, parameters, boundary: written === null || written.trimEnd() === '' ? null : written.trimEnd() }
}

function collect(collected: Map<string, Collected>, rawName: string, value: string): void {
  const name = rawName.toLowerCase()
  const extended = /^([^*]+)\*(?:(\d{1,4})(\*)?)?$/.exec(name)
  const base = extended?.[1] ?? name
  let entry = collected.get(base)
  if (entry === undefined) {
    entry = { plain: null, segments: [] }
    collected.set(base, entry)
  }
  if (extended === null) entry.plain ??= value
  // RFC 2231 §4: `name*=` is the whole value with a charset; §3: `name*0=`, `name*1*=` are pieces, encoded or not.
  else
    entry.segments.push({ index: Number(extended[2] ?? 0), isEncoded: extended[2] === undefined || extended[3] !== undefined, text: value })
}

function joinSegments(segments: readonly Segment[]): string {
  const ordered = [...segments].sort((a, b) => a.index - b.index)
  const pieces: Buffer[] = []
  let charset: string | null = null
  let seen = -1
  let hasEncoded = false
  for (const [position, segment] of ordered.entries()) {
    if (segment.index === seen) continue
    seen = segment.index
    let text = segment.text
    if (segment.isEncoded) {
      hasEncoded = true
      const marks = position === 0 ? /^([^']{0,64})'[^']{0,64}'/.exec(text) : null
      if (marks !== null) {
        charset = marks[1] === '' ? null : (marks[1] ?? null)
        text = text.slice(marks[0].length)
      }
      pieces.push(percentDecoded(text))
    } else pieces.push(Buffer.from(text, 'utf8'))
  }
  const bytes = Buffer.concat(pieces)
  const text = charset === null ? decodeUnlabelled(bytes).text : decodeText(bytes, charset).text
  return hasEncoded ? text : decodeEncodedWords(text)
}

function percentDecoded(text: string): Buffer {
  const source = Buffer.from(text, 'utf8')
  const out = Buffer.allocUnsafe(source.length)
  let length = 0
  for (let i = 0; i < source.length; i++) {
    const byte = source[i] ?? 0
    const code = byte === 0x25 ? Number.parseInt(source.toString('latin1', i + 1, i + 3), 16) : Number.NaN
    if (byte === 0x25 && Number.isInteger(code) && /^[0-9a-fA-F]{2}$/.test(source.toString('latin1', i + 1, i + 3))) {
      out[length++] = code
      i += 2
    } else out[length++] = byte
  }
  return out.subarray(0, length)
}

class ParameterReader {
  readonly #text: string
  #position = 0
  #noCommentEnd = false

  constructor(text: string) {
    this.#text = text
  }

  value(): string {
    let value = ''
    const text = this.#text
    while (this.#position < text.length && text[this.#position] !== ';') {
      if (text[this.#position] === '(' && this.#skipComment()) continue
      if (text[this.#position] === '"') value += this.#quoted()
      else {
        const start = this.#position++
        while (this.#position < text.length && !/[;("]/.test(text[this.#position] ?? '')) this.#position++
        value += text.slice(start, this.#position)
      }
    }
    return value.trim().toLowerCase()
  }

  parameter(): { readonly name: string; readonly value: string } | null {
    const text = this.#text
    while (this.#position < text.length) {
      this.#skipBlanks()
      if (text[this.#position] === ';' || text[this.#position] === ',') {
        this.#position++
        continue
      }
      const start = this.#position
      while (this.#position < text.length && !/[=;\s("]/.test(text[this.#position] ?? '')) this.#position++
      const name = text.slice(start, this.#position)
      this.#skipBlanks()
      if (text[this.#position] !== '=') {
        // A word without value; a lone quote would otherwise never be passed.
        if (this.#position === start) this.#position++
        continue
      }
      this.#position++
      this.#skipBlanks()
      const value = text[this.#position] === '"' ? this.#quotedValue() : this.#token()
      if (name !== '') return { name, value }
    }
    return null
  }

  #quotedValue(): string {
    const value = this.#quoted()
    // `name="a"b"`: text glued to the closing quote belongs to nobody; the next name comes after a blank or semicolon.
    const text = this.#text
    while (this.#position < text.length && !/[;\s(]/.test(text[this.#position] ?? '')) this.#position++
    return value
  }

  #quoted(): string {
    const text = this.#text
    let value = ''
    let start = this.#position + 1
    let i = start
    while (i < text.length && text[i] !== '"') {
      // RFC 5322 §3.2.4; a backslash before anything else is a folder separator of mailers that do not quote.
      if (text[i] === '\\' && (text[i + 1] === '"' || text[i + 1] === '\\')) {
        value += text.slice(start, i)
        start = i + 1
        i += 2
      } else i++
    }
    value += text.slice(start, i)
    this.#position = i + 1
    return value
  }

  #token(): string {
    const text = this.#text
    const start = this.#position
    let end = start
    while (this.#position < text.length && text[this.#position] !== ';') {
      const char = text[this.#position] ?? ''
      if (char === ' ' || char === '\t') {
        this.#skipBlanks()
        // A missing semicolon: `charset=utf-8 format=flowed`.
        if (/^[\w*.-]{1,60}\s{0,5}=(?!\?|=)/.test(text.slice(this.#position, this.#position + 70))) break
        continue
      }
      this.#position++
      end = this.#position
    }
    return text.slice(start, end)
  }

  #skipBlanks(): void {
    const text = this.#text
    for (;;) {
      while (/\s/.test(text[this.#position] ?? '')) this.#position++
      if (text[this.#position] !== '(' || !this.#skipComment()) return
    }
  }

  /** Moves behind a comment; false when it is never closed and therefore none. */
  #skipComment(): boolean {
    if (this.#noCommentEnd) return false
    const text = this.#text
    let depth = 0
    for (let i = this.#position; i < text.length; i++) {
      if (text[i] === '\\') i++
      else if (text[i] === '(') depth++
      else if (text[i] === ')' && --depth === 0) {
        this.#position = i + 1
        return true
      }
    }
    this.#noCommentEnd = true
    return false
  }
}

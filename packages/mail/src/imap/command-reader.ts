import { type ArgumentSource, Arguments, type Literal } from './arguments.ts'

export interface CommandLimits {
  /** Octets of a command's lines together, literals not counted. */
  readonly maxLineBytes: number
  /** Octets of one literal. */
  readonly maxLiteralBytes: number
  /** Octets of one command, lines and literals. */
  readonly maxCommandBytes: number
}

export const defaultCommandLimits: CommandLimits = {
  maxLineBytes: 256 * 1024,
  maxLiteralBytes: 50 * 1024 * 1024,
  maxCommandBytes: 50 * 1024 * 1024,
}

export interface Command {
  readonly kind: 'command'
  readonly tag: string
  /** Upper case; the UID prefix belongs to it (`UID FETCH`). */
  readonly name: string
  readonly args: Arguments
}

/**
 * A literal was announced. Answer before reading on: `accept()` keeps it in memory, `accept(sink)` hands it over piece by piece,
 * `refuse()` drops the command. For a synchronising one send the continuation request when accepting.
 */
export interface LiteralOffer {
  readonly kind: 'literal'
  readonly tag: string
  readonly name: string
  readonly size: number
  readonly isSynchronizing: boolean
  readonly isBinary: boolean
  /** The command up to and with this literal, whose bytes are not there yet. A fresh reader each time. */
  readonly argsSoFar: () => Arguments
}

/** The line asked for with `expectLine`, without its line end. */
export interface ReceivedLine {
  readonly kind: 'line'
  readonly bytes: Buffer
}

/** Input that is no command; the reader is in step again behind it. */
export interface BadInput {
  readonly kind: 'bad'
  /** Null when there is none to answer with. */
  readonly tag: string | null
  readonly text: string
  /** `tooBig`: a limit was crossed (RFC 7888 §4 TOOBIG). */
  readonly reason: 'syntax' | 'tooBig'
}

export type ReaderEvent = Command | LiteralOffer | ReceivedLine | BadInput

const lf = 0x0a
const cr = 0x0d
const maxTag = 128
const maxName = 15

interface Started {
  readonly tag: string
  readonly name: string
}

/**
 * Cuts a client's octets into commands (RFC 9051 §2.2.1, §4.3; literals without synchronisation: RFC 7888). Feed it what arrives and take
 * events until there are none. Memory stays within the limits: longer lines are skipped as they come, larger literals are refused or,
 * when they come unasked, passed over.
 */
export class CommandReader {
  readonly #limits: CommandLimits
  #chunks: Buffer[] = []
  /** Chunks at the front, and their octets, that are known to hold no line end. */
  #scannedChunks = 0
  #scannedBytes = 0
  #parts: Buffer[] = []
  #partBytes = 0
  #literals: { at: number; literal: Literal }[] = []
  #literalBytes = 0
  #started: Started | null = null
  #state: 'line' | 'offered' | 'literal' | 'skipLine' | 'skipLiteral' = 'line'
  #offer: { size: number; isSynchronizing: boolean; isBinary: boolean } | null = null
  #remaining = 0
  #collected: Buffer[] = []
  #sink: ((chunk: Buffer) => void) | null = null
  #expectedLine: number | null = null
  #tooLong: BadInput | null = null
  #skippedTail: Buffer = Buffer.alloc(0)

  constructor(limits: CommandLimits = defaultCommandLimits) {
    this.#limits = limits
  }

  feed(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
  }

  /** The next event is the next line, of at most `maxBytes`, whatever it holds (SASL answers, DONE). */
  expectLine(maxBytes: number): void {
    this.#expectedLine = maxBytes
  }

  /** Takes away all octets not yet read: STARTTLS discards them, COMPRESS inflates them. */
  drain(): Buffer {
    const rest = Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#forgetScan()
    return rest
  }

  /** A command has begun and is not complete. */
  get isInsideCommand(): boolean {
    return this.#started !== null || this.#state !== 'line'
  }

  /** The next event, or null until more is fed. */
  next(): ReaderEvent | null {
    for (;;) {
      switch (this.#state) {
        case 'offered':
          throw new Error('the offered literal was neither accepted nor refused')
        case 'literal':
        case 'skipLiteral':
          if (!this.#readLiteral()) return null
          break
        case 'skipLine': {
          if (!this.#skipLine()) return null
          const bad = this.#takeTooLong()
          if (bad !== null) return bad
          break
        }
        default: {
          if (this.#expectedLine !== null) return this.#readExpectedLine(this.#expectedLine)
          const line = this.#takeLine(this.#limits.maxLineBytes - this.#partBytes)
          if (line === null) return null
          if (line === 'tooLong') return this.#lineTooLong()
          const event = this.#readLine(line)
          if (event !== null) return event
        }
      }
    }
  }

  accept(sink: ((chunk: Buffer) => void) | null = null): void {
    const offer = this.#takeOffer()
    const literal: Literal = { size: offer.size, isBinary: offer.isBinary, bytes: null }
    this.#literals.push({ at: this.#partBytes, literal })
    this.#literalBytes += sink === null ? offer.size : 0
    this.#remaining = offer.size
    this.#sink = sink
    this.#state = 'literal'
  }

  refuse(): void {
    const offer = this.#takeOffer()
    this.#reset()
    // RFC 7888 §4: what comes without being asked for has to be read past, and then the rest of its line.
    if (offer.isSynchronizing) return
    this.#remaining = offer.size
    this.#state = 'skipLiteral'
  }

  #takeOffer(): { size: number; isSynchronizing: boolean; isBinary: boolean } {
    const offer = this.#offer
    if (offer === null) throw new Error('no literal is offered')
    this.#offer = null
    return offer
  }

  #reset(): void {
    this.#parts = []
    this.#partBytes = 0
    this.#literals = []
    this.#literalBytes = 0
    this.#started = null
    this.#state = 'line'
  }

  #readExpectedLine(maxBytes: number): ReaderEvent | null {
    const line = this.#takeLine(maxBytes)
    if (line === null) return null
    this.#expectedLine = null
    if (line !== 'tooLong') return { kind: 'line', bytes: line }
    this.#tooLong = { kind: 'bad', tag: null, text: 'The line is too long', reason: 'tooBig' }
    this.#state = 'skipLine'
    return this.#skipLine() ? this.#takeTooLong() : null
  }

  #lineTooLong(): BadInput | null {
    const begin = this.#peek(Math.min(maxTag + 1, this.#limits.maxLineBytes)).toString('latin1')
    const tag = this.#started?.tag ?? /^([\x21-\x7e]+) /.exec(begin)?.[1] ?? null
    this.#reset()
    this.#tooLong = { kind: 'bad', tag, text: 'The command line is too long', reason: 'tooBig' }
    this.#state = 'skipLine'
    return this.#skipLine() ? this.#takeTooLong() : null
  }

  #takeTooLong(): BadInput | null {
    const event = this.#tooLong
    this.#tooLong = null
    this.#state = 'line'
    return event
  }

  #readLine(line: Buffer): ReaderEvent | null {
    const isContinued = this.#started !== null
    if (!isContinued && line.length === 0) return null
    if (line.includes(0)) return this.#bad(this.#started ?? startOf(line), 'NUL is not allowed in a command')
    let text = line
    if (this.#started === null) {
      const start = startOf(line)
      if (start === null || start.name === '') return this.#bad(null, missingName(line))
      if (start.name.length > maxName + 'UID '.length) return this.#bad(start, `Unknown command "${start.name.slice(0, 30)}"`)
      this.#started = start
      text = line.subarray(start.length)
    }
    const literal = announcement(text)
    this.#parts.push(literal === null ? text : text.subarray(0, literal.start))
    this.#partBytes += literal === null ? text.length : literal.start
    return literal === null ? this.#complete() : this.#offerLiteral(literal)
  }

  #bad(start: Started | null, text: string): BadInput {
    this.#reset()
    return { kind: 'bad', tag: start?.tag ?? null, text, reason: 'syntax' }
  }

  #complete(): Command {
    const started = this.#started ?? { tag: '*', name: '' }
    const args = new Arguments(this.#source())
    this.#reset()
    return { kind: 'command', tag: started.tag, name: started.name, args }
  }

  #source(): ArgumentSource {
    const [only] = this.#parts
    return { text: this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts), literals: this.#literals }
  }

  #offerLiteral(announced: Announcement): ReaderEvent | null {
    const started = this.#started ?? { tag: '*', name: '' }
    const { size, isSynchronizing, isBinary } = announced
    this.#offer = { size, isSynchronizing, isBinary }
    this.#state = 'offered'
    if (size > this.#limits.maxLiteralBytes || this.#partBytes + this.#literalBytes + size > this.#limits.maxCommandBytes) {
      const max = Math.min(this.#limits.maxLiteralBytes, this.#limits.maxCommandBytes)
      this.refuse()
      return { kind: 'bad', tag: started.tag, text: `The literal exceeds the maximum request size of ${max} octets`, reason: 'tooBig' }
    }
    const source = this.#source()
    const pending = { at: this.#partBytes, literal: { size, isBinary, bytes: null } }
    const literals = [...source.literals, pending]
    return { kind: 'literal', ...started, size, isSynchronizing, isBinary, argsSoFar: () => new Arguments({ text: source.text, literals }) }
  }

  /** Moves literal octets on; true when the literal is complete. */
  #readLiteral(): boolean {
    while (this.#remaining > 0) {
      const chunk = this.#takeChunk(this.#remaining)
      if (chunk === null) return false
      this.#remaining -= chunk.length
      if (this.#state === 'skipLiteral') continue
      if (this.#sink === null) this.#collected.push(chunk)
      else this.#sink(chunk)
    }
    if (this.#state === 'skipLiteral') {
      this.#state = 'skipLine'
      return true
    }
    const last = this.#literals.at(-1)
    if (last !== undefined && this.#sink === null)
      last.literal.bytes = this.#collected.length === 1 ? (this.#collected[0] ?? null) : Buffer.concat(this.#collected)
    this.#collected = []
    this.#sink = null
    this.#state = 'line'
    return true
  }

  #forgetScan(): void {
    this.#scannedChunks = 0
    this.#scannedBytes = 0
  }

  #takeChunk(max: number): Buffer | null {
    const [first] = this.#chunks
    if (first === undefined) return null
    this.#forgetScan()
    if (first.length <= max) {
      this.#chunks.shift()
      return first
    }
    this.#chunks[0] = first.subarray(max)
    return first.subarray(0, max)
  }

  #peek(max: number): Buffer {
    const [first = Buffer.alloc(0)] = this.#chunks
    return first.length >= max ? first.subarray(0, max) : Buffer.concat(this.#chunks).subarray(0, max)
  }

  /** Drops octets up to the next line end, and literals that follow without being asked for; true when all that is gone. */
  #skipLine(): boolean {
    for (;;) {
      const [first] = this.#chunks
      if (first === undefined) return false
      const end = first.indexOf(lf)
      const dropped = this.#takeChunk(end < 0 ? first.length : end + 1) ?? first
      this.#skippedTail = Buffer.concat([this.#skippedTail, dropped.subarray(-26)]).subarray(-26)
      if (end < 0) continue
      const tail = this.#skippedTail
      this.#skippedTail = Buffer.alloc(0)
      const literal = announcement(withoutLineEnd(tail))
      if (literal === null || literal.isSynchronizing) return true
      this.#remaining = literal.size
      this.#state = 'skipLiteral'
      if (!this.#readLiteral()) return false
    }
  }

  /** The next line without its end; CR in front of LF is dropped. */
  #takeLine(max: number): Buffer | 'tooLong' | null {
    for (; this.#scannedChunks < this.#chunks.length; this.#scannedChunks++) {
      const chunk = this.#chunks[this.#scannedChunks] ?? Buffer.alloc(0)
      const end = chunk.indexOf(lf)
      // Too long or not, the octets stay where they are until the line is skipped.
      if (this.#scannedBytes + (end < 0 ? chunk.length : end) > max + 1) return 'tooLong'
      if (end >= 0) return this.#cutLine(end + 1, max)
      this.#scannedBytes += chunk.length
    }
    return null
  }

  #cutLine(lastLength: number, max: number): Buffer | 'tooLong' {
    const whole = this.#chunks.slice(0, this.#scannedChunks)
    const last = this.#chunks[this.#scannedChunks] ?? Buffer.alloc(0)
    const line = withoutLineEnd(whole.length === 0 ? last.subarray(0, lastLength) : Buffer.concat([...whole, last.subarray(0, lastLength)]))
    if (line.length > max) return 'tooLong'
    const rest = last.subarray(lastLength)
    if (whole.length === 0 && rest.length > 0) this.#chunks[0] = rest
    else this.#chunks.splice(0, whole.length + 1, ...(rest.length > 0 ? [rest] : []))
    this.#forgetScan()
    return line
  }
}

function withoutLineEnd(line: Buffer): Buffer {
  if (line.at(-1) !== lf) return line
  return line.subarray(0, line.at(-2) === cr ? -2 : -1)
}

function missingName(line: Buffer): string {
  return line[0] === 0x20 ? 'A command begins with a tag' : `Missing command after tag "${line.toString('latin1', 0, 40).trim()}"`
}

function startOf(line: Buffer): (Started & { readonly length: number }) | null {
  const head = line.toString('latin1', 0, maxTag + 2 * maxName + 60)
  const match = /^([\x21-\x7e]{1,128}) +(?:([Uu][Ii][Dd]) +)?([^ \x00-\x1f(){"]{1,40})/.exec(head)
  if (match === null) {
    const tag = /^([\x21-\x7e]{1,128}) *$/.exec(head)?.[1]
    return tag === undefined ? null : { tag, name: '', length: line.length }
  }
  const [whole, tag = '', uid, name = ''] = match
  return { tag, name: (uid === undefined ? name : `UID ${name}`).toUpperCase(), length: whole.length }
}

interface Announcement {
  /** Where `{` or `~{` begins. */
  readonly start: number
  readonly size: number
  readonly isSynchronizing: boolean
  readonly isBinary: boolean
}

/** `{n}`, `{n+}`, `{n-}` or `~{…}` at the end of a line (RFC 9051 §4.3, RFC 7888 §5). */
function announcement(line: Buffer): Announcement | null {
  if (line[line.length - 1] !== 0x7d) return null
  const from = Math.max(0, line.length - 24)
  const match = /(~?)\{(\d{1,15})([+-]?)\}$/.exec(line.toString('latin1', from))
  if (match === null) return null
  return { start: from + match.index, size: Number(match[2]), isSynchronizing: match[3] === '', isBinary: match[1] === '~' }
}

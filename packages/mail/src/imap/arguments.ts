import { GrammarError } from './grammar-error.ts'

/** A literal as it came in; `bytes` is null while it is only announced, and when it was streamed elsewhere. */
export interface Literal {
  readonly size: number
  /** `~{n}` (RFC 9051 §4.3.1): may hold NUL. */
  readonly isBinary: boolean
  bytes: Buffer | null
}

/** What follows a command's name: its lines joined, the literals at their places in it. */
export interface ArgumentSource {
  readonly text: Buffer
  readonly literals: readonly { readonly at: number; readonly literal: Literal }[]
}

const space = 0x20
const quote = 0x22
const backslash = 0x5c
const open = 0x28
const close = 0x29
const brace = 0x7b

// RFC 9051 §9: what an atom may not hold; astrings are read more generously, as clients send `%`, `*`, `\` and raw UTF-8 unquoted.
const endsAtom = byteSet(' (){%*"\\]')
const endsAstring = byteSet(' (){"')

/** Longest quoted string, octets. */
const maxQuoted = 1024

function byteSet(extra: string): Uint8Array {
  const set = new Uint8Array(256)
  for (let byte = 0; byte < 0x20; byte++) set[byte] = 1
  set[0x7f] = 1
  for (const char of extra) set[char.charCodeAt(0)] = 1
  return set
}

/** Reads the arguments of one command from left to right. Everything that does not fit throws GrammarError. */
export class Arguments {
  readonly #text: Buffer
  readonly #literals: ArgumentSource['literals']
  #position = 0
  #nextLiteral = 0
  /** Blanks were skipped up to here. */
  #spacedAt = 0

  constructor(source: ArgumentSource) {
    this.#text = source.text
    this.#literals = source.literals
  }

  static of(text: string): Arguments {
    return new Arguments({ text: Buffer.from(text, 'utf8'), literals: [] })
  }

  /** Index up to which plain text goes from here: the next literal or the end. */
  get #limit(): number {
    return this.#literals[this.#nextLiteral]?.at ?? this.#text.length
  }

  get #atLiteral(): boolean {
    return this.#literals[this.#nextLiteral]?.at === this.#position
  }

  /** The byte here; undefined at the end and in front of a literal. */
  peek(): number | undefined {
    return this.#atLiteral ? undefined : this.#text[this.#position]
  }

  get isAtDigit(): boolean {
    const byte = this.peek()
    return byte !== undefined && byte >= 0x30 && byte <= 0x39
  }

  skipSpaces(): void {
    const before = this.#position
    while (!this.#atLiteral && this.#text[this.#position] === space) this.#position++
    if (this.#position > before) this.#spacedAt = this.#position
  }

  /** Nothing but blanks is left. */
  get isAtEnd(): boolean {
    this.skipSpaces()
    return !this.#atLiteral && this.#position >= this.#text.length
  }

  /** Moves to the next argument, which has to be there. */
  space(): void {
    if (this.isAtEnd) throw new GrammarError('Missing arguments', 'missing')
    if (this.#position !== this.#spacedAt) throw new GrammarError('A space is missing between arguments')
  }

  /** The command ends here. */
  end(): void {
    if (!this.isAtEnd) throw new GrammarError(`Unexpected ${this.#nearby()} behind the arguments`)
  }

  /** Takes this byte if it is next. */
  take(char: string): boolean {
    if (this.peek() !== char.charCodeAt(0)) return false
    this.#position++
    return true
  }

  expect(char: string): void {
    if (this.take(char)) return
    if (this.isAtEnd) throw new GrammarError(`"${char}" is missing at the end`, 'missing')
    throw new GrammarError(`Expected "${char}" before ${this.#nearby()}`)
  }

  #nearby(): string {
    if (this.#atLiteral) return 'a literal'
    const end = Math.min(this.#limit, this.#position + 20)
    return JSON.stringify(this.#text.toString('latin1', this.#position, end))
  }

  #run(stop: Uint8Array): Buffer {
    const limit = this.#limit
    const start = this.#position
    let end = start
    while (end < limit && stop[this.#text[end] ?? 0] === 0) end++
    this.#position = end
    return this.#text.subarray(start, end)
  }

  /** A word of letters, digits and `-._+/`, upper-cased: the names of items, keys and options. Empty text throws. */
  keyword(): string {
    const limit = this.#limit
    const start = this.#position
    let end = start
    while (end < limit && isKeywordByte(this.#text[end] ?? 0)) end++
    if (end === start) throw this.#unexpected('a name')
    this.#position = end
    return this.#text.toString('latin1', start, end).toUpperCase()
  }

  #unexpected(what: string): GrammarError {
    if (!this.#atLiteral && this.#position >= this.#text.length) return new GrammarError('Missing arguments', 'missing')
    return new GrammarError(`Expected ${what} instead of ${this.#nearby()}`)
  }

  atom(): string {
    const atom = this.#run(endsAtom)
    if (atom.length === 0) throw this.#unexpected('an atom')
    return atom.toString('utf8')
  }

  /** `number`, 0 to 2^32 − 1. */
  number(): number {
    return this.#digits(0xffff_ffff)
  }

  /** `number64`; values beyond 2^53 − 1 are taken for that, which no mailbox reaches. */
  number64(): number {
    return Math.min(this.#digits(Number.POSITIVE_INFINITY), Number.MAX_SAFE_INTEGER)
  }

  #digits(max: number): number {
    const limit = this.#limit
    const start = this.#position
    let value = 0
    let end = start
    for (; end < limit; end++) {
      const digit = (this.#text[end] ?? 0) - 0x30
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    if (end === start) throw this.#unexpected('a number')
    if (end - start > 20 || value > max) throw new GrammarError('The number is too large')
    this.#position = end
    return value
  }

  /** The text from here to the next byte of `stop`, a blank or a parenthesis, as it stands. */
  token(stop = ''): string {
    const limit = this.#limit
    const start = this.#position
    let end = start
    while (end < limit) {
      const byte = this.#text[end] ?? 0
      if (byte <= space || byte === open || byte === close || byte === 0x7f || stop.includes(String.fromCharCode(byte))) break
      end++
    }
    if (end === start) throw this.#unexpected('a value')
    this.#position = end
    return this.#text.toString('utf8', start, end)
  }

  #quoted(): Buffer {
    const text = this.#text
    const limit = this.#limit
    const out: number[] = []
    let i = this.#position + 1
    for (; i < limit; i++) {
      let byte = text[i] ?? 0
      if (byte === quote) break
      // Other escapes are not allowed; the backslash then stands for itself.
      if (byte === backslash && (text[i + 1] === quote || text[i + 1] === backslash)) byte = text[++i] ?? 0
      if (byte === 0) throw new GrammarError('NUL is not allowed in a string', 'lexical')
      if (out.length === maxQuoted)
        throw new GrammarError(`A quoted string is longer than ${maxQuoted} octets; send it as a literal`, 'lexical')
      out.push(byte)
    }
    if (i >= limit) throw new GrammarError('Unterminated quoted string', 'lexical')
    this.#position = i + 1
    return Buffer.from(out)
  }

  /** The literal here, or null. Its bytes may not be there yet. */
  tryLiteral(): Literal | null {
    const entry = this.#literals[this.#nextLiteral]
    if (entry === undefined || entry.at !== this.#position) return null
    this.#nextLiteral++
    return entry.literal
  }

  #literalText(literal: Literal): Buffer {
    if (literal.bytes === null) throw new GrammarError('A literal is not possible here')
    if (literal.bytes.includes(0)) throw new GrammarError('NUL is not allowed in a string', 'lexical')
    return literal.bytes
  }

  #tryString(): Buffer | null {
    const literal = this.tryLiteral()
    if (literal !== null) return this.#literalText(literal)
    return this.peek() === quote ? this.#quoted() : null
  }

  /** A quoted string or literal. */
  stringBytes(): Buffer {
    const found = this.#tryString()
    if (found === null) throw this.#unexpected('a string')
    return found
  }

  /** An astring: string or bare word, as octets (passwords may be in any charset). */
  astringBytes(): Buffer {
    const found = this.#tryString()
    if (found !== null) return found
    const bare = this.#run(endsAstring)
    if (bare.length > 0) return bare
    if (this.peek() === brace) throw new GrammarError('Invalid literal', 'lexical')
    throw this.#unexpected('a string')
  }

  string(): string {
    return this.stringBytes().toString('utf8')
  }

  astring(): string {
    return this.astringBytes().toString('utf8')
  }

  /** A string, or null for NIL. */
  nstring(): string | null {
    const found = this.#tryString()
    if (found !== null) return found.toString('utf8')
    if (this.keyword() !== 'NIL') throw new GrammarError('Expected a string or NIL')
    return null
  }

  /** `(` items separated by blanks `)`; may be empty. */
  list<T>(read: () => T): T[] {
    this.expect('(')
    const items: T[] = []
    for (;;) {
      this.skipSpaces()
      if (this.take(')')) return items
      if (this.isAtEnd) throw new GrammarError('")" is missing at the end', 'missing')
      items.push(read())
    }
  }

  /** A place to come back to. */
  mark(): { readonly position: number; readonly nextLiteral: number } {
    return { position: this.#position, nextLiteral: this.#nextLiteral }
  }

  reset(mark: { readonly position: number; readonly nextLiteral: number }): void {
    this.#position = mark.position
    this.#nextLiteral = mark.nextLiteral
  }

  /** An opening parenthesis comes next. */
  get isAtList(): boolean {
    return this.peek() === open
  }
}

function isKeywordByte(byte: number): boolean {
  return (
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x2d && byte <= 0x39) ||
    byte === 0x2b ||
    byte === 0x5f ||
    byte === 0x3d
  )
}

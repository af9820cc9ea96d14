/** A line without its end. */
export interface InputLine {
  readonly bytes: Buffer
  /** It ended with LF alone (RFC 5321 §2.3.8 forbids that). */
  readonly hasBareLf: boolean
}

/** The line was longer than allowed; it has been skipped to its end. */
export type InputEvent = InputLine | 'tooLong'

const lf = 0x0a
const cr = 0x0d

/**
 * Octets of an SMTP client, taken as lines, as raw chunks (BDAT) or as whatever is there (DATA). Holds no more than one line of the allowed
 * length beside what was fed last.
 */
export class SmtpInput {
  #chunks: Buffer[] = []
  /** Chunks in front that hold no line end, and their octets. */
  #scanned = 0
  #scannedBytes = 0
  #isSkipping = false

  feed(chunk: Buffer): void {
    if (chunk.length > 0) this.#chunks.push(chunk)
  }

  /** Something is there that nobody has taken yet. */
  get hasOctets(): boolean {
    return this.#chunks.length > 0
  }

  /** All octets there are, in one piece; the caller gives back with `unread` what it does not use. */
  takeAll(): Buffer {
    const all = this.#chunks.length === 1 ? (this.#chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#forget()
    return all
  }

  /** Up to `max` octets, or null when there are none: one piece of a BDAT chunk. */
  takeUpTo(max: number): Buffer | null {
    const [first] = this.#chunks
    if (first === undefined) return null
    this.#forget()
    if (first.length <= max) {
      this.#chunks.shift()
      return first
    }
    this.#chunks[0] = first.subarray(max)
    return first.subarray(0, max)
  }

  unread(octets: Buffer): void {
    if (octets.length === 0) return
    this.#chunks.unshift(octets)
    this.#forget()
  }

  /** The next line of at most `maxBytes` with its end, or null until more is fed. */
  readLine(maxBytes: number): InputEvent | null {
    for (;;) {
      const line = this.#cut(this.#isSkipping ? Number.POSITIVE_INFINITY : maxBytes)
      if (line === null) return null
      if (line === 'tooLong') {
        this.#isSkipping = true
        continue
      }
      if (this.#isSkipping) {
        this.#isSkipping = false
        return 'tooLong'
      }
      const hasCr = line[line.length - 2] === cr
      return { bytes: line.subarray(0, line.length - (hasCr ? 2 : 1)), hasBareLf: !hasCr }
    }
  }

  #cut(maxBytes: number): Buffer | 'tooLong' | null {
    for (; this.#scanned < this.#chunks.length; this.#scanned++) {
      const chunk = this.#chunks[this.#scanned] ?? Buffer.alloc(0)
      const end = chunk.indexOf(lf)
      if (this.#scannedBytes + (end < 0 ? chunk.length : end + 1) > maxBytes) return 'tooLong'
      if (end >= 0) return this.#takeLine(end + 1)
      this.#scannedBytes += chunk.length
      if (this.#isSkipping) this.#dropScanned()
    }
    return null
  }

  #dropScanned(): void {
    this.#chunks.splice(0, this.#scanned + 1)
    this.#scanned = -1
    this.#scannedBytes = 0
  }

  #takeLine(lastLength: number): Buffer {
    const before = this.#chunks.slice(0, this.#scanned)
    const last = this.#chunks[this.#scanned] ?? Buffer.alloc(0)
    const line = before.length === 0 ? last.subarray(0, lastLength) : Buffer.concat([...before, last.subarray(0, lastLength)])
    const rest = last.subarray(lastLength)
    this.#chunks.splice(0, before.length + 1, ...(rest.length > 0 ? [rest] : []))
    this.#forget()
    return line
  }

  #forget(): void {
    this.#scanned = 0
    this.#scannedBytes = 0
  }
}

/** What to do with a CR or LF that stands alone (RFC 5321 §2.3.8 forbids both): pass it on, or make it CRLF. Either way it is reported. */
export type BareNewlines = 'keep' | 'normalize'

export interface DecodedData {
  /** Message octets out of this chunk; views of it where possible. */
  readonly octets: readonly Buffer[]
  /** The final dot was seen. */
  readonly isDone: boolean
  /** What follows the final dot. */
  readonly rest: Buffer
}

const cr = 0x0d
const lf = 0x0a
const dot = 0x2e

const crlf = Buffer.from('\r\n')
const oneCr = Buffer.from('\r')
const oneLf = Buffer.from('\n')

// Where the decoder stands between two octets. `dot` and `dotCr` hold back the dot and the CR until it is known what they are.
type State = 'lineStart' | 'text' | 'cr' | 'dot' | 'dotCr'

/**
 * Takes DATA apart as it comes: undoes dot-stuffing and ends at CRLF.CRLF and nothing else, so that nobody can hide a second message
 * behind LF.LF, CR.CR or CRLF.CR CR LF. The CRLF that ended the DATA command counts (RFC 5321 §4.1.1.4).
 */
export class DataDecoder {
  readonly #bare: BareNewlines
  #state: State = 'lineStart'
  #hasBareCr = false
  #hasBareLf = false
  #length = 0

  constructor(bareNewlines: BareNewlines = 'keep') {
    this.#bare = bareNewlines
  }

  /** A CR without LF was seen. */
  get hasBareCr(): boolean {
    return this.#hasBareCr
  }

  /** An LF without CR was seen. */
  get hasBareLf(): boolean {
    return this.#hasBareLf
  }

  /** Message octets given out so far. */
  get length(): number {
    return this.#length
  }

  feed(chunk: Buffer): DecodedData {
    const octets: Buffer[] = []
    // Octets from here on are given out as they stand.
    let start = 0
    const give = (piece: Buffer): void => {
      if (piece.length === 0) return
      octets.push(piece)
      this.#length += piece.length
    }
    const flush = (end: number, next: number): void => {
      give(chunk.subarray(start, end))
      start = next
    }
    let i = 0
    if (this.#state === 'dotCr') {
      // The held-back octets came with an earlier chunk.
      if (chunk.length > 0 && chunk[0] !== lf) {
        give(oneCr)
        this.#state = 'cr'
      }
    }
    while (i < chunk.length) {
      const byte = chunk[i]
      switch (this.#state) {
        case 'lineStart':
          if (byte === dot) {
            flush(i, i + 1)
            this.#state = 'dot'
            i++
            continue
          }
          this.#state = 'text'
          continue
        case 'dot':
          if (byte === cr) {
            start = i + 1
            this.#state = 'dotCr'
            i++
            continue
          }
          start = i
          this.#state = 'text'
          continue
        case 'dotCr':
          if (byte === lf) return { octets, isDone: true, rest: chunk.subarray(i + 1) }
          // A CR behind the removed dot, and then something else: it was a bare CR in a stuffed line.
          start = Math.max(0, i - 1)
          this.#state = 'cr'
          continue
        case 'cr':
          if (byte === lf) {
            this.#state = 'lineStart'
            i++
            continue
          }
          this.#hasBareCr = true
          if (this.#bare === 'normalize') {
            flush(i, i)
            give(oneLf)
          }
          this.#state = 'text'
          continue
        default: {
          const next = nextNewline(chunk, i)
          if (next < 0) {
            i = chunk.length
            continue
          }
          i = next + 1
          if (chunk[next] === cr) {
            this.#state = 'cr'
            continue
          }
          this.#hasBareLf = true
          if (this.#bare === 'normalize') {
            flush(next, next + 1)
            give(crlf)
          }
        }
      }
    }
    flush(chunk.length, chunk.length)
    return { octets, isDone: false, rest: chunk.subarray(chunk.length) }
  }
}

function nextNewline(chunk: Buffer, from: number): number {
  for (let i = from; i < chunk.length; i++) {
    const byte = chunk[i]
    if (byte === lf || byte === cr) return i
  }
  return -1
}

/**
 * Message octets as DATA wants them: dots at line starts doubled, every lone CR or LF made CRLF so that we never send what we did not
 * frame, and the closing CRLF.CRLF with `end()`.
 */
export class DataEncoder {
  #state: 'lineStart' | 'text' | 'cr' = 'lineStart'

  encode(chunk: Buffer): Buffer[] {
    const out: Buffer[] = []
    let start = 0
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]
      if (this.#state === 'cr') {
        this.#state = 'lineStart'
        if (byte === lf) continue
        out.push(chunk.subarray(start, i), oneLf)
        start = i
      }
      if (byte === cr) this.#state = 'cr'
      else if (byte === lf) {
        out.push(chunk.subarray(start, i), crlf)
        start = i + 1
        this.#state = 'lineStart'
      } else {
        if (byte === dot && this.#state === 'lineStart') {
          out.push(chunk.subarray(start, i))
          // The dot itself follows once more with the next piece.
          out.push(Buffer.from('.'))
          start = i
        }
        this.#state = 'text'
      }
    }
    out.push(chunk.subarray(start))
    return out.filter(piece => piece.length > 0)
  }

  end(): Buffer {
    const ending = this.#state === 'lineStart' ? '.\r\n' : this.#state === 'cr' ? '\n.\r\n' : '\r\n.\r\n'
    return Buffer.from(ending)
  }
}

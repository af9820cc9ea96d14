const cr = 0x0d
const lf = 0x0a
const dot = 0x2e
const oneDot = Buffer.from('.')
const crlf = Buffer.from('\r\n')

/**
 * A message as a multi-line response (RFC 1939 §3): LF alone becomes CRLF, dots at line starts are doubled. With `bodyLines` it ends
 * after the header, its empty line and so many lines of the body (RFC 1939 §7, TOP).
 */
export class MessageEncoder {
  readonly #bodyLines: number | undefined
  /** Octets of the line that has begun, without its end. */
  #lineBytes = 0
  #last = 0
  /** Lines of the body that are complete; undefined in the header. */
  #bodyCount: number | undefined
  #isDone = false

  constructor({ bodyLines }: { readonly bodyLines?: number } = {}) {
    this.#bodyLines = bodyLines
  }

  /** As much as was asked for is there; what comes further is ignored. */
  get isDone(): boolean {
    return this.#isDone
  }

  encode(chunk: Buffer): Buffer {
    const out: Buffer[] = []
    let start = 0
    for (let at = 0; at < chunk.length && !this.#isDone; ) {
      if (this.#lineBytes === 0 && chunk[at] === dot) {
        out.push(chunk.subarray(start, at), oneDot)
        start = at
      }
      const end = chunk.indexOf(lf, at)
      if (end < 0) {
        this.#lineBytes += chunk.length - at
        break
      }
      const length = this.#lineBytes + end - at
      const hasCr = (end > at ? chunk[end - 1] : this.#lineBytes > 0 ? this.#last : 0) === cr
      if (!hasCr) {
        out.push(chunk.subarray(start, end), crlf)
        start = end + 1
      }
      at = end + 1
      this.#lineBytes = 0
      this.#endLine(length === (hasCr ? 1 : 0))
      if (this.#isDone) return join(out, chunk.subarray(start, at))
    }
    if (this.#isDone) return Buffer.alloc(0)
    this.#last = chunk.at(-1) ?? this.#last
    return join(out, chunk.subarray(start))
  }

  /** What ends the response. */
  end(): Buffer {
    return Buffer.from(this.#lineBytes === 0 ? '.\r\n' : '\r\n.\r\n')
  }

  #endLine(isEmpty: boolean): void {
    if (this.#bodyLines === undefined) return
    if (this.#bodyCount !== undefined) this.#bodyCount++
    else if (isEmpty) this.#bodyCount = 0
    this.#isDone = this.#bodyCount !== undefined && this.#bodyCount >= this.#bodyLines
  }
}

function join(pieces: Buffer[], last: Buffer): Buffer {
  return pieces.length === 0 ? last : Buffer.concat([...pieces, last])
}

/** Counts LF without CR before it: by so many octets a message grows on its way. */
export class BareLineFeeds {
  count = 0
  #last = 0

  feed(chunk: Buffer): void {
    for (let at = chunk.indexOf(lf); at >= 0; at = chunk.indexOf(lf, at + 1)) {
      if ((at === 0 ? this.#last : chunk[at - 1]) !== cr) this.count++
    }
    this.#last = chunk.at(-1) ?? this.#last
  }
}

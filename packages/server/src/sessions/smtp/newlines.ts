// CR and LF that stand alone, in a message that came in chunks (RFC 5321 §2.3.8).

const cr = 0x0d
const lf = 0x0a
const crlf = Buffer.from('\r\n')

export class NewlineFilter {
  /** A lone CR or LF was seen, and the rule is to refuse it. */
  isRefused = false
  private readonly rule: 'keep' | 'normalize' | 'reject'
  /** The last octet was a CR, held back until it is known what follows. */
  private endsInCr = false

  constructor(rule: 'keep' | 'normalize' | 'reject') {
    this.rule = rule
  }

  /** The octets to take instead. */
  feed(chunk: Buffer): Buffer[] {
    if (this.rule === 'keep' || chunk.length === 0) return [chunk]
    const out: Buffer[] = []
    let start = 0
    let i = 0
    if (this.endsInCr) {
      this.endsInCr = false
      if (chunk[0] === lf) i = start = 1
      else this.isRefused ||= this.rule === 'reject'
      out.push(crlf)
    }
    for (; i < chunk.length; i++) {
      const byte = chunk[i]
      if (byte !== cr && byte !== lf) continue
      if (byte === cr && chunk[i + 1] === lf) {
        i++
        continue
      }
      out.push(chunk.subarray(start, i))
      start = i + 1
      if (byte === cr && i === chunk.length - 1) {
        this.endsInCr = true
        continue
      }
      this.isRefused ||= this.rule === 'reject'
      out.push(crlf)
    }
    out.push(chunk.subarray(start))
    return out
  }

  end(): Buffer[] {
    if (!this.endsInCr) return []
    this.endsInCr = false
    this.isRefused ||= this.rule === 'reject'
    return [crlf]
  }
}

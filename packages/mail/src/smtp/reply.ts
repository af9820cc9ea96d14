/** A reply as received (RFC 5321 §4.2, RFC 2034). */
export interface Reply {
  readonly code: number
  /** X.Y.Z of the last line, when its class fits the code. */
  readonly enhanced: string | null
  /** Texts without codes, in order; never empty. */
  readonly lines: readonly string[]
}

/** The peer does not speak SMTP. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError'
}

export interface ReplyLimits {
  readonly maxLineBytes: number
  readonly maxLines: number
}

// RFC 5321 §4.5.3.1.5 asks for 512; hosts send long policy texts.
export const defaultReplyLimits: ReplyLimits = { maxLineBytes: 4096, maxLines: 200 }

const enhancedCode = /^([245])\.(\d{1,3})\.(\d{1,3})(?: |$)/

/** Puts the replies of a server together from what arrives. */
export class ReplyReader {
  readonly #limits: ReplyLimits
  #buffered: Buffer = Buffer.alloc(0)
  #lines: string[] = []
  #code = 0

  constructor(limits: ReplyLimits = defaultReplyLimits) {
    this.#limits = limits
  }

  feed(chunk: Buffer): void {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk])
  }

  /** Octets not yet used; STARTTLS throws them away. */
  drain(): Buffer {
    const rest = this.#buffered
    this.#buffered = Buffer.alloc(0)
    return rest
  }

  /** The next complete reply, or null until more is fed. Throws ReplyError. */
  next(): Reply | null {
    for (;;) {
      const end = this.#buffered.indexOf(0x0a)
      if ((end < 0 ? this.#buffered.length : end) > this.#limits.maxLineBytes) throw new ReplyError('The reply line is too long')
      if (end < 0) return null
      const line = this.#buffered.toString('utf8', 0, end).replace(/\r$/, '')
      this.#buffered = this.#buffered.subarray(end + 1)
      const reply = this.#take(line)
      if (reply !== null) return reply
    }
  }

  #take(line: string): Reply | null {
    const match = /^([2-5]\d{2})(?:([ -])(.*))?$/s.exec(line)
    if (match === null) throw new ReplyError(`Unexpected reply "${line.slice(0, 80)}"`)
    const code = Number(match[1])
    if (this.#lines.length > 0 && code !== this.#code) throw new ReplyError('The lines of a reply have different codes')
    if (this.#lines.length >= this.#limits.maxLines) throw new ReplyError('The reply has too many lines')
    this.#code = code
    this.#lines.push(match[3] ?? '')
    if (match[2] === '-') return null
    const texts = this.#lines
    this.#lines = []
    const found = enhancedCode.exec(texts.at(-1) ?? '')
    const fits = found !== null && Number(found[1]) === Math.floor(code / 100)
    if (!fits || found === null) return { code, enhanced: null, lines: texts }
    return { code, enhanced: found[0].trim(), lines: texts.map(text => text.replace(enhancedCode, '')) }
  }
}

/** Longest text of one line, so that with codes it stays within RFC 5321 §4.5.3.1.5. */
const maxText = 490

/**
 * Writes a reply with its enhanced code on every line (RFC 2034 §4), several lines where the text has line breaks or is long. Pass null
 * for greetings, EHLO answers and 3xx replies, which have none.
 */
export function formatReply(code: number, enhanced: string | null, text: string | readonly string[]): string {
  const lines = (typeof text === 'string' ? [text] : text).flatMap(line => line.split(/\r\n|\r|\n/)).flatMap(wrap)
  const status = enhanced === null ? '' : `${enhanced} `
  return lines.map((line, index) => `${code}${index === lines.length - 1 ? ' ' : '-'}${status}${line}\r\n`).join('')
}

function wrap(line: string): string[] {
  const clean = line.replaceAll('\u0000', ' ')
  if (Buffer.byteLength(clean) <= maxText) return [clean]
  const out: string[] = []
  let current = ''
  for (const char of clean) {
    if (Buffer.byteLength(current) + Buffer.byteLength(char) > maxText) {
      out.push(current)
      current = ''
    }
    current += char
  }
  out.push(current)
  return out
}

import { SmtpInput } from '#smtp'
import { Pop3SyntaxError } from './syntax-error.ts'

/** A command line taken apart. */
export interface CommandText {
  /** Upper case; empty for an empty line. */
  readonly verb: string
  /** What stands behind the one blank that ends the verb; null when nothing does. */
  readonly rest: Buffer | null
}

/** Lines of a client; those that are too long are skipped to their end without being kept. LF alone ends a line too. */
export class CommandReader {
  readonly #input = new SmtpInput()

  feed(chunk: Buffer): void {
    this.#input.feed(chunk)
  }

  /** The next line of at most `maxBytes` with its end, or null until more is fed. */
  next(maxBytes: number): Buffer | 'tooLong' | null {
    const event = this.#input.readLine(maxBytes)
    return event === null || event === 'tooLong' ? event : event.bytes
  }
}

const blank = 0x20
const tab = 0x09

export function parseCommand(line: Buffer): CommandText {
  let start = 0
  while (line[start] === blank || line[start] === tab) start++
  const end = line.indexOf(blank, start)
  if (end < 0) return { verb: line.toString('latin1', start).toUpperCase(), rest: null }
  const rest = line.subarray(end + 1)
  return { verb: line.toString('latin1', start, end).toUpperCase(), rest: rest.length === 0 ? null : rest }
}

/** All that is left of the line, blanks included: RFC 1939 §7 lets the one argument of PASS have them. */
export function readText({ rest }: CommandText): Buffer {
  if (rest === null) throw missing()
  return rest
}

const maxNumber = 2 ** 32 - 1

/** From `min` to `max` unsigned 32-bit numbers, digits alone. */
export function readNumbers({ rest }: CommandText, { min, max }: { readonly min: number; readonly max: number }): readonly number[] {
  const words = rest === null ? [] : rest.toString('latin1').split(' ').filter(Boolean)
  if (words.length < min) throw missing()
  if (words.length > max) throw new Pop3SyntaxError('Too many arguments.')
  return words.map(word => {
    const number = /^\d{1,10}$/.test(word) ? Number(word) : Number.POSITIVE_INFINITY
    if (number > maxNumber) throw new Pop3SyntaxError('Invalid number.')
    return number
  })
}

function missing(): Pop3SyntaxError {
  return new Pop3SyntaxError('Missing arguments.')
}

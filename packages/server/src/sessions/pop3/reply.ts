// What a command ends with, and how failures read in POP3.
import { type EventId, errors, type Failure } from '@postern/contract'
import type { Fields } from '#base/trace'

/** RFC 2449 §8, RFC 3206. */
export type ResponseCode = 'AUTH' | 'IN-USE' | 'LOGIN-DELAY' | 'SYS/TEMP' | 'SYS/PERM'

export interface Reply {
  readonly isOk: boolean
  /** Response code without its brackets. */
  readonly code?: string | undefined
  readonly text: string
  /** What follows a positive reply in pieces, its final dot included. */
  readonly body?: Iterable<string> | AsyncIterable<string | Buffer>
  /** The connection is closed after the reply. */
  readonly ends?: boolean
  /** Instead of the one the table names. */
  readonly event?: EventId
  readonly fields?: Fields
}

export function ok(text: string, more: Omit<Reply, 'isOk' | 'text'> = {}): Reply {
  return { isOk: true, text, ...more }
}

export function err(text: string, code?: ResponseCode): Reply {
  return { isOk: false, code, text }
}

export function renderReply({ isOk, code, text }: Reply): string {
  return `${isOk ? '+OK' : '-ERR'} ${code === undefined ? '' : `[${code}] `}${text}\r\n`
}

export function replyToFailure({ code }: Pick<Failure, 'code'>): Reply {
  const { pop3, text } = errors[code]
  return { isOk: false, code: pop3, text }
}

const linesPerPiece = 500

/** One line for each of these, and the final dot. */
export function* listing<T>(items: readonly T[], line: (item: T) => string): Generator<string, void, void> {
  for (let from = 0; from < items.length; from += linesPerPiece) {
    yield items
      .slice(from, from + linesPerPiece)
      .map(item => `${line(item)}\r\n`)
      .join('')
  }
  yield '.\r\n'
}

// What a command ends with, and how failures read in IMAP.
import { errors, type Failure, isFailure } from '@postern/contract'
import type { GrammarError } from '@postern/mail/imap'
import type { Fields } from '#base/trace'

export interface Reply {
  readonly status: 'OK' | 'NO' | 'BAD'
  /** Response code without its brackets: `COPYUID 7 1:2 4:5`. */
  readonly code?: string | undefined
  /** `<command> completed` when left out. */
  readonly text?: string
  /** The connection is closed after the reply. */
  readonly ends?: boolean
  /** For the trace event of the command. */
  readonly fields?: Fields
}

export function ok(code?: string, more: Omit<Reply, 'status' | 'code'> = {}): Reply {
  return { status: 'OK', code, ...more }
}

export function no(text: string, code?: string): Reply {
  return { status: 'NO', code, text }
}

export function bad(text: string, code?: string): Reply {
  return { status: 'BAD', code, text }
}

/** Some of the messages are gone without the client knowing it yet (RFC 5530 §3). */
export const someExpunged: Reply = { status: 'NO', code: 'EXPUNGEISSUED', text: errors.expungeIssued.text }

export function renderReply(tag: string, name: string, { status, code, text = `${name} completed` }: Reply): string {
  return `${tag} ${status} ${code === undefined ? '' : `[${code}] `}${text}\r\n`
}

export function replyToFailure(failure: Failure): Reply {
  const { imap, text } = errors[failure.code]
  return { status: imap.status, code: imap.code === undefined ? undefined : `${imap.code}${codeArguments(failure)}`, text }
}

/** What the grammar of some response codes wants behind them. */
function codeArguments(failure: Failure): string {
  if (isFailure(failure, 'annotationTooLarge')) return ` MAXSIZE ${failure.details.limit}`
  if (isFailure(failure, 'tooManyAnnotations')) return ' TOOMANY'
  return errors[failure.code].imap.code === 'BADCHARSET' ? ' (UTF-8)' : ''
}

/** RFC 9051 §7.1 wants BAD for commands that do not parse; what is merely incomplete has always been answered NO here. */
export function replyToGrammarError({ problem, message }: GrammarError): Reply {
  switch (problem) {
    case 'charset':
      return no(`${message}.`, 'BADCHARSET (UTF-8)')
    case 'missing':
      return no(`${message}.`)
    case 'lexical':
      return bad(`${message}.`, 'PARSE')
    default:
      return bad(`${message}.`)
  }
}

// What a client is answered, and how failures read in SMTP.
import { errors, type Failure } from '@postern/contract'
import { formatReply, type SmtpSyntaxError } from '@postern/mail/smtp'

export interface Reply {
  readonly code: number
  /** RFC 2034; null for greetings, EHLO answers and 3xx. */
  readonly enhanced: string | null
  /** Several make a reply of several lines. */
  readonly text: string | readonly string[]
  /** The connection is closed after the reply. */
  readonly ends?: boolean
}

export function reply(code: number, enhanced: string | null, text: string | readonly string[]): Reply {
  return { code, enhanced, text }
}

export const done = reply(250, '2.0.0', 'OK')

/** `text` says more than the table can. */
export function replyToFailure(failure: Failure, text?: string): Reply {
  const { smtp, text: usual } = errors[failure.code]
  return { ...smtp, text: text ?? usual, ...(smtp.code === 421 && { ends: true }) }
}

export function replyToSyntaxError({ code, enhanced, message }: SmtpSyntaxError): Reply {
  return { code, enhanced, text: message.endsWith('.') ? message : `${message}.` }
}

export function renderReply({ code, enhanced, text }: Reply): string {
  // Most replies are one short line.
  if (typeof text === 'string' && text.length < 200 && !/[^\x20-\x7e]/.test(text))
    return enhanced === null ? `${code} ${text}\r\n` : `${code} ${enhanced} ${text}\r\n`
  return formatReply(code, enhanced, text)
}

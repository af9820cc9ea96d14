import { AddressError, type EnvelopeAddress, parsePath, readAddressLiteral } from '#address'
import { type MailParameters, type RcptParameters, readMailParameters, readRcptParameters } from './parameters.ts'
import { SmtpSyntaxError } from './syntax-error.ts'

/** A command line cut into its verb and the rest. */
export interface CommandLine {
  /** Upper case; empty when the line has none. */
  readonly verb: string
  /** Behind the verb, blanks around it removed. Octets that are not UTF-8 are read as Latin-1. */
  readonly args: string
}

/** Cuts a line, without its line end. Leading blanks are passed over, as old clients send them. */
export function parseCommandLine(line: Buffer): CommandLine {
  const utf8 = line.toString('utf8')
  const text = (utf8.includes('\uFFFD') ? line.toString('latin1') : utf8).trim()
  const match = /^([A-Za-z][A-Za-z0-9-]{0,31})(?:[ \t]+|$)/.exec(text)
  if (match === null) return { verb: '', args: text }
  return { verb: (match[1] ?? '').toUpperCase(), args: text.slice(match[0].length) }
}

/** What follows `FROM:` or `TO:`, blanks around the colon allowed. */
function behindColon(args: string, word: 'FROM' | 'TO', syntax: string): string {
  const match = new RegExp(`^${word}[ \\t]*:[ \\t]*(?=<)`, 'i').exec(args)
  if (match === null) throw new SmtpSyntaxError(501, '5.5.2', `Syntax error, expected: ${syntax}`)
  return args.slice(match[0].length)
}

export interface MailCommand {
  /** `address` is empty for `<>`. */
  readonly reversePath: EnvelopeAddress
  readonly parameters: MailParameters
}

/** Arguments of MAIL (RFC 5321 §4.1.1.2). Throws SmtpSyntaxError. */
export function parseMail(args: string): MailCommand {
  const text = behindColon(args, 'FROM', 'MAIL FROM:<reverse-path> [parameters]')
  const { rest, ...reversePath } = readPath(text, '5.1.8', "Bad sender's system address")
  return { reversePath, parameters: readMailParameters(rest) }
}

export interface RcptCommand {
  /** `domain` is empty for `<postmaster>`. */
  readonly forwardPath: EnvelopeAddress
  readonly parameters: RcptParameters
}

/** Arguments of RCPT (RFC 5321 §4.1.1.3). Throws SmtpSyntaxError. */
export function parseRcpt(args: string): RcptCommand {
  const text = behindColon(args, 'TO', 'RCPT TO:<forward-path> [parameters]')
  const { rest, ...forwardPath } = readPath(text, '5.1.3', 'Bad destination mailbox address syntax')
  return { forwardPath, parameters: readRcptParameters(rest) }
}

function readPath(text: string, enhanced: string, what: string): EnvelopeAddress & { readonly rest: string } {
  const isSender = enhanced === '5.1.8'
  try {
    const path = parsePath(text, { allowNull: isSender, allowPostmaster: !isSender })
    if (path.rest !== '' && !/^[ \t]/.test(path.rest)) throw new AddressError('something follows the closing bracket')
    return path
  } catch (error) {
    if (error instanceof AddressError) throw new SmtpSyntaxError(501, enhanced, `${what}: ${error.message}`)
    throw error
  }
}

/** Name given with HELO, EHLO, LHLO: the first word. Throws SmtpSyntaxError without one. */
export function parseHello(args: string, verb = 'EHLO'): string {
  const name = args.split(/[ \t]/, 1)[0] ?? ''
  if (name === '') throw new SmtpSyntaxError(501, '5.5.4', `Syntax error, expected: ${verb} domain`)
  if (name.length > 255 || /[\u0000-\u0020\u007f]/.test(name)) throw new SmtpSyntaxError(501, '5.5.4', 'Invalid domain name')
  return name
}

/** Address literal or a name of at least two labels with letters or digits: what a host should call itself (RFC 5321 §2.3.5, §4.1.3). */
export function isQualifiedHello(name: string): boolean {
  if (name.startsWith('[')) return readAddressLiteral(name) !== null
  const labels = name.replace(/\.$/, '').split('.')
  return labels.length > 1 && labels.every(label => label.length > 0 && label.length <= 63) && /[\p{L}\p{N}]/u.test(name)
}

/** Arguments of BDAT (RFC 3030 §2). Throws SmtpSyntaxError. */
export function parseBdat(args: string): { readonly size: number; readonly isLast: boolean } {
  const match = /^(\d{1,15})(?:[ \t]+(LAST))?$/i.exec(args)
  if (match === null) throw new SmtpSyntaxError(501, '5.5.2', 'Syntax error, expected: BDAT chunk-size [LAST]')
  return { size: Number(match[1]), isLast: match[2] !== undefined }
}

/** Arguments of AUTH (RFC 4954 §4): mechanism in upper case, the initial response as written (`=` is empty) or null. */
export function parseAuth(args: string): { readonly mechanism: string; readonly initialResponse: string | null } {
  const match = /^([A-Za-z0-9_-]{1,20})(?:[ \t]+(\S+))?$/.exec(args)
  if (match === null) throw new SmtpSyntaxError(501, '5.5.2', 'Syntax error, expected: AUTH mechanism [initial-response]')
  return { mechanism: (match[1] ?? '').toUpperCase(), initialResponse: match[2] ?? null }
}

/** Keywords of an EHLO answer (RFC 5321 §4.1.1.1): upper case, with their parameters as written. The first line, a greeting, is not among them. */
export function parseEhloKeywords(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const keywords = new Map<string, readonly string[]>()
  for (const line of lines.slice(1)) {
    // "AUTH=PLAIN LOGIN" is what servers of the nineties sent, and some still send beside the proper form.
    const [keyword = '', ...parameters] = line
      .trim()
      .replace(/^AUTH=/i, 'AUTH ')
      .split(/[ \t]+/)
    if (/^[A-Za-z0-9][A-Za-z0-9-]*$/.test(keyword) && !keywords.has(keyword.toUpperCase())) keywords.set(keyword.toUpperCase(), parameters)
  }
  return keywords
}

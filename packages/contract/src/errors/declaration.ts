/** Reply of SMTP and LMTP: basic code and enhanced status code (RFC 5321 §4.2, RFC 3463). */
export interface SmtpRendering {
  readonly code: number
  readonly enhanced: string
}

/** Tagged answer of IMAP, with a response code where there is one (RFC 9051 §7.1, RFC 5530). */
export interface ImapRendering {
  readonly status: 'NO' | 'BAD'
  readonly code?: string
}

/** Types of JMAP errors by the place they can occur in; a place that is missing does not know the error. */
export interface JmapRendering {
  /** Of a whole request: URN of the problem document (RFC 8620 §3.6.1). */
  readonly request?: string
  /** Of a method call (RFC 8620 §3.6.2). */
  readonly method?: string
  /** Of one object in a /set, /copy or /import (RFC 8620 §5.3). */
  readonly set?: string
}

/** Problem document with a status of its own (RFC 9457). */
export interface ProblemRendering {
  readonly kind: 'problem'
  readonly status: number
  /** URN; `about:blank` when left out. */
  readonly type?: string
  readonly title?: string
  readonly detail: string
}

/** Answer of the management API with status 200: `{"error": <name>, …members}`. */
export interface ManagementRendering {
  readonly kind: 'management'
  readonly error: string
  /** Details that become members of the answer, in order. */
  readonly members: readonly string[]
}

export type HttpRendering = ProblemRendering | ManagementRendering

export interface ErrorDeclaration {
  /** What has happened, for documentation. */
  readonly meaning: string
  /** Sentence for the client: what is wrong and what it can do. Never tells what failed inside. */
  readonly text: string
  /** The same request may succeed later. */
  readonly temporary?: true
  readonly smtp: SmtpRendering
  readonly imap: ImapRendering
  /** Response code in brackets after `-ERR` (RFC 2449 §8, RFC 3206). */
  readonly pop3?: string
  /** Response code in parentheses after `NO` (RFC 5804 §1.3). */
  readonly managesieve?: string
  readonly jmap: JmapRendering
  readonly http: HttpRendering
}

export function problem(status: number, title: string, detail: string, type?: string): ProblemRendering {
  return { kind: 'problem', status, title, detail, ...(type === undefined ? {} : { type }) }
}

export function management(error: string, ...members: readonly string[]): ManagementRendering {
  return { kind: 'management', error, members }
}

export function smtp(code: number, enhanced: string): SmtpRendering {
  return { code, enhanced }
}

export function no(code?: string): ImapRendering {
  return code === undefined ? { status: 'NO' } : { status: 'NO', code }
}

export function bad(code?: string): ImapRendering {
  return code === undefined ? { status: 'BAD' } : { status: 'BAD', code }
}

/** `other` of the management API: any refusal that has no name of its own. */
export const other = management('other', 'details', 'reason')

export const forbiddenProblem = problem(403, 'Forbidden', 'You do not have enough permissions to access this resource.')
export const notFoundProblem = problem(404, 'Not Found', 'The requested resource does not exist on this server.')
export const internalProblem = problem(
  500,
  'Internal Server Error',
  'There was a problem while processing your request. Please contact the system administrator.',
)
export const invalidProblem = problem(400, 'Invalid parameters', 'One or multiple parameters could not be parsed.')
export const limitUrn = 'urn:ietf:params:jmap:error:limit'

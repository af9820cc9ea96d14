import { type ErrorCode, errorCodes, errors } from '@postern/contract'

/** The server refused. `details` holds what the answer says besides: `field` and `value`, `item`, `reason`, … */
export class ApiError extends Error {
  override readonly name = 'ApiError'

  /** HTTP status; 200 for what the management API refuses by name. */
  readonly status: number
  /** `notFound`, `fieldAlreadyExists`, `unauthorized`, …; of OAuth endpoints its error codes (RFC 6749 §5.2). */
  readonly code: string
  readonly details: Readonly<Record<string, unknown>>
  /** How long to wait before trying again, when the server says so. */
  readonly retryAfterMs: number | undefined

  constructor(given: {
    readonly status: number
    readonly code: string
    readonly message: string
    readonly details?: Readonly<Record<string, unknown>>
    readonly retryAfterMs?: number | undefined
  }) {
    super(given.message)
    this.status = given.status
    this.code = given.code
    this.details = given.details ?? {}
    this.retryAfterMs = given.retryAfterMs
  }
}

/** There is no answer, or none that a server of this kind gives. `cause` tells more. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
}

/** The error that a body tells about; undefined when it tells about none. */
export function readRefusal(status: number, body: unknown, retryAfter: string | null): ApiError | undefined {
  const members = body instanceof Object ? (body as Readonly<Record<string, unknown>>) : {}
  const { error, data: _, ...details } = members
  if (typeof error === 'string') {
    const text = details['details'] ?? details['reason']
    return new ApiError({ status, code: error, message: typeof text === 'string' ? text : explain(error, details), details })
  }
  if (status >= 200 && status < 300) return undefined
  const { title, detail } = members
  const seconds = Number(retryAfter ?? Number.NaN)
  return new ApiError({
    status,
    code: codeOfProblem(status, title) ?? (status === 501 ? 'notImplemented' : `http${status}`),
    message: typeof detail === 'string' ? detail : typeof title === 'string' ? title : `The server answered with status ${status}.`,
    details: members,
    retryAfterMs: seconds >= 0 ? seconds * 1000 : undefined,
  })
}

/** What the fields of a named error say, in a sentence. */
function explain(error: string, details: Readonly<Record<string, unknown>>): string {
  const code = errorCodes.find(code => {
    const { http } = errors[code]
    return http.kind === 'management' && http.error === error
  })
  const text = code === undefined ? error : errors[code].text
  const named = Object.values(details).filter(value => typeof value === 'string' && value !== '')
  return named.length === 0 ? text : `${text} (${named.join(': ')})`
}

function codeOfProblem(status: number, title: unknown): ErrorCode | undefined {
  return errorCodes.find(code => {
    const { http } = errors[code]
    return http.kind === 'problem' && http.status === status && (title === undefined || title === http.title)
  })
}

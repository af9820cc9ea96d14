import type { ErrorCode } from './index.ts'

/** Details of codes that always carry some. Every code may carry more; what no rendering names goes to the trace alone. */
interface KnownDetails {
  readonly overQuota: { readonly limit?: number; readonly used?: number; readonly size?: number }
  readonly tenantOverQuota: { readonly limit?: number; readonly used?: number }
  readonly tooLarge: { readonly limit?: number; readonly size?: number }
  readonly requestTooLarge: { readonly limit?: number }
  readonly limit: {
    readonly limit: 'maxSizeRequest' | 'maxCallsInRequest' | 'maxConcurrentRequests' | 'maxSizeUpload' | 'maxConcurrentUpload'
  }
  readonly tooManyRequests: { readonly retryAfterMs?: number }
  readonly tooManyRecipients: { readonly maxRecipients?: number }
  readonly annotationTooLarge: { readonly limit: number }
  readonly invalidParameters: { readonly detail?: string; readonly properties?: readonly string[] }
  readonly blobNotFound: { readonly notFound?: readonly string[] }
  readonly messageDuplicate: { readonly existingId?: string }
  readonly scriptInvalid: { readonly reason: string }
  readonly notFound: { readonly item: string }
  readonly fieldAlreadyExists: { readonly field: string; readonly value: string }
  readonly fieldMissing: { readonly field: string }
  readonly unsupported: { readonly details: string }
  readonly other: { readonly details: string; readonly reason?: string | null }
}

/** Free details: anything JSON can carry. */
export type FailureDetails = Readonly<Record<string, unknown>>

export type DetailsOf<C extends ErrorCode> = C extends keyof KnownDetails ? KnownDetails[C] & FailureDetails : FailureDetails

/** Details may be left out when none of them is needed. */
type DetailsArgument<C extends ErrorCode> =
  Record<never, never> extends DetailsOf<C>
    ? [details?: DetailsOf<C>, options?: ErrorOptions]
    : [details: DetailsOf<C>, options?: ErrorOptions]

/**
 * An expected refusal. Services throw it, and each protocol renders it by the table; anything else that is thrown is a defect.
 * `cause` keeps what failed inside, for the trace.
 */
export class Failure<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'Failure'
  readonly code: C
  readonly details: DetailsOf<C>

  constructor(code: C, details: DetailsOf<C>, options?: ErrorOptions) {
    super(code, options)
    this.code = code
    this.details = details
  }
}

/** Makes a failure: `throw failure('overQuota', { limit, used })`. */
export function failure<C extends ErrorCode>(code: C, ...[details, options]: DetailsArgument<C>): Failure<C> {
  return new Failure(code, details ?? ({} as DetailsOf<C>), options)
}

/** True for a failure with this code. */
export function isFailure<C extends ErrorCode>(error: unknown, code: C): error is Failure<C> {
  return error instanceof Failure && error.code === code
}

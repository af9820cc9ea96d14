// How a command or query refuses: a declared failure on its way to the caller, who gets the contract's `Failure`.
//
// Not the contract's own class: the writer thread would load the whole contract for it, which costs more memory and time to start than
// everything else the thread does.
import type { DetailsOf, ErrorCode } from '@postern/contract'

export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, details: Readonly<Record<string, unknown>>) {
    super(code)
    this.code = code
    this.details = details
  }
}

/** `throw refusal('overQuota', { limit, used })`, like the contract's `failure`. */
export function refusal<C extends ErrorCode>(
  code: C,
  ...[details]: Record<never, never> extends DetailsOf<C> ? [details?: DetailsOf<C>] : [details: DetailsOf<C>]
): Refusal {
  return new Refusal(code, details ?? {})
}

/**
 * Every refusal the server expresses, and how each protocol says it: SMTP and LMTP, IMAP, POP3, ManageSieve, JMAP, HTTP and the
 * management API.
 *
 * Putting a rendering on the wire is done by the sessions; what is not in this table is a defect and answered as `internal`.
 */
import { accessErrors } from './access.ts'
import type { ErrorDeclaration } from './declaration.ts'
import { mailboxErrors } from './mailbox.ts'
import { managementErrors } from './management.ts'
import { serverErrors, transportErrors } from './transport.ts'

export type {
  ErrorDeclaration,
  HttpRendering,
  ImapRendering,
  JmapRendering,
  ManagementRendering,
  ProblemRendering,
  SmtpRendering,
} from './declaration.ts'
export { type DetailsOf, Failure, type FailureDetails, failure, isFailure } from './failure.ts'

const table = { ...accessErrors, ...managementErrors, ...mailboxErrors, ...transportErrors, ...serverErrors } as const

export type ErrorCode = keyof typeof table

/** Code to meaning and renderings. */
export const errors: Readonly<Record<ErrorCode, ErrorDeclaration>> = table

export const errorCodes: readonly ErrorCode[] = Object.keys(table) as ErrorCode[]

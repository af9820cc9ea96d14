// A mail transaction: what MAIL, RCPT and BDAT have gathered (RFC 5321 §3.3).
import type { MailParameters, RcptParameters } from '@postern/mail/smtp'
import type { EnvelopeRecipient } from '#services/queue'
import type { Incoming } from './incoming.ts'
import type { NewlineFilter } from './newlines.ts'

export interface Transaction {
  /** Envelope sender, empty for the null one. */
  sender: string
  readonly parameters: MailParameters
  /** An address of the envelope holds characters beyond ASCII. */
  needsUtf8: boolean
  /** Priority to queue with, within the profile that is offered (RFC 6710 §4.1). */
  priority: number
  /** Unix ms (RFC 4865). */
  holdUntil: number | undefined
  /** Where the message goes: lists are replaced by their members. */
  readonly recipients: EnvelopeRecipient[]
  /** Lower-case addresses among the recipients, and lists that were replaced. */
  readonly known: Set<string>
  /** RCPT commands answered with 250: LMTP owes each an answer (RFC 2033 §4.2). */
  accepted: number
  /** A recipient was refused. */
  hasRefused: boolean
  /** The address of the RCPT under way or the latest one, in lower case. */
  latest: string
  /** Buckets of throttles that are counted once per transaction, and have been. */
  readonly throttled: Set<string>
  /** What BDAT has brought so far. */
  incoming: Incoming | null
  /** What becomes of lone newlines in it; null when they are data (BINARYMIME). */
  newlines: NewlineFilter | null | undefined
}

export function beginTransaction(sender: string, parameters: MailParameters, needsUtf8: boolean): Transaction {
  return {
    sender,
    parameters,
    needsUtf8,
    priority: 0,
    holdUntil: undefined,
    recipients: [],
    known: new Set(),
    accepted: 0,
    hasRefused: false,
    latest: '',
    throttled: new Set(),
    incoming: null,
    newlines: undefined,
  }
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase()
}

export function hasDsnParameters({ notify, originalRecipient }: RcptParameters): boolean {
  return notify !== null || originalRecipient !== null
}

// What a stage between the last octet and the queue sees, and what it says.
import type { Failure } from '@postern/contract'
import type { MailParameters } from '@postern/mail/smtp'
import type { EnvelopeRecipient } from '#services/queue'
import type { Session } from '../command.ts'

export interface Message {
  /** Id in the queue, for fields that name it. */
  readonly id: number
  /** When its last octet came, Unix ms. */
  readonly receivedAt: number
  /** The whole message, or its first MiB when it is too large for memory. */
  readonly head: Buffer
  readonly size: number
}

export interface Envelope {
  readonly sender: string
  readonly recipients: readonly EnvelopeRecipient[]
  readonly parameters: MailParameters
  readonly needsUtf8: boolean
  /** The session it came in by. */
  readonly session: Pick<Session, 'connection' | 'hello' | 'hostname' | 'isLmtp' | 'login' | 'reverseName' | 'rule' | 'trace'>
}

export interface Verdict {
  /** Ends the work on the message. */
  readonly refusal: Failure | null
  /** Fields to stand in front of the message, each with its line end; the first comes first. */
  readonly fields: readonly string[]
  /** Names of fields to take out of the message. */
  readonly removed: readonly string[]
}

export const untouched: Verdict = { refusal: null, fields: [], removed: [] }

export type Stage = (message: Message, envelope: Envelope, verdict: Verdict) => Promise<Verdict>

// What commands see of a session, and what they are.
import type { ExpressionSetting } from '@postern/contract'
import type { Connection } from '#base/net'
import type { Span } from '#base/trace'
import type { Caller } from '#services/directory'
import type { Reply } from './reply.ts'
import type { Transaction } from './transaction.ts'

/** How far the client has come. */
export type State =
  /** Nothing said, or everything forgotten by STARTTLS. */
  | 'connected'
  | 'greeted'
  /** MAIL given, no recipient yet. */
  | 'mail'
  | 'recipients'
  /** BDAT begun. */
  | 'chunks'

/** How the client introduced itself. */
export interface Hello {
  readonly name: string
  /** With EHLO or LHLO. */
  readonly isExtended: boolean
}

/** Puts a rule of the settings to the present state of session and transaction; undefined when it gives no value. */
export type EvaluateRule = <R, I extends string>(
  setting: ExpressionSetting<R, I>,
  ...ids: [I] extends [never] ? [] : [ids: Readonly<Record<I, string>>]
) => Promise<R | undefined>

export interface Session {
  readonly connection: Pick<Connection, 'remoteIp' | 'remotePort' | 'localIp' | 'localPort' | 'tls'>
  readonly listenerId: string
  readonly isLmtp: boolean
  /** STARTTLS would work now. */
  readonly offersTls: boolean
  readonly hostname: string
  /** Name of the client by reverse DNS, once it is known. */
  readonly reverseName: string | null
  readonly trace: Span
  hello: Hello | null
  login: Caller | null
  transaction: Transaction | null
  /** Messages accepted or refused after their data. */
  messages: number
  authFailures: number
  badRecipients: number
  readonly rule: EvaluateRule
  /** Places taken under throttles, given back at the end. */
  readonly slots: Map<string, Disposable>
  /** Ends the transaction, if there is one. */
  reset(): Promise<void>
  /** Sends an intermediate reply, for commands that go on with more input. */
  continue(reply: Reply): void
  /** A line of such input, without its end. */
  readLine(maxBytes: number): Promise<Buffer | 'tooLong'>
  /** Octets of such input, as many as are there; the rest is given back with `unread`. */
  readOctets(max?: number): Promise<Buffer>
  unread(octets: Buffer): void
  /** Waits before an answer; shorter when the connection is closed. */
  pause(ms: number): Promise<void>
  /** Starts TLS and forgets everything, once the reply is sent. */
  startTlsAfterReply(): void
}

/** Several replies: one per recipient (LMTP), or one and a goodbye. */
export type Answer = Reply | readonly Reply[]

export interface Command {
  readonly states: readonly State[]
  /** The answer in any other state. */
  readonly otherwise?: (session: Session) => Reply
  run(session: Session, args: string): Promise<Answer>
}

/** The connection ends without another word. */
export class Hangup extends Error {}

// What commands are given, and what the table says about each of them.
import type { EventId, PermissionId } from '@postern/contract'
import type { CommandText } from '@postern/mail/pop3'
import type { Trace } from '#base/trace'
import type { Login, Logins } from './logins.ts'
import type { Reply } from './reply.ts'

/** One client, as its commands see it. */
export interface Session {
  readonly remoteIp: string
  readonly isTls: boolean
  /** TLS can be started. */
  readonly offersTls: boolean
  /** A password may be sent over this connection. */
  readonly mayUsePassword: boolean
  readonly login: Login | null
  readonly logins: Logins
  readonly trace: Trace
  /** The name that USER gave, for PASS. */
  user: string | null

  /** Sends a challenge; the client's next line, null when it is too long. */
  ask(challenge: string): Promise<Buffer | null>
  /** Waits while the client has much to read; gives the other sessions their turn. Called between the parts of long work. */
  relieve(): Promise<void>
  /** Begins TLS once the reply is sent. */
  startTlsAfterReply(): void
  logIn(login: Login): void
  /** Counts a failed login. @returns whether it was one too many */
  countAuthFailure(): boolean
}

/** RFC 1939 calls it the TRANSACTION state. */
export interface LoggedIn extends Session {
  readonly login: Login
}

export function isLoggedIn(session: Session): session is LoggedIn {
  return session.login !== null
}

export type Run<S> = (session: S, command: CommandText) => Promise<Reply>

interface Common {
  /** Emitted when the command succeeds. */
  readonly event?: EventId
  /** None for what anybody may do. */
  readonly permission?: PermissionId
}

/** `states`: where the command is allowed (RFC 1939 §4, §5). */
export type Command = Common &
  (
    | { readonly states: 'any' | 'authorization'; readonly run: Run<Session> }
    | { readonly states: 'transaction'; readonly run: Run<LoggedIn> }
  )

// What commands are given, and what the table says about each of them.
import type { EventId, PermissionId } from '@postern/contract'
import type { Arguments, LiteralOffer, NameOptions, NotifyRequest, TextOptions } from '@postern/mail/imap'
import type { Clock } from '#base/clock'
import type { Trace } from '#base/trace'
import type { Limits } from './limits.ts'
import type { Login, Logins } from './logins.ts'
import type { Recency } from './recency.ts'
import type { Reply } from './reply.ts'
import type { MailboxView } from './selected.ts'
import type { Uploads } from './uploads.ts'

/** Extensions a client has to ask for (RFC 5161). QRESYNC brings CONDSTORE (RFC 7162 §3.2.3). */
export const extensions = ['IMAP4rev2', 'IMAP4rev1', 'CONDSTORE', 'QRESYNC', 'UTF8=ACCEPT', 'UIDONLY'] as const
export type Extension = (typeof extensions)[number]

/** One client, as its commands see it. */
export interface Session {
  readonly remoteIp: string
  readonly isTls: boolean
  readonly isCompressed: boolean
  /** TLS can be started. */
  readonly offersTls: boolean
  /** A password may be sent over this connection. */
  readonly mayUsePassword: boolean
  readonly login: Login | null
  readonly view: MailboxView | null
  readonly enabled: ReadonlySet<Extension>
  /** How names and texts travel at present. */
  readonly text: NameOptions & TextOptions
  readonly limits: Limits
  readonly logins: Logins
  /** Messages of APPEND that are coming in. */
  readonly uploads: Uploads
  readonly recency: Recency
  readonly clock: Clock
  readonly trace: Trace

  /** Queues untagged responses; they leave with the reply. */
  write(data: string | Uint8Array): void
  /** Waits while the client has much to read; gives the other sessions their turn. Called between the parts of long work. */
  relieve(): Promise<void>
  flush(): Promise<void>
  /** The client's next line; null when it is too long. When none comes in time, the session ends with these words. */
  readLine(maxBytes: number, timeoutMs: number, farewell?: string): Promise<Buffer | null>
  /** Says goodbye; the connection is closed after the reply. */
  leave(farewell: string): void
  /** Cuts the connection, when nothing sensible can be said on it any more. */
  abort(): void
  /** Begins TLS once the reply is sent. */
  startTlsAfterReply(): void
  /** Begins compression once the reply is sent. */
  compressAfterReply(): void
  logIn(login: Login): void
  /** Back to the beginning (RFC 8437). */
  logOut(): Promise<void>
  /** Counts a failed login. @returns whether it was one too many */
  countAuthFailure(): boolean
  select(view: MailboxView): void
  unselect(): void
  enable(extension: Extension): void
  /** Enables CONDSTORE because the client uses it (RFC 7162 §3.1); tells the mod-sequence of the selected mailbox. */
  useModSeq(): void
  /** What the client asked to be told at any time (RFC 5465). */
  notify(request: NotifyRequest | null): Promise<void>
  /** The client is told of everything as it happens, until the returned thing is disposed. */
  beginIdle(): AsyncDisposable
  /** Tells what happened in the selected mailbox since the client was told last. */
  tellNews(mayExpunge: boolean, withUid: boolean): Promise<void>
}

export interface LoggedIn extends Session {
  readonly login: Login
}

export interface Selected extends LoggedIn {
  readonly view: MailboxView
}

export function isLoggedIn(session: Session): session is LoggedIn {
  return session.login !== null
}

export function isSelected(session: Session): session is Selected {
  return session.login !== null && session.view !== null
}

/** The command at hand. */
export interface Call {
  readonly tag: string
  /** `FETCH` also for `UID FETCH`. */
  readonly name: string
  readonly isUid: boolean
}

export type Run<S> = (session: S, args: Arguments, call: Call) => Promise<Reply>

/** What to do with a literal that is announced: keep it, hand its octets on, or refuse the command. */
export type LiteralChoice = 'hold' | ((chunk: Buffer) => void) | Reply

interface Common {
  /** None for what anybody may do. */
  readonly permission?: PermissionId
  readonly event?: EventId
  /** Literals that are not just held in memory. */
  readonly offer?: (session: LoggedIn, offer: LiteralOffer) => Promise<LiteralChoice>
  /** A command that is cut short is BAD, not NO. */
  readonly isStrict?: true
  /**
   * When the client is told what happened in the selected mailbox: before commands whose answer has to fit what it was told, after
   * those that change something.
   */
  readonly news?: 'before' | 'after'
  /** Nothing may be expunged meanwhile, unless the command is the UID form (RFC 9051 §7.5.1). */
  readonly keepsNumbers?: true
  /** Takes or gives message numbers, unless the command is the UID form. */
  readonly takesNumbers?: true
  /** Not in a mailbox that was opened by EXAMINE. */
  readonly writes?: true
}

/** `states`: where the command is allowed. */
export type Command = Common &
  (
    | { readonly states: 'any' | 'anonymous'; readonly run: Run<Session> }
    | { readonly states: 'authenticated'; readonly run: Run<LoggedIn> }
    | { readonly states: 'selected'; readonly run: Run<Selected> }
  )

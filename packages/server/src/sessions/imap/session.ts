// One client: its state, and the loop that reads, dispatches and writes. Commands run strictly one after the other, so replies to a
// pipeline come in order (RFC 9051 §5.5).

import { Failure, failure } from '@postern/contract'
import {
  type BadInput,
  CommandReader,
  encodeString,
  type FetchItem,
  GrammarError,
  type LiteralOffer,
  type NotifyRequest,
  type ReaderEvent,
  type Command as Received,
} from '@postern/mail/imap'
import type { Clock } from '#base/clock'
import { createTurns } from '#base/limits'
import { type Connection, ConnectionClosed, deflateConnection, IdleTimeout, type ServerTls, TlsError } from '#base/net'
import { bytes, durationMs, ip as ipField, type Span, word } from '#base/trace'
import type { Bans } from '#services/access'
import { capabilities } from './capabilities.ts'
import {
  type Call,
  type Command,
  type Extension,
  isLoggedIn,
  isSelected,
  type LiteralChoice,
  type Selected,
  type Session,
} from './command.ts'
import { commands } from './commands.ts'
import { tellChanged, tellGone } from './contexts.ts'
import { writeFetch } from './fetch-response.ts'
import {
  anonymousLineLimits,
  authenticatedLineLimits,
  type Limits,
  maxAnonymousCommands,
  maxAnonymousErrors,
  maxAnonymousLiteralBytes,
  maxHeldLiteralBytes,
  maxLiterals,
  maxWaitingBytes,
} from './limits.ts'
import type { Login, Logins } from './logins.ts'
import { createNotifier, type Notifier } from './notifier.ts'
import { uidRequired } from './numbers.ts'
import { createPushes, type Pushes } from './pushes.ts'
import type { Recency } from './recency.ts'
import { bad, type Reply, renderReply, replyToFailure, replyToGrammarError } from './reply.ts'
import type { MailboxView } from './selected.ts'
import type { Uploads } from './uploads.ts'

export interface SessionParts {
  readonly connection: Connection
  /** For STARTTLS. */
  readonly tls: ServerTls | undefined
  readonly listenerId: string
  readonly bans: Pick<Bans, 'count'>
  readonly logins: Logins
  readonly watch: (accountId: number, signal: AbortSignal) => AsyncIterable<number>
  readonly limits: Limits
  readonly recency: Recency
  readonly uploads: Uploads
  /** Counts a command of an account; false when it was one too many. */
  readonly admit: (login: Login) => boolean
  readonly clock: Clock
  readonly span: Span
  /** Aborted when the server stops. */
  readonly stop: AbortSignal
}

const uidPrefix = 'UID '

/** The client is gone in the middle of something. */
class Gone extends Error {}
/** The server stops. */
class Stopping extends Error {}

export class ImapSession implements Session {
  readonly uploads: Uploads
  readonly limits: Limits
  readonly logins: Logins
  readonly recency: Recency
  readonly clock: Clock
  readonly trace: Span
  readonly enabled = new Set<Extension>()
  login: Login | null = null
  view: MailboxView | null = null
  private connection: Connection
  private compression: 'none' | 'asked' | 'on' = 'none'
  private readonly parts: SessionParts
  private reader = new CommandReader(anonymousLineLimits)
  private authFailures = 0
  private anonymousCommands = 0
  private anonymousErrors = 0
  /** Literals of the command that is coming in, and the octets of those in memory. */
  private literals = 0
  private heldBytes = 0
  private startsTls = false
  private isEnding = false
  private stopWaiting: () => void = () => {}
  private anonymousUntilMs: number
  private readonly turn: () => Promise<boolean>
  private timeoutFarewell = 'Connection timed out.'
  private readonly pushes: Pushes
  private notifier: Notifier | undefined
  private notified: AsyncDisposable | undefined
  private isIdling = false

  constructor(parts: SessionParts) {
    this.parts = parts
    this.connection = parts.connection
    this.uploads = parts.uploads
    this.limits = parts.limits
    this.logins = parts.logins
    this.recency = parts.recency
    this.clock = parts.clock
    this.turn = createTurns(parts.clock)
    this.trace = parts.span
    this.pushes = createPushes({ watch: parts.watch, tell: () => this.tellUnasked(), trace: parts.span })
    this.anonymousUntilMs = this.clock.monotonic() + this.limits.anonymousTimeoutMs()
  }

  get remoteIp(): string {
    return this.connection.remoteIp
  }
  get isTls(): boolean {
    return this.connection.tls !== undefined
  }
  get isCompressed(): boolean {
    return this.compression !== 'none'
  }
  get offersTls(): boolean {
    return this.parts.tls !== undefined && !this.isTls && !this.isCompressed
  }
  get mayUsePassword(): boolean {
    return this.isTls || this.limits.mayUsePlainText()
  }
  get text(): { readonly utf8: boolean } {
    return { utf8: this.enabled.has('IMAP4rev2') || this.enabled.has('UTF8=ACCEPT') }
  }

  /** Serves the client to its end. */
  async serve(): Promise<void> {
    const onStop = (): void => this.stopWaiting()
    this.parts.stop.addEventListener('abort', onStop)
    try {
      this.write(`* OK [CAPABILITY ${capabilities(this)}] Postern IMAP4rev2 at your service.\r\n`)
      while (!this.isEnding) {
        await this.handle(await this.nextEvent(() => this.patienceMs()))
        await this.relieve()
      }
    } catch (error) {
      this.endWith(error)
    } finally {
      this.parts.stop.removeEventListener('abort', onStop)
      await this.stopNotifying()
      await this.uploads[Symbol.asyncDispose]()
      this.login?.[Symbol.dispose]()
      this.trace.end('imap.connection-end')
    }
    await this.connection.close()
  }

  private endWith(error: unknown): void {
    if (error instanceof Gone || error instanceof ConnectionClosed) return
    if (error instanceof Stopping) this.write('* BYE Server shutting down.\r\n')
    else if (error instanceof IdleTimeout) this.write(`* BYE ${this.timeoutFarewell}\r\n`)
    else if (error instanceof TlsError)
      this.trace.emit('tls.handshake-error', { listenerId: this.parts.listenerId, remoteIp: ipField(this.remoteIp), reason: error.message })
    else throw error
  }

  /** Before login a client has to get somewhere; afterwards it has only to be there. */
  private patienceMs(): number {
    if (this.login !== null) return this.limits.authenticatedTimeoutMs()
    return Math.max(0, this.anonymousUntilMs - this.clock.monotonic())
  }

  /** `patienceMs` is asked before each piece: what comes slowly must not renew the time of those who have not logged in. */
  private async nextEvent(patienceMs: () => number): Promise<ReaderEvent> {
    for (;;) {
      const event = this.reader.next()
      if (event !== null) return event
      if (this.parts.stop.aborted) throw new Stopping()
      // What could not be spooled is told by the command, once all of it has been read past.
      await this.uploads.settle().catch(() => {})
      const chunk = await this.read(patienceMs())
      if (chunk === undefined) throw new Gone()
      this.trace.emit('imap.raw-input', { contents: bytes(chunk), size: chunk.length })
      this.reader.feed(chunk)
    }
  }

  /** A session that waits for its client is stopped at once; one that works, after its command. */
  private async read(timeoutMs: number): Promise<Buffer | undefined> {
    try {
      return await new Promise((resolve, reject) => {
        this.stopWaiting = () => reject(new Stopping())
        this.connection.read(timeoutMs).then(resolve, reject)
      })
    } finally {
      this.stopWaiting = () => {}
    }
  }

  private async handle(event: ReaderEvent): Promise<void> {
    switch (event.kind) {
      case 'command':
        await this.execute(event)
        return this.forgetLiterals()
      case 'literal':
        return this.takeLiteral(event)
      case 'bad':
        await this.refuseInput(event)
        return this.forgetLiterals()
      case 'line':
        throw new Error('a line came that nobody expected')
    }
  }

  private async forgetLiterals(): Promise<void> {
    if (this.literals === 0) return
    this.literals = 0
    this.heldBytes = 0
    await this.uploads[Symbol.asyncDispose]()
  }

  private async refuseInput({ tag, text, reason }: BadInput): Promise<void> {
    this.finish(tag ?? '*', '', bad(`${text}.`, reason === 'tooBig' ? 'LIMIT' : 'PARSE'))
    await this.countNonsense(text)
  }

  /** Clients that speak no IMAP are looking for something else. */
  private async countNonsense(evidence: string): Promise<void> {
    if (this.login !== null) return
    this.anonymousErrors++
    const isBanned = await this.parts.bans.count('scan', this.remoteIp, { evidence: `no IMAP: ${evidence.slice(0, 100)}` })
    if (isBanned || this.anonymousErrors >= maxAnonymousErrors) this.leave('Too many errors.')
  }

  leave(farewell: string): void {
    if (!this.isEnding) this.write(`* BYE ${farewell}\r\n`)
    this.isEnding = true
  }

  private async takeLiteral(offer: LiteralOffer): Promise<void> {
    const choice = await this.choose(offer)
    if (typeof choice === 'object') {
      this.reader.refuse()
      this.finish(offer.tag, offer.name, choice)
      await this.forgetLiterals()
      // RFC 7888 §5: who sends much before login is not worth reading past.
      if (this.login === null) this.leave('The literal is too large.')
      return
    }
    this.literals++
    if (offer.isSynchronizing) this.write(`+ Ready for ${offer.size} bytes.\r\n`)
    if (choice === 'hold') {
      this.heldBytes += offer.size
      this.reader.accept()
    } else this.reader.accept(choice)
  }

  private async choose(offer: LiteralOffer): Promise<LiteralChoice> {
    const command = commands.get(offer.name)
    if (command === undefined) return unknownCommand(offer.name)
    const refusal = this.refusal(command, offer.name.startsWith(uidPrefix))
    if (refusal !== null) return refusal
    if (this.literals >= maxLiterals) return bad('Too many literals.', 'LIMIT')
    const { offer: receive } = command
    if (receive !== undefined && isLoggedIn(this)) {
      const choice = await this.guard(() => receive(this, offer))
      if (choice !== 'hold') return choice
    }
    const max = this.login === null ? maxAnonymousLiteralBytes : Math.min(maxHeldLiteralBytes, this.limits.maxRequestBytes())
    return this.heldBytes + offer.size > max ? bad(`The literal is larger than ${max} octets.`, 'TOOBIG') : 'hold'
  }

  private async execute({ tag, name, args }: Received): Promise<void> {
    const startedMs = this.clock.monotonic()
    const command = commands.get(name)
    const isUid = name.startsWith(uidPrefix)
    const call: Call = { tag, name: isUid ? name.slice(uidPrefix.length) : name, isUid }
    const isAnonymous = this.login === null
    if (isAnonymous && ++this.anonymousCommands > maxAnonymousCommands) return this.leave('Too many commands without a login.')
    await this.pushes.pause()
    const reply = command === undefined ? unknownCommand(name) : await this.guard(() => this.run(command, args, call))
    this.finish(tag, name, reply)
    this.pushes.resume()
    if (command?.event !== undefined && reply.status === 'OK')
      this.trace.emit(command.event, { ...reply.fields, elapsed: durationMs(this.clock.monotonic() - startedMs) })
    if (reply.status === 'BAD' && isAnonymous) await this.countNonsense(`${name} ${reply.text}`)
    if (isAnonymous) this.anonymousUntilMs = this.clock.monotonic() + this.limits.anonymousTimeoutMs()
    if (this.startsTls) await this.startTls()
    if (this.compression === 'asked') await this.startCompression()
  }

  private finish(tag: string, name: string, reply: Reply): void {
    this.write(renderReply(tag, name, reply))
    if (reply.status !== 'OK') {
      const code = reply.code === undefined ? {} : { code: word(reply.code) }
      this.trace.emit('imap.error', { details: reply.text ?? '', id: tag, type: word(reply.status), ...code })
    }
    if (reply.ends === true) this.leave(reply.text ?? 'Goodbye.')
  }

  /** Runs what may fail; everything that is no declared failure is a defect of ours, and the client is not told what. */
  private async guard<T extends Reply | LiteralChoice>(run: () => Promise<T>): Promise<T | Reply> {
    try {
      return await run()
    } catch (error) {
      if (error instanceof GrammarError) return replyToGrammarError(error)
      if (error instanceof Failure) {
        if (error.code === 'forbidden' && error.details['permission'] !== undefined)
          this.trace.emit('security.unauthorized', { remoteIp: ipField(this.remoteIp), details: String(error.details['permission']) })
        return replyToFailure(error)
      }
      if (error instanceof ConnectionClosed || error instanceof IdleTimeout || error instanceof Gone || error instanceof Stopping)
        throw error
      this.trace.emit('imap.error', {
        details: word('Defect'),
        reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
      })
      return replyToFailure(failure('internal'))
    }
  }

  /** Why the command cannot run now, or null. */
  private refusal(command: Command, isUid: boolean): Reply | null {
    const { login, view } = this
    if (command.states === 'anonymous' && login !== null) return replyToFailure(failure('alreadyAuthenticated'))
    if ((command.states === 'authenticated' || command.states === 'selected') && login === null)
      return replyToFailure(failure('unauthorized'))
    if (login !== null && command.permission !== undefined && !login.caller.rights.has(command.permission)) {
      this.trace.emit('security.unauthorized', { remoteIp: ipField(this.remoteIp), details: command.permission })
      return replyToFailure(failure('forbidden'))
    }
    if (command.states !== 'selected') return null
    if (view === null) return bad('No mailbox is selected.')
    if (command.takesNumbers === true && !isUid && this.enabled.has('UIDONLY')) return uidRequired
    return command.writes === true && view.isReadOnly ? replyToFailure(failure('mailboxReadOnly')) : null
  }

  private async run(command: Command, args: Received['args'], call: Call): Promise<Reply> {
    if (this.login !== null && !this.parts.admit(this.login)) return { ...replyToFailure(failure('tooManyRequests')), ends: true }
    const refusal = this.refusal(command, call.isUid)
    if (refusal !== null) return refusal
    const mayExpunge = call.isUid || command.keepsNumbers !== true
    if (command.news === 'before') await this.tellNews(mayExpunge, call.isUid)
    const reply = await this.perform(command, args, call)
    if (command.news === 'after') await this.tellAfterwards(mayExpunge, call.isUid)
    return reply
  }

  /** What a command has done stays done when the news cannot be read: they come with a later command. */
  private async tellAfterwards(mayExpunge: boolean, withUid: boolean): Promise<void> {
    try {
      await this.tellNews(mayExpunge, withUid)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      this.trace.emit('imap.error', { details: word('News could not be told'), reason: error.code })
    }
  }

  private async perform(command: Command, args: Received['args'], call: Call): Promise<Reply> {
    try {
      switch (command.states) {
        case 'any':
        case 'anonymous':
          return await command.run(this, args, call)
        case 'authenticated':
          if (isLoggedIn(this)) return await command.run(this, args, call)
          break
        case 'selected':
          if (isSelected(this)) return await command.run(this, args, call)
      }
      throw new Error(`${call.name} was let through in the wrong state`)
    } catch (error) {
      if (command.isStrict === true && error instanceof GrammarError && error.problem === 'missing') return bad(`${error.message}.`)
      throw error
    }
  }

  /** RFC 4978 §3: everything behind the reply, and what the client sent behind the command, is compressed. */
  private async startCompression(): Promise<void> {
    this.compression = 'on'
    await this.connection.flush()
    const rest = this.reader.drain()
    this.connection = deflateConnection(this.connection, rest)
  }

  private async startTls(): Promise<void> {
    const { tls } = this.parts
    this.startsTls = false
    if (tls === undefined) return
    // RFC 9051 §6.2.1: what came in clear behind the command is not to be believed.
    await this.connection.acceptTls(tls)
    this.reader = new CommandReader(anonymousLineLimits)
    this.trace.add({ tls: true })
  }

  write(data: string | Uint8Array): void {
    this.trace.emit('imap.raw-output', { contents: data, size: data.length })
    this.connection.write(data)
  }

  async relieve(): Promise<void> {
    if (this.connection.waitingBytes > maxWaitingBytes) await this.connection.flush()
    // What is answered from memory waits for nothing of its own accord.
    if ((await this.turn()) && this.connection.closed.aborted) throw new Gone()
  }

  flush(): Promise<void> {
    return this.connection.flush()
  }

  beginIdle(): AsyncDisposable {
    const accountId = this.view?.account.accountId
    this.isIdling = true
    this.pushes.resume()
    const following = this.pushes.follow(accountId === undefined ? [] : [accountId])
    return {
      [Symbol.asyncDispose]: async () => {
        await following[Symbol.asyncDispose]()
        await this.pushes.pause()
        this.isIdling = false
      },
    }
  }

  async notify(request: NotifyRequest | null): Promise<void> {
    await this.stopNotifying()
    if (request === null || !isLoggedIn(this)) return
    this.notifier = await createNotifier(this, request)
    this.notified = this.pushes.follow(this.notifier.accountIds)
  }

  private async stopNotifying(): Promise<void> {
    const { notified } = this
    this.notifier = undefined
    this.notified = undefined
    await notified?.[Symbol.asyncDispose]()
  }

  /** What may be told while no command runs. */
  private async tellUnasked(): Promise<void> {
    const selected = this.notifier?.selected
    const wantsSelected = selected?.events.has('messagenew') === true
    if (this.isIdling || wantsSelected) {
      const lastKnown = this.view?.rows.uids.at(-1) ?? 0
      await this.tellNews(this.isIdling || selected?.scope.kind === 'selected', true)
      if (wantsSelected && selected.items.length > 0 && isSelected(this)) await showNew(this, lastKnown, selected.items)
    }
    await this.notifier?.tell()
    await this.flush()
  }

  async readLine(maxBytes: number, timeoutMs: number, farewell?: string): Promise<Buffer | null> {
    const usual = this.timeoutFarewell
    this.timeoutFarewell = farewell ?? usual
    this.reader.expectLine(maxBytes)
    const event = await this.nextEvent(() => (this.login === null ? this.patienceMs() : timeoutMs))
    this.timeoutFarewell = usual
    return event.kind === 'line' ? event.bytes : null
  }

  abort(): void {
    this.isEnding = true
    this.connection.destroy()
  }

  compressAfterReply(): void {
    this.compression = 'asked'
  }

  startTlsAfterReply(): void {
    this.startsTls = true
  }

  logIn(login: Login): void {
    this.login = login
    this.trace.add({ accountId: login.caller.accountId })
    this.changeReader(new CommandReader(authenticatedLineLimits))
  }

  async logOut(): Promise<void> {
    await this.stopNotifying()
    this.login?.[Symbol.dispose]()
    this.login = null
    this.view = null
    this.enabled.clear()
    this.authFailures = 0
    this.anonymousCommands = 0
    this.anonymousErrors = 0
    this.changeReader(new CommandReader(anonymousLineLimits))
  }

  /** What a client may send at once depends on who it is. */
  private changeReader(next: CommandReader): void {
    next.feed(this.reader.drain())
    this.reader = next
  }

  countAuthFailure(): boolean {
    return ++this.authFailures > this.limits.maxAuthFailures()
  }

  select(view: MailboxView): void {
    this.view = view
  }

  unselect(): void {
    this.view = null
  }

  enable(extension: Extension): void {
    this.enabled.add(extension)
    if (extension === 'QRESYNC') this.enabled.add('CONDSTORE')
    if (extension === 'UIDONLY') this.stopNumbering()
    if (extension === 'IMAP4rev1') this.enabled.delete('IMAP4rev2')
    if (extension === 'IMAP4rev2') this.enabled.delete('IMAP4rev1')
  }

  /** Results that are kept current by number can be told no more. */
  private stopNumbering(): void {
    if (this.view === null) return
    for (const { tag, isUid } of this.view.contexts)
      if (!isUid) this.write(`* NO [NOUPDATE ${encodeString(tag)}] This result is not kept current any more.\r\n`)
    this.view.contexts = this.view.contexts.filter(({ isUid }) => isUid)
  }

  useModSeq(): void {
    if (this.enabled.has('CONDSTORE')) return
    this.enabled.add('CONDSTORE')
    if (this.view !== null) this.write(`* OK [HIGHESTMODSEQ ${this.view.highestModSeq}] Highest Modseq\r\n`)
  }

  async tellNews(mayExpunge: boolean, withUid: boolean): Promise<void> {
    if (this.view === null) return
    const { view } = this
    await view.refresh()
    const numberOf = (uid: number): number => view.indexOf(uid) + 1
    const news = view.contexts.length === 0 ? undefined : view.news(mayExpunge)
    if (news !== undefined) this.write(tellGone(view.contexts, new Set(news.gone), numberOf))
    const text = view.tell({
      mayExpunge,
      // RFC 7162 §3.2.4: UIDs always, once QRESYNC is enabled.
      withUid: withUid || this.enabled.has('QRESYNC'),
      withModSeq: this.enabled.has('CONDSTORE'),
      asVanished: this.enabled.has('QRESYNC') || this.enabled.has('UIDONLY'),
      byUid: this.enabled.has('UIDONLY'),
    })
    if (text !== '') this.write(text)
    if (news !== undefined) this.write(await tellChanged(view.contexts, news, view.account, view.mailbox.id, numberOf))
  }
}

/** RFC 5465 §5.1: what the client wants to see of new messages. */
async function showNew(session: Selected, lastKnown: number, items: readonly FetchItem[]): Promise<void> {
  const { uids, count } = session.view.rows
  const fresh = Array.from({ length: count }, (_, at) => at).filter(at => (uids[at] ?? 0) > lastKnown)
  const shown: readonly FetchItem[] = session.enabled.has('UIDONLY')
    ? items
    : [{ name: 'UID' }, ...items.filter(({ name }) => name !== 'UID')]
  await writeFetch(session, fresh, { items: shown, marked: new Map() })
}

function unknownCommand(name: string): Reply {
  return bad(`Unrecognized command '${name.slice(0, 30)}'.`, 'PARSE')
}

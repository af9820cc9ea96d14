// One client: its state, and the loop that reads, dispatches and writes. Replies to a pipeline leave in one packet (RFC 2920 §3.2).
import { settings as declared, Failure, failure } from '@postern/contract'
import { type InputEvent, type InputLine, parseCommandLine, SmtpInput, SmtpSyntaxError } from '@postern/mail/smtp'
import type { Clock } from '#base/clock'
import { type Connection, ConnectionClosed, IdleTimeout, type ServerTls, TlsError } from '#base/net'
import { bytes, durationMs, ip as ipField, type Span } from '#base/trace'
import type { Settings, Variables } from '#data/settings'
import type { Bans } from '#services/access'
import type { Caller } from '#services/directory'
import { type Answer, type EvaluateRule, Hangup, type Hello, type Session, type State } from './command.ts'
import type { Commands } from './commands.ts'
import { type Reply, renderReply, reply, replyToFailure, replyToSyntaxError } from './reply.ts'
import type { Throttles } from './throttles.ts'
import type { Transaction } from './transaction.ts'
import { sessionVariables } from './variables.ts'

export interface SessionParts {
  readonly connection: Connection
  readonly listener: { readonly id: string; readonly protocol: 'smtp' | 'lmtp'; readonly tls: ServerTls | undefined }
  readonly commands: Commands
  readonly settings: Settings
  readonly bans: Pick<Bans, 'count'>
  readonly clock: Clock
  readonly span: Span
  /** Aborted when the server stops. */
  readonly stop: AbortSignal
  /** Aborted when what is being received can be waited for no longer. */
  readonly cut: AbortSignal
  readonly throttles: Throttles
  /** Looks for the name of the client. */
  readonly reverse: (ip: string) => Promise<string | null>
}

/** RFC 5321 §4.5.3.1.4 asks for 512; extensions add to it. With the line end. */
const maxCommandBytes = 2048
/** AUTH may bring its initial response along (RFC 4954 §4). */
const maxAuthBytes = 12_288
/** Lines that are no command of ours, after which a stranger is sent away. */
const maxBadCommands = 50
/** Replies to a pipeline that wait for their packet. */
const maxWaitingBytes = 64 * 1024
const fallbackIdleMs = 300_000
const fallbackDurationMs = 600_000
const fallbackTransferBytes = 262_144_000

/** The client is gone. */
class Gone extends Error {}
/** The server ends the session, with the reply of a failure. */
class Ended extends Error {
  readonly failure: Failure
  constructor(why: Failure) {
    super(why.code)
    this.failure = why
  }
}

export class SmtpSession implements Session {
  readonly connection: Connection
  readonly listenerId: string
  readonly isLmtp: boolean
  readonly trace: Span
  hostname = 'localhost'
  reverseName: string | null = null
  hello: Hello | null = null
  login: Caller | null = null
  transaction: Transaction | null = null
  messages = 0
  authFailures = 0
  badRecipients = 0
  private readonly parts: SessionParts
  private readonly variables: Variables
  private input = new SmtpInput()
  private badCommands = 0
  private receivedBytes = 0
  private idleMs = fallbackIdleMs
  private maxBytes = fallbackTransferBytes
  private endsAtMs: number
  private startsTls = false
  private isEnding = false
  /** What the client is waited for. */
  private waitsFor: 'command' | 'more' | null = null

  constructor(parts: SessionParts) {
    this.parts = parts
    this.connection = parts.connection
    this.listenerId = parts.listener.id
    this.isLmtp = parts.listener.protocol === 'lmtp'
    this.trace = parts.span
    this.endsAtMs = parts.clock.monotonic() + fallbackDurationMs
    this.variables = sessionVariables(this)
  }

  get offersTls(): boolean {
    return this.parts.listener.tls !== undefined && this.connection.tls === undefined
  }

  private get state(): State {
    const { transaction } = this
    if (transaction === null) return this.hello === null ? 'connected' : 'greeted'
    if (transaction.incoming !== null) return 'chunks'
    return transaction.recipients.length > 0 ? 'recipients' : 'mail'
  }

  readonly rule: EvaluateRule = (setting, ...ids) => this.parts.settings.evaluate(setting, this.variables, ...ids)
  readonly slots = new Map<string, Disposable>()

  /** Serves the client to its end. */
  async serve(): Promise<void> {
    const { stop, cut } = this.parts
    const onStop = (): void => this.sayGoodbye('command')
    const onCut = (): void => this.sayGoodbye('more')
    stop.addEventListener('abort', onStop)
    cut.addEventListener('abort', onCut)
    try {
      await this.open()
      while (!this.isEnding) await this.handle(await this.nextLine(maxAuthBytes, 'command'))
    } catch (error) {
      await this.endWith(error)
    } finally {
      stop.removeEventListener('abort', onStop)
      cut.removeEventListener('abort', onCut)
      await this.reset()
      for (const slot of this.slots.values()) slot[Symbol.dispose]()
      this.trace.end('smtp.connection-end')
    }
    await this.connection.close()
  }

  private async open(): Promise<void> {
    const { clock, reverse, throttles } = this.parts
    const { session } = declared
    if ((await throttles.refuse('connect', this)) !== null) throw new Hangup()
    this.hostname = (await this.rule(session.connectHostname)) || 'localhost'
    if (this.hostname === 'localhost') this.trace.emit('smtp.missing-local-hostname')
    this.idleMs = (await this.rule(session.timeout)) ?? fallbackIdleMs
    this.endsAtMs = clock.monotonic() + ((await this.rule(session.duration)) ?? fallbackDurationMs)
    this.maxBytes = (await this.rule(session.transferLimit)) ?? fallbackTransferBytes
    // Nobody waits for it: it is told in Received when it has come by then.
    void reverse(this.connection.remoteIp).then(name => {
      this.reverseName = name
    })
    await this.listenBeforeGreeting()
    // RFC 5321 §4.2: the greeting begins with the name of the host.
    this.send(reply(220, null, (await this.rule(session.connectGreeting)) || `${this.hostname} Postern ESMTP at your service`))
  }

  /** Programs that send mail in bulk often do not wait to be greeted (RFC 5321 §3.1 demands it). */
  private async listenBeforeGreeting(): Promise<void> {
    const delayMs = this.parts.settings.read(declared.session.connectPregreetDelay)
    if (delayMs === undefined || (await this.rule(declared.session.authRequire))) return
    try {
      const early = await this.connection.read(delayMs)
      if (early === undefined) throw new Gone()
    } catch (error) {
      if (error instanceof IdleTimeout) return
      throw error
    }
    this.trace.emit('smtp.invalid-command')
    this.send(reply(554, '5.5.1', 'Wait for the greeting before you talk.'))
    throw new Hangup()
  }

  /** A session that waits is ended at once; one that works ends after its command. */
  private sayGoodbye(waiting: 'command' | 'more'): void {
    if (this.waitsFor !== waiting) return
    this.send(replyToFailure(failure('shuttingDown')))
    void this.connection.close()
  }

  private async endWith(error: unknown): Promise<void> {
    if (error instanceof Gone || error instanceof ConnectionClosed || error instanceof Hangup) return
    if (error instanceof TlsError) {
      this.trace.emit('tls.handshake-error', {
        listenerId: this.listenerId,
        remoteIp: ipField(this.connection.remoteIp),
        reason: error.message,
      })
      return
    }
    if (!(error instanceof Ended)) throw error
    this.send(replyToFailure(error.failure))
    if (error.failure.code === 'sessionTooLong')
      await this.parts.bans.count('loiter', this.connection.remoteIp, { evidence: 'SMTP session without end' })
  }

  private async handle(line: InputEvent): Promise<void> {
    const answer = line === 'tooLong' ? this.refuseLine() : await this.execute(line)
    for (const one of [answer].flat()) {
      if (this.isEnding) break
      this.send(one)
      if (one.ends === true) this.isEnding = true
    }
    if (this.startsTls) await this.startTls()
    else if (this.connection.waitingBytes > maxWaitingBytes) await this.connection.flush()
  }

  private refuseLine(): Reply {
    this.trace.emit('smtp.request-too-large', { limit: maxCommandBytes })
    return replyToFailure(failure('lineTooLong'))
  }

  private async execute({ bytes: line, hasBareLf }: InputLine): Promise<Answer> {
    const { verb, args } = parseCommandLine(line)
    if (line.length + 2 > maxCommandBytes && verb !== 'AUTH') return this.refuseLine()
    // RFC 5321 §2.3.8. Old mail programs of our own people do it; between servers it is how one message is hidden in another.
    if (hasBareLf && this.login === null && !(await this.rule(declared.session.authRequire)))
      return this.refuseSyntax(new SmtpSyntaxError(500, '5.5.2', 'Lines end with CR and LF'))
    const command = this.parts.commands.get(verb)
    if (command === undefined) return this.refuseUnknown()
    if (!command.states.includes(this.state)) return command.otherwise?.(this) ?? replyToFailure(failure('badSequence'))
    try {
      return await command.run(this, args)
    } catch (error) {
      if (error instanceof SmtpSyntaxError) return this.refuseSyntax(error)
      if (error instanceof Failure) return replyToFailure(error)
      if (isEnd(error)) throw error
      // A defect of ours; the client is not told what.
      this.trace.emit('smtp.error', {
        reason: 'internal',
        details: error instanceof Error ? (error.stack ?? error.message) : String(error),
      })
      return replyToFailure(failure('internal'))
    }
  }

  /** Clients that speak no SMTP are looking for something else. */
  private async refuseUnknown(): Promise<Reply> {
    this.trace.emit('smtp.invalid-command')
    const answer = replyToFailure(failure('commandUnknown'))
    if (this.login !== null) return answer
    if (await this.parts.bans.count('scan', this.connection.remoteIp, { evidence: 'commands unknown to SMTP' })) throw new Hangup()
    return this.countBad(answer)
  }

  private refuseSyntax(error: SmtpSyntaxError): Reply {
    this.trace.emit('smtp.syntax-error', { details: error.message })
    return this.countBad(replyToSyntaxError(error))
  }

  private countBad(answer: Reply): Reply {
    return ++this.badCommands < maxBadCommands ? answer : replyToFailure(failure('tooManyErrors'))
  }

  private async nextLine(maxBytes: number, waitsFor: 'command' | 'more'): Promise<InputEvent> {
    for (;;) {
      // Stopping, no further command is taken.
      if (waitsFor === 'command' && this.parts.stop.aborted) throw new Ended(failure('shuttingDown'))
      const event = this.input.readLine(maxBytes)
      if (event !== null) return event
      await this.readMore(waitsFor)
    }
  }

  private async readMore(waitsFor: 'command' | 'more'): Promise<void> {
    if (this.parts.cut.aborted) throw new Ended(failure('shuttingDown'))
    const leftMs = this.endsAtMs - this.parts.clock.monotonic()
    if (leftMs <= 0) throw this.tooLong()
    this.waitsFor = waitsFor
    let chunk: Buffer | undefined
    try {
      chunk = await this.connection.read(Math.min(this.idleMs, leftMs))
    } catch (error) {
      if (!(error instanceof IdleTimeout)) throw error
      throw leftMs <= this.idleMs ? this.tooLong() : new Ended(failure('idleTimeout'))
    } finally {
      this.waitsFor = null
    }
    if (chunk === undefined) throw new Gone()
    this.trace.emit('smtp.raw-input', { contents: bytes(chunk), size: chunk.length })
    this.receivedBytes += chunk.length
    if (this.receivedBytes > this.maxBytes) {
      this.trace.emit('smtp.transfer-limit-exceeded', { limit: this.maxBytes, size: this.receivedBytes })
      throw new Ended(failure('transferLimit'))
    }
    this.input.feed(chunk)
  }

  private tooLong(): Ended {
    this.trace.emit('smtp.time-limit-exceeded', { elapsed: durationMs(this.parts.clock.monotonic() - this.endsAtMs) })
    return new Ended(failure('sessionTooLong'))
  }

  async readLine(maxBytes: number): Promise<Buffer | 'tooLong'> {
    const event = await this.nextLine(maxBytes, 'more')
    return event === 'tooLong' ? event : event.bytes
  }

  async readOctets(max?: number): Promise<Buffer> {
    if (!this.input.hasOctets) await this.readMore('more')
    return max === undefined ? this.input.takeAll() : (this.input.takeUpTo(max) ?? Buffer.alloc(0))
  }

  unread(octets: Buffer): void {
    this.input.unread(octets)
  }

  continue(intermediate: Reply): void {
    this.send(intermediate)
  }

  private send(answer: Reply): void {
    const text = renderReply(answer)
    this.trace.emit('smtp.raw-output', { contents: text, size: text.length })
    this.connection.write(text)
  }

  async pause(ms: number): Promise<void> {
    if (ms <= 0) return
    await this.connection.flush()
    const awake = AbortSignal.any([this.connection.closed, this.parts.stop])
    await this.parts.clock.sleep(ms, awake).catch(() => {})
  }

  async reset(): Promise<void> {
    const { transaction } = this
    this.transaction = null
    if (transaction !== null && transaction.incoming !== null) await transaction.incoming[Symbol.asyncDispose]()
  }

  startTlsAfterReply(): void {
    this.startsTls = true
  }

  private async startTls(): Promise<void> {
    const { tls } = this.parts.listener
    this.startsTls = false
    if (tls === undefined) return
    // RFC 3207 §4.2, §6: what was said in clear, before or behind the command, is not to be believed.
    await this.reset()
    this.input = new SmtpInput()
    this.hello = null
    this.login = null
    await this.connection.acceptTls(tls)
    this.trace.add({ tls: true })
  }
}

function isEnd(error: unknown): boolean {
  return (
    error instanceof Gone ||
    error instanceof Ended ||
    error instanceof Hangup ||
    error instanceof ConnectionClosed ||
    error instanceof TlsError
  )
}

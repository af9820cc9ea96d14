// One client: its state, and the loop that reads, dispatches and writes. Commands run strictly one after the other, so replies to a
// pipeline come in order (RFC 2449 §6.6).
import { Failure, failure } from '@postern/contract'
import { CommandReader, type CommandText, Pop3SyntaxError, parseCommand } from '@postern/mail/pop3'
import type { Clock } from '#base/clock'
import { createTurns } from '#base/limits'
import { type Connection, ConnectionClosed, IdleTimeout, type ServerTls, TlsError } from '#base/net'
import { bytes, durationMs, ip as ipField, type Span, word } from '#base/trace'
import type { Bans } from '#services/access'
import { type Command, isLoggedIn, type Session } from './command.ts'
import { commands } from './commands.ts'
import { type Limits, maxAnonymousCommands, maxAnonymousErrors, maxAuthBytes, maxCommandBytes, maxWaitingBytes } from './limits.ts'
import type { Login, Logins } from './logins.ts'
import { err, type Reply, renderReply, replyToFailure } from './reply.ts'

export interface SessionParts {
  readonly connection: Connection
  /** For STLS. */
  readonly tls: ServerTls | undefined
  readonly listenerId: string
  readonly bans: Pick<Bans, 'count'>
  readonly logins: Logins
  readonly limits: Limits
  /** Counts a command of an account; false when it was one too many. */
  readonly admit: (login: Login) => boolean
  readonly clock: Clock
  readonly span: Span
  /** Aborted when the server stops. */
  readonly stop: AbortSignal
}

/** The client is gone. */
class Gone extends Error {}
/** The server stops. */
class Stopping extends Error {}

export class Pop3Session implements Session {
  readonly logins: Logins
  readonly trace: Span
  login: Login | null = null
  user: string | null = null
  private readonly connection: Connection
  private readonly parts: SessionParts
  private reader = new CommandReader()
  private authFailures = 0
  private anonymousCommands = 0
  private anonymousErrors = 0
  private startsTls = false
  private isEnding = false
  private stopWaiting: () => void = () => {}
  private anonymousUntilMs: number
  private readonly turn: () => Promise<boolean>

  constructor(parts: SessionParts) {
    this.parts = parts
    this.connection = parts.connection
    this.logins = parts.logins
    this.trace = parts.span
    this.turn = createTurns(parts.clock)
    this.anonymousUntilMs = parts.clock.monotonic() + parts.limits.anonymousTimeoutMs()
  }

  get remoteIp(): string {
    return this.connection.remoteIp
  }
  get isTls(): boolean {
    return this.connection.tls !== undefined
  }
  get offersTls(): boolean {
    return this.parts.tls !== undefined && !this.isTls
  }
  get mayUsePassword(): boolean {
    return this.isTls || this.parts.limits.mayUsePlainText()
  }

  /** Serves the client to its end. What it marked is removed by QUIT alone (RFC 1939 §6). */
  async serve(): Promise<void> {
    const onStop = (): void => this.stopWaiting()
    this.parts.stop.addEventListener('abort', onStop)
    try {
      this.write('+OK Postern POP3 at your service.\r\n')
      while (!this.isEnding) {
        await this.handle(await this.nextLine())
        await this.relieve()
      }
    } catch (error) {
      this.endWith(error)
    } finally {
      this.parts.stop.removeEventListener('abort', onStop)
      this.login?.[Symbol.dispose]()
      this.trace.end('pop3.connection-end')
    }
    await this.connection.close()
  }

  private endWith(error: unknown): void {
    if (error instanceof Gone || error instanceof ConnectionClosed) return
    if (error instanceof Stopping) this.write(renderReply(replyToFailure(failure('shuttingDown'))))
    else if (error instanceof IdleTimeout) this.write(renderReply(err('Connection timed out.')))
    else if (error instanceof TlsError)
      this.trace.emit('tls.handshake-error', { listenerId: this.parts.listenerId, remoteIp: ipField(this.remoteIp), reason: error.message })
    else throw error
  }

  /** Before login a client has to get somewhere; afterwards it has only to be there. */
  private patienceMs(): number {
    const { limits, clock } = this.parts
    return this.login === null ? Math.max(0, this.anonymousUntilMs - clock.monotonic()) : limits.authenticatedTimeoutMs()
  }

  private async nextLine(): Promise<Buffer | 'tooLong'> {
    for (;;) {
      if (this.parts.stop.aborted) throw new Stopping()
      const line = this.reader.next(maxAuthBytes)
      if (line !== null) return line
      // What comes slowly does not renew the time of those who have not logged in.
      const chunk = await this.read(this.patienceMs())
      if (chunk === undefined) throw new Gone()
      this.trace.emit('pop3.raw-input', { contents: bytes(chunk), size: chunk.length })
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

  private async handle(line: Buffer | 'tooLong'): Promise<void> {
    const { clock, limits } = this.parts
    const isAnonymous = this.login === null
    if (isAnonymous && ++this.anonymousCommands > maxAnonymousCommands) return this.leave('Too many commands without a login.')
    const command = line === 'tooLong' ? null : parseCommand(line)
    if (line === 'tooLong' || (line.length + 2 > maxCommandBytes && command?.verb !== 'AUTH')) await this.refuse('Line is too long.')
    else if (command !== null) await this.execute(command)
    if (isAnonymous) this.anonymousUntilMs = clock.monotonic() + limits.anonymousTimeoutMs()
    if (this.startsTls) await this.startTls()
  }

  /** Clients that speak no POP3 are looking for something else. */
  private async refuse(text: string, evidence = text): Promise<void> {
    await this.finish(err(text))
    if (this.login !== null) return
    this.anonymousErrors++
    const isBanned = await this.parts.bans.count('scan', this.remoteIp, { evidence: `no POP3: ${evidence.slice(0, 100)}` })
    if (isBanned || this.anonymousErrors >= maxAnonymousErrors) this.leave('Too many errors.')
  }

  private leave(farewell: string): void {
    if (!this.isEnding) this.write(renderReply(err(farewell)))
    this.isEnding = true
  }

  private async execute(text: CommandText): Promise<void> {
    const startedMs = this.parts.clock.monotonic()
    const command = commands.get(text.verb)
    if (command === undefined) return this.refuse('Invalid command.', text.verb)
    const reply = await this.run(command, text)
    if (reply instanceof Pop3SyntaxError) return this.refuse(reply.message, `${text.verb}: ${reply.message}`)
    await this.finish(reply)
    const event = reply.event ?? command.event
    if (event !== undefined && reply.isOk)
      this.trace.emit(event, { ...reply.fields, elapsed: durationMs(this.parts.clock.monotonic() - startedMs) })
  }

  private async finish(reply: Reply): Promise<void> {
    this.write(renderReply(reply))
    if (!reply.isOk) {
      const code = reply.code === undefined ? {} : { code: word(reply.code) }
      this.trace.emit('pop3.error', { details: reply.text, ...code })
    }
    if (reply.body !== undefined) await this.sendBody(reply.body)
    if (reply.ends === true) this.isEnding = true
  }

  private async sendBody(body: NonNullable<Reply['body']>): Promise<void> {
    try {
      for await (const piece of body) {
        this.write(piece)
        await this.relieve()
      }
    } catch (error) {
      if (isEnd(error)) throw error
      // Half of it is out, and no reply could be told from the rest.
      this.reportDefect(error)
      this.connection.destroy()
      throw new Gone()
    }
  }

  /** Everything that is no declared failure is a defect of ours, and the client is not told what. */
  private async run(command: Command, text: CommandText): Promise<Reply | Pop3SyntaxError> {
    try {
      return this.refusal(command) ?? (await this.perform(command, text))
    } catch (error) {
      if (error instanceof Pop3SyntaxError) return error
      if (error instanceof Failure) return replyToFailure(error)
      if (isEnd(error)) throw error
      this.reportDefect(error)
      return replyToFailure(failure('internal'))
    }
  }

  private reportDefect(error: unknown): void {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.trace.emit('pop3.error', { details: error instanceof Failure ? word(error.code) : word('Defect'), reason })
  }

  /** Why the command cannot run now, or null. */
  private refusal({ states, permission }: Command): Reply | null {
    const { login } = this
    if (login === null) return states === 'transaction' ? replyToFailure(failure('unauthorized')) : null
    if (!this.parts.admit(login)) return { ...replyToFailure(failure('tooManyRequests')), ends: true }
    if (states === 'authorization') return replyToFailure(failure('alreadyAuthenticated'))
    if (permission === undefined || login.caller.rights.has(permission)) return null
    this.trace.emit('security.unauthorized', { remoteIp: ipField(this.remoteIp), details: permission })
    return replyToFailure(failure('forbidden'))
  }

  private perform(command: Command, text: CommandText): Promise<Reply> {
    if (command.states !== 'transaction') return command.run(this, text)
    if (isLoggedIn(this)) return command.run(this, text)
    throw new Error(`${text.verb} was let through in the wrong state`)
  }

  private async startTls(): Promise<void> {
    const { tls } = this.parts
    this.startsTls = false
    if (tls === undefined) return
    // RFC 2595 §4: what came in clear, before or behind the command, is not to be believed.
    await this.connection.acceptTls(tls)
    this.reader = new CommandReader()
    this.user = null
    this.trace.add({ tls: true })
  }

  private write(data: string | Buffer): void {
    this.trace.emit('pop3.raw-output', { contents: typeof data === 'string' ? data : bytes(data), size: data.length })
    this.connection.write(data)
  }

  async relieve(): Promise<void> {
    if (this.connection.waitingBytes > maxWaitingBytes) await this.connection.flush()
    // What is answered from memory waits for nothing of its own accord.
    if ((await this.turn()) && this.connection.closed.aborted) throw new Gone()
  }

  async ask(challenge: string): Promise<Buffer | null> {
    this.write(`+ ${challenge}\r\n`)
    const line = await this.nextLine()
    return line === 'tooLong' ? null : line
  }

  startTlsAfterReply(): void {
    this.startsTls = true
  }

  logIn(login: Login): void {
    this.login = login
    this.trace.add({ accountId: login.caller.accountId })
  }

  countAuthFailure(): boolean {
    return ++this.authFailures > this.parts.limits.maxAuthFailures()
  }
}

function isEnd(error: unknown): boolean {
  return error instanceof Gone || error instanceof Stopping || error instanceof ConnectionClosed || error instanceof IdleTimeout
}

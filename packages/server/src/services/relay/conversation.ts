// One conversation with one address of one host: connect, TLS, login, transaction. What happened comes back as a value.

import { DataEncoder, encodeXtext, formatRcptParameters, parseEhloKeywords, type Reply, ReplyError, ReplyReader } from '@postern/mail/smtp'
import type { Clock } from '#base/clock'
import { type Connection, ConnectionClosed, connect, IdleTimeout, TlsError } from '#base/net'
import { durationMs, ip as ipField, type Trace } from '#base/trace'
import { isPending } from '#data/store'
import {
  type DomainOutcome,
  isFlagged,
  messageFlags,
  type QueuedDomain,
  type QueuedMessage,
  type RecipientOutcome,
  recipientFlags,
  summarize,
} from '#services/queue'
import { allRecipients, describeReply, isPermanent, isPositive } from './outcome.ts'

export interface Target {
  readonly host: string
  readonly ip: string
  readonly port: number
  readonly localIp: string | undefined
  readonly helo: string
  readonly isLmtp: boolean
  readonly implicitTls: boolean
  readonly startTls: 'optional' | 'require' | 'verify' | 'disable'
  readonly allowsAnyCertificate: boolean
  readonly credentials: { readonly username: string; readonly secret: string } | undefined
  /** Milliseconds. */
  readonly timeouts: Readonly<Record<'connect' | 'greeting' | 'tls' | 'ehlo' | 'mail' | 'rcpt' | 'data', number>>
  readonly clock: Clock
  readonly trace: Trace
  readonly signal: AbortSignal
}

/** `unreachable` leaves the message as it was: another host may be tried. */
export type HostResult =
  | { readonly kind: 'done'; readonly outcome: DomainOutcome }
  | { readonly kind: 'unreachable'; readonly error: 'connection' | 'unexpected-reply' | 'tls' | 'dns'; readonly detail: string }

interface Mail {
  readonly message: QueuedMessage
  readonly domain: QueuedDomain
  readonly content: Buffer
}

/** The host could not be used; the message was not touched. */
class Unusable extends Error {
  readonly fault: 'connection' | 'unexpected-reply' | 'tls'
  constructor(fault: 'connection' | 'unexpected-reply' | 'tls', message: string) {
    super(message)
    this.fault = fault
  }
}

export async function tryTarget(target: Target, mail: Mail): Promise<HostResult> {
  const first = await tryOnce(target, mail)
  const wasOpportunistic = !target.implicitTls && target.startTls === 'optional' && !isFlagged(mail.message.flags, messageFlags.requireTls)
  // RFC 7435: encryption that fails is no reason not to deliver where none was asked for.
  if (first.kind === 'unreachable' && first.error === 'tls' && wasOpportunistic) return tryOnce({ ...target, startTls: 'disable' }, mail)
  return first
}

async function tryOnce(target: Target, mail: Mail): Promise<HostResult> {
  const { host, ip, port, localIp, timeouts, clock, trace, signal } = target
  const common = { domain: mail.domain.domain, hostname: host }
  const started = clock.monotonic()
  const elapsed = (): ReturnType<typeof durationMs> => durationMs(clock.monotonic() - started)
  let connection: Connection
  try {
    connection = await connect({ ip, port, localIp, timeoutMs: timeouts.connect, signal, clock })
  } catch (error) {
    const reason = messageOf(error)
    trace.emit('delivery.connect-error', {
      ...common,
      localIp: ipField(localIp),
      remoteIp: ipField(ip),
      remotePort: port,
      reason,
      elapsed: elapsed(),
    })
    return { kind: 'unreachable', error: 'connection', detail: `Connection to ${host} (${ip}:${port}) failed: ${reason}` }
  }
  trace.emit('delivery.connect', {
    ...common,
    localIp: ipField(connection.localIp),
    remoteIp: ipField(ip),
    remotePort: port,
    elapsed: elapsed(),
  })
  const cut = (): void => connection.destroy()
  signal.addEventListener('abort', cut, { once: true })
  const session = new Session(connection, target, common)
  try {
    await session.open()
    const outcome = await session.transfer(mail)
    await session.quit()
    return { kind: 'done', outcome }
  } catch (error) {
    if (!isExpected(error)) throw error
    const fault =
      error instanceof Unusable
        ? error.fault
        : error instanceof TlsError
          ? 'tls'
          : error instanceof ReplyError
            ? 'unexpected-reply'
            : 'connection'
    const detail = error instanceof Unusable ? error.message : `Conversation with ${host} broke off: ${messageOf(error)}`
    if (session.hasStarted) return { kind: 'done', outcome: allRecipients(mail.domain, 'tempFail', detail, fault) }
    return { kind: 'unreachable', error: fault, detail }
  } finally {
    signal.removeEventListener('abort', cut)
    connection.destroy()
  }
}

function isExpected(error: unknown): boolean {
  return (
    error instanceof Unusable ||
    error instanceof ConnectionClosed ||
    error instanceof IdleTimeout ||
    error instanceof TlsError ||
    error instanceof ReplyError
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

class Session {
  /** The transaction has begun: from here on the host's word counts. */
  hasStarted = false
  private readonly connection: Connection
  private readonly target: Target
  private readonly common: { readonly domain: string; readonly hostname: string }
  private reader = new ReplyReader()
  private keywords: ReadonlyMap<string, readonly string[]> = new Map()

  constructor(connection: Connection, target: Target, common: { domain: string; hostname: string }) {
    this.connection = connection
    this.target = target
    this.common = common
  }

  private async reply(timeoutMs: number): Promise<Reply> {
    for (;;) {
      const reply = this.reader.next()
      if (reply !== null) return reply
      const chunk = await this.connection.read(timeoutMs)
      if (chunk === undefined) throw new ConnectionClosed('the connection was closed by the host')
      this.reader.feed(chunk)
    }
  }

  private command(line: string, timeoutMs: number): Promise<Reply> {
    this.connection.write(`${line}\r\n`)
    return this.reply(timeoutMs)
  }

  /** Greeting, TLS, login. */
  async open(): Promise<void> {
    const { implicitTls, timeouts, trace } = this.target
    if (implicitTls) await this.startTls('delivery.implicit-tls-error', !this.target.allowsAnyCertificate)
    const greeting = await this.reply(timeouts.greeting)
    if (!isPositive(greeting)) {
      trace.emit('delivery.greeting-failed', { ...this.common, code: greeting.code, reason: greeting.lines.join(' ') })
      throw new Unusable('unexpected-reply', `Unexpected reply from ${this.target.host}: ${describeReply(greeting)}`)
    }
    await this.hello()
    if (!implicitTls) await this.maybeStartTls()
    await this.logIn()
  }

  private async hello(): Promise<void> {
    const { helo, isLmtp, timeouts, trace, host } = this.target
    let reply = await this.command(`${isLmtp ? 'LHLO' : 'EHLO'} ${helo}`, timeouts.ehlo)
    // RFC 5321 §3.2: old servers know HELO only.
    if (isPermanent(reply) && !isLmtp) reply = await this.command(`HELO ${helo}`, timeouts.ehlo)
    if (!isPositive(reply)) {
      trace.emit('delivery.ehlo-rejected', { ...this.common, code: reply.code, reason: reply.lines.join(' ') })
      throw new Unusable('unexpected-reply', `${host} refused our name: ${describeReply(reply)}`)
    }
    this.keywords = parseEhloKeywords(reply.lines)
    trace.emit('delivery.ehlo', this.common)
  }

  private async maybeStartTls(): Promise<void> {
    const { startTls, timeouts, trace, host } = this.target
    if (startTls === 'disable') return trace.emit('delivery.start-tls-disabled', this.common)
    const mustEncrypt = startTls === 'require' || startTls === 'verify'
    if (!this.keywords.has('STARTTLS')) {
      trace.emit('delivery.start-tls-unavailable', this.common)
      if (mustEncrypt) throw new Unusable('tls', `${host} does not offer TLS.`)
      return
    }
    const reply = await this.command('STARTTLS', timeouts.tls)
    if (!isPositive(reply)) {
      trace.emit('delivery.start-tls-error', { ...this.common, code: reply.code, reason: reply.lines.join(' ') })
      if (mustEncrypt) throw new Unusable('tls', `${host} refused TLS: ${describeReply(reply)}`)
      return
    }
    await this.startTls('delivery.start-tls-error', startTls === 'verify' && !this.target.allowsAnyCertificate)
    await this.hello()
  }

  private async startTls(failureEvent: 'delivery.start-tls-error' | 'delivery.implicit-tls-error', verifies: boolean): Promise<void> {
    const { host, timeouts, trace } = this.target
    // Whatever came in clear does not count any more (RFC 3207 §4.2).
    this.reader = new ReplyReader()
    try {
      const verdict = await this.connection.startTls({ serverName: host, handshakeTimeoutMs: timeouts.tls })
      if (verifies && !verdict.isTrusted) throw new Unusable('tls', `The certificate of ${host} is not trusted: ${verdict.reason}`)
      trace.emit('delivery.start-tls', {
        ...this.common,
        version: this.connection.tls?.version ?? '',
        details: this.connection.tls?.cipher ?? '',
      })
    } catch (error) {
      trace.emit(failureEvent, { ...this.common, reason: messageOf(error) })
      throw error
    }
  }

  private async logIn(): Promise<void> {
    const { credentials, timeouts, trace, host } = this.target
    if (credentials === undefined) return
    const mechanisms = (this.keywords.get('AUTH') ?? []).map(name => name.toUpperCase())
    const { username, secret } = credentials
    let reply: Reply
    if (mechanisms.includes('PLAIN')) reply = await this.command(`AUTH PLAIN ${base64(`\0${username}\0${secret}`)}`, timeouts.mail)
    else if (mechanisms.includes('LOGIN')) {
      reply = await this.command('AUTH LOGIN', timeouts.mail)
      if (reply.code === 334) reply = await this.command(base64(username), timeouts.mail)
      if (reply.code === 334) reply = await this.command(base64(secret), timeouts.mail)
    } else throw new Unusable('unexpected-reply', `${host} offers no login that we know.`)
    if (!isPositive(reply)) {
      trace.emit('delivery.auth-failed', { ...this.common, code: reply.code, reason: reply.lines.join(' ') })
      throw new Unusable('unexpected-reply', `${host} refused our login: ${describeReply(reply)}`)
    }
    trace.emit('delivery.auth', this.common)
  }

  /** MAIL, RCPT and the message. */
  async transfer({ message, domain, content }: Mail): Promise<DomainOutcome> {
    const refusal = this.cannotCarry(message, domain, content)
    if (refusal !== undefined) return refusal
    const { timeouts, trace } = this.target
    this.hasStarted = true
    const mail = await this.command(`MAIL FROM:<${message.returnPath}>${this.mailParameters(message, content)}`, timeouts.mail)
    if (!isPositive(mail)) {
      trace.emit('delivery.mail-from-rejected', { ...this.common, code: mail.code, reason: mail.lines.join(' ') })
      return allRecipients(domain, isPermanent(mail) ? 'permFail' : 'tempFail', describeReply(mail), 'unexpected-reply')
    }
    trace.emit('delivery.mail-from', this.common)
    const open = domain.recipients.filter(isPending)
    for (const recipient of open) this.connection.write(`RCPT TO:<${recipient.address}>${this.rcptParameters(recipient)}\r\n`)
    const outcomes: RecipientOutcome[] = []
    const accepted: typeof open = []
    for (const recipient of open) {
      const reply = await this.reply(timeouts.rcpt)
      trace.emit(isPositive(reply) ? 'delivery.rcpt-to' : 'delivery.rcpt-to-rejected', {
        ...this.common,
        to: recipient.address,
        code: reply.code,
        details: reply.lines.join(' '),
      })
      if (isPositive(reply)) accepted.push(recipient)
      else
        outcomes.push({ position: recipient.position, status: isPermanent(reply) ? 'permFail' : 'tempFail', detail: describeReply(reply) })
    }
    if (accepted.length > 0) outcomes.push(...(await this.sendContent(content, accepted)))
    return summarize(domain.domain, outcomes)
  }

  /** What the host's extensions do not allow (RFC 6531 §3.2, RFC 8689 §4.2.1, RFC 1870 §6.1). */
  private cannotCarry(message: QueuedMessage, domain: QueuedDomain, content: Buffer): DomainOutcome | undefined {
    const fail = (enhanced: string, text: string): DomainOutcome =>
      allRecipients(domain, 'permFail', `Code: 550, Enhanced code: ${enhanced}, Message: ${text}`, 'unexpected-reply')
    const { host } = this.target
    if (isFlagged(message.flags, messageFlags.smtpUtf8) && !this.keywords.has('SMTPUTF8'))
      return fail('5.6.7', `${host} does not take internationalized mail.`)
    if (isFlagged(message.flags, messageFlags.requireTls) && !this.keywords.has('REQUIRETLS'))
      return fail('5.7.30', `${host} does not promise TLS all the way.`)
    const limit = Number(this.keywords.get('SIZE')?.[0] ?? 0)
    if (limit > 0 && content.length > limit) return fail('5.3.4', `The message is larger than the ${limit} bytes that ${host} takes.`)
    return undefined
  }

  private mailParameters(message: QueuedMessage, content: Buffer): string {
    let parameters = ''
    if (this.keywords.has('SIZE')) parameters += ` SIZE=${content.length}`
    if (this.keywords.has('8BITMIME') && isFlagged(message.flags, messageFlags.eightBit)) parameters += ' BODY=8BITMIME'
    if (isFlagged(message.flags, messageFlags.smtpUtf8)) parameters += ' SMTPUTF8'
    if (isFlagged(message.flags, messageFlags.requireTls)) parameters += ' REQUIRETLS'
    if (!this.keywords.has('DSN')) return parameters
    if (isFlagged(message.flags, messageFlags.returnFull)) parameters += ' RET=FULL'
    else if (isFlagged(message.flags, messageFlags.returnHeaders)) parameters += ' RET=HDRS'
    if (message.envId !== undefined) parameters += ` ENVID=${encodeXtext(message.envId)}`
    return parameters
  }

  private rcptParameters({ flags, orcpt }: QueuedDomain['recipients'][number]): string {
    if (!this.keywords.has('DSN')) return ''
    const [type = '', address = ''] = orcpt === undefined ? [] : [orcpt.slice(0, orcpt.indexOf(';')), orcpt.slice(orcpt.indexOf(';') + 1)]
    const notify =
      flags === 0
        ? null
        : {
            success: isFlagged(flags, recipientFlags.notifySuccess),
            failure: isFlagged(flags, recipientFlags.notifyFailure),
            delay: isFlagged(flags, recipientFlags.notifyDelay),
          }
    return formatRcptParameters(
      { notify, originalRecipient: orcpt === undefined ? null : { type, address } },
      this.keywords.has('SMTPUTF8'),
    )
  }

  private async sendContent(content: Buffer, accepted: QueuedDomain['recipients']): Promise<RecipientOutcome[]> {
    const { timeouts, trace, isLmtp } = this.target
    const go = await this.command('DATA', timeouts.data)
    if (go.code !== 354) {
      trace.emit('delivery.message-rejected', { ...this.common, code: go.code, reason: go.lines.join(' ') })
      return accepted.map(({ position }) => ({ position, status: isPermanent(go) ? 'permFail' : 'tempFail', detail: describeReply(go) }))
    }
    const encoder = new DataEncoder()
    for (let at = 0; at < content.length; at += pieceBytes) {
      for (const piece of encoder.encode(content.subarray(at, at + pieceBytes))) this.connection.write(piece)
      await this.connection.flush()
    }
    this.connection.write(encoder.end())
    const outcomes: RecipientOutcome[] = []
    let reply = await this.reply(timeouts.data)
    for (const [index, { position, address }] of accepted.entries()) {
      // LMTP answers once for each recipient (RFC 2033 §4.2).
      if (isLmtp && index > 0) reply = await this.reply(timeouts.data)
      const status = isPositive(reply) ? 'completed' : isPermanent(reply) ? 'permFail' : 'tempFail'
      const fields = { ...this.common, to: address, code: reply.code, details: reply.lines.join(' ') }
      trace.emit(status === 'completed' ? 'delivery.delivered' : 'delivery.message-rejected', fields)
      outcomes.push({ position, status, detail: describeReply(reply) })
    }
    return outcomes
  }

  async quit(): Promise<void> {
    try {
      await this.command('QUIT', quitPatienceMs)
    } catch {
      // The message is delivered or not; how the host says goodbye changes nothing.
    }
  }
}

const pieceBytes = 64 * 1024
const quitPatienceMs = 10_000

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

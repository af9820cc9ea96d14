import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '#base/clock'
import { type ClientTls, type PeerVerdict, type ServerTls, upgradeClient, upgradeServer } from './tls.ts'

/** What TLS agreed on. */
export interface TlsInfo {
  /** `TLSv1.3` */
  readonly version: string
  /** `TLS_AES_256_GCM_SHA384` */
  readonly cipher: string
  /** Name the client asked for. */
  readonly serverName: string | undefined
}

/** The peer said nothing for too long. */
export class IdleTimeout extends Error {
  override readonly name = 'IdleTimeout'
}

/** The connection is gone: closed by the peer, by a network error, or because the peer never read. */
export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed'
}

export interface Ends {
  readonly remoteIp: string
  readonly remotePort: number
  readonly localIp: string
  readonly localPort: number
}

export interface Connection extends Ends, AsyncDisposable {
  readonly tls: TlsInfo | undefined
  /** Aborted when the connection is closed, by whichever side. */
  readonly closed: AbortSignal
  /**
   * The next bytes, or undefined after the peer's end. Sends what was written before it waits, so that the answers to a pipeline
   * leave in one packet. Rejects with IdleTimeout or ConnectionClosed.
   */
  read(timeoutMs: number): Promise<Buffer | undefined>
  /** Queues bytes for the peer; they leave with the next `read` or `flush`. */
  write(data: string | Uint8Array): void
  /** Sends what was written; waits while the peer is slow to take it. Rejects with ConnectionClosed. */
  flush(): Promise<void>
  /** Bytes written and not yet sent. */
  readonly waitingBytes: number
  /**
   * Answers a STARTTLS: everything the client sent in clear and that was not read yet is thrown away.
   * @returns the number of bytes thrown away
   */
  acceptTls(tls: ServerTls): Promise<number>
  /** Starts TLS as the client. Resolves once encrypted, whatever the certificate is worth: the verdict tells. */
  startTls(tls: ClientTls): Promise<PeerVerdict>
  /** Sends what was written, then closes; gives the peer a few seconds to take it. */
  close(): Promise<void>
  /** Closes at once. */
  destroy(): void
  /** Hands the bare socket over, for a protocol that brings its own engine. Nothing may be called afterwards. */
  release(): Socket
}

/** A peer may leave so much unread before we wait for it. */
const maxUnsentBytes = 256 * 1024
const unreadPatienceMs = 120_000
const closePatienceMs = 5_000
const lingerMs = 2_000

export function createConnection(socket: Socket, ends: Ends, clock: Clock, tls?: TlsInfo): Connection {
  return new SocketConnection(socket, ends, clock, tls)
}

class SocketConnection implements Connection {
  readonly remoteIp: string
  readonly remotePort: number
  readonly localIp: string
  readonly localPort: number
  tls: TlsInfo | undefined
  private socket: Socket
  private readonly clock: Clock
  private readonly ending = new AbortController()
  private waiting: Array<string | Uint8Array> = []
  private waitingSize = 0
  private readonly readers = new Set<() => void>()
  /** All who wait for the peer to read: a session's answers and its pushes may both. */
  private readonly waitingWriters = new Set<() => void>()
  private ended = false

  constructor(socket: Socket, ends: Ends, clock: Clock, tls: TlsInfo | undefined) {
    this.socket = socket
    this.clock = clock
    this.remoteIp = ends.remoteIp
    this.remotePort = ends.remotePort
    this.localIp = ends.localIp
    this.localPort = ends.localPort
    this.tls = tls
    this.listen()
  }

  get closed(): AbortSignal {
    return this.ending.signal
  }

  get waitingBytes(): number {
    return this.waitingSize
  }

  private readonly onReadable = (): void => this.wakeReader()
  private readonly onDrain = (): void => {
    for (const wake of this.waitingWriters) wake()
  }
  private readonly onEnd = (): void => {
    this.ended = true
    this.wakeReader()
  }
  private readonly onClose = (): void => {
    this.ended = true
    if (!this.ending.signal.aborted) this.ending.abort(new ConnectionClosed('the connection was closed'))
    this.wakeReader()
    this.onDrain()
  }

  private listen(): void {
    this.socket.on('readable', this.onReadable).on('drain', this.onDrain).on('end', this.onEnd).on('close', this.onClose)
    // An error is always followed by 'close'.
    this.socket.on('error', this.onError)
  }

  private readonly onError = (): void => {}

  private silence(): void {
    this.socket.off('readable', this.onReadable).off('drain', this.onDrain).off('end', this.onEnd).off('close', this.onClose)
  }

  async read(timeoutMs: number): Promise<Buffer | undefined> {
    const ready = this.take()
    if (ready !== undefined) return ready
    await this.flush()
    const deadline = this.clock.monotonic() + timeoutMs
    for (;;) {
      const chunk = this.take()
      if (chunk !== undefined) return chunk
      if (this.ended) {
        if (this.ending.signal.aborted && !this.socket.readableEnded) throw this.ending.signal.reason
        return undefined
      }
      const leftMs = deadline - this.clock.monotonic()
      if (leftMs <= 0) throw new IdleTimeout('the peer was silent for too long')
      await this.waitForReader(leftMs)
    }
  }

  private take(): Buffer | undefined {
    return (this.socket.read() as Buffer | null) ?? undefined
  }

  private waitForReader(ms: number): Promise<void> {
    return new Promise(resolve => {
      const finish = (): void => {
        timer.cancel()
        this.readers.delete(finish)
        resolve()
      }
      const timer = this.clock.after(ms, finish)
      this.readers.add(finish)
    })
  }

  /** A session that reads and a closing connection may wait side by side. */
  private wakeReader(): void {
    for (const wake of [...this.readers]) wake()
  }

  write(data: string | Uint8Array): void {
    this.waiting.push(data)
    this.waitingSize += data.length
  }

  async flush(): Promise<void> {
    if (this.waiting.length > 0) {
      const chunks = this.waiting
      this.waiting = []
      this.waitingSize = 0
      if (this.socket.writable) this.socket.write(join(chunks))
    }
    if (this.ending.signal.aborted) throw this.ending.signal.reason
    while (this.socket.writableLength > maxUnsentBytes) await this.waitForWriter()
  }

  private async waitForWriter(): Promise<void> {
    const before = this.socket.writableLength
    await new Promise<void>(resolve => {
      const finish = (): void => {
        timer.cancel()
        this.waitingWriters.delete(finish)
        resolve()
      }
      const timer = this.clock.after(unreadPatienceMs, finish)
      this.waitingWriters.add(finish)
    })
    if (this.ending.signal.aborted) throw this.ending.signal.reason
    if (this.socket.writableLength >= before) {
      this.destroy()
      throw new ConnectionClosed('the peer does not read')
    }
  }

  async acceptTls(tls: ServerTls): Promise<number> {
    await this.flush()
    let discarded = 0
    for (let chunk = this.take(); chunk !== undefined; chunk = this.take()) discarded += chunk.length
    await this.replaceSocket(() => upgradeServer(this.socket, tls, this.clock))
    return discarded
  }

  async startTls(tls: ClientTls): Promise<PeerVerdict> {
    await this.flush()
    for (let chunk = this.take(); chunk !== undefined; chunk = this.take());
    let verdict: PeerVerdict | undefined
    await this.replaceSocket(async () => {
      const upgraded = await upgradeClient(this.socket, tls, this.clock)
      verdict = upgraded.verdict
      return upgraded
    })
    if (verdict === undefined) throw new ConnectionClosed('the handshake was cut')
    return verdict
  }

  private async replaceSocket(upgrade: () => Promise<{ readonly socket: TLSSocket; readonly info: TlsInfo }>): Promise<void> {
    this.silence()
    try {
      const { socket, info } = await upgrade()
      this.socket = socket
      this.tls = info
      this.listen()
    } catch (error) {
      this.socket.destroy()
      this.onClose()
      throw error
    }
  }

  async close(): Promise<void> {
    try {
      await this.flush()
    } catch {
      // What could not be sent is lost with the connection.
    }
    if (!this.socket.destroyed) {
      await new Promise<void>(resolve => {
        const timer = this.clock.after(closePatienceMs, resolve)
        this.socket.end(() => {
          timer.cancel()
          resolve()
        })
      })
      await this.linger()
    }
    this.destroy()
  }

  /**
   * Reads past what the peer still says until it closes too: closing over unread octets resets the connection, and our last answer may be
   * lost with it.
   */
  private async linger(): Promise<void> {
    const deadline = this.clock.monotonic() + lingerMs
    while (!this.ended) {
      if (this.take() !== undefined) continue
      const leftMs = deadline - this.clock.monotonic()
      if (leftMs <= 0) return
      await this.waitForReader(leftMs)
    }
  }

  destroy(): void {
    this.socket.destroy()
    this.onClose()
  }

  release(): Socket {
    this.silence()
    this.socket.off('error', this.onError)
    this.socket.removeAllListeners('readable')
    return this.socket
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function join(chunks: ReadonlyArray<string | Uint8Array>): string | Uint8Array {
  const [first = ''] = chunks
  if (chunks.length === 1) return first
  return Buffer.concat(chunks.map(chunk => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)))
}

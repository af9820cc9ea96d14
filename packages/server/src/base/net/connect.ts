import { connect as connectSocket, type Socket } from 'node:net'
import type { Clock } from '#base/clock'
import { type Connection, ConnectionClosed, createConnection } from './connection.ts'

export interface ConnectOptions {
  /** An IP address: names are resolved by whoever chooses between addresses. */
  readonly ip: string
  readonly port: number
  /** Own address to come from. */
  readonly localIp?: string | undefined
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  readonly clock: Clock
}

/** Opens a connection; rejects with ConnectionClosed, whose message is the system's word for what went wrong. */
export function connect({ ip, port, localIp, timeoutMs, signal, clock }: ConnectOptions): Promise<Connection> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const socket: Socket = connectSocket({
      host: ip,
      port,
      noDelay: true,
      keepAlive: true,
      ...(localIp !== undefined && { localAddress: localIp }),
    })
    const fail = (error: Error): void => {
      stop()
      socket.on('error', () => {})
      socket.destroy()
      reject(error)
    }
    const onError = (error: NodeJS.ErrnoException): void => fail(new ConnectionClosed(describe(error), { cause: error }))
    const onAbort = (): void => fail(signal?.reason)
    const timer = clock.after(timeoutMs, () => fail(new ConnectionClosed('Connection timed out')))
    const stop = (): void => {
      timer.cancel()
      socket.off('error', onError).off('connect', onConnect)
      signal?.removeEventListener('abort', onAbort)
    }
    const onConnect = (): void => {
      stop()
      const ends = { remoteIp: ip, remotePort: port, localIp: socket.localAddress ?? '', localPort: socket.localPort ?? 0 }
      resolve(createConnection(socket, ends, clock))
    }
    socket.once('connect', onConnect).once('error', onError)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  ETIMEDOUT: 'Connection timed out',
  EADDRNOTAVAIL: 'The own address cannot be used',
}

function describe(error: NodeJS.ErrnoException): string {
  return words[error.code ?? ''] ?? error.message
}

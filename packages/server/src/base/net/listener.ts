import { BlockList, createServer, isIPv6, type Server, type Socket } from 'node:net'
import type { Clock } from '#base/clock'
import { type Connection, createConnection, type Ends } from './connection.ts'
import { canonicalIp, ProxyParser } from './proxy.ts'
import { type ServerTls, upgradeServer } from './tls.ts'

/** The address can't be listened on; the message is for the administrator. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
  readonly code: string
  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Why a connection was not served. */
export type Refusal = 'blocked' | 'tooMany' | 'proxy' | 'tls'

export interface ListenerOptions {
  readonly address: string
  /** 0 takes any free port. */
  readonly port: number
  readonly backlog?: number
  /** Lets several threads or processes share the port. */
  readonly reusePort?: boolean
  /** Simultaneous connections; more are dropped. */
  readonly maxConnections: number
  /** `address/length` of the proxies that must speak the PROXY protocol. */
  readonly proxyNetworks?: ReadonlyArray<{ readonly address: string; readonly prefixLength: number }>
  /** TLS from the first byte. */
  readonly implicitTls?: ServerTls
  /** Whether an address is refused without a word. */
  readonly isBlocked?: (remoteIp: string) => boolean
  readonly onRefused?: (refusal: Refusal, remoteIp: string, reason: string | undefined) => void
  /** Serves one connection; it is closed when the promise settles. */
  readonly serve: (connection: Connection) => Promise<void>
  /** Told when `serve` rejects: a defect, or a connection that was cut. */
  readonly onError: (error: unknown, connection: Connection) => void
  readonly clock: Clock
}

export interface Listener extends AsyncDisposable {
  readonly address: string
  readonly port: number
  readonly connections: number
  /** Stops accepting; connections go on. */
  stopAccepting(): void
}

const proxyPatienceMs = 10_000

/** Listens, or rejects with ListenError. Disposing stops accepting and closes what is still open. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { clock } = options
  const proxies = new BlockList()
  for (const { address, prefixLength } of options.proxyNetworks ?? []) proxies.addSubnet(address, prefixLength, familyOf(address))
  const sockets = new Set<Socket>()

  async function accept(socket: Socket): Promise<void> {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    const refuse = (refusal: Refusal, remoteIp: string, reason?: string): void => {
      socket.destroy()
      options.onRefused?.(refusal, remoteIp, reason)
    }
    let ends = endsOf(socket)
    if (ends === undefined) return void socket.destroy()
    if (sockets.size > options.maxConnections) return refuse('tooMany', ends.remoteIp)
    if (proxies.check(ends.remoteIp, familyOf(ends.remoteIp))) {
      try {
        ends = (await readProxyHeader(socket, clock)) ?? ends
      } catch (error) {
        return refuse('proxy', ends.remoteIp, (error as Error).message)
      }
    }
    if (options.isBlocked?.(ends.remoteIp)) return refuse('blocked', ends.remoteIp)
    let connection: Connection
    if (options.implicitTls === undefined) connection = createConnection(socket, ends, clock)
    else {
      try {
        const { socket: secure, info } = await upgradeServer(socket, options.implicitTls, clock)
        connection = createConnection(secure, ends, clock, info)
      } catch (error) {
        return refuse('tls', ends.remoteIp, (error as Error).message)
      }
    }
    try {
      await options.serve(connection)
    } catch (error) {
      options.onError(error, connection)
      connection.destroy()
    }
  }

  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000, pauseOnConnect: false, allowHalfOpen: true },
    socket => void accept(socket),
  )
  await bind(server, options)
  const bound = server.address()
  return {
    address: options.address,
    port: typeof bound === 'object' && bound !== null ? bound.port : options.port,
    get connections() {
      return sockets.size
    },
    stopAccepting: () => server.close(),
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function bind(server: Server, { address, port, backlog = 1024, reusePort = false }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const place = `${isIPv6(address) ? `[${address}]` : address}:${port}`
      const reason =
        {
          EADDRINUSE: 'the port is taken by another program',
          EACCES: 'ports below 1024 need more rights',
          EADDRNOTAVAIL: 'this machine has no such address',
        }[error.code ?? ''] ?? error.message
      reject(new ListenError(`cannot listen on ${place}: ${reason}`, error.code ?? '', { cause: error }))
    }
    server.once('error', fail)
    server.listen({ host: address, port, backlog, reusePort, ipv6Only: false }, () => {
      server.off('error', fail)
      // Running out of file descriptors and the like: the connection is lost, the listener lives on.
      server.on('error', () => {})
      resolve()
    })
  })
}

function endsOf(socket: Socket): Ends | undefined {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  if (remoteAddress === undefined || localAddress === undefined) return undefined
  return {
    remoteIp: canonicalIp(remoteAddress),
    remotePort: remotePort ?? 0,
    localIp: canonicalIp(localAddress),
    localPort: localPort ?? 0,
  }
}

function readProxyHeader(socket: Socket, clock: Clock): Promise<Ends | undefined> {
  const parser = new ProxyParser()
  return new Promise((resolve, reject) => {
    const finish = (error: Error | undefined, ends?: Ends): void => {
      timer.cancel()
      socket.off('readable', read).off('close', closed).off('end', closed)
      if (error === undefined) resolve(ends)
      else reject(error)
    }
    const read = (): void => {
      try {
        for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
          const header = parser.feed(chunk)
          if (header === undefined) continue
          if (header.rest.length > 0) socket.unshift(header.rest)
          const { ends } = header
          return finish(undefined, ends && { ...ends, remoteIp: canonicalIp(ends.remoteIp), localIp: canonicalIp(ends.localIp) })
        }
      } catch (error) {
        finish(error as Error)
      }
    }
    const closed = (): void => finish(new Error('closed before the PROXY header was complete'))
    const timer = clock.after(proxyPatienceMs, () => finish(new Error('no PROXY header came')))
    socket.on('readable', read).once('close', closed).once('end', closed)
    read()
  })
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}

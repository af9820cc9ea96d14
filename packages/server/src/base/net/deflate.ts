import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'
import { type Connection, ConnectionClosed } from './connection.ts'

/** Octets that come out of one step: a bomb fills no more than these at once. */
const chunkSize = 16 * 1024

/**
 * The same connection with DEFLATE in both directions (RFC 1951; RFC 4978 §4 for how it is flushed). `first` is what was read of the
 * compressed stream already. What is no DEFLATE ends the connection.
 */
export function deflateConnection(connection: Connection, first: Buffer): Connection {
  const inflate = createInflateRaw({ chunkSize })
  const deflate = createDeflateRaw({ chunkSize, memLevel: 7 })
  let isBroken = false
  let unsent = 0
  let awaited: (() => void) | undefined
  const wake = (): void => awaited?.()
  inflate.on('readable', wake).on('error', () => {
    isBroken = true
    wake()
  })
  deflate.on('data', chunk => connection.write(chunk)).on('error', () => connection.destroy())

  /** What went in has not all come out. */
  let isInflating = false
  function inflateMore(chunk: Buffer): void {
    isInflating = true
    inflate.write(chunk, () => {
      isInflating = false
      wake()
    })
  }

  let left: Buffer | undefined = first.length > 0 ? first : undefined
  const { promise: closed, resolve: close } = Promise.withResolvers<void>()
  closed.then(() => {
    inflate.destroy()
    deflate.destroy()
  })
  connection.closed.addEventListener('abort', () => close(), { once: true })

  async function flush(): Promise<void> {
    if (unsent > 0) {
      unsent = 0
      await new Promise<void>(resolve => {
        connection.closed.addEventListener('abort', () => resolve(), { once: true })
        deflate.flush(constants.Z_SYNC_FLUSH, () => resolve())
      })
    }
    await connection.flush()
  }

  return {
    remoteIp: connection.remoteIp,
    remotePort: connection.remotePort,
    localIp: connection.localIp,
    localPort: connection.localPort,
    get tls() {
      return connection.tls
    },
    closed: connection.closed,
    async read(timeoutMs) {
      for (;;) {
        if (isBroken) throw new ConnectionClosed('the peer sent what is no DEFLATE')
        const ready = inflate.read() as Buffer | null
        if (ready !== null) return ready
        if (isInflating) {
          await new Promise<void>(resolve => {
            awaited = resolve
          })
          continue
        }
        await flush()
        const chunk = left ?? (await connection.read(timeoutMs))
        left = undefined
        if (chunk === undefined) return undefined
        inflateMore(chunk)
      }
    },
    write(data) {
      unsent += data.length
      deflate.write(data)
    },
    flush,
    get waitingBytes() {
      return connection.waitingBytes + unsent
    },
    acceptTls: () => Promise.reject(new Error('TLS cannot begin inside a compressed connection')),
    startTls: () => Promise.reject(new Error('TLS cannot begin inside a compressed connection')),
    async close() {
      await flush().catch(() => {})
      await connection.close()
      close()
    },
    destroy: () => connection.destroy(),
    release: () => {
      throw new Error('a compressed connection cannot be handed over')
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  }
}

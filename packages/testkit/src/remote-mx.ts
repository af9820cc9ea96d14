import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { testIdentity } from './identity.ts'

/** A message as a remote host took it. */
export interface Taken {
  readonly isEncrypted: boolean
  readonly from: string
  readonly to: readonly string[]
  /** Dots undone, CRLF kept. */
  readonly content: string
}

/** What the host answers to a verb instead of its usual reply; `hang` says nothing, `close` cuts the connection. */
export type Script = (line: string, connection: number) => string | 'hang' | 'close' | undefined

export interface RemoteMx extends AsyncDisposable {
  readonly port: number
  readonly taken: readonly Taken[]
  /** Lines that clients sent, messages left out. */
  readonly lines: readonly string[]
  readonly connections: number
  /** Resolves when so many messages have been taken. */
  untilTaken(count: number): Promise<void>
}

/** Another mail server on loopback that does what the test says. */
export async function createRemoteMx({
  script = () => undefined,
  keywords = ['PIPELINING', '8BITMIME', 'SIZE 1000000'],
  tls,
}: {
  script?: Script
  keywords?: readonly string[]
  /** What it does after STARTTLS: a handshake with the test identity, or nonsense. */
  tls?: 'works' | 'broken'
} = {}): Promise<RemoteMx> {
  const taken: Taken[] = []
  const lines: string[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  let wake: () => void = () => {}

  function serve(socket: Socket): void {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    converse(socket, ++connections, false)
  }

  function converse(socket: Socket, connection: number, isEncrypted: boolean): void {
    let received = ''
    let envelope = { from: '', to: [] as string[] }
    let inData = false
    const reply = (line: string, usual: string): void => {
      const answer = script(line, connection) ?? usual
      if (answer === 'close') socket.destroy()
      else if (answer !== 'hang') socket.write(`${answer}\r\n`)
    }
    if (!isEncrypted) reply('', '220 remote.test ready')
    const onData = (chunk: Buffer): void => {
      received += chunk.toString('latin1')
      for (;;) {
        const end = received.indexOf(inData ? '\r\n.\r\n' : '\r\n')
        if (end < 0) return
        const text = received.slice(0, end)
        received = received.slice(end + (inData ? 5 : 2))
        if (inData) {
          inData = false
          const answer = script('.', connection) ?? '250 2.0.0 taken'
          if (answer.startsWith('2')) {
            taken.push({ isEncrypted, ...envelope, content: `${text.replace(/^\./gm, '')}\r\n` })
            wake()
          }
          reply('.', '250 2.0.0 taken')
          envelope = { from: '', to: [] }
          continue
        }
        lines.push(text)
        const verb = text.slice(0, 4).toUpperCase()
        const path = /<([^>]*)>/.exec(text)?.[1] ?? ''
        if (verb === 'EHLO' || verb === 'LHLO')
          reply(
            text,
            ['remote.test', ...keywords, ...(tls !== undefined && !isEncrypted ? ['STARTTLS'] : [])]
              .map((keyword, index, all) => `250${index === all.length - 1 ? ' ' : '-'}${keyword}`)
              .join('\r\n'),
          )
        else if (verb === 'MAIL') {
          envelope = { from: path, to: [] }
          reply(text, '250 2.1.0 ok')
        } else if (verb === 'RCPT') {
          const answer = script(text, connection) ?? '250 2.1.5 ok'
          if (answer.startsWith('2')) envelope.to.push(path)
          reply(text, '250 2.1.5 ok')
        } else if (verb === 'DATA') {
          inData = (script(text, connection) ?? '354').startsWith('354')
          reply(text, '354 go on')
        } else if (verb === 'QUIT') {
          reply(text, '221 2.0.0 bye')
          socket.end()
        } else if (verb === 'STAR' && tls !== undefined) {
          socket.off('data', onData)
          socket.write('220 2.0.0 go on\r\n')
          if (tls === 'broken') socket.write('this is no handshake\r\n')
          else {
            const secure = new TLSSocket(socket, { isServer: true, cert: testIdentity.certificate, key: testIdentity.privateKey })
            secure.on('error', () => {})
            converse(secure, connection, true)
          }
        } else reply(text, '250 2.0.0 ok')
      }
    }
    socket.on('data', onData)
  }

  const server = createServer(serve)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    taken,
    lines,
    get connections() {
      return connections
    },
    async untilTaken(count) {
      while (taken.length < count) {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    },
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

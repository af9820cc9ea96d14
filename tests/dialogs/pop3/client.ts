// A client that says exactly what a test wants, and keeps what comes.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Pop3Server } from './server.ts'

export class Client {
  readonly socket: Socket
  received = ''
  private ended = false
  private wake: () => void = () => {}

  constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    const end = (): void => {
      this.ended = true
      this.wake()
    }
    socket.on('data', (text: string) => {
      this.received += text
      this.wake()
    })
    socket.on('end', end).on('close', end).on('error', end)
  }

  /** Has read the greeting. */
  static async open(server: Pop3Server, options: { readonly allowHalfOpen?: boolean } = {}): Promise<Client> {
    const socket = connect({ port: server.port('bare').port, host: '127.0.0.1', ...options })
    await once(socket, 'connect')
    const client = new Client(socket)
    await client.until('+OK')
    return client
  }

  static async logIn(server: Pop3Server): Promise<Client> {
    const client = await Client.open(server)
    assert.match(await client.command('USER jane'), /^\+OK/)
    assert.match(await client.command('PASS secret'), /^\+OK/)
    return client
  }

  /** Waits for a text in what comes next, and takes everything up to the end of its line. */
  async until(text: string): Promise<string> {
    for (;;) {
      const at = this.received.indexOf(text)
      const end = at < 0 ? -1 : this.received.indexOf('\r\n', at + text.length - (text.endsWith('\r\n') ? 2 : 0))
      if (end >= 0) {
        const taken = this.received.slice(0, end + 2)
        this.received = this.received.slice(end + 2)
        return taken
      }
      if (this.ended) assert.fail(`the connection ended before ${text}: ${JSON.stringify(this.received.slice(-500))}`)
      await new Promise<void>(resolve => {
        this.wake = resolve
      })
    }
  }

  /** Everything up to the end. */
  async end(): Promise<string> {
    while (!this.ended) {
      await new Promise<void>(resolve => {
        this.wake = resolve
      })
    }
    return this.received
  }

  /** The first line of the answer. */
  command(line: string): Promise<string> {
    this.socket.write(`${line}\r\n`)
    return this.until('')
  }

  /** The whole answer, its final dot included. */
  multi(line: string): Promise<string> {
    this.socket.write(`${line}\r\n`)
    return this.until('\r\n.\r\n')
  }
}

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface LineClientOptions {
  readonly allowHalfOpen?: boolean
}

/** A connection to loopback, once it stands. */
export async function connectLocally(port: number, options: LineClientOptions = {}): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', ...options })
  await once(socket, 'connect')
  return socket
}

/** A client of a line protocol that says exactly what a test wants, and keeps what comes. */
export class LineClient {
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
      await this.more()
    }
  }

  /** Everything up to the end. */
  async end(): Promise<string> {
    while (!this.ended) await this.more()
    return this.received
  }

  private more(): Promise<void> {
    return new Promise(resolve => {
      this.wake = resolve
    })
  }
}

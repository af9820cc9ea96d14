import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A line protocol client that does as little as possible. */
export class LineClient {
  private readonly socket: Socket
  private received = ''
  private wake: () => void = () => {}

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', chunk => {
      this.received += chunk
      this.wake()
    })
    socket.on('close', () => this.wake())
    socket.on('error', () => {})
  }

  static async open(port: number): Promise<LineClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new LineClient(socket)
  }

  send(text: string | Buffer): void {
    this.socket.write(text)
  }

  /** Everything up to and including the match. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.received)
      if (found !== null) {
        const end = found.index + found[0].length
        const text = this.received.slice(0, end)
        this.received = this.received.slice(end)
        return text
      }
      if (this.socket.closed) throw new Error(`closed after ${JSON.stringify(this.received.slice(-200))}`)
      await new Promise<void>(resolve => {
        this.wake = resolve
      })
    }
  }

  close(): void {
    this.socket.destroy()
  }
}

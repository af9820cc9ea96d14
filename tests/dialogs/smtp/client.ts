import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A client that sends exactly what it is told to, for what no well-behaved program says. */
export class Client implements Disposable {
  private readonly socket: Socket
  private received = ''
  private isClosed = false
  private wake: () => void = () => {}

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.received += text
      this.wake()
    })
    // A reset is the end too: a client that talks on after the server has gone gets one.
    socket.on('error', () => {})
    for (const event of ['end', 'close'] as const) {
      socket.on(event, () => {
        this.isClosed = true
        this.wake()
      })
    }
  }

  /** Connects and reads the greeting. */
  static async greeted(port: number): Promise<Client> {
    const client = await Client.connected(port)
    await client.reply()
    return client
  }

  static async connected(port: number): Promise<Client> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    return new Client(socket)
  }

  send(octets: string | Buffer): Promise<void> {
    return new Promise(resolve => {
      if (this.socket.writable) this.socket.write(octets, () => resolve())
      else resolve()
    })
  }

  /** Ends our side only. */
  endSending(): void {
    this.socket.end()
  }

  /** The next reply with all its lines, or what came before the end when there is none. */
  async reply(): Promise<string> {
    for (;;) {
      const found = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(this.received)
      if (found !== null) {
        this.received = this.received.slice(found[0].length)
        return found[0].slice(0, -2)
      }
      if (this.isClosed) return this.received
      await this.more()
    }
  }

  async replies(count: number): Promise<readonly string[]> {
    const all: string[] = []
    while (all.length < count) all.push(await this.reply())
    return all
  }

  async ask(line: string): Promise<string> {
    await this.send(`${line}\r\n`)
    return this.reply()
  }

  /** Everything up to the end of the connection. */
  async rest(): Promise<string> {
    while (!this.isClosed) await this.more()
    const rest = this.received
    this.received = ''
    return rest
  }

  private more(): Promise<void> {
    return new Promise(resolve => {
      this.wake = resolve
    })
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

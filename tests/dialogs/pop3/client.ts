// A client that says exactly what a test wants, and keeps what comes.
import assert from 'node:assert/strict'
import { connectLocally, LineClient, type LineClientOptions } from '@postern/testkit'
import type { Pop3Server } from './server.ts'

export class Client extends LineClient {
  /** Has read the greeting. */
  static async open(server: Pop3Server, options: LineClientOptions = {}): Promise<Client> {
    const client = new Client(await connectLocally(server.port('bare').port, options))
    await client.until('+OK')
    return client
  }

  static async logIn(server: Pop3Server): Promise<Client> {
    const client = await Client.open(server)
    assert.match(await client.command('USER jane'), /^\+OK/)
    assert.match(await client.command('PASS secret'), /^\+OK/)
    return client
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

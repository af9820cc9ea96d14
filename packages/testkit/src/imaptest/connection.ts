import { connect, type Socket } from 'node:net'

/** A client that sends commands with literals and reads whole replies. One character per byte. */
export interface ImapConnection {
  /** Sends a command; waits where a literal wants to be asked for. Resolves false when it was refused before its end. */
  send(
    tag: string,
    pieces: ReadonlyArray<{ readonly text: string } | { readonly literal: string; readonly isBinary: boolean }>,
  ): Promise<void>
  /** The next reply, literals included, without its last line end; undefined at the end of the connection. */
  next(): Promise<string | undefined>
  close(): void
}

const patienceMs = 20_000

export async function connectImap(port: number): Promise<ImapConnection> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  socket.setTimeout(patienceMs, () => socket.destroy(new Error('the server said nothing for 20 s')))
  const lines = readReplies(socket)
  const kept: string[] = []
  const greeting = await lines.next()
  if (greeting.done) throw new Error('no greeting')

  async function read(): Promise<string | undefined> {
    const { value, done } = await lines.next()
    return done ? undefined : value
  }
  return {
    async send(tag, pieces) {
      socket.write(`${tag} `, 'latin1')
      for (const piece of pieces) {
        if ('text' in piece) {
          socket.write(piece.text, 'latin1')
          continue
        }
        socket.write(`${piece.isBinary ? '~' : ''}{${piece.literal.length}}\r\n`, 'latin1')
        for (;;) {
          const line = await read()
          if (line?.startsWith('+')) break
          if (line !== undefined) kept.push(line)
          if (line === undefined || line.startsWith(`${tag} `)) return
        }
        socket.write(piece.literal, 'latin1')
      }
      socket.write('\r\n')
    },
    next: async () => kept.shift() ?? (await read()),
    close: () => socket.destroy(),
  }
}

async function* readReplies(socket: Socket): AsyncGenerator<string> {
  let rest = ''
  let from = 0
  for await (const chunk of socket) {
    rest += (chunk as Buffer).toString('latin1')
    for (;;) {
      const end = rest.indexOf('\r\n', from)
      if (end < 0) break
      const literal = /\{(\d+)\}$/.exec(rest.slice(0, end))
      if (literal !== null) {
        from = end + 2 + Number(literal[1])
        if (rest.length < from) {
          from = end
          break
        }
        continue
      }
      yield rest.slice(0, end)
      rest = rest.slice(end + 2)
      from = 0
    }
  }
}

import assert from 'node:assert/strict'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

// A dialog is a text file that reads like the protocol:
//
//   # comment
//   A> a1 LOGIN jane secret         sends a line (CRLF is added); the connection is opened at its first mention
//   A>> a2 APP\r\n                  sends exactly this; \r \n \t \0 \xHH and \\ are understood
//   A< a1 OK                        the next line starts with these words
//   A< * LIST (...) "/" {{name}}    ... matches any run; {{name}} captures at its first use and is replaced afterwards
//   A<~ * FLAGS                     lines of such a block may come in any order
//   A<< a1 OK                       skips lines until this one
//   A tls                           starts TLS
//   A open submission               opens the connection to another listener than the dialog's own
//   A closed                        the server has closed the connection
//   A close                         closes from our side, without a word
//   anything else                   a directive of whoever runs the dialog: `account jane secret`
//
// Literals (`{12}` at the end of an IMAP line) stay inside their line, CRLF included; a pattern writes them as \r\n.

export interface DialogOptions {
  /** Port of a listener by its id; the empty id is the dialog's own. */
  readonly port: (listener: string) => { readonly port: number; readonly isTls: boolean }
  /** Carries out lines that are no dialog; rejects what it does not know. */
  readonly directive?: (line: string, variables: Map<string, string>) => Promise<void>
  /** Lines of the server may hold IMAP literals. */
  readonly hasLiterals?: boolean
  /** Patience for one expected line. */
  readonly timeoutMs?: number
}

/** Plays a dialog; rejects with the line number and what came instead. */
export async function runDialog(text: string, options: DialogOptions): Promise<void> {
  const variables = new Map<string, string>()
  const connections = new Map<string, Connection>()
  const connection = async (name: string, listener = ''): Promise<Connection> => {
    let found = connections.get(name)
    if (found === undefined) {
      found = await Connection.open(options.port(listener), options)
      connections.set(name, found)
    }
    return found
  }
  const lines = text.split('\n')
  try {
    for (let at = 0; at < lines.length; at++) {
      const line = (lines[at] ?? '').replace(/\s+$/, '')
      if (line === '' || line.startsWith('#')) continue
      try {
        at = await step(line, at, lines, { variables, connection, connections, options })
      } catch (error) {
        throw new Error(`line ${at + 1}: ${line}\n${error instanceof Error ? error.message : String(error)}`, { cause: error })
      }
    }
  } finally {
    for (const open of connections.values()) open.destroy()
  }
}

interface Stage {
  readonly variables: Map<string, string>
  readonly connection: (name: string, listener?: string) => Promise<Connection>
  readonly connections: Map<string, Connection>
  readonly options: DialogOptions
}

/** Plays one line; returns the index of the last line it took. */
async function step(line: string, at: number, lines: readonly string[], stage: Stage): Promise<number> {
  const { variables, connection } = stage
  const spoken = /^([A-Z])(>>?|<[~<]?) ?(.*)$/.exec(line)
  if (spoken !== null) {
    const [, name = '', kind, text = ''] = spoken
    const peer = await connection(name)
    if (kind === '>') await peer.send(Buffer.from(`${substitute(text, variables)}\r\n`))
    else if (kind === '>>') await peer.send(decodeEscapes(substitute(text, variables)))
    else if (kind === '<') match(text, await peer.nextLine(), variables)
    else if (kind === '<<') {
      while (!matches(text, await peer.nextLine(), variables));
    } else {
      const block = [text]
      while (lines[at + 1]?.startsWith(`${name}<~`)) block.push((lines[++at] ?? '').slice(3).trim())
      await matchUnordered(block, peer, variables)
    }
    return at
  }
  const action = /^([A-Z]) (tls|closed|close|open)(?: (.*))?$/.exec(line)
  if (action !== null) {
    const [, name = '', verb, argument = ''] = action
    if (verb === 'open') await connection(name, argument)
    else if (verb === 'tls') await (await connection(name)).startTls()
    else if (verb === 'closed') await (await connection(name)).expectEnd()
    else {
      stage.connections.get(name)?.destroy()
      stage.connections.delete(name)
    }
    return at
  }
  if (stage.options.directive === undefined) throw new Error('not a line of a dialog')
  await stage.options.directive(substitute(line, variables), variables)
  return at
}

function substitute(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\{\{([\w-]+)\}\}/g, (all, name: string) => variables.get(name) ?? all)
}

function decodeEscapes(text: string): Buffer {
  const decoded = text.replace(/\\(r|n|t|0|\\|x[0-9a-fA-F]{2})/g, (_all, code: string) => {
    const simple = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' }[code]
    return simple ?? String.fromCharCode(Number.parseInt(code.slice(1), 16))
  })
  // One character one byte where that is possible, so that \xff is the byte and not its UTF-8.
  return /^[\u0000-\u00ff]*$/.test(decoded) ? Buffer.from(decoded, 'latin1') : Buffer.from(decoded)
}

function matches(pattern: string, line: string, variables: Map<string, string>): boolean {
  const names: string[] = []
  const wanted = decodeEscapes(substitute(pattern, variables)).toString('latin1')
  const source = wanted
    .split(/(\.\.\.|\{\{[\w-]+\}\})/)
    .map(part => {
      if (part === '...') return '[^]*?'
      const name = /^\{\{([\w-]+)\}\}$/.exec(part)?.[1]
      if (name === undefined) return RegExp.escape(part)
      names.push(name)
      return '([^]+?)'
    })
    .join('')
  // The words of the pattern end at a word of the line; a pattern that ends in a variable or `...` takes the rest.
  const found = new RegExp(`^${source}(?:${/(\.\.\.|\}\})$/.test(wanted) ? '' : '(?= )[^]*'})?$`).exec(line)
  if (found === null) return false
  for (const [index, name] of names.entries()) variables.set(name, found[index + 1] ?? '')
  return true
}

function match(pattern: string, line: string, variables: Map<string, string>): void {
  if (!matches(pattern, line, variables)) assert.fail(`expected: ${substitute(pattern, variables)}\n     got: ${JSON.stringify(line)}`)
}

async function matchUnordered(patterns: readonly string[], peer: Connection, variables: Map<string, string>): Promise<void> {
  const open = [...patterns]
  while (open.length > 0) {
    const line = await peer.nextLine()
    const index = open.findIndex(pattern => matches(pattern, line, variables))
    if (index < 0) assert.fail(`expected one of: ${open.join(' | ')}\n            got: ${JSON.stringify(line)}`)
    open.splice(index, 1)
  }
}

const literalAtEnd = /\{(\d+)\+?\}$/

class Connection {
  private socket: Socket
  private readonly hasLiterals: boolean
  private readonly timeoutMs: number
  private received: Buffer = Buffer.alloc(0)
  private ended = false
  private wake: () => void = () => {}

  private constructor(socket: Socket, { hasLiterals = false, timeoutMs = 10_000 }: DialogOptions) {
    this.socket = socket
    this.hasLiterals = hasLiterals
    this.timeoutMs = timeoutMs
    this.listen()
  }

  static async open({ port, isTls }: { port: number; isTls: boolean }, options: DialogOptions): Promise<Connection> {
    const socket = isTls ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }) : connectTcp(port, '127.0.0.1')
    await new Promise((resolve, reject) => {
      socket.once(isTls ? 'secureConnect' : 'connect', resolve)
      socket.once('error', reject)
    })
    return new Connection(socket, options)
  }

  private listen(): void {
    this.socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk])
      this.wake()
    })
    const end = (): void => {
      this.ended = true
      this.wake()
    }
    this.socket.on('end', end).on('close', end).on('error', end)
  }

  send(bytes: Buffer): Promise<void> {
    return new Promise(resolve => this.socket.write(bytes, () => resolve()))
  }

  /** The next line without CRLF, its literals included; one character a byte. */
  async nextLine(): Promise<string> {
    let start = 0
    for (;;) {
      const end = this.received.indexOf('\r\n', start)
      if (end >= 0) {
        const literal = this.hasLiterals ? literalAtEnd.exec(this.received.toString('latin1', 0, end)) : null
        if (literal === null) {
          const line = this.received.toString('latin1', 0, end)
          this.received = this.received.subarray(end + 2)
          return line
        }
        start = end + 2 + Number(literal[1])
        if (this.received.length >= start) continue
      }
      if (this.ended) assert.fail(`the connection was closed after ${JSON.stringify(this.received.toString('latin1'))}`)
      await this.more()
    }
  }

  async expectEnd(): Promise<void> {
    while (!this.ended) await this.more()
    assert.equal(this.received.toString('latin1'), '', 'more came before the end')
  }

  private more(): Promise<void> {
    return new Promise((resolve, reject) => {
      const patience = setTimeout(
        () => reject(new Error(`nothing came for ${this.timeoutMs} ms; so far: ${JSON.stringify(this.received.toString('latin1'))}`)),
        this.timeoutMs,
      )
      this.wake = () => {
        clearTimeout(patience)
        resolve()
      }
    })
  }

  async startTls(): Promise<void> {
    this.socket.removeAllListeners()
    const socket = connectTls({ socket: this.socket, rejectUnauthorized: false })
    await new Promise((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', reject)
    })
    this.socket = socket
    this.listen()
  }

  destroy(): void {
    this.socket.destroy()
  }
}

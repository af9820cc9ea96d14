// Plays scripts of James against another server: texts are its own and not compared, tags and statuses are; flags are sets; untagged
// lines may come in any order, and others between them.
import { connect, type Socket } from 'node:net'
import type { Step } from './script.ts'

export interface JamesOptions {
  readonly port: number
  /** Sent on each connection before the script; empty for scripts that log in themselves. */
  readonly opening: readonly string[]
}

const patienceMs = 20_000

/** @returns what went otherwise than the script says */
export async function playJames(steps: readonly Step[], { port, opening }: JamesOptions): Promise<readonly string[]> {
  const sessions = new Map<number, Client>()
  const failures: string[] = []
  let sent = ''
  async function session(number: number): Promise<Client> {
    const known = sessions.get(number)
    if (known !== undefined) return known
    const client = new Client(port)
    sessions.set(number, client)
    for (const [at, line] of opening.entries()) {
      client.send([`open${at} ${line}`])
      await client.until(text => text.startsWith(`open${at} `))
    }
    return client
  }
  try {
    let current = await session(1)
    for (const step of steps) {
      if (step.kind === 'session') current = await session(step.session)
      else if (step.kind === 'send') {
        sent = step.lines[0] ?? ''
        current.send(step.lines)
      } else {
        const missing = await expectAll(current, step.patterns)
        if (missing !== undefined) failures.push(`${sent}\n  ${missing}`)
      }
    }
    return failures
  } finally {
    for (const client of sessions.values()) client.close()
  }
}

/** What is missing, and what came instead. */
async function expectAll(client: Client, patterns: readonly string[]): Promise<string | undefined> {
  const open = patterns.filter(isCompared)
  const came: string[] = []
  while (open.length > 0) {
    const line = await client.next()
    if (line === undefined) break
    came.push(line)
    const at = open.findIndex(pattern => isLike(pattern, line))
    if (at >= 0) open.splice(at, 1)
    // Behind the last tagged reply comes nothing that was asked for; replies that no pattern is about are passed over.
    const isOther = at < 0 && open.some(pattern => pattern.split(' ')[0] === line.split(' ')[0])
    if (isTagged(line) && (isOther || !open.some(isReply))) break
  }
  return open.length === 0 ? undefined : `missing ${open.join(' | ')}\n  among ${came.join('\n    ')}`
}

const reply = /^(\\\*|[\w.]+) (OK|NO|BAD|BYE)\b/
const count = /^\\\* \d+ (?:EXISTS|EXPUNGE)$/
const found = /^\\\* SEARCH[ \d]*$/
const flags = /^\\\* (\d+) FETCH \\\(FLAGS \\\(([^()]*)\\\)\\\)$/

function isCompared(pattern: string): boolean {
  return (
    (reply.test(pattern) && (isReply(pattern) || /^\\\* BYE/.test(pattern))) ||
    pattern.startsWith('\\+') ||
    [count, found, flags].some(kind => kind.test(pattern))
  )
}

/** A tagged one; what untagged ones say is every server's own affair. */
function isReply(pattern: string): boolean {
  return reply.test(pattern) && !pattern.startsWith('\\*')
}

function isTagged(line: string): boolean {
  return /^[\w.]+ (?:OK|NO|BAD)\b/.test(line)
}

function isLike(pattern: string, line: string): boolean {
  if (pattern.startsWith('\\+')) return line.startsWith('+')
  // Nonsense is answered, but not by every server with its farewell.
  if (pattern.startsWith('\\* BYE')) return /^\* (?:BYE|BAD)\b/.test(line) || / BAD\b/.test(line)
  const [, tag = '', status = ''] = isReply(pattern) ? (reply.exec(pattern) ?? []) : []
  if (tag !== '') return new RegExp(`^${literally(tag)} ${status}\\b`).test(line)
  const wanted = flags.exec(pattern)
  if (wanted === null) return new RegExp(`^${pattern}$`).test(line)
  const actual = /^\* (\d+) FETCH \((?:.* )?FLAGS \(([^()]*)\)/.exec(line)
  return actual?.[1] === wanted[1] && setOf(actual?.[2] ?? '') === setOf((wanted[2] ?? '').replaceAll('\\\\', '\\'))
}

/** Which messages are recent, and to whom, every server decides by itself. */
function setOf(flags: string): string {
  return flags
    .split(' ')
    .filter(flag => flag !== '\\Recent')
    .toSorted()
    .join(' ')
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

class Client {
  private readonly socket: Socket
  private readonly lines: AsyncGenerator<string>
  private started: Promise<unknown> | undefined

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port, noDelay: true })
    this.socket.setTimeout(patienceMs, () => this.socket.destroy(new Error('the server said nothing for 20 s')))
    this.lines = readLines(this.socket)
    // The greeting.
    this.started = this.lines.next()
  }

  send(lines: readonly string[]): void {
    this.socket.write(lines.map(line => `${line}\r\n`).join(''), 'latin1')
  }

  async next(): Promise<string | undefined> {
    await this.started
    this.started = undefined
    const { value, done } = await this.lines.next()
    return done ? undefined : value
  }

  async until(isLast: (line: string) => boolean): Promise<void> {
    for (let line = await this.next(); line !== undefined; line = await this.next()) if (isLast(line)) return
    throw new Error('the connection was closed')
  }

  close(): void {
    this.socket.destroy()
  }
}

/** Lines as the scripts have them: those of literals too. */
async function* readLines(socket: Socket): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of socket) {
    rest += (chunk as Buffer).toString('latin1')
    const lines = rest.split('\r\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

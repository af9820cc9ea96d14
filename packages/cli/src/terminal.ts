import { once } from 'node:events'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a command line runs in. Tests give their own. */
export interface Terminal {
  /** An empty variable counts as absent. */
  env(name: string): string | undefined
  /** Whether a person reads the output, and how wide it may be. */
  readonly output: { readonly isTty: boolean; readonly columns: number }
  /** Whether a person can answer. */
  readonly canAsk: boolean
  print(text: string): Promise<void>
  complain(text: string): void
  /** An answer of a person; `hidden` is not shown while it is typed. */
  ask(question: string, hidden?: boolean): Promise<string>
  readInput(): Promise<Uint8Array>
  readFile(path: string): Promise<Uint8Array>
  /** Undefined when there is none. */
  readPrivateFile(path: string): Promise<string | undefined>
  /** For nobody else's eyes; undefined removes it. */
  writePrivateFile(path: string, contents: string | undefined): Promise<void>
  readonly now: () => number
  sleep(ms: number): Promise<void>
  readonly fetch: typeof globalThis.fetch
}

export function processTerminal(): Terminal {
  const { stdin, stdout, stderr } = process
  // A pager that was closed is no error.
  stdout.on('error', error => {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0)
    throw error
  })
  return {
    env: name => process.env[name] || undefined,
    output: { isTty: stdout.isTTY === true, columns: stdout.columns ?? 80 },
    canAsk: stdin.isTTY === true,
    async print(text) {
      if (!stdout.write(text)) await once(stdout, 'drain')
    },
    complain: text => stderr.write(text),
    ask,
    async readInput() {
      const parts: Buffer[] = []
      for await (const part of stdin) parts.push(part as Buffer)
      return Buffer.concat(parts)
    },
    readFile: path => readFile(path),
    readPrivateFile: path => readFile(path, 'utf8').catch(absent),
    async writePrivateFile(path, contents) {
      if (contents === undefined) return rm(path, { force: true })
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      const fresh = `${path}.new`
      await rm(fresh, { force: true })
      await writeFile(fresh, contents, { mode: 0o600 })
      await rename(fresh, path)
    },
    now: () => Date.now(),
    sleep: ms => sleep(ms),
    fetch: globalThis.fetch,
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

async function ask(question: string, hidden = false): Promise<string> {
  const { stdin, stderr } = process
  let isMuted = false
  // Questions are not output: what is piped on stays clean.
  const echo = new Writable({
    write(chunk, _encoding, done) {
      if (!isMuted) stderr.write(chunk)
      done()
    },
  })
  const lines = createInterface({ input: stdin, output: echo, terminal: stdin.isTTY === true })
  try {
    const answer = lines.question(question)
    isMuted = hidden
    return await answer
  } finally {
    lines.close()
    if (hidden) stderr.write('\n')
  }
}

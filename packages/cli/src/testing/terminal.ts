import type { Terminal } from '../terminal.ts'

export interface FakeTerminal extends Terminal {
  readonly sent: ReadonlyArray<{
    readonly method: string
    readonly target: string
    readonly body: unknown
    readonly authorization: string | null
  }>
  readonly files: Map<string, string>
  readonly slept: readonly number[]
  printed(): string
  complaints(): string
}

export interface FakeTerminalOptions {
  /** What the server answers, one after the other. */
  readonly answers: ReadonlyArray<() => Response>
  /** What a person replies; nobody is there when absent. */
  readonly replies?: readonly string[]
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
}

export function fakeTerminal({
  answers,
  replies,
  input = '',
  env = { HOME: '/home/jane' },
  files = {},
}: FakeTerminalOptions): FakeTerminal {
  const out: string[] = []
  const err: string[] = []
  const sent: Array<FakeTerminal['sent'][number]> = []
  const slept: number[] = []
  const kept = new Map(Object.entries(files))
  const left = [...(replies ?? [])]
  const open = [...answers]
  let now = Date.UTC(2027, 0, 1)
  return {
    sent,
    slept,
    files: kept,
    printed: () => out.join(''),
    complaints: () => err.join(''),
    env: name => env[name] || undefined,
    output: { isTty: false, columns: 80 },
    canAsk: replies !== undefined,
    async print(text) {
      out.push(text)
    },
    complain: text => err.push(text),
    async ask(question) {
      const reply = left.shift()
      if (reply === undefined) throw new Error(`nobody answers ${question}`)
      return reply
    },
    readInput: async () => new TextEncoder().encode(input),
    async readFile(path) {
      const contents = kept.get(path)
      if (contents === undefined) throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' })
      return new TextEncoder().encode(contents)
    },
    readPrivateFile: async path => kept.get(path),
    async writePrivateFile(path, contents) {
      if (contents === undefined) kept.delete(path)
      else kept.set(path, contents)
    },
    now: () => now,
    async sleep(ms) {
      slept.push(ms)
      now += ms
    },
    async fetch(url, init) {
      const { pathname, search } = new URL(String(url))
      const text = typeof init?.body === 'string' ? init.body : undefined
      const headers = new Headers(init?.headers)
      const isJson = headers.get('Content-Type') === 'application/json'
      sent.push({
        method: init?.method ?? 'GET',
        target: pathname + search,
        body: isJson && text !== undefined ? JSON.parse(text) : text,
        authorization: headers.get('Authorization'),
      })
      const answer = open.shift()
      if (answer === undefined) throw new Error('no answer is left')
      return answer()
    },
  }
}

export function jsonAnswer(body: unknown, status = 200): () => Response {
  return () =>
    new Response(JSON.stringify(body), {
      status,
      headers: { 'Content-Type': status === 200 ? 'application/json' : 'application/problem+json' },
    })
}

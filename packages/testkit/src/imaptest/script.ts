// Scripts of Dovecot's imaptest: a head of `key: value` lines, then commands with what they should answer.

/** A piece of a command or of an expected line: text, or a literal. Both one character per byte. */
export type Piece = { readonly text: string } | { readonly literal: string; readonly isBinary: boolean }

export interface Expected {
  /** It must not come. */
  readonly isBanned: boolean
  readonly pieces: readonly Piece[]
}

export interface Step {
  /** Counted from 0. */
  readonly connection: number
  /** Sent at once, one after the other. */
  readonly commands: ReadonlyArray<{ readonly tag: string | undefined; readonly pieces: readonly Piece[] }>
  readonly untagged: readonly Expected[]
  readonly results: ReadonlyArray<{ readonly tag: string | undefined; readonly status: 'ok' | 'no' | 'bad' | ''; readonly prefix: string }>
}

export interface Script {
  readonly capabilities: readonly string[]
  readonly connections: number
  /** How many messages the mailbox begins with; all of the file's when undefined. */
  readonly messages: number | undefined
  readonly state: 'nonauth' | 'auth' | 'created' | 'appended' | 'selected'
  readonly ignoresExtra: boolean
  readonly steps: readonly Step[]
}

/** @param source one character per byte */
export function readScript(source: string, env: Readonly<Record<string, string>> = {}): Script {
  const lines = source.split('\n')
  const head: Record<string, string> = {}
  let at = 0
  for (; at < lines.length && (lines[at] ?? '').trim() !== ''; at += 1) {
    const found = /^([\w-]+):\s*(.*?)\s*$/.exec(lines[at] ?? '')
    if (found !== null) head[found[1] ?? ''] = found[2] ?? ''
  }
  const { capabilities = '', connections = '1', messages = 'all', state = 'selected', ignore_extra_untagged: ignoresExtra = 'yes' } = head
  return {
    capabilities: capabilities.toUpperCase().split(/\s+/).filter(Boolean),
    connections: Number(connections),
    messages: messages === 'all' ? undefined : Number(messages),
    state: state as Script['state'],
    ignoresExtra: ignoresExtra !== 'no',
    steps: groupSteps(logicalLines(lines.slice(at), env)),
  }
}

/** Lines with their literals, without comments and without what the environment does not want. */
function logicalLines(lines: readonly string[], env: Readonly<Record<string, string>>): Piece[][] {
  const found: Piece[][] = []
  const wanted: boolean[] = []
  let at = 0
  while (at < lines.length) {
    let line = (lines[at] ?? '').replace(/\r$/, '')
    at += 1
    const condition = /^!(ifenv|ifnenv|else|endif)\b\s*(\w*)/.exec(line)
    if (condition !== null) {
      const [, word, name = ''] = condition
      if (word === 'ifenv' || word === 'ifnenv') wanted.push(Object.hasOwn(env, name) === (word === 'ifenv'))
      else if (word === 'else') wanted.push(!wanted.pop())
      else wanted.pop()
      continue
    }
    if (line.trim() === '' || line.startsWith('#') || wanted.includes(false)) continue
    const pieces: Piece[] = []
    for (;;) {
      const opening = /(~?)\{\{\{$/.exec(line)
      if (opening === null) break
      pieces.push({ text: line.slice(0, opening.index) })
      const isBinary = opening[1] === '~'
      const body: string[] = []
      while (at < lines.length && !(lines[at] ?? '').startsWith('}}}')) {
        body.push(isBinary ? (lines[at] ?? '') : (lines[at] ?? '').replace(/\r$/, ''))
        at += 1
      }
      pieces.push({ literal: body.join(isBinary ? '\n' : '\r\n'), isBinary })
      line = (lines[at] ?? '').replace(/\r$/, '').slice(3)
      at += 1
    }
    if (line !== '') pieces.push({ text: line })
    found.push(pieces)
  }
  return found
}

interface OpenStep {
  connection: number
  commands: Array<Step['commands'][number]>
  untagged: Expected[]
  results: Array<Step['results'][number]>
}

function groupSteps(lines: ReadonlyArray<readonly Piece[]>): Step[] {
  const steps: OpenStep[] = []
  for (const [first, ...rest] of lines) {
    if (first === undefined || !('text' in first)) throw new Error('a line begins with a literal')
    const open = steps.at(-1)
    const expected = /^([*!]) /.exec(first.text)
    if (expected !== null) {
      open?.untagged.push({ isBanned: expected[1] === '!', pieces: [{ text: first.text.slice(2) }, ...rest] })
      continue
    }
    const [, number = '1', , text = ''] = /^((\d+) )?(.*)$/.exec(first.text) ?? []
    const connection = Number(number) - 1
    const [, tag, afterTag = ''] = /^(tag\w*) (.*)$/i.exec(text) ?? [undefined, undefined, text]
    const result = /^(ok|no|bad)\b ?(.*)$/i.exec(afterTag)
    const isWaiting = open !== undefined && open.results.length < open.commands.length
    if (tag === undefined) {
      const direct = /^(ok|no|bad|"")(?: (.+))?$/i.exec(text)
      if (direct !== null && direct[2] !== undefined && !isWaiting) {
        const status = direct[1] === '""' ? '' : ((direct[1] ?? '').toLowerCase() as 'ok')
        steps.push({
          connection,
          commands: [{ tag: undefined, pieces: [{ text: direct[2] }, ...rest] }],
          untagged: [],
          results: [{ tag: undefined, status, prefix: '' }],
        })
      } else if (result !== null && isWaiting) {
        open.results.push({ tag: undefined, status: (result[1] ?? '').toLowerCase() as 'ok', prefix: result[2] ?? '' })
      } else steps.push({ connection, commands: [{ tag: undefined, pieces: [{ text }, ...rest] }], untagged: [], results: [] })
    } else if (result !== null) open?.results.push({ tag, status: (result[1] ?? '').toLowerCase() as 'ok', prefix: result[2] ?? '' })
    else {
      const command = { tag, pieces: [{ text: afterTag }, ...rest] }
      if (
        open !== undefined &&
        open.connection === connection &&
        open.results.length === 0 &&
        open.commands.every(other => other.tag !== undefined)
      )
        open.commands.push(command)
      else steps.push({ connection, commands: [command], untagged: [], results: [] })
    }
  }
  return steps
}

export interface MailboxMessage {
  /** As APPEND takes it, in quotes. */
  readonly date: string | undefined
  /** With CRLF. */
  readonly message: string
}

/** Messages of an mbox file, one character per byte. */
export function readMbox(source: string): MailboxMessage[] {
  const parts = source.replaceAll('\r\n', '\n').split(/^From ([^\n]*)\n/m)
  const messages: MailboxMessage[] = []
  for (let at = 1; at < parts.length; at += 2) {
    const found = /(\w{3}) +(\d+) (\d\d:\d\d:\d\d) (\d{4})(?: ([+-]\d{4}))?/.exec(parts[at] ?? '')
    const [, month, day = '', time, year, zone = '+0000'] = found ?? []
    messages.push({
      date: found === null ? undefined : `"${day.padStart(2, ' ')}-${month}-${year} ${time} ${zone}"`,
      message: (parts[at + 1] ?? '').replaceAll('\n', '\r\n'),
    })
  }
  return messages
}

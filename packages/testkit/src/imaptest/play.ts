// Plays scripts of imaptest against a server.

import { connectImap, type ImapConnection } from './connection.ts'
import { fillIn, matches, matchesLine, type Numbering, type Variables } from './matching.ts'
import { type Credentials, prepare } from './prepare.ts'
import type { Expected, MailboxMessage, Piece, Script, Step } from './script.ts'
import { readValues } from './values.ts'

export interface PlayOptions {
  readonly port: number
  readonly account: Credentials
  readonly messages: readonly MailboxMessage[]
}

export type Outcome =
  | { readonly kind: 'played'; readonly commands: number; readonly failures: readonly string[] }
  /** A capability is not offered. */
  | { readonly kind: 'skipped'; readonly capability: string }

const mailbox = 'imaptest'

/** Plays a script; failures tell the command, what was expected and what came. */
export async function playScript(script: Script, { port, account, messages }: PlayOptions): Promise<Outcome> {
  const offered = await prepare(script, { port, account, mailbox, messages })
  const lacking = script.capabilities.find(capability => !offered.has(capability))
  if (lacking !== undefined) return { kind: 'skipped', capability: lacking }
  const connections: ImapConnection[] = []
  try {
    for (let at = 0; at < script.connections; at += 1) connections.push(await openConnection(script, port, account))
    const player = createPlayer(script, connections, account, messages)
    const failures: string[] = []
    for (const step of script.steps) failures.push(...(await player(step)))
    return { kind: 'played', commands: script.steps.reduce((sum, { commands }) => sum + commands.length, 0), failures }
  } finally {
    for (const connection of connections) connection.close()
  }
}

async function openConnection({ state }: Script, port: number, { login, password }: Credentials): Promise<ImapConnection> {
  const connection = await connectImap(port)
  const opening = [
    ...(state === 'nonauth' ? [] : [`LOGIN "${login}" "${password}"`]),
    ...(state === 'selected' ? [`SELECT ${mailbox}`] : []),
  ]
  for (const [at, text] of opening.entries()) {
    await connection.send(`open${at}`, [{ text }])
    for (let line = await connection.next(); !line?.startsWith(`open${at} `); line = await connection.next())
      if (line === undefined) throw new Error(`closed at ${text}`)
  }
  return connection
}

interface Line {
  readonly text: string
  readonly numbering: Numbering
}

function createPlayer(
  script: Script,
  connections: readonly ImapConnection[],
  { login, password }: Credentials,
  messages: readonly MailboxMessage[],
) {
  const variables: Variables = new Map([
    ['mailbox', mailbox],
    ['mailbox_url', mailbox],
    ['user', login],
    ['username', login],
    ['password', password],
    ['domain', 'localhost'],
  ])
  let sent = 0
  let appended = 0

  function withMessage(pieces: readonly Piece[]): readonly Piece[] {
    const [first] = pieces
    const found = first !== undefined && 'text' in first && pieces.length === 1 ? /^append\b\s*(.*)$/i.exec(first.text) : null
    if (found === null) return pieces
    const { date, message } = messages[appended % messages.length] as MailboxMessage
    appended += 1
    const target = found[1] === '' ? `${mailbox}${date === undefined ? '' : ` ${date}`}` : found[1]
    return [{ text: `APPEND ${target} ` }, { literal: message, isBinary: false }]
  }

  return async function play({ connection: index, commands, untagged, results }: Step): Promise<string[]> {
    const connection = connections[index]
    if (connection === undefined) throw new Error(`the script has no connection ${index + 1}`)
    const tags = new Map<string | undefined, string>()
    const texts: string[] = []
    for (const { tag, pieces } of commands) {
      sent += 1
      tags.set(tag, `t${sent}`)
      variables.set('tag', `t${sent}`)
      const filled = withMessage(pieces).map(piece => ('text' in piece ? { text: fillIn(piece.text, variables) } : piece))
      texts.push(filled.map(piece => ('text' in piece ? piece.text : '{…}')).join(''))
      await connection.send(`t${sent}`, filled)
    }
    const { lines, replies } = await readAnswers(connection, new Set(tags.values()))
    const problems = [
      ...results.flatMap(result => checkResult(result, replies.get(tags.get(result.tag) ?? ''), variables)),
      ...checkUntagged(untagged, lines, variables, script.ignoresExtra),
    ]
    return problems.map(problem => `${texts.join(' | ')}: ${problem}`)
  }
}

async function readAnswers(connection: ImapConnection, tags: ReadonlySet<string>) {
  const lines: Line[] = []
  const replies = new Map<string, string>()
  let gone: readonly number[] = []
  while (replies.size < tags.size) {
    const line = await connection.next()
    if (line === undefined) break
    const [tag = ''] = line.split(' ', 1)
    if (tags.has(tag)) {
      replies.set(tag, line.slice(tag.length + 1))
      continue
    }
    const before = gone
    lines.push({ text: line.replace(/^\* /, ''), numbering: original => positionOf(original, before) })
    const expunged = /^\* (\d+) EXPUNGE$/i.exec(line)
    if (expunged !== null) gone = [...gone, originalAt(Number(expunged[1]), gone)]
  }
  return { lines, replies }
}

/** The number that a message has after others were expunged. An expunged one keeps that under which it went. */
function positionOf(original: number, gone: readonly number[]): number {
  return original - gone.filter(other => other < original).length
}

function originalAt(position: number, gone: readonly number[]): number {
  for (let original = position; ; original += 1) if (!gone.includes(original) && positionOf(original, gone) === position) return original
}

function checkResult({ status, prefix }: Step['results'][number], reply: string | undefined, variables: Variables): string[] {
  if (reply === undefined) return ['no tagged reply']
  if (status !== '' && !reply.toLowerCase().startsWith(status)) return [`expected ${status}, got ${reply}`]
  if (prefix === '') return []
  const actual = readValues(reply).slice(1)
  const fits = readValues(prefix).every((value, at) => matches(value, actual[at] ?? '', variables, number => number))
  return fits ? [] : [`expected ${prefix}, got ${reply}`]
}

function checkUntagged(untagged: readonly Expected[], lines: readonly Line[], variables: Variables, ignoresExtra: boolean): string[] {
  // What one FETCH tells together, a script may expect in two; all other lines count once.
  const left = [...lines]
  const problems: string[] = []
  for (const { isBanned, pieces } of untagged) {
    const source = pieces.map(piece => ('text' in piece ? piece.text : `{${piece.literal.length}}\r\n${piece.literal}`)).join('')
    const expected = readValues(source)
    const at = left.findIndex(({ text, numbering }) =>
      matchesLine(expected, readValues(text), isBanned ? new Map(variables) : variables, numbering),
    )
    if (isBanned ? at >= 0 : at < 0) {
      const came = left.map(({ text }) => text.slice(0, 300)).join('\n    ')
      problems.push(`${isBanned ? 'did not want' : 'expected'} * ${source}\n  among\n    ${came}`)
    } else if (!isBanned && !/^\d+ FETCH /i.test(left[at]?.text ?? '')) left.splice(at, 1)
  }
  if (!ignoresExtra && left.length > 0) problems.push(`more came: ${left.map(({ text }) => text).join(' | ')}`)
  return problems
}

// From arguments to a command and what it is given.
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { type Command, commonOptions, type Given, UsageError } from './command.ts'
import type { Terminal } from './terminal.ts'
import { readValue } from './values.ts'

const short: Readonly<Record<string, string>> = { yes: 'y', help: 'h' }

export interface Parsed {
  readonly given: Given
  readonly common: {
    readonly url?: string
    readonly login?: string
    readonly token?: string
    readonly json: boolean
    readonly yes: boolean
    readonly help: boolean
  }
}

/** The command that the first words name, and the rest of the arguments. Common options may come before. */
export function findCommand(
  args: readonly string[],
  commands: readonly Command[],
): { readonly command: Command | undefined; readonly words: readonly string[]; readonly rest: readonly string[] } {
  const before: string[] = []
  let at = 0
  while (args[at]?.startsWith('-') && args[at] !== '--') {
    const argument = args[at] ?? ''
    const takesValue = commonOptions.some(({ name, kind }) => kind === 'text' && argument === `--${name}`)
    before.push(...args.slice(at, at + (takesValue ? 2 : 1)))
    at += takesValue ? 2 : 1
  }
  const words: string[] = []
  for (const argument of args.slice(at)) {
    if (argument.startsWith('-') || !commands.some(command => startsWith(command, [...words, argument]))) break
    words.push(argument)
  }
  const command = commands.find(({ words: own }) => own === words.join(' '))
  return { command, words, rest: [...before, ...args.slice(at + words.length)] }
}

/** Whether the command's words begin with these. */
export function startsWith({ words }: Command, first: readonly string[]): boolean {
  const text = first.join(' ')
  return words === text || words.startsWith(`${text} `)
}

/** Throws UsageError when the arguments do not fit the command. */
export async function parseFor(command: Command, args: readonly string[], terminal: Terminal): Promise<Parsed> {
  const all = [...commonOptions, ...command.options]
  const declared: NonNullable<ParseArgsConfig['options']> = Object.fromEntries(
    all.map(({ name, kind, many }) => [
      name,
      { type: kind === 'flag' ? 'boolean' : 'string', ...(many && { multiple: true }), ...(short[name] && { short: short[name] }) },
    ]),
  )
  let parsed: { readonly values: Readonly<Record<string, unknown>>; readonly positionals: readonly string[] }
  try {
    parsed = parseArgs({ args: [...args], options: declared, allowPositionals: true })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  const { url, login, token, json = false, yes = false, help = false } = parsed.values as Partial<Parsed['common']>
  const common = {
    ...(url !== undefined && { url }),
    ...(login !== undefined && { login }),
    ...(token !== undefined && { token }),
    json,
    yes,
    help,
  }
  if (help) return { given: { words: {}, lists: {}, options: {} }, common }
  const options: Record<string, unknown> = {}
  for (const option of command.options) {
    const value = parsed.values[option.name]
    if (value === undefined) continue
    if (Array.isArray(value)) options[option.name] = await Promise.all(value.map(text => readValue(option, text, terminal)))
    else options[option.name] = typeof value === 'string' ? await readValue(option, value, terminal) : value
  }
  return { given: { ...assignPositionals(command, parsed.positionals), options }, common }
}

function assignPositionals({ positionals }: Command, given: readonly string[]): Pick<Given, 'words' | 'lists'> {
  const words: Record<string, string> = {}
  const lists: Record<string, readonly string[]> = {}
  let at = 0
  for (const { name, many, optional } of positionals) {
    const rest = given.slice(at)
    if (rest.length === 0 && !optional) throw new UsageError(`<${name}> is missing`)
    if (many) {
      lists[name] = rest
      at = given.length
    } else if (rest[0] !== undefined) {
      words[name] = rest[0]
      at += 1
    }
  }
  if (at < given.length) throw new UsageError(`'${given[at]}' is one too many`)
  return { words, lists }
}

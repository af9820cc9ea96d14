import { type Command, commonOptions, type Option } from './command.ts'
import { startsWith } from './parse.ts'

const intro = `Postern: run a mail server, and look after one.

The server itself:
  postern run --config FILE     start with this settings file
  postern init FOLDER           make a new installation there
  postern try                   try it on this machine

A running server, here or elsewhere:
`

const outro = `
'postern COMMAND --help' explains a command, 'postern endpoints' lists what 'postern call' can do.
The server is found by --url, POSTERN_URL, the last 'postern login', or else http://127.0.0.1:8080.
Exit codes: 0 done, 1 refused, 2 wrong usage, 3 not found, 4 not logged in or not allowed, 5 no answer (try again later).
`

/** Help about the commands that begin with these words; about everything without any. */
export function helpOn(words: readonly string[], commands: readonly Command[]): string {
  return words.length === 0 ? overview(commands) : entries(commands.filter(command => startsWith(command, words)))
}

/** A line per first word: verbs of a noun stand together. */
function overview(commands: readonly Command[]): string {
  const verbs = new Map<string, Command[]>()
  for (const command of commands) {
    const [noun = ''] = command.words.split(' ')
    verbs.set(noun, [...(verbs.get(noun) ?? []), command])
  }
  const lines = [...verbs].map(([noun, [first, ...others]]) => {
    // Every endpoint has one.
    if (noun === 'call') return ['call ENDPOINT', 'Call any endpoint of the API']
    if (first === undefined || first.words === noun) return [noun, first?.summary]
    return [noun, [first, ...others].map(({ words }) => words.slice(noun.length + 1)).join(', ')]
  })
  const all = [...lines, ['completion', 'Print completion for bash, zsh or fish']]
  return `${intro}${all.map(([left = '', right]) => `  ${left.padEnd(14)}  ${right}\n`).join('')}${outro}`
}

function entries(commands: readonly Command[]): string {
  const longest = Math.max(...commands.map(({ words }) => words.length))
  return commands.map(({ words, summary }) => `  ${words.padEnd(longest)}  ${summary}\n`).join('')
}

export function helpOf(command: Command): string {
  return `${helpText(command)}\n${section('Options of every command', commonOptions.map(entryOf))}`
}

function helpText({ words, summary, doc, positionals, options, impact }: Command): string {
  const parts = positionals.map(({ name, many, optional }) => {
    const text = `<${name}>${many ? '…' : ''}`
    return optional ? `[${text}]` : text
  })
  const usage = `postern ${[words, ...parts, '[options]'].join(' ')}`
  const warning = impact === 'destructive' ? 'What it removes cannot be brought back; it asks first.\n' : ''
  const sections = [
    warning,
    section(
      '',
      positionals.map(({ name, doc: text }) => [`<${name}>`, text]),
    ),
    section('Options', options.map(entryOf)),
  ]
  return [`${usage}\n`, `${summary}.${doc === undefined ? '' : ` ${doc}`}\n`, ...sections].filter(Boolean).join('\n')
}

function entryOf({ name, kind, many, choices, doc }: Option): readonly [string, string] {
  const value = kind === 'flag' ? '' : ` ${choices?.join('|') ?? kind.toUpperCase()}`
  return [`--${name}${value}${many ? ' …' : ''}`, doc]
}

function section(title: string, entries: ReadonlyArray<readonly [string, string]>): string {
  if (entries.length === 0) return ''
  const longest = Math.min(34, Math.max(...entries.map(([name]) => name.length)))
  const lines = entries.map(([name, doc]) => `  ${name.padEnd(longest)}  ${doc}\n`).join('')
  return title === '' ? lines : `${title}:\n${lines}`
}

/** The reference of all commands but those that only name an endpoint, in Markdown. */
export function cliReference(commands: readonly Command[]): string {
  const own = commands.filter(({ words }) => !words.startsWith('call '))
  const text = own.map(command => `## postern ${command.words}\n\n\`\`\`\n${helpText(command)}\`\`\`\n`)
  return `# Command line\n\nGenerated; how to use it: [the guide](../command-line.md).\n\n\`\`\`\n${overview(commands)}\`\`\`\n\nOptions of every command:\n\n\`\`\`\n${section('', commonOptions.map(entryOf))}\`\`\`\n\n${text.join('\n')}`
}

/**
 * `postern` for those who look after a server: commands over the management API, answers for people or as JSON, exit codes for
 * scripts. Commands follow from the endpoints of the contract. Owns no rule: the server decides.
 */
import { ApiError, ConnectionError, createClient } from '@postern/client'
import { type Answer, type Command, UsageError } from './command.ts'
import { commands } from './commands/index.ts'
import { SettingsRefused } from './commands/settings.ts'
import { complete, completionScript } from './completion.ts'
import { cliReference, helpOf, helpOn } from './help.ts'
import { askCredentials, findCredentials, findUrl } from './login.ts'
import { findCommand, parseFor } from './parse.ts'
import type { Terminal } from './terminal.ts'
import { layOut, visible } from './view.ts'

export type { Terminal } from './terminal.ts'
export { commands }

/** Path below the project's root of each file that follows from the commands, and how its contents are made. */
export const derivedFiles: Readonly<Record<string, () => string>> = { 'docs/reference/command-line.md': () => cliReference(commands) }

export const exitCodes = { done: 0, refused: 1, usage: 2, notFound: 3, denied: 4, noAnswer: 5 } as const

/** Runs one command line. @returns the exit code */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  let wantsJson = args.includes('--json')
  try {
    const [first, second, ...others] = args
    if (first === 'completion') return await completion(second, others, terminal)
    const { command, words, rest } = findCommand(args, commands)
    if (command === undefined) return await noCommand(words, rest, terminal)
    const { given, common } = await parseFor(command, rest, terminal)
    wantsJson = common.json
    if (common.help) {
      await terminal.print(helpOf(command))
      return exitCodes.done
    }
    if (command.impact === 'destructive' && !common.yes && !(await confirm(command, terminal))) return exitCodes.refused
    const url = await findUrl(common, terminal)
    const credentials = command.isOpen ? undefined : await findCredentials(url, common, terminal)
    const answer = await command.run(given, {
      client: createClient({ url, fetch: terminal.fetch, ...(credentials !== undefined && { credentials }) }),
      terminal,
      url,
      askCredentials: () => askCredentials(common, terminal),
      askSecret: question => askSecret(question, terminal),
    })
    await show(answer, wantsJson, terminal)
    return exitCodes.done
  } catch (error) {
    return complain(error, wantsJson, terminal)
  }
}

async function completion(shell: string | undefined, words: readonly string[], terminal: Terminal): Promise<number> {
  if (shell !== 'words') await terminal.print(completionScript(shell))
  else for (const word of complete(words[0] === '--' ? words.slice(1) : words, commands)) await terminal.print(`${word}\n`)
  return exitCodes.done
}

async function noCommand(words: readonly string[], rest: readonly string[], terminal: Terminal): Promise<number> {
  const wantsHelp = rest.length === 0 || rest.includes('--help') || rest.includes('-h')
  if (wantsHelp) {
    await terminal.print(helpOn(words, commands))
    return rest.length === 0 && words.length > 0 ? exitCodes.usage : exitCodes.done
  }
  const wrong = rest.find(word => !word.startsWith('-')) ?? rest[0] ?? ''
  terminal.complain(`postern: there is no command '${visible([...words, wrong].join(' '))}'\n\n${helpOn(words, commands)}`)
  return exitCodes.usage
}

async function confirm({ words }: Command, terminal: Terminal): Promise<boolean> {
  if (!terminal.canAsk) throw new UsageError(`'${words}' removes things for good: say --yes`)
  const answer = await terminal.ask(`'${words}' removes things for good. Go on? [y/N] `)
  return /^y(es)?$/i.test(answer.trim())
}

async function askSecret(question: string, terminal: Terminal): Promise<string> {
  const given = terminal.canAsk ? await terminal.ask(question, true) : new TextDecoder().decode(await terminal.readInput())
  const secret = given.replace(/\r?\n[\s\S]*$/, '')
  if (secret === '') throw new UsageError('an empty password is none')
  return secret
}

async function show({ value, view }: Answer, wantsJson: boolean, terminal: Terminal): Promise<void> {
  if (view.kind === 'stream') {
    for await (const frame of view.frames) await terminal.print(wantsJson ? `${JSON.stringify(frame)}\n` : frameLine(frame))
    return
  }
  if (view.kind === 'bytes') return terminal.print(new TextDecoder().decode(view.bytes))
  if (wantsJson) return terminal.print(`${JSON.stringify(value, null, terminal.output.isTty ? 2 : 0)}\n`)
  await terminal.print(layOut(view, terminal.output.isTty ? terminal.output.columns : undefined))
}

function frameLine(frame: unknown): string {
  const { event, data } = frame as { readonly event: string; readonly data: unknown }
  return `${visible(`${event} ${JSON.stringify(data)}`)}\n`
}

function complain(error: unknown, wantsJson: boolean, terminal: Terminal): number {
  const say = (text: string, details: object): void =>
    terminal.complain(wantsJson ? `${JSON.stringify(details)}\n` : `postern: ${text.split('\n').map(visible).join('\n')}\n`)
  if (error instanceof ApiError) {
    say(adviceOn(error), { error: error.code, status: error.status, message: error.message, ...error.details })
    return codeOf(error)
  }
  if (error instanceof SettingsRefused) {
    say(error.message, { error: 'settings', ...error.report })
    return exitCodes.refused
  }
  if (error instanceof ConnectionError) {
    say(error.message, { error: 'noAnswer', message: error.message })
    return exitCodes.noAnswer
  }
  if (error instanceof UsageError || isFileError(error)) {
    say(`${error.message}; see --help`, { error: 'usage', message: error.message })
    return exitCodes.usage
  }
  throw error
}

function adviceOn({ status, message }: ApiError): string {
  if (status === 401) return `${message} Log in with 'postern login', or set POSTERN_TOKEN, or POSTERN_LOGIN and POSTERN_PASSWORD.`
  if (status === 402) return `The account wants a one-time code too: give the password as 'password$code'.`
  return message
}

function codeOf({ status, code }: ApiError): number {
  if (status === 404 || code === 'notFound') return exitCodes.notFound
  if ([401, 402, 403].includes(status)) return exitCodes.denied
  return status === 429 || status >= 500 ? exitCodes.noAnswer : exitCodes.refused
}

function isFileError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^E[A-Z]+$/.test(String(error.code))
}

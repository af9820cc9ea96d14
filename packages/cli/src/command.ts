import type { Client } from '@postern/client'
import type { Impact } from '@postern/contract/endpoints'
import type { Terminal } from './terminal.ts'
import type { View } from './view.ts'

/**
 * How the text of an option is read. `size` takes units (`5gb`), `time` RFC 3339 or a duration from now (`2h`), `file` the name of a
 * file or `-` and gives its bytes.
 */
export type OptionKind = 'text' | 'number' | 'size' | 'time' | 'flag' | 'file' | 'json'

export interface Option {
  /** As it is written, without the dashes. */
  readonly name: string
  readonly kind: OptionKind
  /** May be given several times and is a list. */
  readonly many?: boolean
  readonly choices?: readonly string[]
  readonly doc: string
}

/** Options of every command. */
export const commonOptions: readonly Option[] = [
  { name: 'url', kind: 'text', doc: 'Where the server is (POSTERN_URL).' },
  { name: 'login', kind: 'text', doc: 'Account to log in as; its password comes from POSTERN_PASSWORD or is asked for (POSTERN_LOGIN).' },
  { name: 'token', kind: 'text', doc: 'Access token or API key, as `api_…` (POSTERN_TOKEN).' },
  { name: 'json', kind: 'flag', doc: 'Give the answer as JSON.' },
  { name: 'yes', kind: 'flag', doc: 'Do not ask before something is lost for good.' },
  { name: 'help', kind: 'flag', doc: 'Explain the command.' },
]

export interface Positional {
  readonly name: string
  readonly doc: string
  /** Takes all that are left; at least one unless optional. */
  readonly many?: boolean
  readonly optional?: boolean
}

export interface Given {
  /** By name; a list where the positional takes many. */
  readonly words: Readonly<Record<string, string>>
  readonly lists: Readonly<Record<string, readonly string[]>>
  /** By name, decoded; absent when not given. */
  readonly options: Readonly<Record<string, unknown>>
}

export interface Tools {
  readonly client: Client
  readonly terminal: Terminal
  /** Where the server is. */
  readonly url: string
  /** Login and password from the command line, the environment or the person. */
  askCredentials(): Promise<{ readonly login: string; readonly password: string }>
  /** A secret from the person, or from the input when nobody is there. */
  askSecret(question: string): Promise<string>
}

/** What a command gives: a value for scripts, and how people see it. */
export interface Answer {
  readonly value: unknown
  readonly view: View
}

export interface Command {
  /** `queue list`. */
  readonly words: string
  readonly summary: string
  readonly doc?: string
  readonly positionals: readonly Positional[]
  readonly options: readonly Option[]
  /** What it does to the world; people are asked before something is lost for good. */
  readonly impact: Impact
  /** Ids of the endpoints it calls. */
  readonly endpoints: readonly string[]
  /** Whether it calls as nobody in particular. */
  readonly isOpen?: boolean
  run(given: Given, tools: Tools): Promise<Answer>
}

/** Something about the command line itself is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

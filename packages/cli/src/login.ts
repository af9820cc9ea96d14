import { type Credentials, createClient } from '@postern/client'
import { UsageError } from './command.ts'
import type { Terminal } from './terminal.ts'

/** Name of this program at the server. */
export const clientId = 'postern-cli'

const tryOutUrl = 'http://127.0.0.1:8080'

/** A login that outlives the program. */
interface Login {
  readonly url: string
  readonly accessToken: string
  readonly refreshToken?: string | undefined
  /** Unix milliseconds. */
  readonly expiresAt: number
}

/** What the command line says about the server and the caller. */
export interface Given {
  readonly url?: string | undefined
  readonly login?: string | undefined
  readonly token?: string | undefined
}

/** Where the server is: the command line, the environment, the remembered login, the try-out server. */
export async function findUrl(given: Given, terminal: Terminal): Promise<string> {
  const url = given.url ?? terminal.env('POSTERN_URL') ?? (await readLogin(terminal))?.url ?? tryOutUrl
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw new UsageError(`'${url}' is no URL of a server`)
  return url
}

/**
 * Who calls: the command line, the environment (POSTERN_TOKEN; POSTERN_LOGIN with POSTERN_PASSWORD), the remembered login of this server.
 * Undefined when nothing says so.
 */
export async function findCredentials(url: string, given: Given, terminal: Terminal): Promise<Credentials | undefined> {
  const token = given.token ?? (given.login === undefined ? terminal.env('POSTERN_TOKEN') : undefined)
  if (token !== undefined) return { token }
  const login = given.login ?? terminal.env('POSTERN_LOGIN')
  if (login !== undefined) return { login, password: terminal.env('POSTERN_PASSWORD') ?? (await askPassword(login, terminal)) }
  const remembered = await readLogin(terminal)
  return remembered?.url === url ? { token: () => freshToken(remembered, terminal) } : undefined
}

/** Login and password, asked for where they are not given. */
export async function askCredentials(given: Given, terminal: Terminal): Promise<{ readonly login: string; readonly password: string }> {
  const login = given.login ?? terminal.env('POSTERN_LOGIN') ?? (await terminal.ask('Login: '))
  return { login, password: terminal.env('POSTERN_PASSWORD') ?? (await askPassword(login, terminal)) }
}

function askPassword(login: string, terminal: Terminal): Promise<string> {
  if (!terminal.canAsk) throw new UsageError(`the password of ${login} is missing: set POSTERN_PASSWORD`)
  return terminal.ask(`Password of ${login}: `, true)
}

export function rememberLogin(terminal: Terminal, login: Login): Promise<void> {
  return terminal.writePrivateFile(loginFile(terminal), `${JSON.stringify(login)}\n`)
}

export function forgetLogin(terminal: Terminal): Promise<void> {
  return terminal.writePrivateFile(loginFile(terminal), undefined)
}

/** An access token that is good for a while; a new one is remembered. */
async function freshToken(login: Login, terminal: Terminal): Promise<string> {
  if (login.expiresAt > terminal.now() + 30_000 || login.refreshToken === undefined) return login.accessToken
  const client = createClient({ url: login.url, fetch: terminal.fetch })
  const body = { grant_type: 'refresh_token', refresh_token: login.refreshToken, client_id: clientId }
  const answer = await client.open.getToken({ body })
  if (!('access_token' in answer)) throw new TypeError('a token was expected')
  const { access_token: accessToken, expires_in: seconds, refresh_token: refreshToken = login.refreshToken } = answer
  await rememberLogin(terminal, { url: login.url, accessToken, refreshToken, expiresAt: terminal.now() + seconds * 1000 })
  return accessToken
}

async function readLogin(terminal: Terminal): Promise<Login | undefined> {
  const text = await terminal.readPrivateFile(loginFile(terminal))
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Login)
  } catch {
    // Half written, or of another program: as if there were none.
    return undefined
  }
}

function loginFile(terminal: Terminal): string {
  const home = terminal.env('XDG_CONFIG_HOME') ?? `${terminal.env('HOME') ?? '.'}/.config`
  return `${home}/postern/login.json`
}

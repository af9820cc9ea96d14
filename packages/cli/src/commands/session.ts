// Logging in: what is remembered are tokens, never the password.

import { ApiError, createClient } from '@postern/client'
import { endpoints } from '@postern/contract/endpoints'
import type { Command, Tools } from '../command.ts'
import { composed, ofEndpoint } from '../derive.ts'
import { clientId, forgetLogin, rememberLogin } from '../login.ts'
import { sentence } from '../view.ts'

const { authorizeClient } = endpoints.account
const { getToken, getUserInfo, startDeviceLogin } = endpoints.open

export const sessionCommands: readonly Command[] = [
  composed({
    words: 'login',
    summary: 'Log in and remember it',
    doc: 'Keeps tokens in a file that only you can read, not the password. With --device the login happens in a browser.',
    impact: 'write',
    isOpen: true,
    endpoints: [authorizeClient.id, getToken.id, startDeviceLogin.id],
    options: [{ name: 'device', kind: 'flag', doc: 'Show a code to enter in a browser, on this machine or another.' }],
    async run({ options }, tools) {
      const tokens = options['device'] ? await tokensByDevice(tools) : await tokensByPassword(tools)
      await rememberLogin(tools.terminal, { url: tools.url, ...tokens })
      return { value: { url: tools.url }, view: sentence(`Logged in at ${tools.url}.`) }
    },
  }),
  composed({
    words: 'logout',
    summary: 'Forget the login',
    impact: 'write',
    isOpen: true,
    endpoints: [],
    async run(_given, { terminal }) {
      await forgetLogin(terminal)
      return { value: null, view: sentence('Forgotten.') }
    },
  }),
  ofEndpoint('whoami', getUserInfo, { summary: 'Tell who is logged in' }),
]

interface Tokens {
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly expiresAt: number
}

async function tokensByPassword({ terminal, url, askCredentials }: Tools): Promise<Tokens> {
  const client = createClient({ url, fetch: terminal.fetch, credentials: await askCredentials() })
  const granted = await client.call(authorizeClient, { body: { type: 'code', client_id: clientId, redirect_uri: null } })
  if (typeof granted === 'boolean') throw new TypeError('an authorization code was expected')
  const body = { grant_type: 'authorization_code', code: granted.code, client_id: clientId, redirect_uri: '' }
  return readTokens(await client.call(getToken, { body }), terminal.now())
}

async function tokensByDevice({ client, terminal }: Tools): Promise<Tokens> {
  const device = await client.call(startDeviceLogin, { body: { client_id: clientId } })
  terminal.complain(
    `Open ${device.verification_uri} and enter the code ${device.user_code}\n(or open ${device.verification_uri_complete})\n`,
  )
  const end = terminal.now() + device.expires_in * 1000
  let pauseMs = device.interval * 1000
  while (terminal.now() < end) {
    await terminal.sleep(pauseMs)
    try {
      const body = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: device.device_code, client_id: clientId }
      return readTokens(await client.call(getToken, { body }), terminal.now())
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      // RFC 8628 §3.5.
      if (error.code === 'slow_down') pauseMs += 5000
      else if (error.code !== 'authorization_pending') throw error
    }
  }
  throw new ApiError({ status: 400, code: 'expired_token', message: 'Nobody entered the code in time.' })
}

function readTokens(answer: object, now: number): Tokens {
  const { access_token, expires_in, refresh_token } = answer as { access_token: string; expires_in: number; refresh_token?: string }
  return { accessToken: access_token, refreshToken: refresh_token, expiresAt: now + expires_in * 1000 }
}

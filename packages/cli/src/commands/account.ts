// One's own account.
import { endpoints } from '@postern/contract/endpoints'
import type { Command, Tools } from '../command.ts'
import { composed, ofEndpoint } from '../derive.ts'
import { sentence } from '../view.ts'

const { getAccountAuth, updateAccountAuth, getAccountCrypto, updateAccountCrypto } = endpoints.account

type Change = Parameters<Tools['client']['account']['updateAccountAuth']>[0]['body'][number]

function ownChange(
  words: string,
  summary: string,
  read: (given: Readonly<Record<string, string>>, tools: Tools) => Promise<Change> | Change,
  more: Partial<Pick<Command, 'positionals' | 'doc'>> = {},
): Command {
  return composed({
    words,
    summary,
    impact: 'write',
    endpoints: [updateAccountAuth.id],
    ...more,
    async run(given, tools) {
      const value = await tools.client.call(updateAccountAuth, { body: [await read(given.words, tools)] })
      return { value, view: sentence('Changed.') }
    },
  })
}

const needsBasic = 'Needs login and password (--login), not a remembered login.'

export const accountCommands: readonly Command[] = [
  ofEndpoint('me show', getAccountAuth),
  ownChange(
    'me password',
    'Change the own password',
    async (_, { askSecret }) => ({ type: 'setPassword', password: await askSecret('New password: ') }),
    {
      doc: needsBasic,
    },
  ),
  ownChange('me totp-on', 'Demand one-time codes at login', ({ url = '' }) => ({ type: 'enableOtpAuth', url }), {
    positionals: [{ name: 'url', doc: 'otpauth:// URL of the authenticator.' }],
    doc: needsBasic,
  }),
  ownChange('me totp-off', 'Demand no one-time codes any more', ({ url }) => ({ type: 'disableOtpAuth', url: url ?? null }), {
    positionals: [{ name: 'url', doc: 'One of several URLs; all when absent.', optional: true }],
    doc: needsBasic,
  }),
  ownChange(
    'me app-password',
    'Make an app password, for one program',
    async ({ name = '' }, { askSecret }) => ({ type: 'addAppPassword', name, password: await askSecret(`Password for ${name}: `) }),
    { positionals: [{ name: 'name', doc: 'What it is for.' }] },
  ),
  ownChange('me forget-app', 'Remove an app password', ({ name = '' }) => ({ type: 'removeAppPassword', name }), {
    positionals: [{ name: 'name', doc: 'What it was for.' }],
  }),
  ofEndpoint('me encryption', getAccountCrypto),
  ofEndpoint('me set-encryption', updateAccountCrypto),
]

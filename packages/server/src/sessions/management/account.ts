import { failure } from '@postern/contract'
import { endpoints } from '@postern/contract/endpoints'
import type { Directory, OwnSecretChange } from '#services/directory'
import { usesPassword } from './authorization.ts'
import { type BoundEndpoint, bind } from './handlers.ts'

const { getAccountAuth, updateAccountAuth } = endpoints.account

/** Whoever got hold of a token must not be able to shut the owner out. */
const needPassword: readonly OwnSecretChange['type'][] = ['setPassword', 'enableOtpAuth', 'disableOtpAuth']

export function accountHandlers(directory: Directory): readonly BoundEndpoint[] {
  return [
    bind(getAccountAuth, async caller => {
      const { otpEnabled, appPasswords } = await directory.ownSecrets(caller)
      return { otpEnabled, appPasswords: [...appPasswords] }
    }),
    bind(updateAccountAuth, async (caller, { body }, request) => {
      if (!usesPassword(request) && body.some(({ type }) => needPassword.includes(type)))
        throw failure('other', { details: 'Password changes only allowed using Basic auth', reason: null })
      await directory.changeOwnSecrets(caller, body)
      return null
    }),
  ]
}

import { failure } from '@postern/contract'
import { endpoints } from '@postern/contract/endpoints'
import type { SpamRules } from '#services/spam'
import { type BoundEndpoint, bind } from './handlers.ts'

const { restartServer, updateSpamFilter } = endpoints.settings

export function updateHandlers(spamRules: SpamRules): readonly BoundEndpoint[] {
  return [
    bind(
      updateSpamFilter,
      async (caller, { force, overwrite }) => (await spamRules.update({ force, overwrite, author: caller.name })) ?? null,
    ),
    bind(restartServer, async () => {
      // Whoever started the process starts it again; nothing here knows who that is.
      throw failure('unsupported', { details: 'Restart is not yet supported' })
    }),
  ]
}

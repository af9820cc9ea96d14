import { endpoints } from '@postern/contract/endpoints'
import type { Settings } from '#data/settings'
import { type BoundEndpoint, bind } from './handlers.ts'
import { pageOf } from './page.ts'
import { timestampOf } from './timestamp.ts'

const { getSettingChange, listSettingChanges, rollBackSettings } = endpoints.settings

const defaultPageSize = 100

/** Each item costs look-ups of its own. */
const largestPage = 1000

export function historyHandlers(settings: Settings): readonly BoundEndpoint[] {
  return [
    bind(listSettingChanges, async (_caller, { key, author, before, ...page }) => {
      const filter = { prefix: key, author, ...(before !== undefined && { before }) }
      const limit = Math.min(page.limit ?? 0, largestPage)
      const { items, total } = await settings.history(filter, pageOf({ ...page, limit }, defaultPageSize))
      return { total, items: items.map(({ changedAt, ...item }) => ({ ...item, time: timestampOf(changedAt), keys: [...item.keys] })) }
    }),
    bind(getSettingChange, async (_caller, { id }) => {
      const { changedAt, author, note, differences } = await settings.changeSet(id)
      return { id, time: timestampOf(changedAt), author, note, changes: differences.map(shown) }
    }),
    bind(rollBackSettings, async (caller, { id, force }) => ({
      id: (await settings.rollBack(id, { author: caller.name }, { force })) ?? null,
    })),
  ]
}

/** A difference as it is answered: null is a key that is not set. */
export function shown<D extends { readonly before: string | undefined; readonly after: string | undefined }>(
  difference: D,
): D & { readonly before: string | null; readonly after: string | null } {
  return { ...difference, before: difference.before ?? null, after: difference.after ?? null }
}

import { failure } from '@postern/contract'
import { endpoints, type Output } from '@postern/contract/endpoints'
import type { Directory } from '#services/directory'
import { type BoundEndpoint, bind } from './handlers.ts'

const { createPrincipal, deletePrincipal, deletePrincipals, getPrincipal, listPrincipals, updatePrincipal } = endpoints.principals

export function principalHandlers(directory: Directory): readonly BoundEndpoint[] {
  return [
    bind(listPrincipals, async (caller, { types, type, count, ...query }) => {
      const wanted = types ?? type
      return (await directory.list(caller, { ...query, ...(wanted && { types: wanted }), countOnly: count })) as Output<
        typeof listPrincipals
      >
    }),
    bind(createPrincipal, (caller, { body }) => directory.create(caller, body)),
    bind(deletePrincipals, async (caller, { type, confirm, filter, tenant }) => {
      if (type === undefined) throw failure('invalidParameters', { detail: 'Invalid type' })
      if (confirm !== 'true') throw failure('invalidParameters', { detail: 'Missing confirmation parameter' })
      return directory.removeAll(caller, { type, ...(filter !== undefined && { filter }), ...(tenant !== undefined && { tenant }) })
    }),
    bind(getPrincipal, async (caller, { name }) => (await directory.get(caller, name)) as Output<typeof getPrincipal>),
    bind(updatePrincipal, async (caller, { name, body }) => {
      await directory.change(caller, name, body)
      return null
    }),
    bind(deletePrincipal, async (caller, { name, force }) => {
      await directory.remove(caller, name, { force })
      return null
    }),
  ]
}

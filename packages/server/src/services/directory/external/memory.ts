import { settings as declared } from '@postern/contract'
import type { Settings } from '#data/settings'
import { foldName } from '#data/store'
import { foldAddress } from '../names.ts'
import type { ExternalDirectory, ExternalPrincipal } from './index.ts'

/** Accounts that stand in the settings themselves. */
export function createMemoryDirectory(settings: Settings, id: string): ExternalDirectory {
  const byName = new Map<string, ExternalPrincipal>()
  const byAddress = new Map<string, ExternalPrincipal>()
  const domains = new Set<string>()
  const prefix = declared.directory.principalsName.pattern.replace('<id>', id).split('<n>')[0] ?? ''
  const numbers = new Set(
    settings
      .stored()
      .withPrefix(prefix)
      .map(([key]) => key.slice(prefix.length).split('.')[0] ?? ''),
  )
  for (const n of numbers) {
    const ids = { id, n }
    const name = settings.read(declared.directory.principalsName, ids)
    if (name === undefined) continue
    const kind = settings.read(declared.directory.principalsClass, ids)
    const emails = settings.read(declared.directory.principalsEmail, ids).map(foldAddress)
    const principal: ExternalPrincipal = {
      type: kind === 'group' ? 'group' : 'individual',
      name: foldName(name),
      description: settings.read(declared.directory.principalsDescription, ids),
      quota: settings.read(declared.directory.principalsQuota, ids),
      emails,
      groups: settings.read(declared.directory.principalsMemberOf, ids).map(foldName),
      lists: settings.read(declared.directory.principalsEmailList, ids).map(foldAddress),
      isAdmin: kind === 'admin',
      secrets: settings.read(declared.directory.principalsSecret, ids),
    }
    byName.set(principal.name, principal)
    for (const address of emails) if (!byAddress.has(address)) byAddress.set(address, principal)
    for (const address of [...emails, ...(principal.lists ?? [])]) domains.add(address.slice(address.lastIndexOf('@') + 1))
  }
  return {
    knowsTokensOnly: false,
    byName: async name => byName.get(name),
    byAddress: async address => byAddress.get(address),
    prove: undefined,
    byToken: undefined,
    domains,
    [Symbol.asyncDispose]: async () => {},
  }
}

import { settings as declared, failure } from '@postern/contract'
import type { Clock } from '#base/clock'
import type { Trace } from '#base/trace'
import type { SettingsReader } from '#data/settings'
import { openStore, type Store } from '#data/store'

interface Parts {
  readonly clock: Clock
  readonly trace: Trace
}

/** Opens the store that the file names for the data role. */
export async function openDataStore(file: Pick<SettingsReader, 'read'>, { clock, trace }: Parts): Promise<Store> {
  const id = file.read(declared.storage.data)
  if (id === undefined) throw failure('storeUnavailable', { reason: 'the settings name no store for storage.data' })
  const type = file.read(declared.store.type, { id })
  switch (type) {
    // Files of other installations name engines that are embedded there; here it is always ours.
    case 'rocksdb':
    case 'sqlite': {
      const path = file.read(declared.store.path, { id })
      if (path === undefined) throw failure('storeUnavailable', { reason: `the store ${id} has no path` })
      return openStore({ kind: 'sqlite', path, clock, trace })
    }
    case 'postgresql':
      return openStore({
        kind: 'postgresql',
        url: postgresqlUrl(file, id),
        path: file.read(declared.store.path, { id }) ?? 'data',
        clock,
        trace,
      })
    default:
      throw failure('storeUnavailable', { reason: `the store ${id} is of type ${type ?? 'nothing'}, which cannot hold the data yet` })
  }
}

function postgresqlUrl(file: Pick<SettingsReader, 'read'>, id: string): string {
  const url = new URL('postgres://localhost')
  url.hostname = file.read(declared.store.host, { id }) ?? 'localhost'
  url.port = String(file.read(declared.store.port, { id, type: 'postgresql' }) ?? 5432)
  url.username = file.read(declared.store.user, { id }) ?? ''
  url.password = file.read(declared.store.password, { id }) ?? ''
  url.pathname = file.read(declared.store.database, { id }) ?? 'postern'
  return url.href
}

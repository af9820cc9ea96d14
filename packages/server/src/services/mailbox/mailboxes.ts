import type { Clock } from '#base/clock'
import type { Blobs } from '#data/blobs'
import type { Store } from '#data/store'
import { type AccountParts, type MailboxLimits, openAccount } from './account.ts'
import { createColumnReader } from './columns.ts'
import { createFeed } from './feed.ts'
import { type DefaultFolder, standardFolders } from './folders.ts'
import type { Mailboxes } from './index.ts'
import type { QuotaLimits } from './types.ts'

export interface MailboxesParts {
  readonly store: Store
  readonly blobs: Blobs
  readonly clock: Clock
  readonly folders?: readonly DefaultFolder[]
  readonly limits?: Partial<MailboxLimits>
  /** The quota of an account; default none. */
  readonly quotaOf?: (accountId: number) => Promise<QuotaLimits>
  /** Bytes of mailbox columns kept for the next reader. Default 32 MiB. */
  readonly cacheBytes?: number
}

const standardLimits: MailboxLimits = {
  maxDepth: 10,
  maxNameBytes: 255,
  maxMailboxes: 10_000,
  duplicateWindowSeconds: 24 * 3600,
  undeleteSeconds: 0,
}

export function createMailboxes({
  store,
  blobs,
  clock,
  folders = standardFolders,
  limits,
  quotaOf,
  cacheBytes,
}: MailboxesParts): Mailboxes {
  const feed = createFeed(store)
  const parts: AccountParts = {
    store,
    blobs,
    clock,
    columns: createColumnReader(store, { maxBytes: cacheBytes ?? 32 * 1024 * 1024, maxAccounts: 10_000 }),
    folders,
    limits: { ...standardLimits, ...limits },
    quotaOf: quotaOf ?? (async () => ({ bytes: 0 })),
  }
  return {
    open: (accountId, viewer) => openAccount(parts, accountId, viewer),
    watch: feed.watch,
    watchAll: feed.watchAll,
    [Symbol.dispose]: () => feed[Symbol.dispose](),
  }
}

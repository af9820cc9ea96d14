import type { Clock } from '#base/clock'
import type { Blobs } from '#data/blobs'
import { destroyMailStep, endDeletedMessages, forgetChanges, removeOlderMessages, renumberUids, type Store } from '#data/store'
import { type AccountParts, keepingAt, type MailboxLimits, openAccount } from './account.ts'
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

/** Trash and junk. */
const expungedIds = [1, 2] as const
/** So that no single commit takes long. */
const messagesPerStep = 500

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
  const seconds = (): number => Math.floor(clock.now() / 1000)
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
    async destroyAccount(accountId) {
      while (!(await store.write(destroyMailStep, { accountId, limit: messagesPerStep, now: seconds() })));
    },
    renumberUids: accountId => store.write(renumberUids, { accountId, now: seconds() }),
    async tidyAccount(accountId, { expungeAfter, forgetAfter }) {
      const now = seconds()
      let expunged = 0
      for (const mailboxId of expungeAfter > 0 ? expungedIds : []) {
        const args = { accountId, mailboxId, savedBefore: now - expungeAfter, limit: messagesPerStep, keeping: keepingAt(parts, now), now }
        for (let removed = messagesPerStep; removed === messagesPerStep; expunged += removed)
          removed = await store.write(removeOlderMessages, args)
      }
      if (forgetAfter === 0) return { expunged, forgotten: 0 }
      const { forgotten } = await store.write(forgetChanges, { accountId, before: now - forgetAfter })
      return { expunged, forgotten }
    },
    async endKept() {
      let ended = 0
      for (let step = messagesPerStep; step === messagesPerStep; ended += step) {
        step = await store.write(endDeletedMessages, { now: seconds(), limit: messagesPerStep })
      }
      return ended
    },
    [Symbol.dispose]: () => feed[Symbol.dispose](),
  }
}

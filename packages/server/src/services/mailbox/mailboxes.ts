import type { Clock } from '#base/clock'
import type { Blobs } from '#data/blobs'
import {
  accountTotals,
  destroyMailStep,
  endDeletedMessages,
  forgetChanges,
  removeOlderMessages,
  renumberUids,
  type Store,
} from '#data/store'
import { annotationMethods } from './account-annotations.ts'
import { folderMethods } from './account-folders.ts'
import { messageMethods } from './account-messages.ts'
import { readMethods } from './account-reads.ts'
import { createColumnReader } from './columns.ts'
import { createFeed } from './feed.ts'
import { type DefaultFolder, standardFolders } from './folders.ts'
import type { Mailboxes } from './index.ts'
import { createKnownAccounts, keepingAt, type MailboxLimits, openScope, type Rules } from './scope.ts'
import type { QuotaLimits } from './types.ts'

export interface MailboxesParts {
  readonly store: Store
  readonly blobs: Blobs
  readonly clock: Clock
  /** Functions are asked at every use, so that settings may change while the server runs. */
  readonly folders?: readonly DefaultFolder[] | (() => readonly DefaultFolder[])
  readonly limits?: Partial<MailboxLimits> | (() => Partial<MailboxLimits>)
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
const defaultCacheBytes = 32 * 1024 * 1024
/** Accounts whose keyword names are kept. */
const keptKeywordTables = 10_000
/** Accounts that are known to be prepared. */
const keptAccounts = 100_000
/** Trash and junk. */
const expungedIds = [1, 2] as const
/** So that no single commit takes long. */
const messagesPerStep = 500

export function createMailboxes(parts: MailboxesParts): Mailboxes {
  const { store, blobs, clock, folders = standardFolders, limits = {}, quotaOf, cacheBytes = defaultCacheBytes } = parts
  const feed = createFeed(store)
  const columns = createColumnReader(store, { maxBytes: cacheBytes, maxAccounts: keptKeywordTables })
  const prepared = createKnownAccounts(keptAccounts)
  const rules: Rules = {
    folders: typeof folders === 'function' ? folders : () => folders,
    limits: () => ({ ...standardLimits, ...(typeof limits === 'function' ? limits() : limits) }),
    quotaOf: quotaOf ?? (async () => ({ bytes: 0 })),
  }
  const seconds = (): number => Math.floor(clock.now() / 1000)

  async function expungeOlder(accountId: number, mailboxId: number, age: number): Promise<number> {
    const now = seconds()
    const keeping = keepingAt(rules.limits(), now)
    const args = { accountId, mailboxId, savedBefore: now - age, limit: messagesPerStep, keeping, now }
    let expunged = 0
    for (let step = messagesPerStep; step === messagesPerStep; expunged += step) step = await store.write(removeOlderMessages, args)
    return expunged
  }

  return {
    async open(accountId, viewer) {
      const scope = await openScope({ store, clock, rules, prepared }, accountId, viewer)
      return {
        accountId,
        ...annotationMethods(scope, store),
        ...folderMethods(scope, { store, columns, limits: rules.limits }),
        ...messageMethods(scope, { store, blobs, columns, rules }),
        ...readMethods(scope, { store, blobs, columns }),
      }
    },
    async usageOf(accountId) {
      const totals = await store.read(accountTotals, { accountId })
      return { bytes: totals?.usedBytes ?? 0, messages: totals?.messageCount ?? 0 }
    },
    watch: feed.watch,
    watchAll: feed.watchAll,

    async destroyAccount(accountId) {
      prepared.delete(accountId)
      while (!(await store.write(destroyMailStep, { accountId, limit: messagesPerStep, now: seconds() })));
      // Somebody may have looked at it meanwhile.
      prepared.delete(accountId)
    },
    async renumberUids(accountId) {
      // Mailboxes come with first use.
      if ((await store.read(accountTotals, { accountId })) === undefined) return { mailboxes: 0, messages: 0 }
      return store.write(renumberUids, { accountId, now: seconds() })
    },
    async tidyAccount(accountId, { expungeAfter, forgetAfter }) {
      let expunged = 0
      if (expungeAfter > 0) for (const mailboxId of expungedIds) expunged += await expungeOlder(accountId, mailboxId, expungeAfter)
      if (forgetAfter === 0) return { expunged, forgotten: 0 }
      const { forgotten } = await store.write(forgetChanges, { accountId, before: seconds() - forgetAfter })
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

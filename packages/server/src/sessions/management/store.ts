import { failure } from '@postern/contract'
import { endpoints, type Input } from '@postern/contract/endpoints'
import type { Maintenance, Restoration } from '#services/maintenance'
import { type BoundEndpoint, bind } from './handlers.ts'
import { timestampOf } from './timestamp.ts'

const { getBlob, listDeleted, purgeAccounts, purgeBlobs, purgeData, purgeInMemory, resetUids, restoreDeleted } = endpoints.store

const maxPageSize = 10_000

export function storeHandlers(maintenance: Maintenance): readonly BoundEndpoint[] {
  return [
    bind(getBlob, async (_caller, { hash, offset, limit }) => maintenance.blob(hash, { offset, limit })),
    bind(purgeBlobs, async () => {
      maintenance.purgeBlobs()
      return null
    }),
    bind(purgeData, async (_caller, { store }) => {
      maintenance.purgeData(store || undefined)
      return null
    }),
    bind(purgeInMemory, async (_caller, { store, kind, account }) => {
      await maintenance.purgeInMemory({ storeId: store || undefined, kind, account })
      return null
    }),
    bind(purgeAccounts, async (caller, { account }) => {
      await maintenance.purgeAccounts(caller, account)
      return null
    }),
    bind(resetUids, async (caller, { account }) => {
      const { mailboxes, messages } = await maintenance.resetUids(caller, account)
      return [mailboxes, messages] as [number, number]
    }),
    bind(listDeleted, async (caller, { account, page = 1, limit = 0 }) => {
      const all = await maintenance.listDeleted(caller, account)
      const size = limit === 0 ? all.length : Math.min(limit, maxPageSize)
      const from = (Math.max(1, page) - 1) * size
      const items = all.slice(from, from + size).map(({ hash, size, deletedAt, expiresAt }) => ({
        hash: Buffer.from(hash).toString('base64url'),
        size,
        deletedAt: timestampOf(deletedAt * 1000),
        expiresAt: timestampOf(expiresAt * 1000),
        collection: mail,
      }))
      return { items, total: all.length }
    }),
    bind(restoreDeleted, async (caller, { account, body }) => {
      // What cannot be restored has its place in the answer, too.
      const wanted = body?.map(readRestoration) ?? null
      const results = await maintenance.restoreDeleted(caller, account, wanted?.filter(one => one !== undefined) ?? null)
      if (wanted === null) return [...results]
      const left = results.values()
      return wanted.map(one => (one === undefined ? unsupported : (left.next().value ?? { type: 'notFound' as const })))
    }),
  ]
}

const mail = 'email'
/** Kinds of things that may be named; only mail is kept. */
const collections = [mail, 'mailbox', 'thread', 'identity', 'emailSubmission', 'sieveScript', 'pushSubscription', 'principal']
const unsupported = { type: 'error' as const, reason: 'Unsupported collection' }

type Wanted = NonNullable<Input<typeof restoreDeleted>['body']>[number]

/** Undefined for what is no mail. Failure `invalidParameters`. */
function readRestoration({ hash, collection, restoreTime, cancelDeletion }: Wanted): Restoration | undefined {
  const bytes = Buffer.from(hash, 'base64url')
  if (!collections.includes(collection)) throw failure('invalidParameters', { detail: 'collection' })
  if (bytes.length !== 32 || bytes.toString('base64url') !== hash) throw failure('invalidParameters', { detail: 'hash' })
  const times = { restoreTime: secondsOf(restoreTime), cancelDeletion: cancelDeletion ? secondsOf(cancelDeletion) : undefined }
  return collection === mail ? { hash: bytes, ...times } : undefined
}

function secondsOf(text: string): number {
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw failure('invalidParameters', { detail: 'a timestamp' })
  return Math.floor(ms / 1000)
}

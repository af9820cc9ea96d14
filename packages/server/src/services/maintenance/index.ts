// Looking after stored mail: what is purged, when, and what can be got back. Owns the schedule of accounts and what an administrator
// starts by hand. Never decides how mail is kept; that is the mailbox service's.
import { settings as declared, failure } from '@postern/contract'
import type { Trace } from '#base/trace'
import type { Blobs, Range } from '#data/blobs'
import type { Ephemeral } from '#data/ephemeral'
import type { Settings } from '#data/settings'
import { listPrincipalIds, type Store } from '#data/store'
import type { Caller, Directory } from '#services/directory'
import type { Mailboxes } from '#services/mailbox'
import { kindsOfKeys } from './kinds.ts'
import { createUndelete, type Undelete } from './undelete.ts'

export { nextRun } from './schedule.ts'
export type { DeletedItem, Restoration, RestoreResult } from './undelete.ts'

export interface Maintenance extends Undelete {
  /** Bytes of a content by its hash. Failures `invalidParameters`, `notFound`. */
  blob(hash: string, range: { readonly offset?: number | undefined; readonly limit?: number | undefined }): Promise<AsyncIterable<Buffer>>
  /** The purges begin at once and go on in the background; while one of a kind runs, another is not begun. */
  purgeBlobs(): void
  /** Failure `resourceNotFound` for a store that is none. */
  purgeData(storeId: string | undefined): void
  /** Failures `resourceNotFound`, `notFound`. */
  purgeInMemory(wanted: {
    readonly storeId?: string | undefined
    readonly kind?: string | undefined
    readonly account?: string | undefined
  }): Promise<void>
  /** One account, or all that the caller may know of. Failure `notFound`. */
  purgeAccounts(caller: Caller, name: string | undefined): Promise<void>
  /** What the settings plan for every account. */
  tidyAccounts(): Promise<void>
  /** New UIDVALIDITY and UIDs. Failures `notFound`, `forbidden`. */
  resetUids(caller: Caller, name: string): Promise<{ readonly mailboxes: number; readonly messages: number }>
  /** Resolves when no purge runs any more. */
  settled(): Promise<void>
}

export interface MaintenanceParts {
  readonly store: Store
  readonly blobs: Blobs
  readonly mailboxes: Mailboxes
  readonly directory: Pick<Directory, 'byId' | 'byName'>
  readonly ephemeral: Ephemeral
  readonly settings: Settings
  readonly trace: Trace
}

const mailTypes = ['individual', 'group'] as const
const mainStore = 'default'

export function createMaintenance({ store, blobs, mailboxes, directory, ephemeral, settings, trace }: MaintenanceParts): Maintenance {
  const running = new Map<string, Promise<void>>()

  function inBackground(kind: string, work: () => Promise<unknown>): void {
    if (running.has(kind)) return
    const done = work().then(
      () => {},
      error => trace.emit('store.unexpected-error', { reason: String(error) }),
    )
    running.set(
      kind,
      done.then(() => {
        running.delete(kind)
      }),
    )
  }

  /** Of an account that the caller may know of; undefined when there is none. */
  async function accountId(caller: Caller, name: string): Promise<number | undefined> {
    const record = await directory.byName(name)
    const isMail = record !== undefined && mailTypes.some(type => type === record.type)
    return isMail && (caller.tenantId === undefined || record.tenant?.id === caller.tenantId) ? record.id : undefined
  }

  function checkStore(storeId: string | undefined): void {
    const isKnown = storeId === undefined || storeId === mainStore || settings.idsOf(declared.store.type).includes(storeId)
    if (!isKnown) throw failure('resourceNotFound')
  }

  async function tidy(accountId: number): Promise<void> {
    const seconds = (ms: number | undefined): number => Math.floor((ms ?? 0) / 1000)
    await mailboxes.tidyAccount(accountId, {
      expungeAfter: seconds(settings.read(declared.jmap.emailAutoExpunge)),
      forgetAfter: seconds(settings.read(declared.jmap.protocolChangesMaxHistory)),
    })
  }

  async function tidyAll(tenantId: number | undefined): Promise<void> {
    for (const id of await store.read(listPrincipalIds, { filter: { types: mailTypes, words: [], tenantId } })) await tidy(id)
    await mailboxes.endKept()
  }

  return {
    ...createUndelete({ mailboxes, accountId }),

    async blob(text, { offset = 0, limit }) {
      const hash = Buffer.from(text, 'base64url')
      if (hash.toString('base64url') !== text.replace(/={1,4}$/, ''))
        throw failure('invalidParameters', { detail: 'Base64 decoding failed' })
      const size = hash.length === 32 ? await blobs.sizeOf(hash) : undefined
      if (size === undefined) throw failure('notFound', { item: '' })
      const start = Math.min(offset, size)
      const range: Range = { start, end: limit === undefined || limit === 0 ? size : Math.min(size, start + limit) }
      return blobs.stream(hash, range)
    },
    purgeBlobs: () =>
      inBackground('blobs', async () => {
        await mailboxes.endKept()
        await blobs.collectGarbage()
        await blobs.compact()
      }),
    purgeData(storeId) {
      checkStore(storeId)
      inBackground('data', () => store.tidy())
    },
    async purgeInMemory({ storeId, kind, account }) {
      checkStore(storeId)
      if (kind === 'bayes-account' && account !== undefined && (await directory.byName(account)) === undefined)
        throw failure('notFound', { item: '' })
      for (const prefix of kindsOfKeys(kind)) await ephemeral.clear(prefix)
    },
    async purgeAccounts(caller, name) {
      if (name === undefined) return inBackground('accounts', () => tidyAll(caller.tenantId))
      const id = await accountId(caller, name)
      if (id === undefined) throw failure('notFound', { item: '' })
      inBackground(`account ${id}`, () => tidy(id))
    },
    tidyAccounts: () => tidyAll(undefined),
    async resetUids(caller, name) {
      const id = await accountId(caller, name)
      if (id !== caller.accountId && !caller.rights.has('purge-account')) throw failure('forbidden', { permission: 'purge-account' })
      if (id === undefined) throw failure('notFound', { item: '' })
      return mailboxes.renumberUids(id)
    },
    async settled() {
      while (running.size > 0) await Promise.all(running.values())
    },
  }
}

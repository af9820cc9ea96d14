import { failure, isFailure } from '@postern/contract'
import type { Caller } from '#services/directory'
import type { AccountMailboxes, KeptMessage, Mailboxes } from '#services/mailbox'

/** A deleted message that can be got back; times in Unix seconds. */
export interface DeletedItem {
  /** SHA-256 of its bytes. */
  readonly hash: Uint8Array
  readonly size: number
  readonly deletedAt: number
  readonly expiresAt: number
}

export interface Restoration {
  readonly hash: Uint8Array
  /** When it is to have arrived, Unix seconds. */
  readonly restoreTime: number
  /** The `expiresAt` of the item, which then leaves the list. */
  readonly cancelDeletion: number | undefined
}

export type RestoreResult =
  | { readonly type: 'success' }
  | { readonly type: 'notFound' }
  | { readonly type: 'error'; readonly reason: string }

export interface Undelete {
  /** Oldest deletion first. Failure `resourceNotFound` for an account that is none. */
  listDeleted(caller: Caller, name: string): Promise<readonly DeletedItem[]>
  /** One result each, in order; null restores everything. Failure `resourceNotFound`. */
  restoreDeleted(caller: Caller, name: string, wanted: readonly Restoration[] | null): Promise<readonly RestoreResult[]>
}

export interface UndeleteParts {
  readonly mailboxes: Pick<Mailboxes, 'open'>
  /** Undefined when the caller may know of no such account. */
  readonly accountId: (caller: Caller, name: string) => Promise<number | undefined>
}

export function createUndelete({ mailboxes, accountId }: UndeleteParts): Undelete {
  async function open(caller: Caller, name: string): Promise<AccountMailboxes> {
    const id = await accountId(caller, name)
    if (id === undefined) throw failure('resourceNotFound')
    return mailboxes.open(id)
  }

  return {
    async listDeleted(caller, name) {
      const kept = await (await open(caller, name)).kept()
      return kept.toReversed().map(itemOf)
    },
    async restoreDeleted(caller, name, wanted) {
      const account = await open(caller, name)
      const kept = await account.kept()
      const all =
        wanted ?? kept.map(message => ({ hash: message.blobHash, restoreTime: message.received, cancelDeletion: message.keptUntil }))
      const results: RestoreResult[] = []
      for (const one of all) results.push(await restore(account, kept, one))
      return results
    },
  }
}

function itemOf({ blobHash, size, deletedAt, keptUntil }: KeptMessage): DeletedItem {
  return { hash: blobHash, size, deletedAt, expiresAt: keptUntil }
}

async function restore(account: AccountMailboxes, kept: readonly KeptMessage[], wanted: Restoration): Promise<RestoreResult> {
  const { hash, restoreTime, cancelDeletion } = wanted
  const same = kept.filter(message => Buffer.compare(message.blobHash, hash) === 0)
  const message = same.find(({ keptUntil }) => keptUntil === cancelDeletion) ?? same[0]
  if (message === undefined) return { type: 'notFound' }
  try {
    await account.restore(message.id, { received: restoreTime, staysKept: message.keptUntil !== cancelDeletion })
    return { type: 'success' }
  } catch (error) {
    // Restored by somebody else meanwhile, or its time was over.
    if (isFailure(error, 'messageNotFound') || isFailure(error, 'blobNotFound')) return { type: 'notFound' }
    if (isFailure(error, 'overQuota')) return { type: 'error', reason: 'The quota of the account is exceeded.' }
    if (isFailure(error, 'tenantOverQuota')) return { type: 'error', reason: 'The quota of the tenant is exceeded.' }
    throw error
  }
}

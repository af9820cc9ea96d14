// An account as one viewer sees it: what stands there, and what may be done to it.
import { failure } from '@postern/contract'
import type { Clock } from '#base/clock'
import { accountTotals, accountTree, prepareAccount, type Store } from '#data/store'
import { type DefaultFolder, fixedMailboxes, type NameLimits } from './folders.ts'
import { buildTree, type Tree } from './tree.ts'
import type { QuotaLimits, RightName, Viewer } from './types.ts'

export interface MailboxLimits extends NameLimits {
  readonly maxMailboxes: number
  /** A second copy that comes within so many seconds is a duplicate by its Message-ID alone. */
  readonly duplicateWindowSeconds: number
  /** How long the bytes of destroyed messages are kept; 0 keeps nothing. */
  readonly undeleteSeconds: number
}

/** Rules that may change while the server runs; asked at every use. */
export interface Rules {
  folders(): readonly DefaultFolder[]
  limits(): MailboxLimits
  quotaOf(accountId: number): Promise<QuotaLimits>
}

export interface AccountScope {
  readonly accountId: number
  readonly viewer: Viewer | undefined
  /** Whose subscriptions count. */
  readonly principalId: number
  /** Unix seconds. */
  now(): number
  /** Milliseconds that only ever grow. */
  monotonic(): number
  tree(): Promise<Tree>
  /** Passes when the viewer has these rights on the mailbox: else `mailboxNotFound` or `forbidden`. Who has all rights passes unread. */
  guard(mailboxId: number, ...rights: readonly RightName[]): Promise<void>
  /** How long the bytes of messages destroyed now are kept. */
  keeping(): { readonly keptUntil: number | null }
}

interface ScopeParts {
  readonly store: Store
  readonly clock: Clock
  readonly rules: Rules
  /** Accounts whose mail is known to be there. */
  readonly prepared: KnownAccounts
}

export interface KnownAccounts {
  has(accountId: number): boolean
  add(accountId: number): void
  delete(accountId: number): void
}

/** Forgets everything when there are more than so many. */
export function createKnownAccounts(most: number): KnownAccounts {
  const known = new Set<number>()
  return {
    has: accountId => known.has(accountId),
    add(accountId) {
      if (known.size >= most) known.clear()
      known.add(accountId)
    },
    delete: accountId => void known.delete(accountId),
  }
}

/** Makes the account's mail at its first use by who owns it; looking at somebody else's account does not. */
export async function openScope(
  { store, clock, rules, prepared }: ScopeParts,
  accountId: number,
  viewer: Viewer | undefined,
): Promise<AccountScope> {
  const principalId = viewer?.principalId ?? accountId
  const now = (): number => Math.floor(clock.now() / 1000)
  if (!prepared.has(accountId)) {
    if ((await store.read(accountTotals, { accountId })) === undefined) {
      if (viewer) throw failure('accountNotFound')
      const tenantId = (await rules.quotaOf(accountId)).tenant?.id ?? null
      await store.write(prepareAccount, { accountId, folders: fixedMailboxes(rules.folders()), now: now(), tenantId })
    }
    prepared.add(accountId)
  }
  const tree = async (): Promise<Tree> => buildTree(await store.read(accountTree, { accountId, principalId }), viewer, rules.folders())
  return {
    accountId,
    viewer,
    principalId,
    now,
    monotonic: clock.monotonic,
    tree,
    async guard(mailboxId, ...rights) {
      if (viewer) (await tree()).require(mailboxId, ...rights)
    },
    keeping: () => keepingAt(rules.limits(), now()),
  }
}

export function keepingAt({ undeleteSeconds }: MailboxLimits, now: number): { readonly keptUntil: number | null } {
  return { keptUntil: undeleteSeconds > 0 ? now + undeleteSeconds : null }
}

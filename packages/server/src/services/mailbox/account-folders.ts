// The tree: what mailboxes there are, making, moving and removing them, and who may do what with them.
import { failure } from '@postern/contract'
import {
  accountTree,
  changeMailbox,
  copyAnnotations,
  createMailbox,
  destroyMailbox,
  grantMailboxRights,
  moveMailbox,
  noParent,
  type Store,
  setMailboxSubscription,
  transferMessages,
} from '#data/store'
import type { ColumnReader } from './columns.ts'
import { cleanPath, inboxId, isInboxName, protectedIds } from './folders.ts'
import type { AccountMailboxes } from './index.ts'
import type { AccountScope, MailboxLimits } from './scope.ts'
import { type Mailbox, type Role, rightBits } from './types.ts'

type FolderMethods = Pick<
  AccountMailboxes,
  'list' | 'get' | 'find' | 'findRole' | 'create' | 'rename' | 'change' | 'destroy' | 'subscribe' | 'grants' | 'grant'
>

export function folderMethods(
  scope: AccountScope,
  { store, columns, limits }: { readonly store: Store; readonly columns: ColumnReader; readonly limits: () => MailboxLimits },
): FolderMethods {
  const { accountId, viewer, principalId, now, tree } = scope

  const get = async (mailboxId: number): Promise<Mailbox> => (await tree()).require(mailboxId)

  /** Makes the mailbox at a path that does not exist yet, where the viewer may. */
  async function make(path: readonly string[], role: Role | null): Promise<Mailbox> {
    const { found, rest } = (await tree()).walk(cleanPath(path, limits()))
    if (rest.length === 0) throw failure('mailboxExists')
    if (viewer && !mayCreateBelow(found)) throw failure('forbidden')
    const place = { accountId, parentId: found?.id ?? noParent, names: rest }
    const { mailbox } = await store.write(createMailbox, { ...place, role, sortOrder: 0, now: now(), maxMailboxes: limits().maxMailboxes })
    return get(mailbox.id)
  }

  /** RFC 9051 §6.3.6: the messages of the inbox move to a new mailbox, the inbox stays. */
  async function renameInbox(path: readonly string[]): Promise<Mailbox> {
    const made = await make(path, null)
    const uids = [...((await columns.columns(accountId, inboxId))?.uids ?? [])]
    await store.write(transferMessages, { accountId, mailboxId: inboxId, targetId: made.id, uids, moves: true, now: now() })
    // RFC 5464 §4.1: both have the notes.
    await store.write(copyAnnotations, { accountId, fromId: inboxId, toId: made.id })
    return get(made.id)
  }

  return {
    list: async () => (await tree()).visible,
    get,
    async find(path) {
      const current = await tree()
      const { found, rest } = current.walk(path)
      return found && rest.length === 0 ? current.get(found.id) : undefined
    },
    findRole: async role => (await tree()).withRole(role),

    async create(path, { role = null, isSubscribed = false } = {}) {
      const { id } = await make(path, role)
      if (isSubscribed) await store.write(setMailboxSubscription, { principalId, accountId, mailboxIds: [id], isSubscribed, now: now() })
      return get(id)
    },

    async rename(mailboxId, path) {
      const current = await tree()
      const mailbox = current.require(mailboxId, 'modify')
      if (mailboxId === inboxId) return renameInbox(path)
      const parts = cleanPath(path, limits())
      const name = parts.at(-1) ?? ''
      if (parts.length === 1 && isInboxName(name)) throw failure('mailboxExists')
      const { found, rest } = current.walk(parts.slice(0, -1))
      if (viewer && !mayCreateBelow(found) && found?.id !== mailbox.parentId) throw failure('forbidden')
      const place = { parentId: found?.id ?? noParent, names: [...rest, name] }
      await store.write(moveMailbox, { accountId, mailboxId, ...place, now: now(), maxDepth: limits().maxDepth })
      return get(mailboxId)
    },

    async change(mailboxId, { role, sortOrder }) {
      await scope.guard(mailboxId, 'modify')
      if (role !== undefined && protectedIds.has(mailboxId)) throw failure('mailboxProtected')
      await store.write(changeMailbox, { accountId, mailboxId, role, sortOrder, now: now() })
    },

    async destroy(mailboxId, { removesMessages, mayBeSystemFolder = false }) {
      await scope.guard(mailboxId, 'delete')
      if (protectedIds.has(mailboxId) && (mailboxId === inboxId || !mayBeSystemFolder)) throw failure('mailboxProtected')
      await store.write(destroyMailbox, { accountId, mailboxId, removesMessages, keeping: scope.keeping(), now: now() })
    },

    async subscribe(mailboxId, isSubscribed) {
      if (isSubscribed) await get(mailboxId)
      await store.write(setMailboxSubscription, { principalId, accountId, mailboxIds: [mailboxId], isSubscribed, now: now() })
    },

    async grants(mailboxId) {
      ;(await tree()).require(mailboxId, 'administer')
      const { grants } = await store.read(accountTree, { accountId, principalId })
      return grants.filter(grant => grant.mailboxId === mailboxId).map(({ granteeId, rights }) => ({ principalId: granteeId, rights }))
    },

    async grant(mailboxId, granteeId, rights) {
      await scope.guard(mailboxId, 'administer')
      await store.write(grantMailboxRights, { accountId, mailboxId, granteeId, rights, now: now() })
    },
  }
}

function mayCreateBelow(parent: Mailbox | undefined): boolean {
  return parent !== undefined && (parent.rights & rightBits.createChild) !== 0
}

// The tree of an account's mailboxes as somebody sees it.
import { failure } from '@postern/contract'
import { type AccountTree, type MailboxRow, noParent } from '#data/store'
import { type DefaultFolder, inboxId, isInboxName, roleNamed } from './folders.ts'
import { allRights, type Mailbox, type RightName, type Role, rightBits, roles, type Viewer } from './types.ts'

export interface Tree {
  /** Visible ones: parents first, siblings by sort order, then name. */
  readonly visible: readonly Mailbox[]
  /** Any mailbox, or undefined when it is not there or not to be seen. */
  get(mailboxId: number): Mailbox | undefined
  /** The mailbox, when it may be seen and the viewer has all these rights: else `mailboxNotFound`, `forbidden`. */
  require(mailboxId: number, ...rights: readonly RightName[]): Mailbox
  withRole(role: Role): Mailbox | undefined
  /** As far down the path as mailboxes exist. */
  walk(path: readonly string[]): { readonly found: Mailbox | undefined; readonly rest: readonly string[] }
}

export function buildTree(tree: AccountTree, viewer: Viewer | undefined, folders: readonly DefaultFolder[]): Tree {
  const subscribed = new Set(tree.subscribed)
  const shared = new Set(tree.grants.map(grant => grant.mailboxId))
  const rights = rightsByMailbox(tree, viewer)
  const rows = new Map(tree.mailboxes.map(row => [row.id, row]))
  const children = new Map<number, MailboxRow[]>()
  for (const row of tree.mailboxes) children.set(row.parentId, [...(children.get(row.parentId) ?? []), row])
  for (const siblings of children.values()) siblings.sort(bySortOrder)

  const all = new Map<number, Mailbox>()
  const visible: Mailbox[] = []
  function visit(parentId: number, path: readonly string[]): void {
    for (const row of children.get(parentId) ?? []) {
      const own = rights.get(row.id) ?? 0
      const mailbox = describe(row, path, own, subscribed.has(row.id), shared.has(row.id))
      all.set(row.id, mailbox)
      if (isVisible(own)) visible.push(mailbox)
      visit(row.id, mailbox.path)
    }
  }
  visit(noParent, [])

  const get = (mailboxId: number): Mailbox | undefined => {
    const mailbox = all.get(mailboxId)
    return mailbox && isVisible(mailbox.rights) ? mailbox : undefined
  }

  function childNamed(parentId: number, name: string): MailboxRow | undefined {
    if (parentId === noParent) {
      if (isInboxName(name)) return rows.get(inboxId)
      const exact = children.get(noParent)?.find(row => row.name === name)
      if (exact) return exact
      const role = roleNamed(folders, name)
      return role && tree.mailboxes.find(row => row.role === role)
    }
    return children.get(parentId)?.find(row => row.name === name)
  }

  return {
    visible,
    get,
    require(mailboxId, ...needed) {
      const mailbox = get(mailboxId)
      if (!mailbox) throw failure('mailboxNotFound')
      if (needed.some(right => (mailbox.rights & rightBits[right]) === 0)) throw failure('forbidden')
      return mailbox
    },
    withRole: role => visible.find(mailbox => mailbox.role === role),
    walk(path) {
      let at = noParent
      for (const [depth, part] of path.entries()) {
        const next = childNamed(at, part.normalize('NFC').trim())
        if (!next) return { found: all.get(at), rest: path.slice(depth) }
        at = next.id
      }
      return { found: all.get(at), rest: [] }
    },
  }
}

function bySortOrder(a: MailboxRow, b: MailboxRow): number {
  // 0 means no wish: behind those that have one.
  const order = (row: MailboxRow): number => (row.sortOrder === 0 ? Number.MAX_SAFE_INTEGER : row.sortOrder)
  return order(a) - order(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id - b.id)
}

// Whoever may read the messages of a mailbox may also know of it.
const visibleBits = rightBits.read | rightBits.readItems

function isVisible(rights: number): boolean {
  return (rights & visibleBits) !== 0
}

function rightsByMailbox(tree: AccountTree, viewer: Viewer | undefined): Map<number, number> {
  if (!viewer) return new Map(tree.mailboxes.map(row => [row.id, allRights]))
  const grantees = new Set(viewer.granteeIds)
  const rights = new Map<number, number>()
  for (const grant of tree.grants) {
    if (!grantees.has(grant.granteeId)) continue
    // Who administers a mailbox may see and read it.
    const implied = (grant.rights & rightBits.administer) === 0 ? 0 : rightBits.read | rightBits.readItems
    rights.set(grant.mailboxId, (rights.get(grant.mailboxId) ?? 0) | grant.rights | implied)
  }
  return rights
}

function describe(row: MailboxRow, above: readonly string[], rights: number, isSubscribed: boolean, isShared: boolean): Mailbox {
  return {
    id: row.id,
    parentId: row.parentId === noParent ? null : row.parentId,
    name: row.name,
    path: [...above, row.name],
    role: roles.find(role => role === row.role) ?? null,
    sortOrder: row.sortOrder,
    isSubscribed,
    rights,
    isShared,
    uidValidity: row.uidValidity,
    uidNext: row.uidNext,
    total: row.total,
    unseen: row.unseen,
    unread: row.unread,
    deleted: row.deleted,
    bytes: row.bytes,
    highestChange: Math.max(1, row.changeNumber),
  }
}

// Mailboxes of an account: the tree, UIDs, counters, subscriptions and rights granted to others.

import type { Command, Query, Reader, Transaction } from '../command.ts'
import { refusal } from '../refusal.ts'
import { beginChange, type MailChange } from './mail-change.ts'

/** Parent of the mailboxes at the top. */
export const noParent = -1

export interface MailboxRow {
  readonly id: number
  readonly parentId: number
  readonly name: string
  readonly role: string | null
  readonly sortOrder: number
  readonly uidValidity: number
  readonly uidNext: number
  readonly total: number
  readonly unseen: number
  readonly unread: number
  readonly deleted: number
  readonly bytes: number
  readonly changeNumber: number
}

const columns = `id, parent_id AS "parentId", name, role, sort_order AS "sortOrder", uid_validity AS "uidValidity", uid_next AS "uidNext",
  total, unseen, unread, deleted, bytes, change_number AS "changeNumber"`

export interface FixedMailbox {
  readonly id: number
  readonly name: string
  readonly role: string
  readonly sortOrder: number
  readonly isSubscribed: boolean
}

/** Ids below this are kept for default folders. */
const firstFreeMailboxId = 16

/**
 * Makes the account's mail with its default folders, unless it is there. Gives whether it was made. `accountNotFound` when the account was
 * removed: its id never has mail again.
 */
export const prepareAccount: Command<
  { readonly accountId: number; readonly folders: readonly FixedMailbox[]; readonly now: number; readonly tenantId: number | null },
  boolean
> = {
  name: 'mailboxes.prepareAccount',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, folders, now, tenantId }) => {
    const { changes } = await tx.run(
      `INSERT INTO mail_accounts (account_id, change_number, message_state, mailbox_state, thread_state, forgotten_change, next_message_id,
         next_mailbox_id, last_uid_validity, used_bytes, message_count, tenant_id) VALUES (?, 0, 0, 0, 0, 0, 1, ?, 0, 0, 0, ?)
       ON CONFLICT (account_id) DO NOTHING`,
      [accountId, firstFreeMailboxId, tenantId],
    )
    if (await tx.get('SELECT state FROM principal_removals WHERE principal_id = ? AND state > 0', [accountId]))
      throw refusal('accountNotFound')
    if (changes === 0) return false
    const change = await beginChange(tx, accountId, now)
    for (const folder of folders) {
      await insertMailbox(change, { ...folder, parentId: noParent })
      if (folder.isSubscribed) await setSubscription(tx, accountId, accountId, folder.id, true)
    }
    await change.finish()
    return true
  },
}

async function insertMailbox(
  change: MailChange,
  { id, parentId, name, role, sortOrder }: Pick<MailboxRow, 'id' | 'parentId' | 'name' | 'role' | 'sortOrder'>,
): Promise<MailboxRow> {
  const { tx, account, accountId, number } = change
  // Ascending for the whole account: a name that is made anew gets a larger value than it ever had (RFC 9051 §2.3.1.1).
  const uidValidity = nextUidValidity(change)
  account.lastUidValidity = uidValidity
  await tx.run(
    `INSERT INTO mailboxes (account_id, id, parent_id, name, role, sort_order, uid_validity, uid_next, total, unseen, unread, deleted, bytes,
       change_number) VALUES (?, ?, ?, ?, ?, ?, ?, 1, 0, 0, 0, 0, 0, ?)`,
    [accountId, id, parentId, name, role, sortOrder, uidValidity, number],
  )
  change.add({ kind: 'mailboxCreated', mailboxId: id })
  const empty = { uidNext: 1, total: 0, unseen: 0, unread: 0, deleted: 0, bytes: 0 }
  return { id, parentId, name, role, sortOrder, uidValidity, ...empty, changeNumber: number }
}

function nextUidValidity({ account, now }: MailChange): number {
  return Math.max(account.lastUidValidity + 1, now)
}

export interface MailboxPlan {
  readonly parentId: number
  /** Names below the parent; all but the last are made when missing. */
  readonly names: readonly string[]
}

/** Makes a mailbox and its missing parents. `mailboxExists`, `mailboxNotFound` (parent), `specialUseTaken`. */
export const createMailbox: Command<
  MailboxPlan & {
    readonly accountId: number
    readonly role: string | null
    readonly sortOrder: number
    readonly now: number
    readonly maxMailboxes: number
  },
  { readonly mailbox: MailboxRow; readonly made: readonly number[] }
> = {
  name: 'mailboxes.create',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, parentId, names, role, sortOrder, now, maxMailboxes }) => {
    const change = await beginChange(tx, accountId, now)
    await assertRoleFree(tx, accountId, role, undefined)
    const made: MailboxRow[] = []
    const above = await ensurePath(change, parentId, names.slice(0, -1), made)
    const name = names.at(-1) ?? ''
    if (await childNamed(tx, accountId, above, name)) throw refusal('mailboxExists', { name })
    const mailbox = await insertMailbox(change, { id: change.account.nextMailboxId++, parentId: above, name, role, sortOrder })
    made.push(mailbox)
    const count = await tx.get<{ count: number }>('SELECT COUNT(*) AS count FROM mailboxes WHERE account_id = ?', [accountId])
    if ((count?.count ?? 0) > maxMailboxes) throw refusal('cannot', { limit: maxMailboxes })
    await change.finish()
    return { mailbox, made: made.map(row => row.id) }
  },
}

async function ensurePath(change: MailChange, parentId: number, names: readonly string[], made: MailboxRow[]): Promise<number> {
  const { tx, accountId } = change
  if (parentId !== noParent) await requireMailbox(tx, accountId, parentId)
  let at = parentId
  for (const name of names) {
    const known = await childNamed(tx, accountId, at, name)
    if (known) {
      at = known.id
      continue
    }
    const row = await insertMailbox(change, { id: change.account.nextMailboxId++, parentId: at, name, role: null, sortOrder: 0 })
    made.push(row)
    at = row.id
  }
  return at
}

/** Moves a mailbox with everything below it. `mailboxExists`, `mailboxNotFound`, `mailboxNameInvalid` (into itself), `mailboxTooDeep`. */
export const moveMailbox: Command<
  MailboxPlan & { readonly accountId: number; readonly mailboxId: number; readonly now: number; readonly maxDepth: number },
  { readonly made: readonly number[] }
> = {
  name: 'mailboxes.move',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, mailboxId, parentId, names, now, maxDepth }) => {
    const change = await beginChange(tx, accountId, now)
    await requireMailbox(tx, accountId, mailboxId)
    const made: MailboxRow[] = []
    const above = await ensurePath(change, parentId, names.slice(0, -1), made)
    const name = names.at(-1) ?? ''
    const existing = await childNamed(tx, accountId, above, name)
    if (existing && existing.id !== mailboxId) throw refusal('mailboxExists', { name })
    const ancestors = await ancestorsOf(tx, accountId, above)
    if (ancestors.includes(mailboxId)) throw refusal('mailboxNameInvalid', { name })
    if (ancestors.length + (await heightOf(tx, accountId, mailboxId)) > maxDepth) throw refusal('mailboxTooDeep', { limit: maxDepth })
    await tx.run('UPDATE mailboxes SET parent_id = ?, name = ? WHERE account_id = ? AND id = ?', [above, name, accountId, mailboxId])
    change.add({ kind: 'mailboxChanged', mailboxId })
    await change.finish()
    return { made: made.map(row => row.id) }
  },
}

/** The mailbox and everything above it, nearest first. */
async function ancestorsOf(tx: Transaction, accountId: number, mailboxId: number): Promise<number[]> {
  const ids: number[] = []
  for (let at = mailboxId; at !== noParent; ) {
    ids.push(at)
    at = (await requireMailbox(tx, accountId, at)).parentId
  }
  return ids
}

/** Levels of the tree from this mailbox down, itself included. */
async function heightOf(tx: Transaction, accountId: number, mailboxId: number): Promise<number> {
  let level = [mailboxId]
  let height = 0
  while (level.length > 0) {
    height += 1
    const below: number[] = []
    for (const id of level) {
      const rows = await tx.tuples<[number]>('SELECT id FROM mailboxes WHERE account_id = ? AND parent_id = ?', [accountId, id])
      below.push(...rows.map(([child]) => child))
    }
    level = below
  }
  return height
}

/** Changes what a mailbox is used for or where it is listed. `specialUseTaken`. */
export const changeMailbox: Command<
  {
    readonly accountId: number
    readonly mailboxId: number
    readonly role?: string | null
    readonly sortOrder?: number
    readonly now: number
  },
  void
> = {
  name: 'mailboxes.change',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, mailboxId, role, sortOrder, now }) => {
    const change = await beginChange(tx, accountId, now)
    const row = await requireMailbox(tx, accountId, mailboxId)
    if (role !== undefined) await assertRoleFree(tx, accountId, role, mailboxId)
    await tx.run('UPDATE mailboxes SET role = ?, sort_order = ? WHERE account_id = ? AND id = ?', [
      role === undefined ? row.role : role,
      sortOrder ?? row.sortOrder,
      accountId,
      mailboxId,
    ])
    change.add({ kind: 'mailboxChanged', mailboxId })
    await change.finish()
  },
}

async function assertRoleFree(tx: Transaction, accountId: number, role: string | null, except: number | undefined): Promise<void> {
  if (role === null) return
  const holder = await tx.get<{ id: number }>('SELECT id FROM mailboxes WHERE account_id = ? AND role = ?', [accountId, role])
  if (holder && holder.id !== except) throw refusal('specialUseTaken', { role })
}

/** Removes an empty mailbox without children; its messages were removed before, in the same command. */
export async function deleteMailboxRow(change: MailChange, mailboxId: number): Promise<void> {
  const { tx, accountId } = change
  const child = await tx.get('SELECT id FROM mailboxes WHERE account_id = ? AND parent_id = ? LIMIT 1', [accountId, mailboxId])
  if (child) throw refusal('mailboxHasChildren')
  await tx.run('DELETE FROM mailboxes WHERE account_id = ? AND id = ?', [accountId, mailboxId])
  await tx.run('DELETE FROM mailbox_subscriptions WHERE account_id = ? AND mailbox_id = ?', [accountId, mailboxId])
  await tx.run('DELETE FROM mailbox_grants WHERE account_id = ? AND mailbox_id = ?', [accountId, mailboxId])
  await tx.run('DELETE FROM annotations WHERE account_id = ? AND mailbox_id = ?', [accountId, mailboxId])
  change.add({ kind: 'mailboxDestroyed', mailboxId })
}

export async function requireMailbox(tx: Reader, accountId: number, mailboxId: number): Promise<MailboxRow> {
  const row = await tx.get<MailboxRow>(`SELECT ${columns} FROM mailboxes WHERE account_id = ? AND id = ?`, [accountId, mailboxId])
  if (!row) throw refusal('mailboxNotFound')
  return row
}

async function childNamed(
  tx: Transaction,
  accountId: number,
  parentId: number,
  name: string,
): Promise<{ readonly id: number } | undefined> {
  return await tx.get<{ id: number }>('SELECT id FROM mailboxes WHERE account_id = ? AND parent_id = ? AND name = ?', [
    accountId,
    parentId,
    name,
  ])
}

/** Takes `count` consecutive UIDs. */
export async function takeUids(
  tx: Transaction,
  accountId: number,
  mailboxId: number,
  count: number,
): Promise<{ readonly first: number; readonly uidValidity: number }> {
  const row = await tx.get<{ next: number; uidValidity: number }>(
    'UPDATE mailboxes SET uid_next = uid_next + ? WHERE account_id = ? AND id = ? RETURNING uid_next AS next, uid_validity AS "uidValidity"',
    [count, accountId, mailboxId],
  )
  if (!row) throw refusal('mailboxNotFound')
  return { first: row.next - count, uidValidity: row.uidValidity }
}

export const setMailboxSubscription: Command<
  {
    readonly principalId: number
    readonly accountId: number
    readonly mailboxIds: readonly number[]
    readonly isSubscribed: boolean
    readonly now: number
  },
  void
> = {
  name: 'mailboxes.subscribe',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { principalId, accountId, mailboxIds, isSubscribed, now }) => {
    const change = await beginChange(tx, accountId, now)
    for (const mailboxId of mailboxIds) {
      if (isSubscribed) await requireMailbox(tx, accountId, mailboxId)
      if ((await setSubscription(tx, principalId, accountId, mailboxId, isSubscribed)) > 0)
        change.add({ kind: 'mailboxChanged', mailboxId })
    }
    await change.finish()
  },
}

async function setSubscription(
  tx: Transaction,
  principalId: number,
  accountId: number,
  mailboxId: number,
  isSubscribed: boolean,
): Promise<number> {
  const { changes } = isSubscribed
    ? await tx.run('INSERT INTO mailbox_subscriptions (principal_id, account_id, mailbox_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING', [
        principalId,
        accountId,
        mailboxId,
      ])
    : await tx.run('DELETE FROM mailbox_subscriptions WHERE principal_id = ? AND account_id = ? AND mailbox_id = ?', [
        principalId,
        accountId,
        mailboxId,
      ])
  return changes
}

/** Replaces what one principal may do with a mailbox; 0 takes everything away. */
export const grantMailboxRights: Command<
  {
    readonly accountId: number
    readonly mailboxId: number
    readonly granteeId: number
    readonly rights: number
    readonly now: number
  },
  void
> = {
  name: 'mailboxes.grant',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, mailboxId, granteeId, rights, now }) => {
    const change = await beginChange(tx, accountId, now)
    await requireMailbox(tx, accountId, mailboxId)
    if (rights === 0) {
      await tx.run('DELETE FROM mailbox_grants WHERE account_id = ? AND mailbox_id = ? AND grantee_id = ?', [
        accountId,
        mailboxId,
        granteeId,
      ])
    } else {
      await tx.run(
        `INSERT INTO mailbox_grants (account_id, mailbox_id, grantee_id, rights) VALUES (?, ?, ?, ?)
         ON CONFLICT (account_id, mailbox_id, grantee_id) DO UPDATE SET rights = excluded.rights`,
        [accountId, mailboxId, granteeId, rights],
      )
    }
    change.add({ kind: 'mailboxChanged', mailboxId })
    await change.finish()
  },
}

export interface GrantRow {
  readonly mailboxId: number
  readonly granteeId: number
  readonly rights: number
}

export interface AccountTree {
  /** False before the account was prepared. */
  readonly exists: boolean
  readonly mailboxes: readonly MailboxRow[]
  readonly subscribed: readonly number[]
  readonly grants: readonly GrantRow[]
}

/** Everything about an account's mailboxes at once, as one principal sees it. */
export const accountTree: Query<{ readonly accountId: number; readonly principalId: number }, AccountTree> = {
  name: 'mailboxes.tree',
  consistent: true,
  run: async (reader, { accountId, principalId }) => {
    const account = await reader.get('SELECT account_id FROM mail_accounts WHERE account_id = ?', [accountId])
    const mailboxes = await reader.all<MailboxRow>(`SELECT ${columns} FROM mailboxes WHERE account_id = ? ORDER BY id`, [accountId])
    const subscribed = await reader.tuples<[number]>(
      'SELECT mailbox_id FROM mailbox_subscriptions WHERE principal_id = ? AND account_id = ? ORDER BY mailbox_id',
      [principalId, accountId],
    )
    const grants = await reader.all<GrantRow>(
      `SELECT mailbox_id AS "mailboxId", grantee_id AS "granteeId", rights FROM mailbox_grants WHERE account_id = ?
       ORDER BY mailbox_id, grantee_id`,
      [accountId],
    )
    return { exists: account !== undefined, mailboxes, subscribed: subscribed.map(([id]) => id), grants }
  },
}

export const findMailbox: Query<{ readonly accountId: number; readonly mailboxId: number }, MailboxRow | undefined> = {
  name: 'mailboxes.find',
  run: (reader, { accountId, mailboxId }) =>
    reader.get<MailboxRow>(`SELECT ${columns} FROM mailboxes WHERE account_id = ? AND id = ?`, [accountId, mailboxId]),
}

/** Accounts in which rights were granted to any of these principals. */
export const accountsSharedWith: Query<{ readonly granteeIds: readonly number[] }, readonly number[]> = {
  name: 'mailboxes.accountsSharedWith',
  run: async (reader, { granteeIds }) => {
    const accounts = new Set<number>()
    for (const granteeId of granteeIds) {
      const rows = await reader.tuples<[number]>('SELECT DISTINCT account_id FROM mailbox_grants WHERE grantee_id = ?', [granteeId])
      for (const [accountId] of rows) accounts.add(accountId)
    }
    return [...accounts].sort((a, b) => a - b)
  },
}

export const mailboxCommands = [
  prepareAccount,
  createMailbox,
  moveMailbox,
  changeMailbox,
  setMailboxSubscription,
  grantMailboxRights,
] as const

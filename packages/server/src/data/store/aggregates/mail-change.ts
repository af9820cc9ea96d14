// The frame of every command that changes an account's mail: one change number, the account's totals, the counters of the mailboxes it
// touched, and one row of the change log.

import type { Transaction } from '../command.ts'
import { refusal } from '../refusal.ts'
import { type Change, packChanges } from './changes.ts'
import { bits } from './keywords.ts'

/** The account's row while a command runs; written back by `finish`. */
export interface AccountDraft {
  /** The number of this change. */
  readonly number: number
  nextMessageId: number
  nextMailboxId: number
  lastUidValidity: number
  usedBytes: number
  messageCount: number
  tenantId: number | null
}

/** Limits for what is about to be added; 0 means none. */
export interface RoomLimits {
  readonly bytes: number
  readonly messages: number
  readonly tenant: { readonly id: number; readonly bytes: number } | null
}

export interface MailChange {
  readonly tx: Transaction
  readonly accountId: number
  readonly number: number
  /** Unix seconds. */
  readonly now: number
  readonly account: AccountDraft
  add(change: Change): void
  /** A message with these flags came into (+1) or left (−1) the mailbox. */
  countMessage(mailboxId: number, flags: number, size: number, sign: 1 | -1): void
  countFlags(mailboxId: number, before: number, after: number): void
  /** Something in the mailbox changed that its counters do not show. */
  touch(mailboxId: number): void
  /** Throws `overQuota` or `tenantOverQuota` when what was added since the beginning exceeds a limit. */
  assertRoom(limits: RoomLimits): Promise<void>
  /** Writes everything back. Without entries nothing but the number is spent. */
  finish(): Promise<void>
}

interface Counters {
  total: number
  unseen: number
  unread: number
  deleted: number
  bytes: number
}

/**
 * Begins a change. The account's row is written first: commands of one account follow each other, and a number is visible only when all
 * smaller ones are.
 */
export async function beginChange(tx: Transaction, accountId: number, now: number): Promise<MailChange> {
  const account = await tx.get<AccountDraft>(
    `UPDATE mail_accounts SET change_number = change_number + 1 WHERE account_id = ?
     RETURNING change_number AS number, next_message_id AS "nextMessageId", next_mailbox_id AS "nextMailboxId",
       last_uid_validity AS "lastUidValidity", used_bytes AS "usedBytes", message_count AS "messageCount", tenant_id AS "tenantId"`,
    [accountId],
  )
  if (!account) throw refusal('accountNotFound')
  const { number } = account
  const usedBefore = account.usedBytes
  const entries: Change[] = []
  const counters = new Map<number, Counters>()

  function countersOf(mailboxId: number): Counters {
    const known = counters.get(mailboxId)
    if (known) return known
    const fresh = { total: 0, unseen: 0, unread: 0, deleted: 0, bytes: 0 }
    counters.set(mailboxId, fresh)
    return fresh
  }

  let countedBytes = usedBefore
  async function countTenant(): Promise<void> {
    if (account && account.tenantId !== null && account.usedBytes !== countedBytes) {
      await addTenantUsage(tx, account.tenantId, account.usedBytes - countedBytes)
      countedBytes = account.usedBytes
    }
  }

  async function writeCounters(): Promise<void> {
    for (const [mailboxId, { total, unseen, unread, deleted, bytes }] of counters) {
      await tx.run(
        `UPDATE mailboxes SET total = total + ?, unseen = unseen + ?, unread = unread + ?, deleted = deleted + ?, bytes = bytes + ?,
           change_number = ? WHERE account_id = ? AND id = ?`,
        [total, unseen, unread, deleted, bytes, number, accountId, mailboxId],
      )
      if (total !== 0 || unseen !== 0 || unread !== 0) entries.push({ kind: 'mailboxCounted', mailboxId })
    }
  }

  return {
    tx,
    accountId,
    number,
    now,
    account,
    add: change => entries.push(change),
    countMessage(mailboxId, flags, size, sign) {
      const own = countersOf(mailboxId)
      own.total += sign
      own.bytes += sign * size
      own.unseen += sign * Number(isUnseen(flags))
      own.unread += sign * Number(isUnread(flags))
      own.deleted += sign * Number(isDeleted(flags))
    },
    countFlags(mailboxId, before, after) {
      const own = countersOf(mailboxId)
      own.unseen += Number(isUnseen(after)) - Number(isUnseen(before))
      own.unread += Number(isUnread(after)) - Number(isUnread(before))
      own.deleted += Number(isDeleted(after)) - Number(isDeleted(before))
    },
    touch: mailboxId => void countersOf(mailboxId),
    async assertRoom({ bytes, messages, tenant }) {
      const added = account.usedBytes - usedBefore
      if (bytes > 0 && account.usedBytes > bytes) throw refusal('overQuota', { limit: bytes, used: usedBefore })
      if (messages > 0 && account.messageCount > messages) throw refusal('overQuota', { limit: messages, used: account.messageCount })
      if (!tenant) return
      await moveToTenant(tx, account, usedBefore, tenant.id)
      // Counted before it is compared: the row is locked, so that accounts of one tenant cannot exceed it together.
      await countTenant()
      const used = await tenantUsage(tx, tenant.id)
      if (tenant.bytes > 0 && used > tenant.bytes) throw refusal('tenantOverQuota', { limit: tenant.bytes, used: used - added })
    },
    async finish() {
      await writeCounters()
      const concerns = concernsOf(entries)
      await countTenant()
      await tx.run(
        `UPDATE mail_accounts SET next_message_id = ?, next_mailbox_id = ?, last_uid_validity = ?, used_bytes = ?, message_count = ?, tenant_id = ?,
           message_state = CASE WHEN ? = 1 THEN change_number ELSE message_state END,
           mailbox_state = CASE WHEN ? = 1 THEN change_number ELSE mailbox_state END,
           thread_state = CASE WHEN ? = 1 THEN change_number ELSE thread_state END
         WHERE account_id = ?`,
        [
          account.nextMessageId,
          account.nextMailboxId,
          account.lastUidValidity,
          account.usedBytes,
          account.messageCount,
          account.tenantId,
          Number(concerns.message),
          Number(concerns.mailbox),
          Number(concerns.thread),
          accountId,
        ],
      )
      if (entries.length === 0) return
      await tx.run('INSERT INTO changes (account_id, number, made_at, entries) VALUES (?, ?, ?, ?)', [
        accountId,
        number,
        now,
        packChanges(entries),
      ])
      tx.announce({ topic: 'account', key: accountId, value: number })
    },
  }
}

function concernsOf(entries: readonly Change[]): { message: boolean; mailbox: boolean; thread: boolean } {
  const concerns = { message: false, mailbox: false, thread: false }
  for (const { kind } of entries) {
    if (kind.startsWith('mailbox')) concerns.mailbox = true
    else if (kind.startsWith('thread')) concerns.thread = true
    else if (!kind.startsWith('object')) concerns.message = true
  }
  return concerns
}

const isUnseen = (flags: number): boolean => (flags & bits.seen) === 0
const isUnread = (flags: number): boolean => (flags & (bits.seen | bits.draft)) === 0
const isDeleted = (flags: number): boolean => (flags & bits.deleted) !== 0

/** The account belongs to another tenant than when it was last counted: its bytes go with it. */
async function moveToTenant(tx: Transaction, account: AccountDraft, usedBytes: number, tenantId: number): Promise<void> {
  if (account.tenantId === tenantId) return
  if (account.tenantId !== null) await addTenantUsage(tx, account.tenantId, -usedBytes)
  await addTenantUsage(tx, tenantId, usedBytes)
  account.tenantId = tenantId
}

export async function addTenantUsage(tx: Transaction, tenantId: number, bytes: number): Promise<void> {
  await tx.run(
    'INSERT INTO tenant_usage (tenant_id, used_bytes) VALUES (?, ?) ON CONFLICT (tenant_id) DO UPDATE SET used_bytes = tenant_usage.used_bytes + excluded.used_bytes',
    [tenantId, bytes],
  )
}

async function tenantUsage(tx: Transaction, tenantId: number): Promise<number> {
  return (await tx.get<{ used: number }>('SELECT used_bytes AS used FROM tenant_usage WHERE tenant_id = ?', [tenantId]))?.used ?? 0
}

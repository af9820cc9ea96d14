// What befalls an account's mail as a whole: old messages leave, UIDs are given anew, everything goes.
import type { Command, Transaction } from '../command.ts'
import { beginChange } from './mail-change.ts'
import { type Keeping, removePlacement } from './messages.ts'

/** Takes messages out of a mailbox that came into it before `savedBefore` (Unix seconds), at most `limit`; gives the number. */
export const removeOlderMessages: Command<
  {
    readonly accountId: number
    readonly mailboxId: number
    readonly savedBefore: number
    readonly limit: number
    readonly keeping: Keeping
    readonly now: number
  },
  number
> = {
  name: 'accounts.removeOlderMessages',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, mailboxId, savedBefore, limit, keeping, now }) => {
    // Most nights there is nothing: then no change number is spent.
    const any = await tx.get('SELECT uid FROM placements WHERE account_id = ? AND mailbox_id = ? AND saved < ? LIMIT 1', [
      accountId,
      mailboxId,
      savedBefore,
    ])
    if (!any) return 0
    const change = await beginChange(tx, accountId, now)
    const rows = await tx.tuples<[number, number, number, Uint8Array | null, number]>(
      `SELECT uid, message_id, flags, keywords, size FROM placements WHERE account_id = ? AND mailbox_id = ? AND saved < ?
       ORDER BY uid LIMIT ?`,
      [accountId, mailboxId, savedBefore, limit],
    )
    for (const [uid, messageId, flags, keywords, size] of rows) {
      await removePlacement(change, { mailboxId, uid, messageId, flags, keywords, size }, keeping)
    }
    await change.finish()
    return rows.length
  },
}

/**
 * Gives every mailbox a new UIDVALIDITY and numbers its messages from 1. The change log ends here: what it says of UIDs is void.
 * Gives the number of mailboxes and of messages in them.
 */
export const renumberUids: Command<
  { readonly accountId: number; readonly now: number },
  { readonly mailboxes: number; readonly messages: number }
> = {
  name: 'accounts.renumberUids',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, now }) => {
    const change = await beginChange(tx, accountId, now)
    const { account, number } = change
    const mailboxes = await tx.tuples<[number]>('SELECT id FROM mailboxes WHERE account_id = ? ORDER BY id', [accountId])
    let messages = 0
    for (const [mailboxId] of mailboxes) {
      account.lastUidValidity = Math.max(account.lastUidValidity + 1, now)
      const uids = await tx.tuples<[number]>('SELECT uid FROM placements WHERE account_id = ? AND mailbox_id = ? ORDER BY uid', [
        accountId,
        mailboxId,
      ])
      // Ascending, a new number is never one that is still taken: it is at most the old one.
      for (const [index, [uid]] of uids.entries()) {
        await tx.run('UPDATE placements SET uid = ?, change_number = ? WHERE account_id = ? AND mailbox_id = ? AND uid = ?', [
          index + 1,
          number,
          accountId,
          mailboxId,
          uid,
        ])
      }
      await tx.run('UPDATE mailboxes SET uid_validity = ?, uid_next = ?, change_number = ? WHERE account_id = ? AND id = ?', [
        account.lastUidValidity,
        uids.length + 1,
        number,
        accountId,
        mailboxId,
      ])
      change.add({ kind: 'mailboxChanged', mailboxId })
      messages += uids.length
    }
    await change.finish()
    await tx.run('DELETE FROM changes WHERE account_id = ?', [accountId])
    await tx.run('UPDATE mail_accounts SET forgotten_change = ? WHERE account_id = ?', [number, accountId])
    return { mailboxes: mailboxes.length, messages }
  },
}

/**
 * One step of removing an account's mail: at most `limit` messages, and with the last of them everything else. False when steps remain.
 * Rights, subscriptions and private notes the account had elsewhere go too.
 */
export const destroyMailStep: Command<{ readonly accountId: number; readonly limit: number; readonly now: number }, boolean> = {
  name: 'accounts.destroyMailStep',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, limit, now }) => {
    const account = await tx.get('SELECT account_id FROM mail_accounts WHERE account_id = ?', [accountId])
    if (!account) return true
    const change = await beginChange(tx, accountId, now)
    const rows = await tx.tuples<[number, number, number, number, Uint8Array | null, number]>(
      'SELECT mailbox_id, uid, message_id, flags, keywords, size FROM placements WHERE account_id = ? ORDER BY mailbox_id, uid LIMIT ?',
      [accountId, limit],
    )
    if (rows.length > 0) {
      for (const [mailboxId, uid, messageId, flags, keywords, size] of rows) {
        await removePlacement(change, { mailboxId, uid, messageId, flags, keywords, size }, { keptUntil: null })
      }
      await change.finish()
    }
    if (rows.length === limit) return false
    if (!(await removeKept(tx, accountId, limit))) return false
    for (const [table, key] of longTables) {
      const { changes } = await tx.run(
        `DELETE FROM ${table} WHERE account_id = ? AND ${key} IN (SELECT ${key} FROM ${table} WHERE account_id = ? ORDER BY ${key} LIMIT ?)`,
        [accountId, accountId, limit],
      )
      if (changes === limit) return false
    }
    for (const table of shortTables) await tx.run(`DELETE FROM ${table} WHERE account_id = ?`, [accountId])
    await tx.run('DELETE FROM mailbox_grants WHERE grantee_id = ?', [accountId])
    await tx.run('DELETE FROM mailbox_subscriptions WHERE principal_id = ?', [accountId])
    await tx.run('DELETE FROM annotations WHERE holder_id = ?', [accountId])
    return true
  },
}

/** Messages that were kept for a while after they were destroyed, with their contents. False when some remain. */
async function removeKept(tx: Transaction, accountId: number, limit: number): Promise<boolean> {
  const kept = await tx.tuples<[number, number]>(
    'SELECT message_id, blob_id FROM deleted_messages WHERE account_id = ? ORDER BY message_id LIMIT ?',
    [accountId, limit],
  )
  for (const [messageId, blobId] of kept) {
    await tx.run('DELETE FROM deleted_messages WHERE account_id = ? AND message_id = ?', [accountId, messageId])
    const other = await tx.get('SELECT message_id FROM deleted_messages WHERE account_id = ? AND blob_id = ? LIMIT 1', [accountId, blobId])
    if (!other) await tx.run('DELETE FROM blob_links WHERE account_id = ? AND blob_id = ?', [accountId, blobId])
  }
  return kept.length < limit
}

/** Tables with many rows of an account, and what sets these apart. */
const longTables = [
  ['changes', 'number'],
  ['thread_refs', 'ref_key'],
] as const

const shortTables = [
  'annotations',
  'keywords',
  'mailbox_grants',
  'mailbox_subscriptions',
  'mailboxes',
  'blob_reservations',
  'mail_accounts',
] as const

export const accountCommands = [removeOlderMessages, renumberUids, destroyMailStep] as const

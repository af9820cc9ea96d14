// Messages: what never changes about them, how they come and how they go.

import type { Command, Query, Transaction } from '../command.ts'
import type { Encoding } from '../packs/layout.ts'
import type { BlobLocation } from '../packs/pack-reader.ts'
import { refusal } from '../refusal.ts'
import { linkBlob, unlinkBlob } from './blobs.ts'
import { internKeywords, packKeywords } from './keywords.ts'
import { beginChange, type MailChange, type RoomLimits } from './mail-change.ts'
import { takeUids } from './mailboxes.ts'
import { addThreadKeys, dropThreadKeys, findThread, packThreadKeys, threadSize, unpackThreadKeys } from './threads.ts'

export interface IncomingMessage {
  /** Which attached blob holds the bytes. */
  readonly blob: number
  readonly mailboxIds: readonly number[]
  readonly flags: number
  readonly keywords: readonly string[]
  /** Unix seconds. */
  readonly received: number
  readonly sent: number | null
  readonly hasAttachment: boolean
  /** Below 2^53, from the Message-ID; null without one. */
  readonly messageIdKey: number | null
  /** Below 2^53, from the bytes behind the header. */
  readonly bodyKey: number
  /** One per reference id under the message's base subject, below 2^53. */
  readonly threadKeys: readonly number[]
  readonly structure: Uint8Array
  /** Line feeds without the carriage return that protocols of lines put before them. */
  readonly bareLineFeeds: number
  readonly skipsDuplicate: boolean
}

export interface AppendedMessage {
  readonly id: number
  readonly threadId: number
  readonly placements: readonly { readonly mailboxId: number; readonly uid: number; readonly uidValidity: number }[]
  readonly isDuplicate: boolean
}

/** Adds messages, all or none. `mailboxNotFound`, `overQuota`. */
export const appendMessages: Command<
  {
    readonly accountId: number
    readonly messages: readonly IncomingMessage[]
    readonly limits: RoomLimits
    readonly now: number
    /** A copy that came at most this many seconds ago is a duplicate by its Message-ID alone. */
    readonly duplicateWindow: number
  },
  { readonly change: number; readonly appended: readonly AppendedMessage[] }
> = {
  name: 'messages.append',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, messages, limits, now, duplicateWindow }) => {
    const change = await beginChange(tx, accountId, now)
    const appended: AppendedMessage[] = []
    for (const message of messages) appended.push(await appendOne(change, message, duplicateWindow))
    await change.assertRoom(limits)
    await change.finish()
    return { change: change.number, appended }
  },
}

async function appendOne(change: MailChange, message: IncomingMessage, duplicateWindow: number): Promise<AppendedMessage> {
  const { tx, accountId, account, now } = change
  const blob = tx.blobs[message.blob]
  if (!blob) throw new Error(`message refers to attached blob ${message.blob}`)
  const joined = await findThread(tx, accountId, message.threadKeys)
  if (message.skipsDuplicate && joined !== undefined) {
    const copy = await findCopy(change, joined, message, blob.size, duplicateWindow)
    if (copy !== undefined) return { id: copy, threadId: joined, placements: [], isDuplicate: true }
  }
  const id = account.nextMessageId++
  const threadId = joined ?? id
  account.usedBytes += blob.size
  account.messageCount += 1
  await tx.run(
    `INSERT INTO messages (account_id, id, thread_id, blob_id, size, received, sent, has_attachment, message_id_key, body_key, thread_keys,
       structure, bare_lfs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      accountId,
      id,
      threadId,
      blob.id,
      blob.size,
      message.received,
      message.sent,
      Number(message.hasAttachment),
      message.messageIdKey,
      message.bodyKey,
      packThreadKeys(message.threadKeys),
      message.structure,
      message.bareLineFeeds,
    ],
  )
  await linkBlob(tx, blob.id, 'message', accountId, id)
  await addThreadKeys(tx, accountId, threadId, message.threadKeys)
  change.add({ kind: 'messageCreated', messageId: id, threadId })
  change.add({ kind: joined === undefined ? 'threadCreated' : 'threadChanged', threadId })
  const keywords = packKeywords(await internKeywords(tx, accountId, message.keywords))
  const placements: { mailboxId: number; uid: number; uidValidity: number }[] = []
  for (const mailboxId of new Set(message.mailboxIds)) {
    const { first: uid, uidValidity } = await takeUids(tx, accountId, mailboxId, 1)
    const { flags } = message
    await insertPlacement(change, {
      mailboxId,
      uid,
      messageId: id,
      flags,
      keywords,
      size: blob.size,
      received: message.received,
      saved: now,
    })
    placements.push({ mailboxId, uid, uidValidity })
  }
  return { id, threadId, placements, isDuplicate: false }
}

/** The message of this thread in the first target mailbox that is the same, if any. */
async function findCopy(
  { tx, accountId, now }: MailChange,
  threadId: number,
  message: IncomingMessage,
  size: number,
  duplicateWindow: number,
): Promise<number | undefined> {
  const [mailboxId] = message.mailboxIds
  if (message.messageIdKey === null || mailboxId === undefined) return undefined
  const rows = await tx.all<{ id: number; size: number; bodyKey: number; saved: number }>(
    `SELECT m.id, m.size, m.body_key AS "bodyKey", p.saved FROM messages m
     JOIN placements p ON p.account_id = m.account_id AND p.message_id = m.id
     WHERE m.account_id = ? AND m.thread_id = ? AND m.message_id_key = ? AND p.mailbox_id = ? ORDER BY m.id`,
    [accountId, threadId, message.messageIdKey, mailboxId],
  )
  // A forged earlier mail must not suppress a later one for ever: beyond the window the contents have to agree.
  return rows.find(row => now - row.saved <= duplicateWindow || row.bodyKey === message.bodyKey || row.size === size)?.id
}

export interface PlacementRow {
  readonly mailboxId: number
  readonly uid: number
  readonly messageId: number
  readonly flags: number
  readonly keywords: Uint8Array | null
  readonly size: number
  readonly received: number
  readonly saved: number
}

export async function insertPlacement(change: MailChange, row: PlacementRow): Promise<void> {
  const { tx, accountId, number } = change
  await tx.run(
    `INSERT INTO placements (account_id, mailbox_id, uid, message_id, flags, keywords, change_number, size, received, saved)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [accountId, row.mailboxId, row.uid, row.messageId, row.flags, row.keywords, number, row.size, row.received, row.saved],
  )
  change.countMessage(row.mailboxId, row.flags, row.size, 1)
  change.add({ kind: 'placed', mailboxId: row.mailboxId, uid: row.uid, messageId: row.messageId })
}

/** Gives a message a new UID in its mailbox: for those who watch, it goes and comes. */
export async function renewPlacement(
  change: MailChange,
  { mailboxId, uid, messageId }: Pick<PlacementRow, 'mailboxId' | 'uid' | 'messageId'>,
  to: number,
): Promise<void> {
  await change.tx.run('UPDATE placements SET uid = ?, change_number = ?, saved = ? WHERE account_id = ? AND mailbox_id = ? AND uid = ?', [
    to,
    change.number,
    change.now,
    change.accountId,
    mailboxId,
    uid,
  ])
  change.touch(mailboxId)
  change.add({ kind: 'removed', mailboxId, uid, messageId })
  change.add({ kind: 'placed', mailboxId, uid: to, messageId })
}

/** How long, and since when, the bytes of destroyed messages are kept. */
export interface Keeping {
  /** Unix seconds; null keeps nothing. */
  readonly keptUntil: number | null
}

/** Takes a message out of a mailbox; out of its last one, it is destroyed. */
export async function removePlacement(change: MailChange, row: Omit<PlacementRow, 'received' | 'saved'>, keeping: Keeping): Promise<void> {
  const { tx, accountId } = change
  await tx.run('DELETE FROM placements WHERE account_id = ? AND mailbox_id = ? AND uid = ?', [accountId, row.mailboxId, row.uid])
  change.countMessage(row.mailboxId, row.flags, row.size, -1)
  change.add({ kind: 'removed', mailboxId: row.mailboxId, uid: row.uid, messageId: row.messageId })
  const other = await tx.get('SELECT uid FROM placements WHERE account_id = ? AND message_id = ? LIMIT 1', [accountId, row.messageId])
  if (!other) await destroyMessage(change, row, keeping)
}

async function destroyMessage(change: MailChange, last: Omit<PlacementRow, 'received' | 'saved'>, { keptUntil }: Keeping): Promise<void> {
  const { tx, accountId, account, now } = change
  const { messageId } = last
  const row = await tx.get<{
    threadId: number
    blobId: number
    size: number
    received: number
    threadKeys: Uint8Array | null
    structure: Uint8Array
  }>(
    `DELETE FROM messages WHERE account_id = ? AND id = ?
     RETURNING thread_id AS "threadId", blob_id AS "blobId", size, received, thread_keys AS "threadKeys", structure`,
    [accountId, messageId],
  )
  if (!row) throw new Error(`message ${messageId} of account ${accountId} has a placement but no row`)
  await unlinkBlob(tx, row.blobId, 'message', accountId, messageId)
  await dropThreadKeys(tx, accountId, unpackThreadKeys(row.threadKeys))
  account.usedBytes -= row.size
  account.messageCount -= 1
  change.add({ kind: 'messageDestroyed', messageId, threadId: row.threadId })
  const isLast = (await threadSize(tx, accountId, row.threadId)) === 0
  change.add({ kind: isLast ? 'threadDestroyed' : 'threadChanged', threadId: row.threadId })
  if (keptUntil === null || keptUntil <= now) return
  await linkBlob(tx, row.blobId, 'deletedMessage', accountId, messageId)
  await tx.run(
    `INSERT INTO deleted_messages (account_id, message_id, blob_id, size, received, deleted_at, kept_until, mailbox_id, flags, keywords, structure)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [accountId, messageId, row.blobId, row.size, row.received, now, keptUntil, last.mailboxId, last.flags, last.keywords, row.structure],
  )
}

export interface MessageRow {
  readonly id: number
  readonly threadId: number
  readonly blobId: number
  readonly blobHash: Uint8Array
  readonly size: number
  readonly received: number
  readonly sent: number | null
  readonly hasAttachment: number
  readonly structure: Uint8Array
  // Where the bytes are, so that reading many messages asks no more rows.
  readonly encoding: Encoding
  readonly segment: number
  readonly recordOffset: number
  readonly storedLength: number
}

export function contentLocation(
  row: Pick<MessageRow, 'blobHash' | 'size' | 'encoding' | 'segment' | 'recordOffset' | 'storedLength'>,
): BlobLocation {
  const { blobHash, size, encoding, segment, recordOffset, storedLength } = row
  return { hash: blobHash, size, encoding, segment, offset: recordOffset, storedLength }
}

const messageColumns = `m.id, m.thread_id AS "threadId", m.blob_id AS "blobId", b.hash AS "blobHash", m.size, m.received, m.sent,
  m.has_attachment AS "hasAttachment", m.structure, b.encoding, b.segment, b.record_offset AS "recordOffset", b.stored_length AS "storedLength"`

/** By id, in the order asked; unknown ids are left out. */
/** Messages of a mailbox that have bare line feeds, by message id; null where nobody counted them. */
export const bareLineFeedsIn: Query<
  { readonly accountId: number; readonly mailboxId: number },
  readonly (readonly [messageId: number, count: number | null])[]
> = {
  name: 'messages.bareLineFeeds',
  run: (reader, { accountId, mailboxId }) =>
    reader.tuples<[number, number | null]>(
      `SELECT m.id, m.bare_lfs FROM placements p JOIN messages m ON m.account_id = p.account_id AND m.id = p.message_id
       WHERE p.account_id = ? AND p.mailbox_id = ? AND (m.bare_lfs IS NULL OR m.bare_lfs > 0)`,
      [accountId, mailboxId],
    ),
}

export const messagesById: Query<{ readonly accountId: number; readonly ids: readonly number[] }, readonly MessageRow[]> = {
  name: 'messages.byId',
  consistent: true,
  run: async (reader, { accountId, ids }) => {
    const first = Math.min(...ids)
    const last = Math.max(...ids)
    // Neighbouring ids, as a mailbox that is read through has them, come cheaper as a range.
    if (ids.length > 8 && last - first < ids.length * 2) {
      const rows = await reader.all<MessageRow>(
        `SELECT ${messageColumns} FROM messages m JOIN blobs b ON b.id = m.blob_id WHERE m.account_id = ? AND m.id BETWEEN ? AND ?`,
        [accountId, first, last],
      )
      const byId = new Map(rows.map(row => [row.id, row]))
      return ids.map(id => byId.get(id)).filter(row => row !== undefined)
    }
    const rows: MessageRow[] = []
    for (const id of ids) {
      const row = await reader.get<MessageRow>(
        `SELECT ${messageColumns} FROM messages m JOIN blobs b ON b.id = m.blob_id WHERE m.account_id = ? AND m.id = ?`,
        [accountId, id],
      )
      if (row) rows.push(row)
    }
    return rows
  },
}

export interface AccountTotals {
  readonly changeNumber: number
  readonly messageState: number
  readonly mailboxState: number
  readonly threadState: number
  readonly usedBytes: number
  readonly messageCount: number
}

export const accountTotals: Query<{ readonly accountId: number }, AccountTotals | undefined> = {
  name: 'messages.accountTotals',
  run: (reader, { accountId }) =>
    reader.get<AccountTotals>(
      `SELECT change_number AS "changeNumber", message_state AS "messageState", mailbox_state AS "mailboxState", thread_state AS "threadState",
         used_bytes AS "usedBytes", message_count AS "messageCount" FROM mail_accounts WHERE account_id = ?`,
      [accountId],
    ),
}

/** Bytes that count against a tenant's quota. */
export const tenantUsedBytes: Query<{ readonly tenantId: number }, number> = {
  name: 'messages.tenantUsedBytes',
  run: async (reader, { tenantId }) =>
    (await reader.get<{ used: number }>('SELECT used_bytes AS used FROM tenant_usage WHERE tenant_id = ?', [tenantId]))?.used ?? 0,
}

/** Accounts that hold mail, ascending from `after`. */
export const mailAccounts: Query<{ readonly after: number; readonly limit: number }, readonly (readonly [id: number, change: number])[]> = {
  name: 'messages.accounts',
  run: (reader, { after, limit }) =>
    reader.tuples<[number, number]>(
      'SELECT account_id, change_number FROM mail_accounts WHERE account_id > ? ORDER BY account_id LIMIT ?',
      [after, limit],
    ),
}

export interface DeletedMessageRow extends Omit<BlobLocation, 'hash' | 'offset'> {
  readonly messageId: number
  readonly blobHash: Uint8Array
  readonly recordOffset: number
  readonly received: number
  readonly deletedAt: number
  readonly keptUntil: number
  readonly mailboxId: number
  readonly flags: number
  readonly keywords: Uint8Array | null
  readonly structure: Uint8Array
}

/** Destroyed messages whose bytes are still kept at `now`, newest first, with where the bytes are. */
export const deletedMessages: Query<{ readonly accountId: number; readonly now: number }, readonly DeletedMessageRow[]> = {
  name: 'messages.deleted',
  run: (reader, { accountId, now }) =>
    reader.all<DeletedMessageRow>(
      `SELECT d.message_id AS "messageId", b.hash AS "blobHash", d.size, d.received, d.deleted_at AS "deletedAt", d.kept_until AS "keptUntil",
         d.mailbox_id AS "mailboxId", d.flags, d.keywords, d.structure, b.encoding, b.segment, b.record_offset AS "recordOffset",
         b.stored_length AS "storedLength"
       FROM deleted_messages d JOIN blobs b ON b.id = d.blob_id WHERE d.account_id = ? AND d.kept_until > ?
       ORDER BY d.deleted_at DESC, d.message_id DESC`,
      [accountId, now],
    ),
}

/** Gives up the bytes of one destroyed message. `notFound`. */
export const forgetDeletedMessage: Command<{ readonly accountId: number; readonly messageId: number }, void> = {
  name: 'messages.forgetDeleted',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, messageId }) => {
    if (!(await dropDeleted(tx, accountId, messageId))) throw refusal('notFound', { item: String(messageId) })
  },
}

/** Gives up what is over at `now`, at most `limit`; gives the number. */
export const endDeletedMessages: Command<{ readonly now: number; readonly limit: number }, number> = {
  name: 'messages.endDeleted',
  locksFirst: true,
  run: async (tx, { now, limit }) => {
    const over = await tx.tuples<[number, number]>(
      'SELECT account_id, message_id FROM deleted_messages WHERE kept_until <= ? ORDER BY kept_until LIMIT ?',
      [now, limit],
    )
    for (const [accountId, messageId] of over) await dropDeleted(tx, accountId, messageId)
    return over.length
  },
}

async function dropDeleted(tx: Transaction, accountId: number, messageId: number): Promise<boolean> {
  const row = await tx.get<{ blobId: number }>(
    'DELETE FROM deleted_messages WHERE account_id = ? AND message_id = ? RETURNING blob_id AS "blobId"',
    [accountId, messageId],
  )
  if (row) await unlinkBlob(tx, row.blobId, 'deletedMessage', accountId, messageId)
  return row !== undefined
}

export const messageCommands = [appendMessages, forgetDeletedMessage, endDeletedMessages] as const

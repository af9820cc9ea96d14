// What must hold in every store at every moment. Used by tests, and by whoever doubts a data folder.

import { type BlobRow, locationOf } from './aggregates/blobs.ts'
import { unpackChanges } from './aggregates/changes.ts'
import { bits, unpackKeywords } from './aggregates/keywords.ts'
import { unpackThreadKeys } from './aggregates/threads.ts'
import type { Query, Reader } from './command.ts'
import { hashOf } from './packs/layout.ts'
import { openPackReader } from './packs/pack-reader.ts'
import type { Store } from './store.ts'

/** One sentence per breach; empty when all is well. Reads everything, the bytes of all contents included. */
export async function checkInvariants(store: Store): Promise<string[]> {
  const breaches: string[] = []
  for (const rule of countRules) breaches.push(...(await store.read(rule, null)))
  breaches.push(...(await store.read(packedValues, null)))
  breaches.push(...(await checkContents(store)))
  return breaches
}

/** A rule as a SELECT of the rows that break it; `what` says what is wrong with them. */
function noRows(name: string, what: string, sql: string): Query<null, readonly string[]> {
  return {
    name: `invariants.${name}`,
    run: async reader => (await reader.all(`${sql} LIMIT 20`)).map(row => `${what}: ${JSON.stringify(row)}`),
  }
}

const countRules: readonly Query<null, readonly string[]>[] = [
  noRows(
    'mailboxCounters',
    'counters of a mailbox differ from a recount',
    `SELECT * FROM (
       SELECT b.account_id, b.id, b.total, b.unseen, b.unread, b.deleted, b.bytes,
         COUNT(p.uid) AS real_total,
         COALESCE(SUM(CASE WHEN p.uid IS NOT NULL AND (p.flags & ${bits.seen}) = 0 THEN 1 ELSE 0 END), 0) AS real_unseen,
         COALESCE(SUM(CASE WHEN p.uid IS NOT NULL AND (p.flags & ${bits.seen | bits.draft}) = 0 THEN 1 ELSE 0 END), 0) AS real_unread,
         COALESCE(SUM(CASE WHEN (p.flags & ${bits.deleted}) <> 0 THEN 1 ELSE 0 END), 0) AS real_deleted,
         COALESCE(SUM(p.size), 0) AS real_bytes
       FROM mailboxes b LEFT JOIN placements p ON p.account_id = b.account_id AND p.mailbox_id = b.id
       GROUP BY b.account_id, b.id, b.total, b.unseen, b.unread, b.deleted, b.bytes) AS counted
     WHERE total <> real_total OR unseen <> real_unseen OR unread <> real_unread OR deleted <> real_deleted OR bytes <> real_bytes`,
  ),
  noRows(
    'annotations',
    'notes on a mailbox that is not there',
    `SELECT a.account_id, a.mailbox_id, a.name FROM annotations a
     LEFT JOIN mailboxes b ON b.account_id = a.account_id AND b.id = a.mailbox_id WHERE a.mailbox_id <> -1 AND b.id IS NULL`,
  ),
  noRows(
    'accountTotals',
    'totals of an account differ from a recount',
    `SELECT * FROM (
       SELECT a.account_id, a.used_bytes, a.message_count, COUNT(m.id) AS real_count, COALESCE(SUM(m.size), 0) AS real_bytes
       FROM mail_accounts a LEFT JOIN messages m ON m.account_id = a.account_id
       GROUP BY a.account_id, a.used_bytes, a.message_count) AS counted
     WHERE used_bytes <> real_bytes OR message_count <> real_count`,
  ),
  noRows(
    'tenantUsage',
    'usage of a tenant differs from the sum of its accounts',
    `SELECT t.tenant_id, t.used_bytes FROM tenant_usage t WHERE t.used_bytes <>
       (SELECT COALESCE(SUM(a.used_bytes), 0) FROM mail_accounts a WHERE a.tenant_id = t.tenant_id)`,
  ),
  noRows(
    'uidNext',
    'a UID is not below the next one',
    `SELECT p.account_id, p.mailbox_id, p.uid FROM placements p JOIN mailboxes b ON b.account_id = p.account_id AND b.id = p.mailbox_id
     WHERE p.uid >= b.uid_next OR p.uid < 1`,
  ),
  noRows(
    'nextIds',
    'an id is not below the next one of its account',
    `SELECT a.account_id FROM mail_accounts a WHERE
       a.next_message_id <= (SELECT COALESCE(MAX(m.id), 0) FROM messages m WHERE m.account_id = a.account_id)
       OR a.next_mailbox_id <= (SELECT COALESCE(MAX(b.id), 0) FROM mailboxes b WHERE b.account_id = a.account_id)`,
  ),
  noRows(
    'changeOrder',
    'a change number is newer than what contains it',
    `SELECT p.account_id, p.mailbox_id, p.uid, p.change_number FROM placements p
     LEFT JOIN mailboxes b ON b.account_id = p.account_id AND b.id = p.mailbox_id
     LEFT JOIN mail_accounts a ON a.account_id = p.account_id
     WHERE b.id IS NULL OR p.change_number > b.change_number OR b.change_number > a.change_number`,
  ),
  noRows(
    'changeNumbers',
    'the change log has a number beyond its account, or one that was forgotten',
    `SELECT c.account_id, c.number FROM changes c LEFT JOIN mail_accounts a ON a.account_id = c.account_id
     WHERE a.account_id IS NULL OR c.number > a.change_number OR c.number <= a.forgotten_change`,
  ),
  noRows(
    'states',
    'a state is newer than the account',
    `SELECT account_id FROM mail_accounts
     WHERE message_state > change_number OR mailbox_state > change_number OR thread_state > change_number`,
  ),
  noRows(
    'placementsOfMessages',
    'a placement has no message, or another size',
    `SELECT p.account_id, p.mailbox_id, p.uid, p.message_id FROM placements p
     LEFT JOIN messages m ON m.account_id = p.account_id AND m.id = p.message_id WHERE m.id IS NULL OR m.size <> p.size`,
  ),
  noRows(
    'messagesPlaced',
    'a message is in no mailbox',
    `SELECT m.account_id, m.id FROM messages m
     WHERE NOT EXISTS (SELECT 1 FROM placements p WHERE p.account_id = m.account_id AND p.message_id = m.id)`,
  ),
  noRows(
    'messageLinks',
    'a message does not hold its content',
    `SELECT m.account_id, m.id, m.blob_id FROM messages m LEFT JOIN blobs b ON b.id = m.blob_id
     LEFT JOIN blob_links l ON l.blob_id = m.blob_id AND l.kind = 1 AND l.account_id = m.account_id AND l.owner_id = m.id
     WHERE b.id IS NULL OR l.blob_id IS NULL OR b.size <> m.size`,
  ),
  noRows(
    'linksOfMessages',
    'a content is held by a message that is gone',
    `SELECT l.blob_id, l.account_id, l.owner_id FROM blob_links l LEFT JOIN messages m ON m.account_id = l.account_id AND m.id = l.owner_id
     WHERE l.kind = 1 AND m.id IS NULL`,
  ),
  noRows(
    'linksWithoutBlob',
    'a reference has no content',
    `SELECT l.blob_id, l.kind, l.owner_id FROM blob_links l LEFT JOIN blobs b ON b.id = l.blob_id WHERE b.id IS NULL`,
  ),
  noRows(
    'reservationsWithoutBlob',
    'a reservation has no content',
    `SELECT r.blob_id, r.kind FROM blob_reservations r LEFT JOIN blobs b ON b.id = r.blob_id WHERE b.id IS NULL`,
  ),
  noRows(
    'deletedMessages',
    'a destroyed message that is kept does not hold its content',
    `SELECT d.account_id, d.message_id FROM deleted_messages d
     LEFT JOIN blob_links l ON l.blob_id = d.blob_id AND l.kind = 5 AND l.account_id = d.account_id AND l.owner_id = d.message_id
     WHERE l.blob_id IS NULL`,
  ),
  noRows(
    'tree',
    'a mailbox has no parent',
    `SELECT b.account_id, b.id FROM mailboxes b LEFT JOIN mailboxes p ON p.account_id = b.account_id AND p.id = b.parent_id
     WHERE b.parent_id <> -1 AND p.id IS NULL`,
  ),
]

/** What packed columns say agrees with the rows they speak of. */
const packedValues: Query<null, readonly string[]> = {
  name: 'invariants.packedValues',
  consistent: true,
  run: async reader => [...(await checkThreadKeys(reader)), ...(await checkKeywords(reader)), ...(await checkLog(reader))],
}

async function checkThreadKeys(reader: Reader): Promise<string[]> {
  const uses = new Map<string, number>()
  const messages = await reader.tuples<[number, Uint8Array | null]>('SELECT account_id, thread_keys FROM messages')
  for (const [accountId, packed] of messages) {
    for (const key of unpackThreadKeys(packed)) uses.set(`${accountId}/${key}`, (uses.get(`${accountId}/${key}`) ?? 0) + 1)
  }
  const breaches: string[] = []
  for (const [accountId, key, count] of await reader.tuples<[number, number, number]>(
    'SELECT account_id, ref_key, uses FROM thread_refs',
  )) {
    const real = uses.get(`${accountId}/${key}`) ?? 0
    uses.delete(`${accountId}/${key}`)
    if (real !== count) breaches.push(`thread key ${key} of account ${accountId} counts ${count} uses instead of ${real}`)
  }
  for (const key of uses.keys()) breaches.push(`thread key ${key} has no row`)
  return breaches
}

async function checkKeywords(reader: Reader): Promise<string[]> {
  const known = new Set((await reader.tuples<[number, number]>('SELECT account_id, id FROM keywords')).map(([a, id]) => `${a}/${id}`))
  const rows = await reader.tuples<[number, number, Uint8Array]>(
    'SELECT account_id, message_id, keywords FROM placements WHERE keywords IS NOT NULL',
  )
  return rows
    .filter(([accountId, , packed]) => unpackKeywords(packed).some(id => !known.has(`${accountId}/${id}`)))
    .map(([accountId, messageId]) => `message ${messageId} of account ${accountId} has a keyword without a name`)
}

async function checkLog(reader: Reader): Promise<string[]> {
  const breaches: string[] = []
  const rows = await reader.tuples<[number, number, Uint8Array]>('SELECT account_id, number, entries FROM changes')
  for (const [accountId, number, entries] of rows) {
    try {
      if (unpackChanges(entries).length === 0) breaches.push(`change ${number} of account ${accountId} says nothing`)
    } catch (error) {
      breaches.push(`change ${number} of account ${accountId} cannot be read: ${error instanceof Error ? error.message : error}`)
    }
  }
  return breaches
}

const contentsPage: Query<{ readonly after: number }, readonly BlobRow[]> = {
  name: 'invariants.contents',
  run: (reader, { after }) =>
    reader.all<BlobRow>(
      `SELECT id, hash, size, encoding, segment, record_offset AS "recordOffset", stored_length AS "storedLength" FROM blobs
       WHERE id > ? ORDER BY id LIMIT 500`,
      [after],
    ),
}

async function checkContents(store: Store): Promise<string[]> {
  const breaches: string[] = []
  using packs = openPackReader(store.folder)
  for (let after = 0; ; ) {
    const rows = await store.read(contentsPage, { after })
    for (const row of rows) {
      try {
        if (!hashOf(packs.read(locationOf(row))).equals(row.hash)) breaches.push(`content ${row.id} has other bytes than its hash says`)
      } catch (error) {
        breaches.push(`content ${row.id} cannot be read: ${error instanceof Error ? error.message : error}`)
      }
    }
    const last = rows.at(-1)
    if (!last) return breaches
    after = last.id
  }
}

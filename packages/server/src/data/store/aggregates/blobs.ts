// Contents by hash: where their bytes are, who refers to them, and what nobody refers to any more.

import type { AttachedBlob, Awaitable, Command, Query, Reader, Transaction } from '../command.ts'
import { type Encoding, recordHeaderBytes } from '../packs/layout.ts'
import type { BlobLocation } from '../packs/pack-reader.ts'
import type { Placement } from '../packs/pack-writer.ts'
import { ContentVanished, type PreparedContents } from '../packs/prepared.ts'
import { refusal } from '../refusal.ts'
import { type Attachment, isStored } from '../store.ts'

/** Who may refer to a content. The numbers are stored. */
export const blobOwners = { message: 1, queue: 2, sieveScript: 3, report: 4, deletedMessage: 5 } as const
export type BlobOwner = keyof typeof blobOwners

/** Why a content without an owner is kept for a while. The numbers are stored. */
export const reservationKinds = { upload: 1, queueing: 2, undelete: 3 } as const
export type ReservationKind = keyof typeof reservationKinds

export interface BlobRow {
  readonly id: number
  readonly hash: Uint8Array
  readonly size: number
  readonly encoding: Encoding
  readonly segment: number
  readonly recordOffset: number
  readonly storedLength: number
}

const columns = 'id, hash, size, encoding, segment, record_offset AS "recordOffset", stored_length AS "storedLength"'

export function locationOf(row: BlobRow): BlobLocation {
  const { hash, size, encoding, segment, recordOffset, storedLength } = row
  return { hash, size, encoding, segment, offset: recordOffset, storedLength }
}

/** Gives each attachment a row: the one of an equal content, or a new one for the place where its bytes were prepared. */
export async function attachBlobs(
  tx: Pick<Transaction, 'get'>,
  prepared: Pick<PreparedContents, 'hashOf' | 'has' | 'placementOf'>,
  attachments: readonly Attachment[],
): Promise<AttachedBlob[]> {
  const attached: AttachedBlob[] = []
  for (const attachment of attachments) {
    const hash = prepared.hashOf(attachment)
    const size = attachment instanceof Uint8Array ? attachment.length : attachment.size
    // What was brought to disk for this command is seldom known.
    const known = prepared.has(hash) ? undefined : await tx.get<{ id: number }>('SELECT id FROM blobs WHERE hash = ?', [hash])
    if (known) {
      attached.push({ id: known.id, hash, size })
      continue
    }
    if (isStored(attachment)) throw refusal('blobNotFound')
    attached.push({ id: await insertBlob(tx, hash, size, prepared.placementOf(hash)), hash, size })
  }
  return attached
}

async function insertBlob(tx: Pick<Transaction, 'get'>, hash: Uint8Array, size: number, place: Placement): Promise<number> {
  const made = await tx.get<{ id: number }>(
    `INSERT INTO blobs (hash, size, encoding, segment, record_offset, stored_length) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (hash) DO NOTHING RETURNING id`,
    [hash, size, place.encoding, place.segment, place.offset, place.storedLength],
  )
  // Another command stored the same content a moment ago.
  const row = made ?? (await tx.get<{ id: number }>('SELECT id FROM blobs WHERE hash = ?', [hash]))
  if (!row) throw new ContentVanished()
  return row.id
}

/** Records that somebody needs the content. Repeating it changes nothing. `accountId` is 0 for owners outside accounts. */
export function linkBlob(tx: Transaction, blobId: number, owner: BlobOwner, accountId: number, ownerId: number): Awaitable<unknown> {
  return tx.run('INSERT INTO blob_links (blob_id, kind, account_id, owner_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING', [
    blobId,
    blobOwners[owner],
    accountId,
    ownerId,
  ])
}

export function unlinkBlob(tx: Transaction, blobId: number, owner: BlobOwner, accountId: number, ownerId: number): Awaitable<unknown> {
  return tx.run('DELETE FROM blob_links WHERE blob_id = ? AND kind = ? AND account_id = ? AND owner_id = ?', [
    blobId,
    blobOwners[owner],
    accountId,
    ownerId,
  ])
}

/** Keeps the content until `until` (Unix seconds). `note` tells apart several reservations of one kind, and is given back by listings. */
export function reserveBlob(
  tx: Transaction,
  { blobId, kind, accountId, until, note = 0 }: { blobId: number; kind: ReservationKind; accountId: number; until: number; note?: number },
): Awaitable<unknown> {
  return tx.run(
    `INSERT INTO blob_reservations (account_id, kind, blob_id, note, until) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (account_id, kind, blob_id, note) DO UPDATE SET until = excluded.until`,
    [accountId, reservationKinds[kind], blobId, note, until],
  )
}

/** Stores the attached contents and keeps them until `until` (Unix seconds): uploads, messages on their way into the queue. */
export const reserveBlobs: Command<
  { readonly kind: ReservationKind; readonly accountId: number; readonly until: number },
  readonly AttachedBlob[]
> = {
  name: 'blobs.reserve',
  locksFirst: true,
  run: async (tx, { kind, accountId, until }) => {
    for (const blob of tx.blobs) await reserveBlob(tx, { blobId: blob.id, kind, accountId, until })
    return tx.blobs
  },
}

export const findBlob: Query<{ readonly hash: Uint8Array }, BlobRow | undefined> = {
  name: 'blobs.find',
  run: (reader, { hash }) => reader.get<BlobRow>(`SELECT ${columns} FROM blobs WHERE hash = ?`, [hash]),
}

export const findBlobById: Query<{ readonly id: number }, BlobRow | undefined> = {
  name: 'blobs.findById',
  run: (reader, { id }) => reader.get<BlobRow>(`SELECT ${columns} FROM blobs WHERE id = ?`, [id]),
}

/** Whether anything of this account refers to the content: a link, or a reservation that lasts beyond `now` (Unix seconds). */
export const blobBelongsTo: Query<{ readonly hash: Uint8Array; readonly accountId: number; readonly now: number }, boolean> = {
  name: 'blobs.belongsTo',
  consistent: true,
  run: async (reader, { hash, accountId, now }) => {
    const blob = await reader.get<{ id: number }>('SELECT id FROM blobs WHERE hash = ?', [hash])
    if (!blob) return false
    const link = await reader.get('SELECT 1 AS found FROM blob_links WHERE blob_id = ? AND account_id = ? LIMIT 1', [blob.id, accountId])
    if (link) return true
    return (
      (await reader.get('SELECT 1 AS found FROM blob_reservations WHERE account_id = ? AND blob_id = ? AND until > ? LIMIT 1', [
        accountId,
        blob.id,
        now,
      ])) !== undefined
    )
  },
}

/** Number and bytes of an account's unexpired reservations of one kind: what the upload quota counts. */
export const reservedTotals: Query<
  { readonly accountId: number; readonly kind: ReservationKind; readonly now: number },
  { readonly count: number; readonly bytes: number }
> = {
  name: 'blobs.reservedTotals',
  run: async (reader, { accountId, kind, now }) => {
    const row = await reader.get<{ count: number; bytes: number }>(
      `SELECT COUNT(*) AS count, COALESCE(SUM(b.size), 0) AS bytes FROM blob_reservations r JOIN blobs b ON b.id = r.blob_id
       WHERE r.account_id = ? AND r.kind = ? AND r.until > ?`,
      [accountId, reservationKinds[kind], now],
    )
    return row ?? { count: 0, bytes: 0 }
  },
}

/** Segment → end of its last named record. */
export async function settledEnds(reader: Reader): Promise<Map<number, number>> {
  const rows = await reader.tuples<[number, number]>(
    'SELECT segment, MAX(record_offset + stored_length) FROM blobs WHERE segment > 0 GROUP BY segment',
  )
  return new Map(rows.map(([segment, end]) => [segment, end + recordHeaderBytes]))
}

/** Ends reservations that are over at `now` (Unix seconds), at most `limit`; gives the number ended. */
export const endReservations: Command<{ readonly now: number; readonly limit: number }, number> = {
  name: 'blobs.endReservations',
  locksFirst: true,
  run: async (tx, { now, limit }) => {
    const over = await tx.tuples<[number, number, number, number]>(
      'SELECT account_id, kind, blob_id, note FROM blob_reservations WHERE until <= ? LIMIT ?',
      [now, limit],
    )
    for (const row of over) {
      await tx.run('DELETE FROM blob_reservations WHERE account_id = ? AND kind = ? AND blob_id = ? AND note = ?', row)
    }
    return over.length
  },
}

/** Removes up to `limit` contents that no row refers to, from id `after` on; gives their rows, whose bytes are free once this commits. */
export const collectGarbage: Command<
  { readonly after: number; readonly limit: number; readonly now: number },
  { readonly removed: readonly BlobRow[]; readonly last: number | undefined }
> = {
  name: 'blobs.collectGarbage',
  locksFirst: true,
  excludesAttaching: true,
  run: async (tx, { after, limit, now }) => {
    const rows = await tx.all<BlobRow & { wanted: number }>(
      `SELECT ${columns},
         (CASE WHEN EXISTS (SELECT 1 FROM blob_links l WHERE l.blob_id = b.id) THEN 1
               WHEN EXISTS (SELECT 1 FROM blob_reservations r WHERE r.blob_id = b.id AND r.until > ?) THEN 1 ELSE 0 END) AS wanted
       FROM blobs b WHERE b.id > ? ORDER BY b.id LIMIT ?`,
      [now, after, limit],
    )
    const removed: BlobRow[] = []
    for (const { wanted, ...row } of rows) {
      if (wanted !== 0) continue
      await tx.run('DELETE FROM blob_reservations WHERE blob_id = ?', [row.id])
      await tx.run('DELETE FROM blobs WHERE id = ?', [row.id])
      removed.push(row)
    }
    return { removed, last: rows.length < limit ? undefined : rows.at(-1)?.id }
  },
}

/** Bytes named by rows, per segment: with the file sizes this says which packs are worth rewriting. */
export const liveBytes: Query<Record<string, never>, readonly (readonly [segment: number, bytes: number, records: number])[]> = {
  name: 'blobs.liveBytes',
  run: reader =>
    reader.tuples<[number, number, number]>('SELECT segment, SUM(stored_length), COUNT(*) FROM blobs WHERE segment > 0 GROUP BY segment'),
}

export const blobsOfSegment: Query<{ readonly segment: number; readonly limit: number }, readonly BlobRow[]> = {
  name: 'blobs.ofSegment',
  run: (reader, { segment, limit }) =>
    reader.all<BlobRow>(`SELECT ${columns} FROM blobs WHERE segment = ? ORDER BY record_offset LIMIT ?`, [segment, limit]),
}

/** Names the new places of rewritten contents; those that are gone or elsewhere by now are passed over. Gives the number moved. */
export const relocateBlobs: Command<{ readonly segment: number; readonly ids: readonly number[] }, number> = {
  name: 'blobs.relocate',
  locksFirst: true,
  run: async (tx, { segment, ids }) => {
    let moved = 0
    for (const [index, id] of ids.entries()) {
      const place = tx.rewritten[index]
      if (!place) throw new Error('a blob to relocate came without its content')
      const { changes } = await tx.run(
        'UPDATE blobs SET segment = ?, record_offset = ?, stored_length = ?, encoding = ? WHERE id = ? AND segment = ?',
        [place.segment, place.offset, place.storedLength, place.encoding, id, segment],
      )
      moved += changes
    }
    return moved
  },
}

/** Tells every reader that a pack was emptied and its file removed. */
export const announcePackRemoved: Command<{ readonly segment: number }, void> = {
  name: 'blobs.announcePackRemoved',
  locksFirst: true,
  run: (tx, { segment }) => tx.announce({ topic: 'packRemoved', key: segment }),
}

export const blobCommands = [reserveBlobs, endReservations, collectGarbage, relocateBlobs, announcePackRemoved] as const

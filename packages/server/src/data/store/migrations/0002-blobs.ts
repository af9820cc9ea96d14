import type { Migration } from './migration.ts'

export const blobTables: Migration = {
  number: 2,
  name: 'blobs',
  statements: d => [
    `CREATE TABLE blobs (
       id ${d.counter},
       hash ${d.bytes} NOT NULL UNIQUE,
       size ${d.integer} NOT NULL,
       encoding ${d.integer} NOT NULL,
       segment ${d.integer} NOT NULL,
       record_offset ${d.integer} NOT NULL,
       stored_length ${d.integer} NOT NULL)`,
    // Serves compaction and the recovery of the newest pack's end.
    'CREATE INDEX blobs_by_place ON blobs (segment, record_offset)',
    `CREATE TABLE blob_links (
       blob_id ${d.integer} NOT NULL,
       kind ${d.integer} NOT NULL,
       account_id ${d.integer} NOT NULL,
       owner_id ${d.integer} NOT NULL,
       PRIMARY KEY (blob_id, kind, account_id, owner_id)) ${d.byKey}`,
    `CREATE TABLE blob_reservations (
       account_id ${d.integer} NOT NULL,
       kind ${d.integer} NOT NULL,
       blob_id ${d.integer} NOT NULL,
       note ${d.integer} NOT NULL,
       until ${d.integer} NOT NULL,
       PRIMARY KEY (account_id, kind, blob_id, note)) ${d.byKey}`,
    'CREATE INDEX blob_reservations_by_blob ON blob_reservations (blob_id)',
    'CREATE INDEX blob_reservations_by_end ON blob_reservations (until)',
  ],
}

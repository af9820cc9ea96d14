// The store: rows and the bytes of contents, on the embedded engine (SQLite) or PostgreSQL.
//
// Owns the schema, every SQL statement, the packs that contents are appended to, and the promise that a resolved write is on disk.
// Writes are named commands (`Command`), reads are queries on one snapshot (`Query`); one file per aggregate holds both.
// Never knows a rule of mail, a protocol or a setting; never lets a transaction outlive a command.
import type { PostgresqlOptions } from './engines/postgresql/store.ts'
import { openSqliteStore, type SqliteOptions, type SqliteStore } from './engines/sqlite/store.ts'
import type { Store } from './store.ts'

export * from './aggregates/account-life.ts'
export * from './aggregates/annotations.ts'
export * from './aggregates/bans.ts'
export * from './aggregates/blobs.ts'
export * from './aggregates/change-sets.ts'
export { type Change, type ChangeHistory, type ChangeKind, type ChangeSet, changesSince, forgetChanges } from './aggregates/changes.ts'
export * from './aggregates/history.ts'
export { bits as keywordBits, keywordNames, unpackKeywords } from './aggregates/keywords.ts'
export type { RoomLimits } from './aggregates/mail-change.ts'
export * from './aggregates/mailboxes.ts'
export * from './aggregates/messages.ts'
export * from './aggregates/placements.ts'
export * from './aggregates/principal-reads.ts'
export * from './aggregates/principals.ts'
export { everyPrincipal } from './aggregates/principals-frame.ts'
export * from './aggregates/principals-removal.ts'
export * from './aggregates/principals-sync.ts'
export * from './aggregates/published-records.ts'
export * from './aggregates/queue.ts'
export * from './aggregates/settings.ts'
export * from './aggregates/signing-keys.ts'
export { threadMessages } from './aggregates/threads.ts'
export type { AttachedBlob, Awaitable, Command, News, Query, Reader, SqlValue, Transaction } from './command.ts'
export { openSqlSource, type SqlSource, type SqlSourceOptions } from './engines/sql-source.ts'
export { joinSqliteStore, type SharedStore, type SqliteStore } from './engines/sqlite/store.ts'
export { checkInvariants } from './invariants.ts'
export {
  type Encoding,
  encodings,
  foldersOf,
  hashOf,
  largeContentBytes,
  largeNameOf,
  largePath,
  packBytes,
  packPath,
} from './packs/layout.ts'
export { type BlobLocation, DamagedBlob, openPackReader, type PackReader } from './packs/pack-reader.ts'
export { segmentsIn } from './packs/pack-writer.ts'
export { type Attached, type Attachment, isStored, type SpooledContent, type Store, type StoredContent, type StoreStats } from './store.ts'

export type StoreOptions = ({ readonly kind: 'sqlite' } & SqliteOptions) | ({ readonly kind: 'postgresql' } & PostgresqlOptions)

/**
 * Opens a store and brings its schema up to date. Rejects with `storeUnavailable` when another process owns the folder, the folder cannot
 * be written or the server does not answer; with an error that says so when the data belongs to a newer version.
 */
export function openStore(options: { readonly kind: 'sqlite' } & SqliteOptions): Promise<SqliteStore>
export function openStore(options: StoreOptions): Promise<Store>
export async function openStore(options: StoreOptions): Promise<Store> {
  if (options.kind === 'sqlite') return openSqliteStore(options)
  const { openPostgresqlStore } = await import('./engines/postgresql/store.ts')
  return openPostgresqlStore(options)
}

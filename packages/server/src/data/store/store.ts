// The one interface of all engines.
import type { Command, News, Query } from './command.ts'

/** A large content that was already written to a file of the spool and is durable there; the store takes the file over. */
export interface SpooledContent {
  readonly path: string
  readonly size: number
  /** SHA-256. */
  readonly hash: Uint8Array
}

/** A content that is stored already; the command fails with `blobNotFound` when it is gone by then. */
export interface StoredContent {
  readonly stored: true
  readonly size: number
  /** SHA-256. */
  readonly hash: Uint8Array
}

export type Attachment = Uint8Array | SpooledContent | StoredContent

/** Whether the bytes have to be looked for in the store. */
export function isStored(attachment: Attachment): attachment is StoredContent {
  return !(attachment instanceof Uint8Array) && 'stored' in attachment
}

export interface Attached {
  readonly blobs?: readonly Attachment[]
  /** Contents that are stored already and get a new place, their hash beside them. Only compaction does this. */
  readonly rewritten?: readonly Rewritten[]
}

export interface Rewritten {
  readonly content: Uint8Array
  readonly hash: Uint8Array
}

/** Bytes of memory that attached contents hold. */
export function heldBytes({ blobs = [], rewritten = [] }: Attached): number {
  let bytes = 0
  for (const blob of blobs) if (blob instanceof Uint8Array) bytes += blob.length
  for (const { content } of rewritten) bytes += content.length
  return bytes
}

export interface StoreStats {
  /** Commands that wait for their commit, and the bytes they hold. */
  readonly waitingCommands: number
  readonly waitingBytes: number
  /** Commits and commands since the store was opened; their ratio is the size of a group. */
  readonly commits: number
  readonly commands: number
  /** Bytes of the write-ahead log; 0 where the engine has none of ours. */
  readonly logBytes: number
}

export interface Store extends AsyncDisposable {
  readonly kind: 'sqlite' | 'postgresql'
  /** Where blobs and the spool live. */
  readonly folder: string
  /**
   * Runs a command; resolves when its effects are on disk. Rejects with the `Failure` the command threw, `storageFull` or
   * `storeUnavailable`; then nothing of it is stored and later writes may succeed. Waits while too many bytes are under way.
   */
  write<Args, Result>(command: Command<Args, Result>, args: Args, attached?: Attached): Promise<Result>
  read<Args, Result>(query: Query<Args, Result>, args: Args): Promise<Result>
  /** Hears every announcement after its commit, in commit order. Returns how to stop. A listener must not throw. */
  onCommit(listener: (news: News) => void): () => void
  stats(): StoreStats
  /** A consistent copy of the rows into a new file while writes go on; PostgreSQL: `unsupported`, its own tools do that. */
  backup(file: string): Promise<void>
  /** Gives unused space back to the machine, in small steps. */
  tidy(): Promise<void>
}

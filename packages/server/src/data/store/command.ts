// The shapes every aggregate and engine agree on: commands write, queries read, both speak the common subset of SQL.
import type { Placement } from './packs/pack-writer.ts'

/** A value or a promise of it: SQLite answers at once, PostgreSQL later. Always awaited. */
export type Awaitable<T> = T | Promise<T>

/** What may stand for a `?`. Booleans are stored as 0 and 1, times as integers; the unit is part of the column's documentation. */
export type SqlValue = null | number | bigint | string | Uint8Array

/** Reading inside a command or query. Integers come back as numbers, bytes as Uint8Array; nothing stored exceeds 2^53. */
export interface Reader {
  /** The first row, by column name. */
  get<Row extends object>(sql: string, params?: readonly SqlValue[]): Awaitable<Row | undefined>
  /** All rows, by column name. */
  all<Row extends object>(sql: string, params?: readonly SqlValue[]): Awaitable<Row[]>
  /** All rows as tuples in select order: half the cost of `all` on thousands of rows. */
  tuples<Row extends readonly SqlValue[]>(sql: string, params?: readonly SqlValue[]): Awaitable<Row[]>
}

/** A blob that came with a command: durable when the command is. */
export interface AttachedBlob {
  /** Key of the `blobs` row. */
  readonly id: number
  /** SHA-256 of the content. */
  readonly hash: Uint8Array
  /** Bytes of the content. */
  readonly size: number
}

/** What a command tells the rest of the process once it is committed. */
export interface News {
  /** The kind of thing that changed: `account`, `queue`, `settings`, … */
  readonly topic: string
  /** Which one: an account id, a queue id, a key. */
  readonly key: number | string
  /** Its newest number where the topic has one: the account's change number, the due time of a queue entry in Unix ms. */
  readonly value?: number
}

export interface Transaction extends Reader {
  run(sql: string, params?: readonly SqlValue[]): Awaitable<{ readonly changes: number }>
  /** The attached blobs, in the order given. */
  readonly blobs: readonly AttachedBlob[]
  /** Where the contents to be rewritten were put, in the order given. */
  readonly rewritten: readonly Placement[]
  /** Delivered to `Store.onCommit` after the commit, never when the command fails. */
  announce(news: News): void
}

/**
 * A named write. It runs inside one transaction and may be repeated from the start (PostgreSQL retries), so it has no effect outside `tx`
 * and takes time and chance from its arguments. It awaits nothing but `tx`. Arguments and results cross threads: plain data only.
 * Throws `refusal(code, details)` to reject itself, the caller gets the declared `Failure`; everything it wrote is undone.
 */
export interface Command<Args, Result> {
  /** `aggregate.verb`, unique. */
  readonly name: string
  readonly run: (tx: Transaction, args: Args) => Awaitable<Result>
  /** Commands that write the same rows give the same lane: within a process they follow each other, so that none has to be repeated. */
  readonly lane?: (args: Args) => number | string
  /**
   * The command first writes the row that stands for all it reads (an account's), or each of its statements stands for itself. Then
   * PostgreSQL runs it as READ COMMITTED and has no conflicts to find; every other command is SERIALIZABLE.
   */
  readonly locksFirst?: true
  /** Nobody waits for it: the embedded engine lets it wait some milliseconds for others to share their commit. */
  readonly isPatient?: true
  /** No command with attached contents may run at the same time: it decides which contents nobody needs. */
  readonly excludesAttaching?: true
}

/** A read on one snapshot. Awaits nothing but `reader`. */
export interface Query<Args, Result> {
  readonly name: string
  /** True when several statements must see one state; costs PostgreSQL two round trips, SQLite nothing. */
  readonly consistent?: boolean
  readonly run: (reader: Reader, args: Args) => Awaitable<Result>
}

// Command<A, R> is contravariant in A, so a list of different commands needs a type that promises nothing about arguments.
export type AnyCommand = Command<never, unknown>

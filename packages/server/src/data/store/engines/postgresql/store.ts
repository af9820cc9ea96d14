// PostgreSQL, and what speaks its protocol: every command is a serializable transaction of its own, repeated when it meets another.
import { failure } from '@postern/contract'
import pg from 'pg'
import { type Clock, type Random, systemRandom } from '#base/clock'
import { durationMs, type Trace } from '#base/trace'
import { attachBlobs } from '../../aggregates/blobs.ts'
import type { AttachedBlob, Command, News, Query, Reader, SqlValue, Transaction } from '../../command.ts'
import { migrations } from '../../migrations.ts'
import type { Placement } from '../../packs/pack-writer.ts'
import { ContentVanished, createPrepared, type PreparedContents } from '../../packs/prepared.ts'
import { type Attached, type Attachment, heldBytes, isStored, type Store } from '../../store.ts'
import { createAdmission } from '../admission.ts'
import { declared, isTransient, isUniqueViolation } from './faults.ts'
import { createLanes } from './lanes.ts'
import { migrate } from './migrate.ts'
import { openGroupedPacks } from './packs.ts'
import { createPlaceholders } from './placeholders.ts'

export interface PostgresqlOptions {
  /** `postgresql://user:password@host:port/database` */
  readonly url: string
  /** Folder of the packs. */
  readonly path: string
  readonly clock: Clock
  readonly trace: Trace
  readonly random?: Random
  /** Connections of this process. Default 10. */
  readonly maxConnections?: number
  readonly maxWaitingBytes?: number
}

const defaultWaitingBytes = 64 * 1024 * 1024
const commandBytes = 1024
const attempts = 40
// Any constant of our own: the key of the advisory lock.
const contentsLock = 0x506f7375
const firstPauseMs = 2
const longestPauseMs = 250

export async function openPostgresqlStore(options: PostgresqlOptions): Promise<Store> {
  const { url, path, clock, trace, random = systemRandom, maxConnections = 10, maxWaitingBytes = defaultWaitingBytes } = options
  const pool = new pg.Pool({ connectionString: url, max: maxConnections, types: { getTypeParser } })
  // Idle connections that the server ends are replaced at the next use; the pool only wants to be heard.
  pool.on('error', error => trace.emit('store.pool-error', { reason: error.message }))
  const statement = createPlaceholders()
  const admission = createAdmission(maxWaitingBytes)
  const lanes = createLanes()
  const listeners = new Set<(news: News) => void>()
  let commits = 0
  let waiting = 0
  let closed = false
  try {
    await withClient(client => migrate(client, migrations))
  } catch (error) {
    await pool.end()
    throw declared(error, trace)
  }
  const packs = openGroupedPacks(path)

  async function withClient<Result>(use: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
    const client = await pool.connect()
    let broken: Error | undefined
    const onError = (error: Error): void => {
      broken = error
    }
    client.on('error', onError)
    try {
      return await use(client)
    } finally {
      client.off('error', onError)
      client.release(broken)
    }
  }

  function readerOn(client: pg.ClientBase | pg.Pool): Reader & Pick<Transaction, 'run'> {
    // The row types are what the aggregate's own SQL selects.
    const query = (sql: string, params: readonly SqlValue[], rowMode?: 'array') =>
      client.query({ ...statement(sql), values: params.map(withoutNul), ...(rowMode ? { rowMode } : {}) })
    return {
      get: async <Row extends object>(sql: string, params: readonly SqlValue[] = []) =>
        (await query(sql, params)).rows[0] as Row | undefined,
      all: async <Row extends object>(sql: string, params: readonly SqlValue[] = []) => (await query(sql, params)).rows as Row[],
      tuples: async <Row extends readonly SqlValue[]>(sql: string, params: readonly SqlValue[] = []) =>
        (await query(sql, params, 'array')).rows as unknown as Row[],
      run: async (sql, params = []) => ({ changes: (await query(sql, params)).rowCount ?? 0 }),
    }
  }

  async function write<Args, Result>(command: Command<Args, Result>, args: Args, attached?: Attached): Promise<Result> {
    const own = attached ?? {}
    const bytes = commandBytes + heldBytes(own)
    await admission.enter(bytes)
    waiting += 1
    try {
      if (closed) throw failure('storeUnavailable', { reason: 'the store is closed' })
      const lane = command.lane?.(args)
      const startedMs = clock.monotonic()
      const run = (): Promise<Result> => repeat(command, args, own)
      const result = await (lane === undefined ? run() : lanes.run(lane, run))
      trace.emit('store.data-write', { elapsed: durationMs(clock.monotonic() - startedMs), total: 1 })
      return result
    } catch (error) {
      throw declared(error, trace)
    } finally {
      waiting -= 1
      admission.leave(bytes)
    }
  }

  async function repeat<Args, Result>(
    command: Command<Args, Result>,
    args: Args,
    { blobs = [], rewritten = [] }: Attached,
  ): Promise<Result> {
    const prepared = createPrepared()
    const again = await Promise.all(rewritten.map(({ content }) => packs.put(content)))
    let pauseMs = firstPauseMs
    for (let attempt = 1; ; attempt++) {
      await prepare(blobs, prepared)
      try {
        return await runOnce(command, args, { blobs, prepared, rewritten: again })
      } catch (error) {
        const mayRepeat = isTransient(error) || isUniqueViolation(error) || error instanceof ContentVanished
        if (!mayRepeat || attempt >= (isUniqueViolation(error) ? 3 : attempts)) throw error
        await clock.sleep(random.integer(pauseMs) + 1)
        pauseMs = Math.min(pauseMs * 2, longestPauseMs)
      }
    }
  }

  /** Brings contents that no row has to disk. What the transaction then does not need is garbage in a pack. */
  async function prepare(blobs: readonly Attachment[], prepared: PreparedContents): Promise<void> {
    await Promise.all(
      blobs.map(async blob => {
        if (isStored(blob)) return
        const hash = prepared.hashOf(blob)
        if (prepared.has(hash) || (await readerOn(pool).get('SELECT id FROM blobs WHERE hash = ?', [hash]))) return
        prepared.put(hash, await packs.put(blob))
      }),
    )
  }

  async function runOnce<Args, Result>(
    command: Command<Args, Result>,
    args: Args,
    {
      blobs,
      prepared,
      rewritten,
    }: {
      readonly blobs: readonly Attachment[]
      readonly prepared: PreparedContents
      readonly rewritten: readonly Placement[]
    },
  ): Promise<Result> {
    const announced: News[] = []
    const result = await withClient(async client => {
      await client.query(`BEGIN ISOLATION LEVEL ${command.locksFirst ? 'READ COMMITTED' : 'SERIALIZABLE'}`)
      try {
        const reader = readerOn(client)
        // Whoever refers to a content and whoever collects contents without references keep apart.
        if (command.excludesAttaching) await client.query('SELECT pg_advisory_xact_lock($1)', [contentsLock])
        else if (blobs.length > 0) await client.query('SELECT pg_advisory_xact_lock_shared($1)', [contentsLock])
        const own: AttachedBlob[] = await attachBlobs(reader, prepared, blobs)
        const value = await command.run({ ...reader, blobs: own, rewritten, announce: news => announced.push(news) }, args)
        await client.query('COMMIT')
        return value
      } catch (error) {
        // The connection may be what failed.
        await client.query('ROLLBACK').catch(() => {})
        throw error
      }
    })
    commits += 1
    for (const news of announced) for (const listener of listeners) listener(news)
    return result
  }

  async function read<Args, Result>(query: Query<Args, Result>, args: Args): Promise<Result> {
    if (closed) throw failure('storeUnavailable', { reason: 'the store is closed' })
    try {
      if (!query.consistent) return await query.run(readerOn(pool), args)
      return await withClient(async client => {
        await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
        try {
          return await query.run(readerOn(client), args)
        } finally {
          await client.query('COMMIT').catch(() => {})
        }
      })
    } catch (error) {
      throw declared(error, trace)
    }
  }

  return {
    kind: 'postgresql',
    folder: path,
    write,
    read,
    onCommit(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stats: () => ({ waitingCommands: waiting, waitingBytes: admission.held(), commits, commands: commits, logBytes: 0 }),
    backup: () => Promise.reject(failure('unsupported', { details: 'PostgreSQL is copied by its own tools' })),
    tidy: () => Promise.resolve(),
    async [Symbol.asyncDispose]() {
      await admission.empty()
      closed = true
      await packs[Symbol.asyncDispose]()
      await pool.end()
    },
  }
}

// Column types by object id: int8, and numeric as the type of sums, become numbers. https://www.postgresql.org/docs/current/catalog-pg-type.html
const int8 = 20
const numeric = 1700

function getTypeParser(type: number, format?: 'text' | 'binary'): (value: string) => unknown {
  return type === int8 || type === numeric ? safeNumber : pg.types.getTypeParser(type, format ?? 'text')
}

function safeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`a stored number is beyond 2^53: ${text}`)
  return value
}

/** The database knows no NUL in a text: what has one is found nowhere, and kept with a mark in its place. */
function withoutNul(value: SqlValue): SqlValue {
  return typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : value
}

// Opening SQLite the one right way, and prepared statements.
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { SqlValue } from '../../command.ts'

const busyTimeoutMs = 5000
const pageBytes = 4096
const cachedPages = 8192
const restingLogBytes = 8 * 1024 * 1024

/** Opens, and creates when missing, for the writer. */
export function openForWriting(file: string): DatabaseSync {
  const database = new DatabaseSync(file)
  // Before anything that may need a lock: every other pragma can meet one.
  database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
  // Both only take effect on an empty database, before the first table and before WAL writes its header.
  database.exec(`PRAGMA page_size = ${pageBytes}`)
  database.exec('PRAGMA auto_vacuum = INCREMENTAL')
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = FULL')
  // A log that grew under a long reader is cut to this when it begins anew.
  database.exec(`PRAGMA journal_size_limit = ${restingLogBytes}`)
  database.exec(`PRAGMA cache_size = ${cachedPages}`)
  database.exec('PRAGMA temp_store = MEMORY')
  return database
}

/** Whether the log could be emptied; waits at most so long for readers that need it. */
export function emptyLog(database: DatabaseSync, waitMs: number): boolean {
  database.exec(`PRAGMA busy_timeout = ${waitMs}`)
  try {
    return database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'] === 0
  } finally {
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
  }
}

export function openForReading(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly: true })
  database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
  database.exec(`PRAGMA cache_size = ${cachedPages}`)
  database.exec('PRAGMA temp_store = MEMORY')
  return database
}

/** Prepared statements of one connection. Same methods as `Transaction`, answered at once. */
export interface Statements {
  get<Row extends object>(sql: string, params?: readonly SqlValue[]): Row | undefined
  all<Row extends object>(sql: string, params?: readonly SqlValue[]): Row[]
  tuples<Row extends readonly SqlValue[]>(sql: string, params?: readonly SqlValue[]): Row[]
  run(sql: string, params?: readonly SqlValue[]): { changes: number }
}

const preparedStatements = 500

export function createStatements(database: DatabaseSync): Statements {
  const objects = statementCache(sql => database.prepare(sql))
  const arrays = statementCache(sql => {
    const statement = database.prepare(sql)
    statement.setReturnArrays(true)
    return statement
  })
  // The driver's row types are wider than the columns an aggregate selects; the aggregate names the shape of its own SQL.
  // Its rows have no prototype, which sets them apart from the other engine's: they are copied into plain objects.
  return {
    get: <Row extends object>(sql: string, params: readonly SqlValue[] = []) => {
      const row = objects(sql).get(...params)
      return row === undefined ? undefined : ({ ...row } as unknown as Row)
    },
    all: <Row extends object>(sql: string, params: readonly SqlValue[] = []) =>
      objects(sql)
        .all(...params)
        .map(row => ({ ...row }) as unknown as Row),
    tuples: <Row extends readonly SqlValue[]>(sql: string, params: readonly SqlValue[] = []) =>
      arrays(sql).all(...params) as unknown as Row[],
    run: (sql, params = []) => ({ changes: Number(objects(sql).run(...params).changes) }),
  }
}

function statementCache(prepare: (sql: string) => StatementSync): (sql: string) => StatementSync {
  const known = new Map<string, StatementSync>()
  return sql => {
    const found = known.get(sql)
    if (found) return found
    const statement = prepare(sql)
    // Statement texts are constants, so the bound is only met by lists of generated placeholders.
    if (known.size >= preparedStatements) known.clear()
    known.set(sql, statement)
    return statement
  }
}

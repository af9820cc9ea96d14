// Somebody else's tables, read with statements that the administrator wrote: accounts of SQL directories.
import { DatabaseSync } from 'node:sqlite'
import type { SqlValue } from '../command.ts'

export type SqlSourceOptions =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgresql'; readonly url: string; readonly maxConnections: number; readonly timeoutMs: number }

export interface SqlSource extends AsyncDisposable {
  /** Runs a statement with one parameter (`?`, on PostgreSQL `$1`); at most `limit` rows by column name. Rejects with what the engine says. */
  query(statement: string, parameter: string, limit: number): Promise<ReadonlyArray<Readonly<Record<string, SqlValue>>>>
}

/** Opens for reading. SQLite rejects when there is no such file; PostgreSQL connects at the first query. */
export async function openSqlSource(options: SqlSourceOptions): Promise<SqlSource> {
  return options.kind === 'sqlite' ? openFile(options.file) : openServer(options)
}

function openFile(file: string): SqlSource {
  const database = new DatabaseSync(file, { readOnly: true })
  database.exec('PRAGMA busy_timeout = 1000')
  return {
    async query(statement, parameter, limit) {
      const rows: Record<string, SqlValue>[] = []
      for (const row of database.prepare(statement).iterate(parameter)) {
        rows.push({ ...row } as Record<string, SqlValue>)
        if (rows.length >= limit) break
      }
      return rows
    },
    async [Symbol.asyncDispose]() {
      database.close()
    },
  }
}

async function openServer({ url, maxConnections, timeoutMs }: Extract<SqlSourceOptions, { kind: 'postgresql' }>): Promise<SqlSource> {
  const { default: pg } = await import('pg')
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    statement_timeout: timeoutMs,
  })
  // A connection that breaks while nobody uses it is replaced by the next query.
  pool.on('error', () => {})
  return {
    async query(statement, parameter, limit) {
      const { rows } = await pool.query<Record<string, SqlValue>>({ text: statement, values: [parameter] })
      return rows.slice(0, limit)
    },
    [Symbol.asyncDispose]: () => pool.end(),
  }
}

// Brings a database file to the newest schema, one transaction per step.
import type { DatabaseSync } from 'node:sqlite'
import { type Migration, sqliteDialect } from '../../migrations/migration.ts'

/** The data was written by a version that knows more steps than this one. */
export class NewerSchema extends Error {
  constructor(foreign: readonly number[], known: ReadonlySet<number>) {
    super(`the data was written by a newer version: it has schema ${Math.max(...foreign)}, this version knows ${Math.max(0, ...known)}`)
  }
}

export function migrate(database: DatabaseSync, steps: readonly Migration[]): void {
  database.exec('CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL)')
  const rows = database.prepare('SELECT number FROM schema_migrations').all()
  const applied = new Set(rows.map(row => Number(row['number'])))
  const known = new Set(steps.map(step => step.number))
  const foreign = [...applied].filter(number => !known.has(number))
  if (foreign.length > 0) throw new NewerSchema(foreign, known)
  for (const step of [...steps].sort((a, b) => a.number - b.number)) {
    if (applied.has(step.number)) continue
    database.exec('BEGIN IMMEDIATE')
    try {
      for (const statement of step.statements(sqliteDialect)) database.exec(statement)
      database.prepare('INSERT INTO schema_migrations (number, name) VALUES (?, ?)').run(step.number, step.name)
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
}

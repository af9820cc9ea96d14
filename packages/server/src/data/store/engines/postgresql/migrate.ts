// Brings a PostgreSQL schema to the newest step; nodes that start together wait for each other.
import type { ClientBase } from 'pg'
import { type Migration, postgresqlDialect } from '../../migrations/migration.ts'
import { NewerSchema } from '../sqlite/migrate.ts'

// Any constant of our own: the key of the advisory lock.
const migrationLock = 0x506f7374

export async function migrate(client: ClientBase, steps: readonly Migration[]): Promise<void> {
  await client.query('SELECT pg_advisory_lock($1)', [migrationLock])
  try {
    await client.query('CREATE TABLE IF NOT EXISTS schema_migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL)')
    const { rows } = await client.query<{ number: number }>('SELECT number FROM schema_migrations')
    const applied = new Set(rows.map(row => Number(row.number)))
    const known = new Set(steps.map(step => step.number))
    const foreign = [...applied].filter(number => !known.has(number))
    if (foreign.length > 0) throw new NewerSchema(foreign, known)
    for (const step of [...steps].sort((a, b) => a.number - b.number)) {
      if (!applied.has(step.number)) await apply(client, step)
    }
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [migrationLock])
  }
}

async function apply(client: ClientBase, step: Migration): Promise<void> {
  await client.query('BEGIN')
  try {
    for (const statement of step.statements(postgresqlDialect)) await client.query(statement)
    await client.query('INSERT INTO schema_migrations (number, name) VALUES ($1, $2)', [step.number, step.name])
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}

import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { migrate } from '../engines/sqlite/migrate.ts'
import { migrations } from '../migrations.ts'

test('principals of an older store keep their addresses, now with domains', () => {
  const database = new DatabaseSync(':memory:')
  migrate(
    database,
    migrations.filter(({ number }) => number < 26),
  )
  database.exec(`INSERT INTO principals (id, type, name, search) VALUES (1, 0, 'jane', 'jane');
    INSERT INTO principal_emails (address, principal_id, position) VALUES ('jane@example.org', 1, 0), ('@second.example', 1, 1);
    UPDATE principal_ids SET last_id = 1`)
  migrate(database, migrations)
  assert.deepEqual(
    database
      .prepare('SELECT domain FROM principal_emails ORDER BY position')
      .all()
      .map(row => row['domain']),
    ['example.org', 'second.example'],
  )
  assert.deepEqual({ ...database.prepare('SELECT last_id, last_change FROM principal_ids').get() }, { last_id: 1, last_change: 0 })
  database.close()
})

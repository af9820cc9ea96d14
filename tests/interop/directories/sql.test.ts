import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import pg from 'pg'
import { basic, expectRecipients, logIn, principal, sendAndRead, startServer } from './whole.ts'

const tables = [
  'CREATE TABLE accounts (name TEXT PRIMARY KEY, kind TEXT, secret TEXT, full_name TEXT, quota BIGINT, email TEXT, active INTEGER)',
  'CREATE TABLE aliases (account TEXT, address TEXT)',
  'CREATE TABLE memberships (account TEXT, member_of TEXT)',
  'CREATE TABLE passwords (account TEXT, secret TEXT)',
  "INSERT INTO accounts VALUES ('jane', 'individual', '{PLAIN}secret', 'Jane Doe', 4000000, 'jane@example.org', 1)",
  "INSERT INTO accounts VALUES ('boss', 'admin', NULL, 'The boss', NULL, 'boss@example.org', 1)",
  "INSERT INTO accounts VALUES ('gone', 'individual', '{PLAIN}secret', 'Gone', 0, 'gone@example.org', 0)",
  "INSERT INTO accounts VALUES ('team', 'group', '{PLAIN}secret', 'Team', 0, 'team@example.org', 1)",
  "INSERT INTO aliases VALUES ('jane', 'jd@example.org'), ('jane', 'Doe@example.org')",
  "INSERT INTO memberships VALUES ('jane', 'team')",
  "INSERT INTO passwords VALUES ('boss', '{PLAIN}one'), ('boss', '{PLAIN}two')",
]

function settingsFor(store: Readonly<Record<string, string>>, mark: string): Record<string, string> {
  return {
    ...store,
    'store.crm.query.name': `SELECT kind, secret, full_name, quota, email FROM accounts WHERE name = ${mark} AND active = 1`,
    'store.crm.query.members': `SELECT member_of FROM memberships WHERE account = ${mark}`,
    'store.crm.query.emails': `SELECT address FROM aliases WHERE account = ${mark} ORDER BY address DESC`,
    'store.crm.query.recipients': `SELECT name FROM accounts WHERE email = ${mark} UNION SELECT account FROM aliases WHERE lower(address) = ${mark}`,
    'store.crm.query.secrets': `SELECT secret FROM passwords WHERE account = ${mark}`,
    'directory.crm.type': 'sql',
    'directory.crm.store': 'crm',
    'directory.crm.columns.class': 'kind',
    'directory.crm.columns.secret': 'secret',
    'directory.crm.columns.description': 'full_name',
    'directory.crm.columns.email': 'email',
    'directory.crm.columns.quota': 'quota',
    'directory.crm.cache.size': 'false',
    'storage.directory': 'crm',
  }
}

async function check(settings: Readonly<Record<string, string>>, run: (statement: string) => Promise<void>): Promise<void> {
  for (const statement of tables) await run(statement)
  await using server = await startServer(settings)
  await server.call('POST', '/api/principal', { type: 'domain', name: 'example.org' })
  assert.equal(await logIn(server, basic('jane', 'wrong')), 'refused')
  for (const name of ["' OR '1'='1", 'gone', 'team', '', "jane'--"])
    assert.equal(await logIn(server, basic(name, 'secret')), 'refused', name)
  assert.equal(await logIn(server, basic('jane', 'secret')), 'in')
  for (const password of ['one', 'two']) assert.equal(await logIn(server, basic('boss', password)), 'in')
  const { id: _, ...jane } = await principal(server, 'jane')
  assert.deepEqual(jane, {
    type: 'individual',
    name: 'jane',
    description: 'Jane Doe',
    quota: 4_000_000,
    emails: ['jane@example.org', 'jd@example.org', 'doe@example.org'],
    memberOf: ['team'],
    roles: ['user'],
  })
  assert.deepEqual(((await principal(server, 'boss'))['roles'] as string[]).sort(), ['admin', 'user'])
  await expectRecipients(server, {
    'doe@example.org': '250',
    'gone@example.org': '550',
    "x'--@example.org": '550',
    'team@example.org': '250',
  })
  await sendAndRead(server, 'jd@example.org', 'jane', 'secret')
  await run("UPDATE accounts SET full_name = 'Jane Roe', email = 'roe@example.org' WHERE name = 'jane'")
  await expectRecipients(server, { 'roe@example.org': '250', 'jane@example.org': '550' })
  assert.equal((await principal(server, 'jane'))['description'], 'Jane Roe')
  await server.set({ 'store.crm.query.name': 'SELECT broken FROM nowhere' })
  assert.equal(await logIn(server, basic('jane', 'other')), 'later')
  assert.equal(await logIn(server, basic('admin', 'admin')), 'in')
  await expectRecipients(server, { 'roe@example.org': '451 4.4.3' })
}

test('accounts in a SQLite file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'postern-sql-'))
  const database = new DatabaseSync(join(folder, 'accounts.db'))
  try {
    await check(settingsFor({ 'store.crm.type': 'sqlite', 'store.crm.path': join(folder, 'accounts.db') }, '?1'), async statement =>
      database.exec(statement),
    )
  } finally {
    database.close()
    await rm(folder, { recursive: true, force: true })
  }
})

const url = process.env['POSTERN_TEST_POSTGRESQL']
const skip = url === undefined && process.env['CI'] !== 'true' ? 'POSTERN_TEST_POSTGRESQL names no server' : false

test('accounts in PostgreSQL', { skip }, async () => {
  const name = `postern_accounts_${process.pid}`
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  await admin.query(`CREATE DATABASE ${name}`)
  const own = new URL(url ?? '')
  own.pathname = `/${name}`
  const client = new pg.Client({ connectionString: own.href })
  try {
    await client.connect()
    const store = {
      'store.crm.type': 'postgresql',
      'store.crm.host': own.hostname,
      'store.crm.port': own.port,
      'store.crm.user': own.username,
      'store.crm.password': own.password,
      'store.crm.database': name,
    }
    await check(settingsFor(store, '$1'), async statement => void (await client.query(statement)))
  } finally {
    await client.end()
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
    await admin.end()
  }
})

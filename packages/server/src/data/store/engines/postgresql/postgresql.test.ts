import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { isFailure } from '@postern/contract'
import pg from 'pg'
import { systemClock } from '#base/clock'
import { silentTrace } from '#base/trace'
import { changeSettings, getSetting } from '../../aggregates/settings.ts'
import { openStore, type Store } from '../../index.ts'
import { createScratchDatabase } from './scratch.ts'

// Without a server this file has nothing to test; `store.postgresql.test.ts` says so, and fails where there must be one.
const url = process.env['POSTERN_TEST_POSTGRESQL']

if (url !== undefined) {
  const root = await mkdtemp(join(tmpdir(), 'postern-postgresql-engine-'))
  after(() => rm(root, { recursive: true, force: true }))
  let count = 0
  const open = (database: string): Promise<Store> =>
    openStore({ kind: 'postgresql', url: database, path: join(root, String(++count)), clock: systemClock, trace: silentTrace })
  const put = (store: Store, key: string, value: string): Promise<unknown> =>
    store.write(changeSettings, { operations: [{ kind: 'put', entries: [{ key, value }] }] })

  describe('PostgreSQL engine', () => {
    it('nodes that start together make the schema once', async () => {
      await using scratch = await createScratchDatabase(url)
      const stores = await Promise.all(Array.from({ length: 4 }, () => open(scratch.url)))
      const [first, second] = stores
      assert.ok(first && second)
      await put(first, 'from', 'the first')
      assert.equal(await second.read(getSetting, { key: 'from' }), 'the first')
      for (const store of stores) await store[Symbol.asyncDispose]()
    })

    it('connections that the server cuts are a declared failure at most, and replaced', async () => {
      await using scratch = await createScratchDatabase(url)
      await using store = await open(scratch.url)
      await put(store, 'k', '0')
      const admin = new pg.Client({ connectionString: scratch.url })
      await admin.connect()
      const writes = Promise.allSettled(Array.from({ length: 30 }, (_, n) => put(store, `k${n}`, 'v')))
      await admin.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      )
      for (const outcome of await writes) {
        if (outcome.status === 'rejected') assert.ok(isFailure(outcome.reason, 'storeUnavailable'), String(outcome.reason))
      }
      await put(store, 'k', 'again')
      assert.equal(await store.read(getSetting, { key: 'k' }), 'again')
      await admin.end()
    })

    it('a server that does not answer is a declared failure', async () => {
      await assert.rejects(open('postgresql://nobody@127.0.0.1:1/nothing'), error => isFailure(error, 'storeUnavailable'))
    })

    it('data of a newer version is refused', async () => {
      await using scratch = await createScratchDatabase(url)
      await (await open(scratch.url))[Symbol.asyncDispose]()
      const admin = new pg.Client({ connectionString: scratch.url })
      await admin.connect()
      await admin.query(`INSERT INTO schema_migrations (number, name) VALUES (999999, 'from the future')`)
      await admin.end()
      await assert.rejects(open(scratch.url), /newer version/)
    })
  })
}

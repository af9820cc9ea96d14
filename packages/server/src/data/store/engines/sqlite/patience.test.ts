import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { systemClock } from '#base/clock'
import { silentTrace } from '#base/trace'
import { recordQueued } from '../../aggregates/queue.ts'
import { changeSettings, getSetting } from '../../aggregates/settings.ts'
import { openStore, type SqliteStore } from '../../index.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-patience-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const open = (name: string): Promise<SqliteStore> =>
  openStore({ kind: 'sqlite', path: join(folder, name), clock: systemClock, trace: silentTrace })

const patient = (store: SqliteStore): Promise<string> => store.write(recordQueued, { id: 1, leaseUntil: 1, domains: [], generated: [] })
const put = (store: SqliteStore, key: string, value: unknown): Promise<unknown> =>
  store.write(changeSettings, { operations: [{ kind: 'put', entries: [{ key, value: value as string }] }] })

test('a patient command is done without company, too', async () => {
  await using store = await open('alone')
  assert.equal(await patient(store), 'lost')
})

test('a patient command shares the commit of the next one, and that does not wait', async () => {
  await using store = await open('company')
  const { commits } = store.stats()
  const order: string[] = []
  await Promise.all([patient(store).then(() => order.push('patient')), put(store, 'a', '1').then(() => order.push('hurried'))])
  assert.deepEqual(order, ['patient', 'hurried'], 'in the order they were made')
  assert.equal(store.stats().commits, commits + 1)
})

test('closing waits for patient commands', async () => {
  const store = await open('closing')
  const answers = Promise.all([patient(store), patient(store)])
  await store[Symbol.asyncDispose]()
  assert.deepEqual(await answers, ['lost', 'lost'])
})

test('arguments that cannot cross threads spoil nothing but their own command', async () => {
  await using store = await open('spoilt')
  const results = await Promise.allSettled([put(store, 'a', '1'), put(store, 'b', () => {}), put(store, 'c', '3')])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.equal(await store.read(getSetting, { key: 'a' }), '1')
  assert.equal(await store.read(getSetting, { key: 'c' }), '3')
})

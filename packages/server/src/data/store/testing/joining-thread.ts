// A thread that joins a store it is handed, writes one setting and answers with what it reads back.
import { parentPort } from 'node:worker_threads'
import { systemClock } from '#base/clock'
import { silentTrace } from '#base/trace'
import { changeSettings, getSetting, joinSqliteStore, type SharedStore } from '../index.ts'

parentPort?.once('message', async (shared: SharedStore) => {
  await using store = joinSqliteStore(shared, { clock: systemClock, trace: silentTrace })
  await store.write(changeSettings, { operations: [{ kind: 'put', entries: [{ key: 'from.thread', value: 'written there' }] }] })
  parentPort?.postMessage(await store.read(getSetting, { key: 'from.thread' }))
})

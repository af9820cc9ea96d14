import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, it } from 'node:test'
import { MessageChannel, Worker } from 'node:worker_threads'
import { type EventId, isFailure } from '@postern/contract'
import { systemClock } from '#base/clock'
import { silentTrace, type Trace } from '#base/trace'
import { reserveBlobs } from '../../aggregates/blobs.ts'
import { changeSettings, getSetting, listSettings } from '../../aggregates/settings.ts'
import type { Query } from '../../command.ts'
import { checkInvariants, findBlob, openStore, type SqliteStore } from '../../index.ts'
import { foldersOf, hashOf, packPath } from '../../packs/layout.ts'
import { defective, limitPages, readPragma, storeNumber } from '../../testing/odd-commands.ts'
import { openForReading, openForWriting } from './connection.ts'

const root = await mkdtemp(join(tmpdir(), 'postern-engine-'))
after(() => rm(root, { recursive: true, force: true }))
let count = 0
const newFolder = (): string => join(root, String(++count))
const oddCommands = new URL('../../testing/odd-commands.ts', import.meta.url).href

function open(path: string, trace: Trace = silentTrace): Promise<SqliteStore> {
  return openStore({ kind: 'sqlite', path, clock: systemClock, trace, commandModules: [oddCommands] })
}

async function put(store: SqliteStore, key: string, value: string): Promise<void> {
  await store.write(changeSettings, { operations: [{ kind: 'put', entries: [{ key, value }] }] })
}

function reserve(store: SqliteStore, content: Uint8Array) {
  return store.write(reserveBlobs, { kind: 'queueing', accountId: 1, until: 9 }, { blobs: [content] })
}

function recordingTrace(): Trace & { readonly ids: EventId[] } {
  const ids: EventId[] = []
  return { ...silentTrace, ids, emit: id => ids.push(id) }
}

describe('SQLite engine', () => {
  it('opens with the settings that durability and vacuum need', async () => {
    await using store = await open(newFolder())
    const pragma = (name: string): Promise<unknown> => store.write(readPragma, { name })
    assert.equal(await pragma('journal_mode'), 'wal')
    assert.equal(await pragma('synchronous'), 2, 'FULL')
    assert.equal(await pragma('auto_vacuum'), 2, 'INCREMENTAL: it only takes effect before WAL and the first table')
    assert.equal(await pragma('page_size'), 4096)
    assert.equal(await pragma('busy_timeout'), 5000)
  })

  it('says how long to wait for locks before any other pragma, which may meet one; auto_vacuum before WAL', t => {
    const exec = t.mock.method(DatabaseSync.prototype, 'exec')
    const file = join(root, `order-${++count}.sqlite`)
    for (const open of [openForWriting, openForReading]) {
      exec.mock.resetCalls()
      open(file).close()
      const pragmas = exec.mock.calls.map(call => /PRAGMA (\w+)/.exec(String(call.arguments[0]))?.[1] ?? '')
      assert.equal(pragmas[0], 'busy_timeout')
      if (open === openForReading) continue
      assert.ok(pragmas.indexOf('auto_vacuum') < pragmas.indexOf('journal_mode'))
      assert.ok(pragmas.indexOf('page_size') < pragmas.indexOf('journal_mode'))
    }
  })

  it('a number beyond 2^53 is refused when read, never rounded', async () => {
    await using store = await open(newFolder())
    await store.write(storeNumber, { value: 2n ** 53n + 1n })
    const numbers: Query<null, unknown> = { name: 'test.numbers', run: reader => reader.all('SELECT until FROM blob_reservations') }
    await assert.rejects(store.read(numbers, null), RangeError)
  })

  it('a defect in a command undoes it, keeps its message, and leaves the others alone', async () => {
    await using store = await open(newFolder())
    const outcomes = await Promise.allSettled([put(store, 'a', '1'), store.write(defective, { key: 'half' }), put(store, 'b', '2')])
    assert.deepEqual(
      outcomes.map(outcome => outcome.status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.match(String(outcomes[1]?.status === 'rejected' && outcomes[1].reason), /a defect of ours/)
    assert.deepEqual(
      (await store.read(listSettings, { prefix: '', limit: 9 })).map(row => row.key),
      ['a', 'b'],
    )
  })

  it('waiting commands share commits', async () => {
    await using store = await open(newFolder())
    const before = store.stats()
    await Promise.all(Array.from({ length: 200 }, (_, n) => put(store, `k${n}`, 'v')))
    const { commits, commands } = store.stats()
    assert.equal(commands - before.commands, 200)
    assert.ok(commits - before.commits < 100, `${commits} commits`)
  })

  it('the log is cut when readers kept it long', async () => {
    const path = newFolder()
    await using store = await open(path)
    await put(store, 'x', 'first')
    const reader = new DatabaseSync(join(path, 'store.sqlite'), { readOnly: true })
    reader.exec('BEGIN')
    reader.prepare('SELECT * FROM settings').all()
    // Equal pages would not be written again.
    const big = (n: number): string => String(n % 7).repeat(2 * 1024 * 1024)
    for (let n = 0; n < 36; n++) await put(store, 'x', big(n))
    assert.ok(store.stats().logBytes > 64 * 1024 * 1024, 'a reader holds the log')
    reader.exec('COMMIT')
    reader.close()
    for (let n = 0; n < 36; n++) await put(store, 'x', big(n))
    assert.ok(store.stats().logBytes < 16 * 1024 * 1024, `${store.stats().logBytes} bytes after the reader left`)
  })

  it('a backup is a whole store as of one commit, made while writes go on', async () => {
    const path = newFolder()
    const copy = newFolder()
    await using store = await open(path)
    for (let n = 0; n < 200; n++) await put(store, `k${n}`, 'v')
    mkdirSync(copy)
    let running = true
    const writing = (async () => {
      for (let n = 0; running; n++) await store.write(changeSettings, { operations: [putOf('pair.a', n), putOf('pair.b', n)] })
    })()
    await store.backup(join(copy, 'store.sqlite'))
    running = false
    await writing
    await using restored = await open(copy)
    assert.equal((await restored.read(listSettings, { prefix: 'k', limit: 500 })).length, 200)
    assert.equal(await restored.read(getSetting, { key: 'pair.a' }), await restored.read(getSetting, { key: 'pair.b' }))
    await assert.rejects(store.backup(join(copy, 'store.sqlite')), 'an existing file is not overwritten')
  })

  it('space of removed rows goes back to the machine', async () => {
    const path = newFolder()
    await using store = await open(path)
    const pages = (): Promise<unknown> => store.write(readPragma, { name: 'page_count' })
    for (let n = 0; n < 20; n++) await put(store, `k${n}`, 'v'.repeat(100_000))
    const before = Number(await pages())
    await store.write(changeSettings, { operations: [{ kind: 'deletePrefix', prefix: 'k' }] })
    await store.tidy()
    assert.ok(Number(await pages()) < before / 2, `${before} pages before, ${await pages()} after`)
  })

  it('one process per folder', async () => {
    const path = newFolder()
    await using store = await open(path)
    await assert.rejects(open(path), error => isFailure(error, 'storeUnavailable'))
    await put(store, 'still', 'here')
  })

  it('data of a newer version is refused, with a sentence that says so', async () => {
    const path = newFolder()
    await (await open(path))[Symbol.asyncDispose]()
    const database = new DatabaseSync(join(path, 'store.sqlite'))
    database.exec(`INSERT INTO schema_migrations (number, name) VALUES (999999, 'from the future')`)
    database.close()
    await assert.rejects(open(path), /newer version/)
  })

  it('a torn tail of a pack is cut on opening, and what comes after it is whole', async () => {
    const path = newFolder()
    const first = Buffer.from('settled content '.repeat(100))
    const second = Buffer.from('later content '.repeat(100))
    {
      await using store = await open(path)
      await reserve(store, first)
    }
    const pack = packPath(foldersOf(path), 1)
    const settled = statSync(pack).size
    await writeFile(pack, Buffer.alloc(777, 0x55), { flag: 'a' })
    await using store = await open(path)
    assert.equal(statSync(pack).size, settled)
    await reserve(store, second)
    assert.deepEqual(await checkInvariants(store), [])
    assert.ok(await store.read(findBlob, { hash: hashOf(second) }))
  })

  it('when the database is full, writes are refused with storageFull, and succeed again once there is room', async () => {
    const trace = recordingTrace()
    await using store = await open(newFolder(), trace)
    await put(store, 'kept', 'yes')
    const used = Number(await store.write(readPragma, { name: 'page_count' }))
    await store.write(limitPages, { pages: used + 2 })
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, (_, n) => put(store, `big${n}`, 'v'.repeat(50_000))))
    for (const outcome of outcomes) assert.ok(outcome.status === 'rejected' && isFailure(outcome.reason, 'storageFull'))
    assert.ok(trace.ids.includes('store.sqlite-error'))
    assert.equal(await store.read(getSetting, { key: 'kept' }), 'yes')
    await store.write(limitPages, { pages: 0 })
    await put(store, 'big', 'v'.repeat(50_000))
    assert.deepEqual(
      (await store.read(listSettings, { prefix: '', limit: 9 })).map(row => row.key),
      ['big', 'kept'],
    )
  })

  it('when the packs are full, writes with contents are refused and leave no row behind', async () => {
    const path = newFolder()
    {
      await using store = await open(path)
      await reserve(store, Buffer.from('before'))
    }
    // The next pack is a device that is always full.
    const pack = packPath(foldersOf(path), 1)
    renameSync(pack, `${pack}.aside`)
    symlinkSync('/dev/full', pack)
    {
      await using store = await open(path)
      const lost = Buffer.from('does not fit')
      const outcomes = await Promise.allSettled([reserve(store, lost), put(store, 'same', 'group')])
      assert.ok(outcomes[0]?.status === 'rejected' && isFailure(outcomes[0].reason, 'storageFull'))
      assert.equal(await store.read(findBlob, { hash: hashOf(lost) }), undefined)
      await put(store, 'without', 'content')
      assert.equal(await store.read(getSetting, { key: 'without' }), 'content')
    }
    rmSync(pack)
    renameSync(`${pack}.aside`, pack)
    await using store = await open(path)
    await reserve(store, Buffer.from('does not fit'))
    assert.deepEqual(await checkInvariants(store), [])
  })

  it('a folder that cannot be made is a declared failure', async () => {
    const path = join(root, `file-${++count}`)
    await writeFile(path, '')
    await assert.rejects(open(join(path, 'below-a-file')), error => isFailure(error, 'storeUnavailable'))
  })

  it('another thread writes and reads through the same writer', async () => {
    await using store = await open(newFolder())
    const worker = new Worker(new URL('../../testing/joining-thread.ts', import.meta.url))
    const heard = new Promise<unknown>(resolve => store.onCommit(news => resolve(news.topic)))
    const shared = store.share()
    worker.postMessage(shared, [shared.port])
    const answer = await new Promise(resolve => worker.once('message', resolve))
    assert.equal(answer, 'written there')
    assert.equal(await heard, 'settings')
    assert.equal(await store.read(getSetting, { key: 'from.thread' }), 'written there')
    await worker.terminate()
  })

  it('a writer that breaks rejects what waits, and says so afterwards', async () => {
    const { port1 } = new MessageChannel()
    await using store = await open(newFolder())
    // A value that cannot cross threads is refused before anything is sent.
    const notSendable = { operations: [{ kind: 'put' as const, entries: [{ key: 'a', value: port1 as never }] }] }
    await assert.rejects(store.write(changeSettings, notSendable))
    await put(store, 'a', 'b')
    assert.equal(store.stats().waitingBytes, 0)
    port1.close()
  })
})

function putOf(key: string, value: number) {
  return { kind: 'put', entries: [{ key, value: String(value) }] } as const
}

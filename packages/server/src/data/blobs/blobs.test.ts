import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { type EventId, isFailure } from '@postern/contract'
import { type Clock, systemClock, systemRandom } from '#base/clock'
import { silentTrace } from '#base/trace'
import {
  type Attachment,
  checkInvariants,
  findBlob,
  foldersOf,
  hashOf,
  largeContentBytes,
  locationOf,
  openPackReader,
  openStore,
  packBytes,
  packPath,
  reserveBlobs,
  type Store,
  segmentsIn,
} from '#data/store'
import { type Blobs, createBlobs } from './index.ts'

const root = await mkdtemp(join(tmpdir(), 'postern-blobs-'))
after(() => rm(root, { recursive: true, force: true }))
let count = 0
const dayMs = 24 * 3600 * 1000

interface Bench extends AsyncDisposable {
  readonly store: Store
  readonly blobs: Blobs
  readonly events: EventId[]
  pass(ms: number): void
  keep(content: Attachment, seconds?: number): Promise<Buffer>
}

async function openBench(): Promise<Bench> {
  let now = systemClock.now()
  const clock: Clock = { ...systemClock, now: () => now }
  const events: EventId[] = []
  const trace = { ...silentTrace, emit: (id: EventId) => events.push(id) }
  const store = await openStore({ kind: 'sqlite', path: join(root, String(++count)), clock, trace })
  const blobs = createBlobs({ store, clock, trace, spoolMemoryBytes: 1000 })
  return {
    store,
    blobs,
    events,
    pass: ms => {
      now += ms
    },
    async keep(content, seconds = 3600) {
      const until = Math.floor(now / 1000) + seconds
      const [blob] = await store.write(reserveBlobs, { kind: 'upload', accountId: 1, until }, { blobs: [content] })
      return Buffer.from(blob?.hash ?? [])
    },
    async [Symbol.asyncDispose]() {
      blobs[Symbol.dispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

async function spooled(blobs: Blobs, content: Buffer, use: (attachment: Attachment) => Promise<unknown>): Promise<void> {
  await using spool = blobs.spool()
  for (let at = 0; at < content.length; at += 70_001) await spool.write(content.subarray(at, at + 70_001))
  assert.equal(spool.size, content.length)
  const attachment = await spool.finish()
  assert.ok(content.equals(await spool.bytes()))
  assert.ok(content.equals(await blobs.contentOf(attachment)))
  await use(attachment)
}

const words = Buffer.from('compressible text, the same again and again. '.repeat(4000))

describe('blobs', () => {
  it('whole, in ranges and in pieces, contents of every storage form read the same', async () => {
    await using bench = await openBench()
    for (const content of [
      Buffer.from('tiny'),
      words.subarray(0, 4000),
      words,
      systemRandom.bytes(600_000),
      systemRandom.bytes(largeContentBytes + 9),
    ]) {
      const hash = await bench.keep(content)
      assert.ok(content.equals(await bench.blobs.read(hash)))
      for (const [start, end] of [
        [0, 3],
        [2, 2],
        [content.length - 2, content.length + 50],
        [content.length, content.length + 1],
        [1000, 3000],
      ] as const) {
        assert.ok(content.subarray(start, Math.max(start, end)).equals(await bench.blobs.read(hash, { start, end })), `${start}–${end}`)
      }
      const pieces: Buffer[] = []
      for await (const piece of bench.blobs.stream(hash)) pieces.push(piece)
      assert.ok(content.equals(Buffer.concat(pieces)))
      assert.equal(await bench.blobs.sizeOf(hash), content.length)
      assert.equal(await bench.blobs.verify(hash), true)
    }
    await assert.rejects(bench.blobs.read(hashOf(Buffer.from('never stored'))), error => isFailure(error, 'blobNotFound'))
  })

  it('what was spooled to a file is stored like anything else, and the spool leaves nothing behind', async () => {
    await using bench = await openBench()
    const spoolFolder = foldersOf(bench.store.folder).spool
    for (const content of [Buffer.from('small'), words, systemRandom.bytes(largeContentBytes + 70_000)]) {
      await spooled(bench.blobs, content, async attachment => {
        const hash = await bench.keep(attachment)
        assert.ok(hash.equals(hashOf(content)))
      })
      assert.ok(content.equals(await bench.blobs.read(hashOf(content))))
      assert.deepEqual(readdirSync(spoolFolder), [])
    }
  })

  it('a spool that is given up leaves nothing behind', async () => {
    await using bench = await openBench()
    {
      await using spool = bench.blobs.spool()
      await spool.write(words)
    }
    assert.deepEqual(readdirSync(foldersOf(bench.store.folder).spool), [])
  })

  it('damaged bytes are noticed, traced and never returned', async () => {
    await using bench = await openBench()
    const hash = await bench.keep(words)
    const row = await bench.store.read(findBlob, { hash })
    assert.ok(row)
    const pack = packPath(foldersOf(bench.store.folder), row.segment)
    writeFileSync(pack, Buffer.alloc(statSync(pack).size, 7))
    await assert.rejects(bench.blobs.read(hash), error => isFailure(error, 'storeUnavailable'))
    assert.equal(await bench.blobs.verify(hash), false)
    assert.ok(bench.events.includes('store.data-corruption'))
  })

  it('contents nobody refers to are collected with their bytes, others stay', async () => {
    await using bench = await openBench()
    const large = systemRandom.bytes(largeContentBytes + 1)
    const goes = await bench.keep(large, 10)
    const stays = await bench.keep(words, 3600)
    bench.pass(60_000)
    assert.deepEqual(await bench.blobs.collectGarbage(), { blobs: 1, bytes: large.length, files: 0 })
    await assert.rejects(bench.blobs.read(goes), error => isFailure(error, 'blobNotFound'))
    assert.ok(words.equals(await bench.blobs.read(stays)))
    const [group = ''] = readdirSync(foldersOf(bench.store.folder).large)
    assert.deepEqual(readdirSync(join(foldersOf(bench.store.folder).large, group)), [])
    // Stored anew, it is a content like any other.
    assert.ok((await bench.keep(large)).equals(goes))
    assert.ok(large.equals(await bench.blobs.read(goes)))
  })

  it('files of processes that died are removed after a day, younger ones may be in use', async () => {
    await using bench = await openBench()
    const old = join(foldersOf(bench.store.folder).spool, 'old.part')
    const young = join(foldersOf(bench.store.folder).spool, 'young.part')
    for (const path of [old, young]) writeFileSync(path, 'x')
    const longAgo = (systemClock.now() - 2 * dayMs) / 1000
    utimesSync(old, longAgo, longAgo)
    assert.equal((await bench.blobs.collectGarbage()).files, 1)
    assert.deepEqual([existsSync(old), existsSync(young)], [false, true])
  })

  it('a pack that is mostly holes is rewritten while readers go on', async () => {
    await using bench = await openBench()
    const folders = foldersOf(bench.store.folder)
    const small = Buffer.from('stays where others leave')
    const kept = await bench.keep(small)
    // Fills the first pack, so that the next content begins another.
    for (let n = 0; n * 8_000_000 < packBytes; n++) await bench.keep(systemRandom.bytes(8_000_000), 10)
    await bench.keep(Buffer.from('in the second pack'))
    assert.deepEqual(segmentsIn(folders.packs).sort(), [1, 2])
    bench.pass(60_000)
    await bench.blobs.collectGarbage()
    const before = await bench.store.read(findBlob, { hash: kept })
    assert.ok(before)
    const { packs, bytes } = await bench.blobs.compact()
    assert.deepEqual([packs, bytes > packBytes / 2], [1, true])
    assert.deepEqual(segmentsIn(folders.packs), [2])
    assert.ok(small.equals(await bench.blobs.read(kept)))
    // Who still knows the old place is led to the new one.
    assert.ok(small.equals(await bench.blobs.readAt(locationOf(before))))
    assert.deepEqual(await checkInvariants(bench.store), [])
    assert.deepEqual(await bench.blobs.compact(), { packs: 0, bytes: 0 })
    using reader = openPackReader(bench.store.folder)
    assert.throws(() => reader.read(locationOf(before)), { code: 'ENOENT' })
  })
})

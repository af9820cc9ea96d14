// What every engine of the store promises. Run by `store.<engine>.test.ts`.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Failure } from '@postern/contract'
import { blobBelongsTo, collectGarbage, endReservations, findBlob, locationOf, reserveBlobs, reservedTotals } from './aggregates/blobs.ts'
import { changeSettings, getSetting, listSettings } from './aggregates/settings.ts'
import type { News, Query } from './command.ts'
import { foldersOf, hashOf, largeContentBytes } from './packs/layout.ts'
import { openPackReader } from './packs/pack-reader.ts'
import type { Store } from './store.ts'

/** `open` gives an empty store. */
export function describeStore(name: string, open: () => Promise<Store>): void {
  describe(`store contract: ${name}`, () => {
    it('a write is seen by the next read', async () => {
      await using store = await open()
      await put(store, [['a.b', '1']])
      assert.equal(await store.read(getSetting, { key: 'a.b' }), '1')
    })

    it('a text with a NUL is found nowhere rather than being an error, and written like others', async () => {
      await using store = await open()
      await put(store, [['a', '1']])
      assert.equal(await store.read(getSetting, { key: 'a\0' }), undefined)
      assert.deepEqual(await store.read(listSettings, { prefix: '\0', limit: 10 }), [])
      await put(store, [['b', 'x\0y']])
      assert.match((await store.read(getSetting, { key: 'b' })) ?? '', /^x.y$/su)
    })

    it('a command that fails undoes everything it wrote, and only that', async () => {
      await using store = await open()
      const writes = [
        put(store, [['x', '1']]),
        store.write(changeSettings, {
          operations: [
            { kind: 'put', entries: [{ key: 'y', value: '2' }] },
            { kind: 'assertAbsent', key: 'y' },
          ],
        }),
        put(store, [['z', '3']]),
      ]
      const outcomes = await Promise.allSettled(writes)
      assert.deepEqual(
        outcomes.map(outcome => outcome.status),
        ['fulfilled', 'rejected', 'fulfilled'],
      )
      const refused = outcomes[1]
      assert.ok(refused?.status === 'rejected' && refused.reason instanceof Failure && refused.reason.code === 'assertFailed')
      assert.deepEqual(await listed(store, ''), ['x', 'z'])
    })

    it('keys are listed by their bytes, page by page', async () => {
      await using store = await open()
      // Byte order, not the order of UTF-16 units: U+FFFD (ef bf bd) comes before U+1F600 (f0 …).
      const keys = ['p', 'p.', 'p.A', 'p.a', 'p.a.1', 'p.é', 'p.\u{fffd}', 'p.\u{1f600}', 'pq']
      await put(
        store,
        [...keys].reverse().map(key => [key, 'v'] as const),
      )
      assert.deepEqual(await listed(store, ''), keys)
      assert.deepEqual(await listed(store, 'p.'), keys.slice(1, -1))
      const paged: string[] = []
      for (let after: string | undefined; ; ) {
        const page = await store.read(listSettings, { prefix: 'p.', limit: 2, ...(after === undefined ? {} : { after }) })
        paged.push(...page.map(row => row.key))
        if (page.length < 2) break
        after = page.at(-1)?.key
      }
      assert.deepEqual(paged, keys.slice(1, -1))
    })

    it('a prefix is deleted whole and alone', async () => {
      await using store = await open()
      await put(store, [
        ['a', '1'],
        ['a.b', '2'],
        ['a.\u{10ffff}', '3'],
        ['aa', '4'],
      ])
      await store.write(changeSettings, { operations: [{ kind: 'deletePrefix', prefix: 'a.' }] })
      assert.deepEqual(await listed(store, ''), ['a', 'aa'])
    })

    it('announcements come after the commit, and none from a command that failed', async () => {
      await using store = await open()
      const heard: News[] = []
      const stop = store.onCommit(news => heard.push(news))
      await put(store, [['k', '1']])
      await Promise.allSettled([
        store.write(changeSettings, { operations: [{ kind: 'assertNone', prefix: '' }] }),
        put(store, [['k', '2']]),
      ])
      assert.deepEqual(
        heard.map(news => news.topic),
        ['settings', 'settings'],
      )
      stop()
      await put(store, [['k', '3']])
      assert.equal(heard.length, 2)
    })

    it('many commands at once each get their own answer', async () => {
      await using store = await open()
      await Promise.all(Array.from({ length: 300 }, (_, n) => put(store, [[`n.${n}`, String(n)]])))
      const rows = await store.read(listSettings, { prefix: 'n.', limit: 1000 })
      assert.equal(rows.length, 300)
      assert.ok(rows.every(row => row.key === `n.${row.value}`))
      assert.equal(store.stats().waitingCommands, 0)
      assert.equal(store.stats().waitingBytes, 0)
    })

    it('commands that touch the same row at once are all applied', async () => {
      await using store = await open()
      const outcomes = await Promise.allSettled(
        Array.from({ length: 40 }, (_, n) =>
          store.write(changeSettings, {
            operations: [
              { kind: 'assertAbsent', key: 'winner' },
              { kind: 'put', entries: [{ key: 'winner', value: String(n) }] },
            ],
          }),
        ),
      )
      assert.equal(outcomes.filter(outcome => outcome.status === 'fulfilled').length, 1)
      const losers = outcomes.filter(outcome => outcome.status === 'rejected')
      assert.ok(losers.every(loser => loser.reason instanceof Failure && loser.reason.code === 'assertFailed'))
    })

    it('a consistent query sees one state', async () => {
      await using store = await open()
      await put(store, [['n', '0']])
      const twice: Query<null, readonly [string, string]> = {
        name: 'test.twice',
        consistent: true,
        run: async reader => {
          const read = async (): Promise<string> =>
            (await reader.get<{ value: string }>('SELECT value FROM settings WHERE key = ?', ['n']))?.value ?? ''
          const first = await read()
          for (let turn = 0; turn < 5; turn++) await reader.get('SELECT COUNT(*) AS count FROM settings')
          return [first, await read()]
        },
      }
      const writes = Array.from({ length: 50 }, (_, n) => put(store, [['n', String(n)]]))
      const pairs = await Promise.all(Array.from({ length: 50 }, () => store.read(twice, null)))
      await Promise.all(writes)
      for (const [first, second] of pairs) assert.equal(first, second)
    })

    it('contents come back as they were stored, whatever their size', async () => {
      await using store = await open()
      using packs = openPackReader(store.folder)
      const contents = [
        Buffer.alloc(0),
        Buffer.from('x'),
        Buffer.from('the same words again and again\r\n'.repeat(500)),
        noise(5000),
        noise(largeContentBytes),
        noise(largeContentBytes + 1),
      ]
      const stored = await store.write(reserveBlobs, { kind: 'queueing', accountId: 0, until: 1000 }, { blobs: contents })
      assert.equal(stored.length, contents.length)
      for (const content of contents) {
        const row = await store.read(findBlob, { hash: hashOf(content) })
        assert.ok(row)
        const location = locationOf(row)
        assert.ok(content.equals(packs.read(location)), `content of ${content.length} bytes`)
        const middle = Math.floor(content.length / 2)
        assert.ok(content.subarray(middle, middle + 10).equals(packs.read(location, middle, middle + 10)))
        assert.equal(packs.read(location, content.length, content.length + 5).length, 0)
      }
    })

    it('equal contents are stored once, in one command and over many', async () => {
      await using store = await open()
      const content = Buffer.from('once is enough')
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          store.write(reserveBlobs, { kind: 'upload', accountId: n % 2, until: 1000 }, { blobs: [content, content] }),
        ),
      )
      assert.equal(new Set(results.flat().map(blob => blob.id)).size, 1)
      assert.deepEqual(await store.read(reservedTotals, { accountId: 1, kind: 'upload', now: 999 }), { count: 1, bytes: content.length })
      assert.deepEqual(await store.read(reservedTotals, { accountId: 1, kind: 'upload', now: 1000 }), { count: 0, bytes: 0 })
      const hash = hashOf(content)
      assert.equal(await store.read(blobBelongsTo, { hash, accountId: 1, now: 999 }), true)
      assert.equal(await store.read(blobBelongsTo, { hash, accountId: 1, now: 1000 }), false)
      assert.equal(await store.read(blobBelongsTo, { hash, accountId: 5, now: 0 }), false)
    })

    it('only contents that nobody refers to are collected, and can be stored anew', async () => {
      await using store = await open()
      const kept = Buffer.from('kept')
      const dropped = Buffer.from('dropped')
      await store.write(reserveBlobs, { kind: 'upload', accountId: 1, until: 2000 }, { blobs: [kept] })
      await store.write(reserveBlobs, { kind: 'upload', accountId: 1, until: 1000 }, { blobs: [dropped] })
      assert.equal(await store.write(endReservations, { now: 1500, limit: 10 }), 1)
      const { removed, last } = await store.write(collectGarbage, { after: 0, limit: 10, now: 1500 })
      assert.deepEqual(
        removed.map(row => Buffer.from(row.hash).toString('hex')),
        [hashOf(dropped).toString('hex')],
      )
      assert.equal(last, undefined)
      assert.equal(await store.read(findBlob, { hash: hashOf(dropped) }), undefined)
      await store.write(reserveBlobs, { kind: 'upload', accountId: 1, until: 3000 }, { blobs: [dropped] })
      using packs = openPackReader(store.folder)
      const row = await store.read(findBlob, { hash: hashOf(dropped) })
      assert.ok(row && dropped.equals(packs.read(locationOf(row))))
    })

    it('a content that is collected at the very moment it is needed again is there afterwards', async () => {
      await using store = await open()
      using packs = openPackReader(store.folder)
      for (let turn = 0; turn < 10; turn++) {
        const content = Buffer.from(`wanted in turn ${turn} `.repeat(30))
        await store.write(reserveBlobs, { kind: 'upload', accountId: 1, until: 10 }, { blobs: [content] })
        await Promise.all([
          store.write(collectGarbage, { after: 0, limit: 100, now: 20 }),
          store.write(reserveBlobs, { kind: 'upload', accountId: 2, until: 100 }, { blobs: [content] }),
        ])
        const row = await store.read(findBlob, { hash: hashOf(content) })
        assert.ok(row && content.equals(packs.read(locationOf(row))), `turn ${turn}`)
      }
    })

    it('a large content of a command that fails leaves no file', async () => {
      await using store = await open()
      const large = join(foldersOf(store.folder).large)
      const operations = [
        { kind: 'put', entries: [{ key: 'k', value: 'v' }] },
        { kind: 'assertAbsent', key: 'k' },
      ] as const
      const content = noise(largeContentBytes + 1)
      await assert.rejects(store.write(changeSettings, { operations }, { blobs: [content] }))
      assert.equal(await store.read(findBlob, { hash: hashOf(content) }), undefined)
      const files = readdirSync(large, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
      if (store.kind === 'sqlite') assert.deepEqual(files, [])
    })

    it('a spooled file that is not there spoils its own command alone', async () => {
      await using store = await open()
      const missing = { path: join(store.folder, 'nowhere'), size: 9, hash: hashOf(Buffer.from('nowhere')) }
      const outcomes = await Promise.allSettled([
        put(store, [['a', '1']]),
        store.write(reserveBlobs, { kind: 'upload', accountId: 1, until: 9 }, { blobs: [missing] }),
        put(store, [['b', '2']]),
      ])
      assert.deepEqual(
        outcomes.map(outcome => outcome.status),
        ['fulfilled', 'rejected', 'fulfilled'],
      )
      assert.deepEqual(await listed(store, ''), ['a', 'b'])
      const gone = { stored: true, size: 3, hash: hashOf(Buffer.from('never stored')) } as const
      await assert.rejects(
        store.write(reserveBlobs, { kind: 'upload', accountId: 1, until: 9 }, { blobs: [gone] }),
        (error: unknown) => error instanceof Failure && error.code === 'blobNotFound',
      )
    })

    it('writes wait while too many bytes are under way, and all succeed', async () => {
      await using store = await open()
      const contents = Array.from({ length: 60 }, () => noise(300_000))
      const writes = contents.map(content => store.write(reserveBlobs, { kind: 'upload', accountId: 1, until: 9 }, { blobs: [content] }))
      assert.ok(store.stats().waitingBytes <= testWaitingBytes)
      await Promise.all(writes)
      assert.deepEqual(await store.read(reservedTotals, { accountId: 1, kind: 'upload', now: 0 }), { count: 60, bytes: 60 * 300_000 })
    })

    it('a closed store refuses, with the declared error', async () => {
      const store = await open()
      await store[Symbol.asyncDispose]()
      const isUnavailable = (error: unknown): boolean => error instanceof Failure && error.code === 'storeUnavailable'
      await assert.rejects(put(store, [['a', 'b']]), isUnavailable)
      await assert.rejects(store.read(getSetting, { key: 'a' }), isUnavailable)
    })
  })
}

/** The bound the stores under test are opened with. */
export const testWaitingBytes = 4 * 1024 * 1024

async function put(store: Store, entries: readonly (readonly [string, string])[]): Promise<void> {
  await store.write(changeSettings, { operations: [{ kind: 'put', entries: entries.map(([key, value]) => ({ key, value })) }] })
}

async function listed(store: Store, prefix: string): Promise<string[]> {
  return (await store.read(listSettings, { prefix, limit: 1000 })).map(row => row.key)
}

// Bytes that do not compress, the same in every run.
let seed = 1
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    bytes[i] = seed >>> 24
  }
  return bytes
}

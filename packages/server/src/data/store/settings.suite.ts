// What every engine promises about the history of settings, signing keys and published records.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Failure } from '@postern/contract'
import {
  type ChangeOrigin,
  countChangeSets,
  forgetChangeSets,
  getChangeSet,
  listChangeSets,
  readRememberedFile,
  recordFileEdits,
  rememberFile,
  summarizeChangeSet,
} from './aggregates/change-sets.ts'
import { listPublishedRecords, setPublishedRecords } from './aggregates/published-records.ts'
import { changeSettings, getSetting, type SettingsOperation } from './aggregates/settings.ts'
import { listSigningKeys, putSigningKey, removeSigningKey, type SigningKey } from './aggregates/signing-keys.ts'
import type { Store } from './store.ts'

const origin = (at: number, author = 'jane'): ChangeOrigin => ({ at, author, note: `at ${at}` })

const change = (store: Store, at: number, operations: readonly SettingsOperation[], author?: string): Promise<number | undefined> =>
  store.write(changeSettings, { operations, recorded: { origin: origin(at, author), inFile: [] } })

const put = (...entries: Array<[string, string]>): SettingsOperation => ({
  kind: 'put',
  entries: entries.map(([key, value]) => ({ key, value })),
})

/** `open` gives an empty store. */
export function describeSettingsStore(name: string, open: () => Promise<Store>): void {
  describe(`settings history: ${name}`, () => {
    it('a change set has the first value and the last of each key, in key order', async () => {
      await using store = await open()
      await change(store, 1, [put(['b', '1'], ['c', '1'], ['d.x', '1'], ['d.y', '1'])])
      const id = await change(store, 2, [
        put(['b', '2'], ['a', '1']),
        put(['b', '3']),
        { kind: 'delete', keys: ['c', 'nothing'] },
        { kind: 'deletePrefix', prefix: 'd.' },
        put(['d.y', '1'], ['e', '1']),
        { kind: 'delete', keys: ['e'] },
      ])
      assert.ok(id !== undefined)
      const set = await store.read(getChangeSet, { id })
      assert.deepEqual(
        set?.differences.map(({ key, before, after }) => [key, before, after]),
        [
          ['a', undefined, '1'],
          ['b', '1', '3'],
          ['c', '1', undefined],
          ['d.x', '1', undefined],
        ],
      )
      assert.deepEqual([set?.changedAt, set?.author, set?.note], [2, 'jane', 'at 2'])
      assert.deepEqual(await store.read(summarizeChangeSet, { id, limit: 2 }), { keys: ['a', 'b'], total: 4 })
      assert.equal(await store.read(getChangeSet, { id: id + 1 }), undefined)
    })

    it('a change that fails or changes nothing leaves no set', async () => {
      await using store = await open()
      await change(store, 1, [put(['a', '1'])])
      await assert.rejects(
        change(store, 2, [put(['a', '2']), { kind: 'assertAbsent', key: 'a' }]),
        (error: unknown) => error instanceof Failure && error.code === 'assertFailed',
      )
      assert.equal(await change(store, 3, [put(['a', '1']), { kind: 'delete', keys: ['z'] }]), undefined)
      assert.equal(await store.read(getSetting, { key: 'a' }), '1')
      assert.equal(await store.read(countChangeSets, {}), 1)
    })

    it('changes of one key at once each follow the one before', async () => {
      await using store = await open()
      await Promise.all(Array.from({ length: 20 }, (_, n) => change(store, n, [put(['k', String(n)])])))
      const sets = await store.read(listChangeSets, { limit: 100 })
      assert.equal(sets.length, 20)
      let before: string | undefined
      for (const { id } of [...sets].reverse()) {
        const [difference] = (await store.read(getChangeSet, { id }))?.differences ?? []
        assert.equal(difference?.before, before)
        before = difference?.after
      }
      assert.equal(await store.read(getSetting, { key: 'k' }), before)
    })

    it('sets are listed newest first, by prefix and author, page by page', async () => {
      await using store = await open()
      for (let n = 0; n < 6; n++) await change(store, n, [put([n % 2 === 0 ? `even.${n}` : `odd.${n}`, 'x'])], n < 4 ? 'jane' : 'joe')
      const times = async (query: object): Promise<number[]> =>
        (await store.read(listChangeSets, { limit: 10, ...query })).map(({ changedAt }) => changedAt)
      assert.deepEqual(await times({}), [5, 4, 3, 2, 1, 0])
      assert.deepEqual(await times({ prefix: 'even.' }), [4, 2, 0])
      assert.deepEqual(await times({ prefix: 'even.', author: 'jane' }), [2, 0])
      assert.deepEqual(await times({ limit: 2, skip: 2 }), [3, 2])
      const third = (await store.read(listChangeSets, { limit: 3 })).at(-1)
      assert.deepEqual(await times({ before: third?.id }), [2, 1, 0])
      assert.equal(await store.read(countChangeSets, { prefix: 'odd.', author: 'joe' }), 1)
      assert.equal(await store.read(countChangeSets, { prefix: 'od' }), 3)
    })

    it('old and surplus sets are forgotten, but never the newest', async () => {
      await using store = await open()
      for (let n = 1; n <= 6; n++) await change(store, n, [put(['k', String(n)])])
      assert.equal(await store.write(forgetChangeSets, { keep: 4, since: 0, limit: 1 }), 1)
      assert.equal(await store.write(forgetChangeSets, { keep: 4, since: 0, limit: 10 }), 1)
      assert.deepEqual(
        (await store.read(listChangeSets, { limit: 10 })).map(({ changedAt }) => changedAt),
        [6, 5, 4, 3],
      )
      assert.equal(await store.write(forgetChangeSets, { keep: 4, since: 1000, limit: 10 }), 3)
      const [last] = await store.read(listChangeSets, { limit: 10 })
      assert.equal(last?.changedAt, 6)
      assert.equal((await store.read(getChangeSet, { id: last?.id ?? 0 }))?.differences.length, 1)
    })

    it('the settings file is remembered as it was last seen', async () => {
      await using store = await open()
      assert.deepEqual(await store.read(readRememberedFile, {}), [])
      await store.write(rememberFile, {
        values: [
          ['a', '1'],
          ['b', '2'],
        ],
      })
      await store.write(recordFileEdits, {
        origin: origin(1, 'file'),
        differences: [
          { key: 'a', place: 'file', before: '1', after: undefined },
          { key: 'c', place: 'file', before: undefined, after: '3' },
        ],
      })
      assert.deepEqual(await store.read(readRememberedFile, {}), [
        ['b', '2'],
        ['c', '3'],
      ])
      assert.equal(await store.read(countChangeSets, { author: 'file' }), 1)
    })

    it('keys beside a signature and published records are kept, replaced and removed', async () => {
      await using store = await open()
      const key: SigningKey = {
        signatureId: 'k',
        selector: 'next',
        algorithm: 'rsa-sha256',
        publicKey: 'p',
        privateKey: 'secret',
        createdAt: 5,
        endsAt: undefined,
      }
      const former = { ...key, selector: 'old', privateKey: undefined, endsAt: 9 }
      for (const each of [former, key, { ...key, signatureId: 'other' }]) await store.write(putSigningKey, { key: each })
      assert.deepEqual(await store.read(listSigningKeys, { signatureId: 'k' }), [key, former])
      await store.write(removeSigningKey, { signatureId: 'k', selector: 'next' })
      assert.deepEqual(
        (await store.read(listSigningKeys, {})).map(({ signatureId, selector }) => [signatureId, selector]),
        [
          ['k', 'old'],
          ['other', 'next'],
        ],
      )
      const record = { name: 'example.org', type: 'MX', content: '10 mail.example.org.' }
      await store.write(setPublishedRecords, { domain: 'example.org', records: [record, record] })
      assert.deepEqual(await store.read(listPublishedRecords, { domain: 'example.org' }), [record])
      await store.write(setPublishedRecords, { domain: 'example.org', records: [] })
      assert.deepEqual(await store.read(listPublishedRecords, { domain: 'example.org' }), [])
    })
  })
}

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Failure } from '@postern/contract'
import { createFakeClock, createRecordingTrace } from '@postern/testkit'
import fc from 'fast-check'
import { openStore, type Store } from '#data/store'
import { openSettings, type Settings, type SettingsChange } from './index.ts'

let folder: string
let store: Store
let settings: Settings

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'history-'))
  const file = join(folder, 'config.toml')
  await writeFile(file, 'server.max-connections = 5\n')
  const clock = createFakeClock()
  store = await openStore({ kind: 'sqlite', path: join(folder, 'data'), clock, trace: createRecordingTrace() })
  settings = await openSettings({ file, store, macros: { env: () => undefined, file: async () => '' }, clock })
})

after(async () => {
  await store[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

// Some of these live in the file, the others in the database.
const keys = fc.constantFrom('server.a', 'server.b.c', 'server.b', 'store.x', 'queue.a', 'queue.a.b', 'lookup.l.k', 'oauth.key')
const prefixes = fc.constantFrom('server.', 'server.b', 'queue.', 'queue.a', 'none.')
const changes = fc.array(
  fc.oneof<Array<fc.Arbitrary<SettingsChange>>>(
    fc.record({
      kind: fc.constant('put' as const),
      entries: fc.array(fc.tuple(keys, fc.string({ maxLength: 3 }).filter(isStorable)), { maxLength: 4 }),
    }),
    fc.record({ kind: fc.constant('delete' as const), keys: fc.array(keys, { maxLength: 3 }) }),
    fc.record({ kind: fc.constant('deletePrefix' as const), prefix: prefixes }),
    fc.record({ kind: fc.constant('assertAbsent' as const), key: keys }),
    fc.record({ kind: fc.constant('assertNone' as const), prefix: prefixes }),
  ),
  { maxLength: 5 },
)

function isStorable(value: string): boolean {
  return !value.includes('\0')
}

const everything = (): ReadonlyArray<readonly [string, string]> => settings.stored().withPrefix('')

test('a change does what its plan said, and its roll back brings back what was there', async () => {
  await fc.assert(
    fc.asyncProperty(changes, changes, async (first, second) => {
      await settings.change(first).catch(isRefused)
      const start = everything()
      const planned = await settings.plan(second).catch(isRefused)
      assert.deepEqual(everything(), start)
      const id = await settings.change(second).catch(isRefused)
      if (planned === undefined) return assert.deepEqual(everything(), start)
      const before = new Map(start)
      const now = new Map(everything())
      const differing = [...new Set([...before.keys(), ...now.keys()])].filter(key => before.get(key) !== now.get(key)).sort()
      assert.deepEqual(planned.differences.map(({ key }) => key).sort(), differing)
      assert.equal(id === undefined, differing.length === 0)
      if (id === undefined) return
      assert.deepEqual((await settings.changeSet(id)).differences.map(({ key }) => key).sort(), differing)
      await settings.rollBack(id, { author: 'test' })
      assert.deepEqual(everything(), start)
    }),
    { numRuns: 60 },
  )
})

function isRefused(error: unknown): undefined {
  assert.ok(error instanceof Failure && error.code === 'assertFailed', String(error))
}

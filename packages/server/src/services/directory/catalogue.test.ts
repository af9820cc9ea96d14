import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createPrincipal, deletePrincipal, listPrincipalIds, type PrincipalFilter } from '#data/store'
import { createCatalogue } from './catalogue.ts'
import { type Bench, engines, openBench, root } from './testing/bench.ts'

const filters: readonly PrincipalFilter[] = [
  { types: [], words: [] },
  { types: ['individual'], words: [] },
  { types: ['group', 'list'], words: [] },
  { types: ['individual', 'group'], words: ['a'] },
  { types: [], words: ['a', 'b'] },
  { types: [], words: ['100%_'] },
  { types: ['individual'], words: ['@'] },
]

async function agree({ store }: Bench, catalogue: ReturnType<typeof createCatalogue>, tenantId: number): Promise<void> {
  for (const filter of filters) {
    for (const own of [undefined, tenantId]) {
      const full = { ...filter, ...(own !== undefined && { tenantId: own }) }
      assert.deepEqual(await catalogue.matching(full), await store.read(listPrincipalIds, { filter: full }), JSON.stringify(full))
    }
  }
}

const name = fc.stringMatching(/^[abc]{1,3}$/)
const step = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), name, type: fc.constantFrom('individual', 'group', 'list'), tenant: fc.boolean() }),
  fc.record({ kind: fc.constant('rename' as const), name, to: name }),
  fc.record({ kind: fc.constant('describe' as const), name, text: fc.constantFrom('', 'Alpha', 'Beta a', 'ÄB') }),
  fc.record({ kind: fc.constant('move' as const), name, tenant: fc.boolean() }),
  fc.record({ kind: fc.constant('remove' as const), name }),
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

for (const engine of engines) {
  describe(`catalogue on ${engine}`, () => {
    test('whatever changes, it answers as the store would, in the same order', async () => {
      await using bench = await openBench(engine)
      const { directory, store } = bench
      const tenantId = await directory.create(root, { type: 'tenant', name: 't' })
      await directory.create(root, { type: 'domain', name: 'x.test', tenant: 't' })
      const kept = createCatalogue(store)
      const textless = createCatalogue(store, 10)
      const growing = createCatalogue(store, 150)
      const act = async (given: Step): Promise<void> => {
        const change = (field: string, value: string) => directory.change(root, given.name, [{ action: 'set', field, value }])
        if (given.kind === 'create') {
          const named = given.tenant ? `${given.name}@x.test` : given.name
          await directory.create(root, { type: given.type, name: named, ...(given.tenant && { tenant: 't' }) })
        } else if (given.kind === 'rename') await change('name', given.to)
        else if (given.kind === 'describe') await change('description', given.text)
        else if (given.kind === 'move') await change('tenant', given.tenant ? 't' : '')
        else await directory.remove(root, given.name)
      }
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async steps => {
          for (const given of steps) await act(given).catch(() => {})
          await agree(bench, kept, tenantId)
          await agree(bench, textless, tenantId)
          await agree(bench, growing, tenantId)
        }),
        { numRuns: engine === 'sqlite' ? 40 : 10 },
      )
    })

    test('a new one reads thousands in slices, and an old one catches up with thousands', async () => {
      await using bench = await openBench(engine)
      const { store } = bench
      const early = createCatalogue(store)
      assert.deepEqual(await early.matching({ types: [], words: [] }), [])
      const relations = { memberOf: [], lists: [], roles: [] }
      const make = (n: number): Promise<number> =>
        store.write(createPrincipal, { principal: { type: 'individual', name: `n${n}`, emails: [], values: {}, members: [], relations } })
      for (let from = 0; from < 5200; from += 400) {
        await Promise.all(Array.from({ length: 400 }, (_, n) => make(from + n)))
      }
      const during = createCatalogue(store)
      const [first, , removed] = await Promise.all([
        during.matching({ types: [], words: ['n'] }),
        make(9999),
        store.write(deletePrincipal, { id: 17 }),
      ])
      assert.ok(removed && Math.abs(first.length - 5200) <= 1)
      for (const catalogue of [early, during]) {
        assert.deepEqual(
          await catalogue.matching({ types: [], words: [] }),
          await store.read(listPrincipalIds, { filter: { types: [], words: [] } }),
        )
      }
    })
  })
}

test('names are ordered by their bytes, beyond the basic plane too', async () => {
  await using bench = await openBench()
  for (const name of ['z', 'é', '\u{10400}', '\uff21', '𝐚', 'a']) await bench.directory.create(root, { type: 'group', name })
  const names = (await bench.directory.list(root, { types: ['group'] })).items.map(item => String(item.name))
  assert.deepEqual(
    names,
    [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  )
  await bench.directory.create(root, { type: 'group', name: '\u{1f600}' })
  await bench.directory.create(root, { type: 'group', name: '\uffe6' })
  const more = (await bench.directory.list(root, { types: ['group'] })).items.map(item => String(item.name))
  assert.deepEqual(
    more,
    [...more].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  )
  assert.equal(more.length, 8)
})

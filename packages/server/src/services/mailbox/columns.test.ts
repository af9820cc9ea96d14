import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { createColumnReader } from './columns.ts'
import { flagBits } from './index.ts'
import { anyLetter, openBench } from './testing.ts'

it('columns brought forward by changes equal columns read anew', async () => {
  await using bench = await openBench()
  const account = await bench.mailboxes.open(1)
  const step = fc.oneof(
    fc.constant({ kind: 'append' } as const),
    fc.record({ kind: fc.constant('remove' as const), uids: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 6 }) }),
    fc.record({
      kind: fc.constant('flag' as const),
      uids: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 6 }),
      flags: fc.nat(31),
      keywords: fc.subarray(['x', 'y', 'z']),
    }),
  )
  const kept = createColumnReader(bench.store, { maxBytes: 1e6, maxAccounts: 10 })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async steps => {
      for (const one of steps) {
        if (one.kind === 'append') await account.append({ content: anyLetter(), mailboxIds: [0], flags: flagBits.flagged })
        if (one.kind === 'remove') await account.remove(0, one.uids)
        if (one.kind === 'flag') await account.changeKeywords(0, one.uids, { mode: 'replace', flags: one.flags, keywords: one.keywords })
        if (steps.length % 2 === 0) await kept.columns(1, 0)
      }
      const fresh = createColumnReader(bench.store, { maxBytes: 1e6, maxAccounts: 10 })
      assert.deepEqual(await kept.columns(1, 0), await fresh.columns(1, 0))
    }),
    { numRuns: 25 },
  )
})

it('without a change the same columns are given again', async () => {
  await using bench = await openBench()
  const account = await bench.mailboxes.open(1)
  await account.append({ content: anyLetter(), mailboxIds: [0] })
  const first = await account.columns(0)
  assert.equal(await account.columns(0), first)
  await account.append({ content: anyLetter(), mailboxIds: [1] })
  assert.equal(await account.columns(0), first, 'a change elsewhere does not matter')
  await account.append({ content: anyLetter(), mailboxIds: [0] })
  assert.notEqual(await account.columns(0), first)
  assert.equal(first.count, 1, 'a snapshot never changes')
})

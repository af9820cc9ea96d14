import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createAdmission } from './admission.ts'
import { createLanes } from './postgresql/lanes.ts'
import { numberPlaceholders } from './postgresql/placeholders.ts'

describe('admission', () => {
  it('lets in what fits, in the order of arrival, and something too large alone', async () => {
    const admission = createAdmission(10)
    const order: string[] = []
    const enter = (name: string, bytes: number): Promise<void> => admission.enter(bytes).then(() => void order.push(name))
    await enter('a', 6)
    const b = enter('b', 6)
    const c = enter('c', 1)
    await Promise.resolve()
    assert.deepEqual([order, admission.held()], [['a'], 6], 'c does not overtake b')
    admission.leave(6)
    await Promise.all([b, c])
    assert.deepEqual(order, ['a', 'b', 'c'])
    const d = enter('d', 100)
    admission.leave(6)
    admission.leave(1)
    await d
    assert.equal(admission.held(), 100)
    const empty = admission.empty()
    admission.leave(100)
    await empty
  })
})

describe('lanes', () => {
  it('one lane is a line, also behind a failure; others do not wait', async () => {
    const lanes = createLanes()
    const order: string[] = []
    const gate = Promise.withResolvers<void>()
    const first = lanes.run('x', async () => {
      await gate.promise
      order.push('first')
      throw new Error('first fails')
    })
    const second = lanes.run('x', async () => order.push('second'))
    await lanes.run('y', async () => order.push('other'))
    gate.resolve()
    await assert.rejects(first, /first fails/)
    await second
    assert.deepEqual(order, ['other', 'first', 'second'])
  })
})

describe('placeholders', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['SELECT 1', 'SELECT 1'],
    ['a = ? AND b = ?', 'a = $1 AND b = $2'],
    ["a = '?' AND b = ?", "a = '?' AND b = $1"],
    ["a = 'it''s ?' AND b = ?", "a = 'it''s ?' AND b = $1"],
    ['"what?" = ?', '"what?" = $1'],
  ]
  for (const [sql, expected] of cases) it(sql, () => assert.equal(numberPlaceholders(sql), expected))
})

describe('writer thread', () => {
  it('does not load the contract: commands refuse by `refusal`', () => {
    const store = join(import.meta.dirname, '..')
    const loaded = [
      ...readdirSync(join(store, 'aggregates')).map(name => join('aggregates', name)),
      'commands.ts',
      'command.ts',
      'refusal.ts',
    ]
    const heavy = loaded.filter(
      name => !name.endsWith('.test.ts') && /^import \{[^}]*\} from '@postern\/contract'/m.test(readFileSync(join(store, name), 'utf8')),
    )
    assert.deepEqual(heavy, [])
  })
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Bench, openBench, refused, root } from './testing/bench.ts'

const types = ['individual', 'group', 'list', 'domain', 'tenant', 'role', 'apiKey', 'oauthClient', 'resource', 'location'] as const
type Type = (typeof types)[number]
const fields = ['memberOf', 'lists', 'roles', 'members'] as const
type Field = (typeof fields)[number]

/** Which types may stand at the other end after a change. */
const allowed: Readonly<Record<Type, Readonly<Record<Field, readonly Type[]>>>> = {
  individual: { memberOf: ['group', 'individual'], lists: ['list'], roles: ['role'], members: [] },
  group: { memberOf: ['group'], lists: ['list'], roles: ['role'], members: ['individual', 'group'] },
  list: { memberOf: [], lists: [], roles: [], members: ['individual', 'group'] },
  role: { memberOf: [], lists: [], roles: ['role'], members: ['role'] },
  tenant: { memberOf: [], lists: [], roles: ['role'], members: [] },
  resource: { memberOf: [], lists: [], roles: [], members: ['resource'] },
  location: { memberOf: [], lists: [], roles: [], members: ['location', 'resource', 'individual', 'group'] },
  domain: { memberOf: [], lists: [], roles: [], members: [] },
  apiKey: { memberOf: [], lists: [], roles: ['role'], members: [] },
  oauthClient: { memberOf: [], lists: [], roles: [], members: [] },
}

let bench: Bench

const nameOf = (prefix: string, type: Type): string => (type === 'domain' ? `${prefix}.example` : `${prefix}-${type}`.toLowerCase())

before(async () => {
  bench = await openBench()
  for (const type of types) {
    for (const prefix of ['subject', 'target']) await bench.directory.create(root, { type, name: nameOf(prefix, type) })
  }
})

after(() => bench[Symbol.asyncDispose]())

for (const type of types) {
  for (const field of fields) {
    test(`${type}: ${field} takes ${allowed[type][field].join(', ') || 'nothing'}`, async () => {
      const subject = nameOf('subject', type)
      for (const other of types) {
        const value = nameOf('target', other)
        const add = (): Promise<void> => bench.directory.change(root, subject, [{ action: 'addItem', field, value }])
        const set = (): Promise<void> => bench.directory.change(root, subject, [{ action: 'set', field, value: [value] }])
        if (!allowed[type][field].includes(other)) {
          await assert.rejects(add(), refused('other', { details: `Invalid ${field} value` }), `${other} was taken`)
          await assert.rejects(set(), refused('other', { details: `Invalid ${field} value` }))
          continue
        }
        await add()
        await add()
        const shownAs = field === 'members' ? 'members' : other === 'list' ? 'lists' : other === 'role' ? 'roles' : 'memberOf'
        assert.deepEqual((await bench.directory.get(root, subject))[shownAs], [value])
        await bench.directory.change(root, subject, [{ action: 'removeItem', field, value }])
        assert.equal((await bench.directory.get(root, subject))[shownAs], undefined)
        await set()
        await bench.directory.change(root, subject, [{ action: 'set', field, value: [] }])
        assert.equal((await bench.directory.get(root, subject))[shownAs], undefined)
      }
      await assert.rejects(bench.directory.change(root, subject, [{ action: 'addItem', field, value: 'nobody' }]), refused('notFound'))
      await bench.directory.change(root, subject, [{ action: 'removeItem', field, value: 'nobody' }])
    })
  }
}

test('built-in roles go where roles go, by PATCH as by POST', async () => {
  for (const type of ['individual', 'group', 'tenant', 'role', 'apiKey'] as const) {
    await bench.directory.change(root, nameOf('subject', type), [{ action: 'set', field: 'roles', value: ['user'] }])
    assert.deepEqual((await bench.directory.get(root, nameOf('subject', type))).roles, ['user'])
  }
})

test('a new principal of any type may stand in groups, lists and roles, and have members', async () => {
  const input = { memberOf: 'target-group', lists: 'target-list', roles: ['target-role', 'user'], members: 'target-resource' }
  for (const type of types) {
    const name = nameOf('new', type)
    await bench.directory.create(root, { ...input, type, name })
    const shown = await bench.directory.get(root, name)
    assert.deepEqual([shown.memberOf, shown.lists], [['target-group'], ['target-list']], type)
    assert.deepEqual(shown.roles, ['target-role', 'user'])
    if (type !== 'domain' && type !== 'tenant') assert.deepEqual(shown.members, ['target-resource'])
  }
  await assert.rejects(bench.directory.create(root, { name: 'x', memberOf: 'target-individual' }), refused('notFound'))
  await assert.rejects(bench.directory.create(root, { name: 'x', roles: 'target-group' }), refused('notFound', { item: 'target-group' }))
})

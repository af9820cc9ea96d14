import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Failure } from '@postern/contract'
import fc from 'fast-check'
import type { PrincipalOutput } from './index.ts'
import { type Bench, engines, openBench, refused, root } from './testing/bench.ts'

/** What an account is, as far as the operations below can change it. */
interface Model {
  description: string
  emails: string[]
  emptied: boolean
  urls: string[]
  secrets: string[]
  memberOf: Set<string>
  roles: Set<string>
  quota: number | undefined
}

const groups = ['one', 'two']

type Operation = { readonly action: 'set' | 'addItem' | 'removeItem'; readonly field: string; readonly value: string | number | string[] }

const listOf = (items: fc.Arbitrary<string>) => fc.array(items, { maxLength: 3 })
const email = fc.constantFrom('a@example.org', 'b@example.org', 'A@Example.org', 'x@unknown.example', 'taken@example.org', 'none')
const secret = fc.constantFrom('p', 'q', 'otpauth://totp/a?secret=AA', 'otpauth://totp/b?secret=BB', '$app$x$1', '$app$xy$2')
const group = fc.constantFrom('one', 'two', 'ONE', 'nobody', 'taken')
const role = fc.constantFrom('user', 'helper', 'wizard')
const url = fc.constantFrom('https://a.test/', 'https://b.test/')

const one = (field: string, item: fc.Arbitrary<string>): fc.Arbitrary<Operation> =>
  fc.oneof(
    fc.record({ action: fc.constant('set' as const), field: fc.constant(field), value: listOf(item) }),
    fc.record({ action: fc.constantFrom('addItem' as const, 'removeItem' as const), field: fc.constant(field), value: item }),
    fc.record({ action: fc.constant('addItem' as const), field: fc.constant(field), value: listOf(item) }),
  )

const operation: fc.Arbitrary<Operation> = fc.oneof(
  one('emails', email),
  one('secrets', fc.oneof(secret, fc.constant(''))),
  one('memberOf', group),
  one('roles', role),
  one('urls', url),
  fc.record({
    action: fc.constantFrom('set' as const, 'addItem' as const),
    field: fc.constant('description'),
    value: fc.constantFrom('', 'text'),
  }),
  fc.record({ action: fc.constant('set' as const), field: fc.constant('quota'), value: fc.oneof(fc.nat(9), fc.constantFrom('', 'x')) }),
  fc.record({
    action: fc.constant('set' as const),
    field: fc.constantFrom('type', 'usedQuota', 'members'),
    value: fc.constantFrom('group', 'one'),
  }),
)

class Refused extends Error {}

const stored = (given: string): string => (/^(\$|otpauth:)/.test(given) ? given : `{PLAIN}${given}`)

/** The rules once more, as plainly as they can be said. */
function apply(model: Model, { action, field, value }: Operation): void {
  const isList = Array.isArray(value)
  if (field === 'description') {
    if (action !== 'set') throw new Refused()
    model.description = String(value)
    return
  }
  if (field === 'quota') {
    if (value === 'x') throw new Refused()
    model.quota = typeof value === 'number' ? value : undefined
    return
  }
  if (!['emails', 'secrets', 'memberOf', 'roles', 'urls'].includes(field)) throw new Refused()
  if (isList && action !== 'set') throw new Refused()
  const items = (isList ? value : [String(value)]) as string[]
  if (field === 'urls') {
    if (action === 'set') model.urls = [...new Set(items)]
    else if (action === 'addItem') model.urls = [...new Set([...model.urls, ...items])]
    else model.urls = model.urls.filter(item => !items.includes(item))
  }
  if (field === 'emails') {
    const lower = items.map(item => item.toLowerCase())
    if (action === 'removeItem') model.emails = model.emails.filter(item => !lower.includes(item))
    else {
      if (lower.some(item => !['a@example.org', 'b@example.org'].includes(item))) throw new Refused()
      model.emails = [...new Set(action === 'set' ? lower : [...model.emails, ...lower])]
    }
    model.emptied = action === 'set' && model.emails.length === 0
  }
  if (field === 'memberOf' || field === 'roles') {
    const names = field === 'roles' ? ['user', 'helper'] : groups
    const known = field === 'roles' ? items : items.map(item => item.toLowerCase())
    const unknown = known.some(item => !names.includes(item))
    if (action !== 'removeItem' && unknown) throw new Refused()
    const current = action === 'set' ? [] : [...model[field]]
    model[field] = action === 'removeItem' ? new Set(current.filter(item => !known.includes(item))) : new Set([...current, ...known])
  }
  if (field === 'secrets') changeSecrets(model, action, items)
}

function changeSecrets(model: Model, action: Operation['action'], items: readonly string[]): void {
  const isSpecial = (item: string): boolean => item.startsWith('otpauth://') || item.startsWith('$app$')
  if (action === 'set') model.secrets = [...new Set(items.map(stored))]
  for (const item of action === 'addItem' ? items : []) {
    if (model.secrets.includes(stored(item))) continue
    if (item.startsWith('otpauth://')) model.secrets.unshift(stored(item))
    else model.secrets.push(stored(item))
  }
  for (const item of action === 'removeItem' ? items : []) {
    model.secrets = model.secrets.filter(secretOf =>
      item === '' ? isSpecial(secretOf) : isSpecial(item) ? !secretOf.startsWith(item) : secretOf !== stored(item),
    )
  }
}

const listed = (value: unknown): unknown[] => (Array.isArray(value) ? value : value === undefined ? [] : [value])

function modelOf(shown: PrincipalOutput): Model {
  return {
    description: String(shown.description ?? ''),
    emails: listed(shown.emails) as string[],
    emptied: Array.isArray(shown.emails) && shown.emails.length === 0,
    urls: listed(shown.urls) as string[],
    secrets: listed(shown.secrets) as string[],
    memberOf: new Set(listed(shown.memberOf) as string[]),
    roles: new Set(listed(shown.roles) as string[]),
    quota: shown.quota as number | undefined,
  }
}

describe('PATCH', () => {
  let bench: Bench

  before(async () => {
    bench = await openBench()
    await bench.directory.create(root, { type: 'domain', name: 'example.org' })
    for (const name of groups) await bench.directory.create(root, { type: 'group', name })
    await bench.directory.create(root, { type: 'role', name: 'helper' })
    await bench.directory.create(root, { type: 'list', name: 'taken', emails: 'taken@example.org' })
    await bench.directory.create(root, { name: 'subject' })
  })

  after(() => bench[Symbol.asyncDispose]())

  test('is all or nothing, and what comes of it is what the rules say', async () => {
    let applied = 0
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 5 }), async operations => {
        const expected = modelOf(await bench.directory.get(root, 'subject'))
        const unchanged = structuredClone(expected)
        let isRefused = false
        try {
          for (const item of operations) apply(expected, item)
        } catch (error) {
          if (!(error instanceof Refused)) throw error
          isRefused = true
        }
        const outcome = bench.directory.change(root, 'subject', operations)
        if (isRefused) await assert.rejects(outcome, Failure)
        else {
          await outcome
          applied++
        }
        assert.deepEqual(modelOf(await bench.directory.get(root, 'subject')), isRefused ? unchanged : expected)
      }),
      { numRuns: 400 },
    )
    assert.ok(applied > 50, `${applied} changes were applied`)
  })

  test('of several mistakes the first is told', async () => {
    const operations = [
      { action: 'addItem', field: 'memberOf', value: 'nobody' },
      { action: 'addItem', field: 'emails', value: 'none' },
    ]
    await assert.rejects(bench.directory.change(root, 'subject', operations), refused('notFound', { item: 'nobody' }))
    await assert.rejects(bench.directory.change(root, 'subject', [...operations].reverse()), refused('other', { details: 'Invalid email' }))
  })

  test('an empty list of addresses reads back as one, absent addresses do not', async () => {
    await bench.directory.change(root, 'subject', [{ action: 'set', field: 'emails', value: ['a@example.org'] }])
    await bench.directory.change(root, 'subject', [{ action: 'removeItem', field: 'emails', value: 'a@example.org' }])
    assert.equal((await bench.directory.get(root, 'subject')).emails, undefined)
    await bench.directory.change(root, 'subject', [{ action: 'set', field: 'emails', value: [] }])
    assert.deepEqual((await bench.directory.get(root, 'subject')).emails, [])
  })

  test('a creation takes long texts in lists, texts as quota, and asks for no single text over 512 bytes', async () => {
    await bench.directory.create(root, { name: 'long', secrets: ['x'.repeat(100_000)], quota: 'big' })
    assert.equal((await bench.directory.get(root, 'long')).quota, undefined)
    await bench.directory.create(root, { name: 'number', quota: '77' })
    assert.equal((await bench.directory.get(root, 'number')).quota, 77)
    await assert.rejects(bench.directory.create(root, { name: 'x', secrets: 'x'.repeat(513) }), refused('invalidParameters'))
    await assert.rejects(bench.directory.create(root, { name: 'x', quota: '9'.repeat(513) }), refused('invalidParameters'))
  })

  test('a creation tells what is wrong with names before what is wrong with permissions and addresses', async () => {
    const bad = { enabledPermissions: 'fly', emails: 'none' }
    await assert.rejects(bench.directory.create(root, { ...bad, name: 'subject' }), refused('fieldAlreadyExists', { field: 'name' }))
    await assert.rejects(bench.directory.create(root, { ...bad, name: 'x', tenant: 'no' }), refused('notFound', { item: 'no' }))
    await assert.rejects(bench.directory.create(root, { ...bad, name: 'x', lists: 'no' }), refused('notFound', { item: 'no' }))
    await assert.rejects(
      bench.directory.create(root, { ...bad, name: 'x' }),
      refused('other', { details: 'Invalid enabledPermissions value' }),
    )
    await assert.rejects(bench.directory.create(root, { name: 'x', emails: 'none' }), refused('other', { details: 'Invalid email' }))
  })
})

for (const engine of engines) {
  describe(`at the same time, on ${engine}`, () => {
    test('of many creations of one name or address one wins, and the others are told that it exists', async () => {
      await using bench = await openBench(engine)
      await bench.directory.create(root, { type: 'domain', name: 'example.org' })
      for (const [field, make] of [
        ['name', (n: number) => ({ type: n % 2 === 0 ? 'group' : 'list', name: n % 3 === 0 ? 'RACE' : 'race' })],
        ['emails', (n: number) => ({ name: `racer${n}`, emails: 'race@example.org' })],
      ] as const) {
        const outcomes = await Promise.allSettled(Array.from({ length: 12 }, (_, n) => bench.directory.create(root, make(n))))
        assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
        for (const outcome of outcomes) if (outcome.status === 'rejected') refused('fieldAlreadyExists', { field })(outcome.reason)
      }
    })

    test('all changes of one principal arrive', async () => {
      await using bench = await openBench(engine)
      await bench.directory.create(root, { name: 'busy' })
      const change = (action: string, field: string, value: string) => bench.directory.change(root, 'busy', [{ action, field, value }])
      await Promise.all(Array.from({ length: 20 }, (_, n) => change('addItem', 'secrets', `secret ${n}`)))
      await Promise.all(Array.from({ length: 20 }, (_, n) => change('addItem', 'urls', `https://${n}.test/`)))
      const shown = await bench.directory.get(root, 'busy')
      assert.equal(new Set(shown.secrets as string[]).size, 20)
      assert.equal(new Set(shown.urls as string[]).size, 20)
      await Promise.all(Array.from({ length: 20 }, (_, n) => change('removeItem', 'secrets', `secret ${n}`)))
      assert.equal((await bench.directory.get(root, 'busy')).secrets, undefined)
    })

    test('a principal that is deleted while it is changed is gone, cleanly', async () => {
      await using bench = await openBench(engine)
      for (let n = 0; n < 5; n++) {
        await bench.directory.create(root, { name: 'brief' })
        const change = () => bench.directory.change(root, 'brief', [{ action: 'addItem', field: 'secrets', value: 'x' }])
        const outcomes = await Promise.allSettled([change(), bench.directory.remove(root, 'brief'), change()])
        assert.equal(outcomes[1].status, 'fulfilled')
        for (const outcome of outcomes) if (outcome.status === 'rejected') refused('notFound')(outcome.reason)
        await assert.rejects(bench.directory.get(root, 'brief'), refused('notFound'))
      }
    })
  })
}

test('a NUL is refused in every text', async () => {
  await using bench = await openBench()
  const { directory } = bench
  await directory.create(root, { name: 'plain-texts' })
  for (const field of ['description', 'picture', 'urls', 'secrets', 'members', 'memberOf', 'roles', 'externalMembers']) {
    await assert.rejects(directory.create(root, { type: 'group', name: 'nul', [field]: 'a\0b' }), refused('invalidParameters'), field)
    const operations = [{ action: 'set', field, value: 'a\0b' }]
    await assert.rejects(directory.change(root, 'plain-texts', operations), refused('invalidParameters'), field)
  }
})

test('an account has at most 100 secrets: each costs time at every login that fails', async () => {
  await using bench = await openBench()
  const { directory } = bench
  const secrets = (count: number) => Array.from({ length: count }, (_, index) => `{PLAIN}${index}`)
  const tooMany = refused('other', { details: 'More than 100 secrets' })
  await assert.rejects(directory.create(root, { name: 'key-ring', secrets: secrets(101) }), tooMany)
  await directory.create(root, { name: 'key-ring', secrets: secrets(100) })
  const change = (action: string, value: unknown) => directory.change(root, 'key-ring', [{ action, field: 'secrets', value }])
  await assert.rejects(change('addItem', '{PLAIN}more'), tooMany)
  await assert.rejects(change('set', secrets(101)), tooMany)
  await change('removeItem', '{PLAIN}0')
  await change('addItem', '{PLAIN}more')
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Bench, openBench, refused, root } from './testing/bench.ts'

let bench: Bench

before(async () => {
  bench = await openBench()
  await bench.directory.create(root, { type: 'domain', name: 'paypal.example' })
  await bench.directory.create(root, { type: 'domain', name: 'cocoa.example' })
  await bench.directory.create(root, { type: 'domain', name: 'Bücher.example' })
})

after(() => bench[Symbol.asyncDispose]())

const folded: ReadonlyArray<readonly [name: string, given: string, stored: string]> = [
  ['capitals', 'JANE.Doe', 'jane.doe'],
  ['a decomposed letter', 'ame\u0301lie', 'amélie'],
  ['Greek capitals', 'ΣΟΦΊΑ', 'σοφία'],
  ['a name in Cyrillic', 'Иван', 'иван'],
  ['words in two alphabets', 'проект-api', 'проект-api'],
  ['Japanese with Latin letters', '株式会社abc', '株式会社abc'],
]
for (const [what, given, stored] of folded) {
  test(`${what}: stored folded, found in every spelling`, async () => {
    await bench.directory.create(root, { name: given })
    assert.equal((await bench.directory.get(root, given)).name, stored)
    assert.equal((await bench.directory.byName(given.normalize('NFD')))?.name, stored)
    await assert.rejects(bench.directory.create(root, { type: 'group', name: stored.normalize('NFD') }), refused('fieldAlreadyExists'))
    assert.equal((await bench.directory.list(root, { filter: given.normalize('NFD') })).total, 1)
  })
}

const bad: ReadonlyArray<readonly [name: string, input: Record<string, unknown>]> = [
  ['a space', { name: 'a b' }],
  ['a line feed', { name: 'a\nb' }],
  ['a NUL', { name: 'a\0b' }],
  ['a right-to-left override', { name: 'a\u202eb' }],
  ['a bidi isolate', { name: 'a\u2066b' }],
  ['a zero-width joiner', { name: 'a\u200db' }],
  ['a soft hyphen', { name: 'a\u00adb' }],
  ['a Hangul filler, which draws nothing', { name: 'a\u3164b' }],
  ['a variation selector', { name: 'a\ufe0fb' }],
  ['a private character', { name: 'a\ue000b' }],
  ['256 bytes', { name: 'é'.repeat(128) }],
  ['Latin with a Cyrillic letter', { name: 'p\u0430ypal' }],
  ['Latin with a Greek letter', { name: 'g\u03bfogle' }],
  ['a domain with a Cyrillic letter among Latin ones', { type: 'domain', name: 'p\u0430ypal.example' }],
  ['a domain all in Cyrillic that looks like one that is there', { type: 'domain', name: 'сосоа.example' }],
  ['the same in A-labels', { type: 'domain', name: new URL('http://сосоа.example').hostname }],
  ['a domain that is an address', { type: 'domain', name: '192.0.2.1' }],
  ['a domain with an empty label', { type: 'domain', name: 'a..example' }],
  ['a domain with a path', { type: 'domain', name: 'a.example/b' }],
  ['a domain with a port', { type: 'domain', name: 'a.example:25' }],
  ['a domain with a user', { type: 'domain', name: 'u@a.example' }],
  ['a domain with a label of 64', { type: 'domain', name: `${'a'.repeat(64)}.example` }],
  ['a domain in percents', { type: 'domain', name: 'a%2eexample' }],
]
for (const [what, input] of bad) {
  test(`${what} is refused, on creation as on renaming`, async () => {
    await assert.rejects(bench.directory.create(root, input), refused('other', { details: 'Invalid principal name' }))
    const type = input['type'] ?? 'individual'
    const name = type === 'domain' ? 'renamed.example' : 'renamed'
    await bench.directory.create(root, { type, name }).catch(() => {})
    await assert.rejects(
      bench.directory.change(root, name, [{ action: 'set', field: 'name', value: input['name'] }]),
      refused('other', { details: 'Invalid principal name' }),
    )
  })
}

test('domains are kept in A-labels and known in both forms', async () => {
  assert.equal((await bench.directory.get(root, 'xn--bcher-kva.example')).name, 'xn--bcher-kva.example')
  assert.ok(await bench.directory.isLocalDomain('BÜCHER.example'))
  const id = await bench.directory.create(root, { name: 'leser', emails: 'Leser@BÜCHER.example' })
  assert.equal((await bench.directory.get(root, 'leser')).emails, 'leser@xn--bcher-kva.example')
  for (const address of ['leser@bücher.example', 'LESER@xn--bcher-kva.example', 'leser@bu\u0308cher.example']) {
    assert.deepEqual(await bench.directory.resolve(address), { kind: 'mailbox', accountId: id, name: 'leser' })
    assert.ok(await bench.directory.ownsAddress(id, address))
  }
  await bench.directory.change(root, 'leser', [{ action: 'removeItem', field: 'emails', value: 'leser@BÜCHER.example' }])
  assert.equal((await bench.directory.get(root, 'leser')).emails, undefined)
})

test('a domain of plain letters imitates nobody', async () => {
  for (const name of ['corn.example', 'com.example', 'paypa1.example']) await bench.directory.create(root, { type: 'domain', name })
})

const badAddresses = [
  'x',
  'x@',
  '@',
  'a@b@paypal.example',
  'a b@paypal.example',
  'a\u200bb@paypal.example',
  'p\u0430ul@paypal.example',
  'a@-x',
]
for (const address of badAddresses) {
  test(`${JSON.stringify(address)} is no address`, async () => {
    await assert.rejects(
      bench.directory.create(root, { name: 'addressee', emails: address }),
      refused('other', { details: 'Invalid email' }),
    )
    await assert.rejects(
      bench.directory.change(root, 'renamed', [{ action: 'addItem', field: 'emails', value: address }]),
      refused('other', { details: 'Invalid email' }),
    )
  })
}

test('external members are addresses with a domain of two labels, without white space', async () => {
  await bench.directory.create(root, { type: 'list', name: 'circle', externalMembers: [' Bob @Other.test', 'eva@bücher.test'] })
  assert.deepEqual((await bench.directory.get(root, 'circle')).externalMembers, ['bob@other.test', 'eva@xn--bcher-kva.test'])
  for (const value of ['bob', 'bob@localhost', '@other.test', 'a@b@other.test', 'a\u202eb@other.test']) {
    await assert.rejects(
      bench.directory.change(root, 'circle', [{ action: 'addItem', field: 'externalMembers', value }]),
      refused('other', { details: 'Invalid email address' }),
    )
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileLocalKeys } from './local-keys.ts'
import { expandMacros } from './macros.ts'

const sources = {
  env: (name: string) => ({ HOME: '/srv', NESTED: '%{file:/secret}%' })[name],
  file: async (path: string) => {
    if (path !== '/secret') throw new Error('no such file')
    return 'hush\n'
  },
}

test('macros are replaced: environment, files, keys, several in a value', async () => {
  const raw = new Map([
    ['a', '%{env:HOME}%/x/%{env:HOME}%'],
    ['b', 'pw=%{file:///secret}%'],
    ['c', '<%{cfg:a}%>'],
    ['d', '%{env:NESTED}%'],
    ['plain', '100%'],
  ])
  const { values, errors } = await expandMacros(raw, sources)
  assert.deepEqual(Object.fromEntries(values), { a: '/srv/x//srv', b: 'pw=hush\n', c: '</srv/x//srv>', d: 'hush\n', plain: '100%' })
  assert.equal(errors.size, 0)
})

test('what is missing is reported by key', async () => {
  const { values, errors } = await expandMacros(
    new Map([
      ['a', 'x%{env:NOPE}%'],
      ['b', '%{file:/none}%'],
      ['c', '%{cfg:nope}%'],
    ]),
    sources,
  )
  assert.deepEqual(Object.fromEntries(values), { a: 'x', b: '%{file:/none}%', c: '' })
  assert.deepEqual([...errors.keys()], ['a', 'b', 'c'])
})

const cases: ReadonlyArray<[patterns: string[], key: string, local: boolean]> = [
  [['server.*', '!server.blocked-ip.*'], 'server.hostname', true],
  [['server.*', '!server.blocked-ip.*'], 'server.blocked-ip.1.2.3.4', false],
  [['!server.blocked-ip.*', 'server.*'], 'server.blocked-ip.1.2.3.4', false],
  [['*'], 'anything', true],
  [['*.secret'], 'a.secret', true],
  [['*cret*'], 'a.secret.b', true],
  [['store.*.type'], 'store.main.type', true],
  [['store.?.type'], 'store.main.type', false],
  [['storage.data'], 'storage.data.x', false],
  [['Storage.Data '], 'storage.data', true],
  [['a\\*b'], 'a*b', true],
  [['a\\*b'], 'axb', false],
]
for (const [patterns, key, local] of cases) {
  test(`${key} is ${local ? '' : 'not '}local under ${patterns.join(' ')}`, () => assert.equal(compileLocalKeys(patterns)(key), local))
}

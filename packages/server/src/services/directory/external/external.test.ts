import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readClass, readQuotaText } from './index.ts'
import { escapeFilterValue, escapeNameValue, fillTemplate, firstNameValue } from './ldap-texts.ts'
import { createPlaces } from './places.ts'

// The examples of RFC 4515 §4 and RFC 4514 §4.
const filterValues = [
  ['Parens R Us (for all your parenthetical needs)', 'Parens R Us \\28for all your parenthetical needs\\29'],
  ['*', '\\2a'],
  ['C:\\MyFile', 'C:\\5cMyFile'],
  ['a\0b', 'a\\00b'],
  ['Lučić', 'Lučić'],
] as const
for (const [value, escaped] of filterValues) {
  test(`${JSON.stringify(value)} in a filter is ${escaped}`, () => assert.equal(escapeFilterValue(value), escaped))
}

const nameValues = [
  ['Sue, Grabbit and Runn', 'Sue\\, Grabbit and Runn'],
  ['James "Jim" Smith', 'James \\"Jim\\" Smith'],
  ['#hash', '\\#hash'],
  [' space ', '\\ space\\ '],
  ['a+b=c;d<e>f\\', 'a\\+b\\=c\\;d\\<e\\>f\\\\'],
] as const
for (const [value, escaped] of nameValues) {
  test(`${JSON.stringify(value)} in a name is ${escaped}`, () => {
    assert.equal(escapeNameValue(value), escaped)
    assert.equal(firstNameValue(`uid=${escaped},dc=example`), value.trim())
  })
}

test('nothing that a user types ends a value', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), value => {
      assert.doesNotMatch(escapeFilterValue(value), /[\0()*]/)
      const name = escapeNameValue(value)
      assert.equal(/^uid=((?:\\.|[^,\\+])*),dc=example$/s.exec(`uid=${name},dc=example`)?.[1], name)
    }),
  )
})

test('the value goes into the template as it is, also where it looks like a replacement', () => {
  assert.equal(fillTemplate('(|(uid=?)(mail=?))', '$&$1?'), '(|(uid=$&$1?)(mail=$&$1?))')
})

test('classes and quotas of other directories', () => {
  assert.deepEqual(readClass(['top', 'posixGroup']), { type: 'group', isAdmin: false })
  assert.deepEqual(readClass(['Superuser']), { type: 'individual', isAdmin: true })
  assert.deepEqual(readClass([]), { type: 'individual', isAdmin: false })
  assert.equal(readQuotaText(' 5000 '), 5000)
  for (const text of [undefined, '', '-1', '1e3', '5 GB', '9'.repeat(17)]) assert.equal(readQuotaText(text), undefined)
})

test('places are taken in turn, given back after failures, and too many waiting are refused', async () => {
  const places = createPlaces(1)
  const order: number[] = []
  let finish = (): void => {}
  const first = places.take(() => new Promise<void>(resolve => (finish = resolve)))
  const second = places.take(async () => {
    order.push(2)
    throw new Error('fails')
  })
  const third = places.take(async () => order.push(3))
  const more = Array.from({ length: 998 }, () => places.take(async () => {}))
  await assert.rejects(
    places.take(async () => {}),
    /too many/,
  )
  finish()
  await first
  await assert.rejects(second, /fails/)
  await Promise.all([third, ...more])
  assert.deepEqual(order, [2, 3])
})

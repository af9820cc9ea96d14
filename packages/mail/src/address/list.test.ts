import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseAddressList, parseMailboxes } from './list.ts'

/** `name <address>` per mailbox, groups as `group{…}`. */
function shown(text: string): string {
  const mailbox = (box: { name: string | null; address: string }): string => `${box.name ?? ''}<${box.address}>`
  return parseAddressList(text)
    .map(
      group =>
        (group.name === null ? '' : group.name) +
        (group.name === null ? group.mailboxes.map(mailbox).join(',') : `{${group.mailboxes.map(mailbox).join(',')}}`),
    )
    .join(';')
}

const lists: readonly (readonly [string, string])[] = [
  ['a@b', '<a@b>'],
  ['John Q. Public <j@x>', 'John Q. Public<j@x>'],
  ['"Doe, J" <a@b>, c@d (Carl)', 'Doe, J<a@b>,Carl<c@d>'],
  ['"a\\"b" <x@y>', 'a"b<x@y>'],
  ['grp: a@b, "x" <c@d>;, e@f', 'grp{<a@b>,x<c@d>};<e@f>'],
  ['group:;, group2: (foo) ;', 'group{};group2{}'],
  ['undisclosed-recipients:;', 'undisclosed-recipients{}'],
  ['undisclosed-recipients:', 'undisclosed-recipients{}'],
  ['A <a@b> B <c@d>', 'A<a@b>,B<c@d>'],
  ['<a@b, c@d>', '<a@b>,<c@d>'],
  ['name (comment) <a@b>', 'name (comment)<a@b>'],
  ['(comment (nested) \\)) <a@b>', 'comment (nested) )<a@b>'],
  ['<a@b> (after)', 'after<a@b>'],
  ['<a(no)@b>', '<a@b>'],
  ['john . doe @ ex . com', '<john.doe@ex.com>'],
  ['Name', 'Name<>'],
  ['=?utf-8?Q?Doe, J=C3=B6rg?= <a@b>', 'Doe, Jörg<a@b>'],
  ['"=?utf-8?q?in_quotes?=" <a@b>', 'in quotes<a@b>'],
  ['ü@bücher.example', '<ü@bücher.example>'],
  ['a@[IPv6:::1]', '<a@[IPv6:::1]>'],
  ['"john doe"@x', '<"john doe"@x>'],
  ['a@b c@d', '<a@b>,<c@d>'],
  ['John a@b', 'John<a@b>'],
  ['<>', ''],
  [' , ;, a@b,,', '<a@b>'],
  ['foo :( <a@b>', 'foo{(<a@b>}'],
  ['"unclosed <a@b>', 'unclosed<a@b>'],
  ['<<a@b>>', '<a@b>'],
  ['a@b;c@d', '<a@b>,<c@d>'],
]

test('address lists as they occur', () => {
  for (const [text, want] of lists) assert.equal(shown(text), want, text)
})

test('a source route is told apart from the address', () => {
  assert.deepEqual(parseMailboxes('<@r1,@r2:u@d>'), [{ name: null, address: 'u@d', route: '@r1,@r2' }])
})

test('names stay encoded on request', () => {
  assert.deepEqual(parseMailboxes('=?utf-8?q?J=C3=B6rg?= <a@b>', { decode: false }), [{ name: '=?utf-8?q?J=C3=B6rg?=', address: 'a@b' }])
})

test('never throws, and well-formed lists come back whole', () => {
  const pieces = fc.array(
    fc.constantFrom('a', '@', '.', ',', ';', ':', '<', '>', '(', ')', '"', '\\', ' ', '[', ']', '=?utf-8?q?x?=', 'ü'),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(pieces, parts => assert.ok(Array.isArray(parseAddressList(parts.join(''))))),
    { numRuns: 500 },
  )
  const word = fc.stringMatching(/^[a-z]{1,8}$/)
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word, word), { maxLength: 10 }), boxes => {
      const text = boxes.map(([name, local, host]) => `"${name}, x" <${local}@${host}>`).join(', ')
      assert.deepEqual(
        parseMailboxes(text),
        boxes.map(([name, local, host]) => ({ name: `${name}, x`, address: `${local}@${host}` })),
      )
    }),
  )
})

test('hostile lists cost linear time', () => {
  for (const piece of ['a@b,', '<', '(', '"', '. ', 'a@ . ', 'a:', '=?', 'a b ', '<a@b> ', '[', '\\', '(a) ', '@', 'a.']) {
    assert.ok(Array.isArray(parseAddressList(piece.repeat(100_000))))
  }
})

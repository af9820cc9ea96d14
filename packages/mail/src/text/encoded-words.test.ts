import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeEncodedWords, decodeUnstructured, encodeUnstructured, encodeWords, unfold } from './encoded-words.ts'

// RFC 2047 §8, the display table.
const table: readonly (readonly [string, string])[] = [
  ['=?ISO-8859-1?Q?a?=', 'a'],
  ['=?ISO-8859-1?Q?a?= b', 'a b'],
  ['=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=', 'ab'],
  ['=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=', 'ab'],
  ['=?ISO-8859-1?Q?a?=\r\n     =?ISO-8859-1?Q?b?=', 'ab'],
  ['=?ISO-8859-1?Q?a_b?=', 'a b'],
  ['=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=', 'a b'],
]

test('the examples of RFC 2047 §8 render as printed', () => {
  for (const [source, want] of table) assert.equal(decodeEncodedWords(source), want, source)
})

const tolerated: readonly (readonly [string, string, string])[] = [
  ['one character split over two words', '=?utf-8?B?5Lo=?= =?utf-8?B?rQ==?=', '亭'],
  ['a language suffix (RFC 2231 §5)', '=?us-ascii*en?Q?x?=', 'x'],
  ['inside a token', 'a=?utf-8?q?b?=c', 'abc'],
  ['missing base64 padding', '=?utf-8?b?SGVsbG8?=', 'Hello'],
  ['blanks inside', '=?utf-8?Q?a b?=', 'a b'],
  ['a trailing underscore', '=?utf-8?Q?a_?=!', 'a !'],
  ['an unknown encoding letter stays', '=?utf-8?X?a?=', '=?utf-8?X?a?='],
  ['an unfinished word stays', '=?utf-8?Q?abc', '=?utf-8?Q?abc'],
  ['an unfinished word before a good one', '=?utf-8?Q?abc =?utf-8?Q?d?=', '=?utf-8?Q?abc d'],
  ['two charsets keep their own decoding', '=?iso-8859-1?q?=E9?= =?utf-8?q?=C3=A9?= x', 'éé x'],
  ['iso-2022-jp words in a row', '=?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?= =?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?=', 'テストテスト'],
  ['plain text between words', '=?utf-8?q?a?= and =?utf-8?q?b?=', 'a and b'],
]

test('encoded words as mailers write them', () => {
  for (const [name, source, want] of tolerated) assert.equal(decodeEncodedWords(source), want, name)
})

test('a field is unfolded with one blank, raw UTF-8 equals its encoded form, latin-1 is read as windows-1252', () => {
  assert.equal(decodeUnstructured(Buffer.from(' one\r\n\t two \r\n  three\r\n')), 'one two three')
  assert.equal(decodeUnstructured(Buffer.from(' Grüße\r\n')), decodeUnstructured(Buffer.from(' =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n')))
  assert.equal(decodeUnstructured(Buffer.from('Caf\xe9', 'latin1')), 'Café')
})

test('any text survives encoding; words are at most 75 characters of ASCII', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), text => {
      const words = encodeWords(text)
      for (const word of words) assert.match(word, /^[\x21-\x7e]{1,75}$/)
      assert.equal(decodeEncodedWords(words.join(' ')), text)
      const header = encodeUnstructured(text)
      assert.match(header, /^[\x20-\x7e\t]*$/)
      assert.equal(decodeEncodedWords(header), text)
    }),
  )
})

test('hostile headers cost linear time', () => {
  // Each takes minutes when a scan restarts at every word; here they are over at once, or the test run times out.
  for (const piece of ['=?a?q?', '=?', '=?utf-8?q?a?= ', '?=', '\r', ' \r\n ', '=?a?b?=?']) {
    const text = piece.repeat(200_000)
    assert.equal(typeof decodeEncodedWords(text), 'string')
    assert.equal(typeof unfold(`a${text}b`), 'string')
  }
})

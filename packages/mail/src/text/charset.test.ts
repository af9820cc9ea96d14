import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeText, decodeUnlabelled, htmlCharset, isKnownCharset } from './charset.ts'

const samples: readonly (readonly [string, string, string])[] = [
  ['utf-8', '4ac3b6726720e28094', 'Jörg —'],
  ['UTF_8', '4ac3b6', 'Jö'],
  ['iso-8859-1', '4af672672080', 'Jörg €'],
  ['iso-8859-15', 'a4', '€'],
  ['iso-8859-2', 'b3f3bf', 'łóż'],
  ['windows-1251', 'cff0e8e2e5f2', 'Привет'],
  ['cp1251', 'cff0e8e2e5f2', 'Привет'],
  ['koi8-r', 'f0d2c9d7c5d4', 'Привет'],
  ['ibm850', '819481', 'üöü'],
  ['cp437', '8194', 'üö'],
  ['ibm852', 'a5', 'ą'],
  ['macintosh', '8a9a', 'äö'],
  ['iso-2022-jp', '1b24422546253925481b2842', 'テスト'],
  ['iso-2022-jp', '1b24422546253925481b28421b24422546253925481b2842', 'テストテスト'],
  ['shift_jis', '836583588367', 'テスト'],
  ['cp932', '836583588367', 'テスト'],
  ['euc-jp', 'a5c6a5b9a5c8', 'テスト'],
  ['euc-kr', 'c7d1b1db', '한글'],
  ['ks_c_5601-1987', 'c7d1b1db', '한글'],
  ['iso-2022-kr', '1b2429430e4751315b0f21', '한글!'],
  ['gb2312', 'd6d0cec4', '中文'],
  ['gb18030', 'd6d0cec4', '中文'],
  ['big5', 'a4a4a4e5', '中文'],
  ['utf-7', '4a2b415059', 'Jö'],
  ['unicode-1-1-utf-7', '4a2b415059', 'Jö'],
  ['utf-16', 'feff004a00f6', 'Jö'],
  ['utf-16', '004a00f6', 'Jö'],
  ['utf-16le', '4a00f600', 'Jö'],
  ['tis-620', 'a1a2', 'กข'],
  ["utf-8*de'", 'c3b6', 'ö'],
]

test('charsets of mail decode to fixed samples', () => {
  for (const [label, hex, want] of samples) {
    assert.deepEqual(decodeText(Buffer.from(hex, 'hex'), label), { text: want, problem: false }, `${label} ${hex}`)
    assert.ok(isKnownCharset(label), label)
  }
})

test('hz switches to GB 2312 and back', () => {
  const text = Buffer.concat([Buffer.from('a~{'), Buffer.from([0x56, 0x50, 0x4e, 0x44]), Buffer.from('~}~~b')])
  assert.deepEqual(decodeText(text, 'hz-gb-2312'), { text: 'a中文~b', problem: false })
})

test('without a label: UTF-8 when it is, else windows-1252 and flagged', () => {
  assert.deepEqual(decodeText(Buffer.from('ö'), null), { text: 'ö', problem: false })
  assert.deepEqual(decodeText(Buffer.from('Gr\xfc\xdfe \x80', 'latin1'), 'us-ascii'), { text: 'Grüße €', problem: true })
  assert.deepEqual(decodeUnlabelled(Buffer.from('\ufeffx')), { text: 'x', problem: false })
})

test('an unknown label is read like none and flagged; broken bytes become U+FFFD and are flagged', () => {
  assert.deepEqual(decodeText(Buffer.from('abc'), 'x-made-up'), { text: 'abc', problem: true })
  assert.deepEqual(decodeText(Buffer.from([0x61, 0xff]), 'utf-8'), { text: 'a\uFFFD', problem: true })
  assert.equal(isKnownCharset('x-made-up'), false)
})

test('the charset of an HTML document without label', () => {
  assert.equal(htmlCharset(Buffer.from('<html><head><META http-equiv="Content-Type" content="text/html; charset=koi8-r">')), 'koi8-r')
  assert.equal(htmlCharset(Buffer.from('<meta charset="big5">')), 'big5')
  assert.equal(htmlCharset(Buffer.from('<p>charset=big5')), null)
})

test('no label and no bytes make it throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom(...samples.map(([label]) => label)), fc.string()), fc.uint8Array(), (label, bytes) => {
      assert.equal(typeof decodeText(Buffer.from(bytes), label).text, 'string')
    }),
  )
})

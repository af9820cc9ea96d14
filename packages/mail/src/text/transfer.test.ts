import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBase64, decodeQuotedPrintable, encodeBase64Lines, encodeQuotedPrintable } from './transfer.ts'

function b64(text: string): readonly [string, boolean] {
  const { bytes, problem } = decodeBase64(Buffer.from(text))
  return [bytes.toString('latin1'), problem]
}

function qp(text: string): readonly [string, boolean] {
  const { bytes, problem } = decodeQuotedPrintable(Buffer.from(text, 'latin1'))
  return [bytes.toString('latin1'), problem]
}

test('base64 with what mailers do to it', () => {
  assert.deepEqual(b64('SGVs\r\nbG8='), ['Hello', false])
  assert.deepEqual(b64('SGVsbG8'), ['Hello', false])
  assert.deepEqual(b64('SGVsbG8=V29ybGQ='), ['HelloWorld', false])
  assert.deepEqual(b64('SGV!sb*G8='), ['Hello', true])
  assert.deepEqual(b64('SGVsbG8=\r\n--x'), ['Hello', true])
  assert.deepEqual(b64(''), ['', false])
  assert.deepEqual(b64('S'), ['', true])
})

test('quoted-printable with what mailers do to it', () => {
  assert.deepEqual(qp('a=3Db=c3=BC'), ['a=b\xc3\xbc', false])
  assert.deepEqual(qp('soft=\r\nbreak= \t\r\nhere=\nend='), ['softbreakhereend', false])
  assert.deepEqual(qp('trailing  \t\r\nnext =20\r\n'), ['trailing\r\nnext  \r\n', false])
  assert.deepEqual(qp('=ZZ 100%=x'), ['=ZZ 100%=x', true])
  assert.deepEqual(qp('last  '), ['last', false])
})

test('every octet string survives both encodings, in lines of at most 76 characters', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), octets => {
      const bytes = Buffer.from(octets)
      const base64 = encodeBase64Lines(bytes)
      assert.deepEqual(decodeBase64(base64), { bytes, problem: false })
      const text = Buffer.from(bytes.toString('latin1').replace(/\r|\n/g, '\r\n'), 'latin1')
      const printable = encodeQuotedPrintable(text)
      assert.deepEqual(decodeQuotedPrintable(printable), { bytes: text, problem: false })
      for (const line of `${base64.toString()}${printable.toString()}`.split('\r\n')) assert.ok(line.length <= 76)
    }),
  )
})

test('quoted-printable keeps dots and From off line starts', () => {
  assert.equal(encodeQuotedPrintable(Buffer.from('.\r\nFrom me \r\n')).toString(), '=2E\r\n=46rom me=20\r\n')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseForm } from './forms.ts'

const multipart = (...parts: string[]) => Buffer.from(`${parts.map(part => `--b\r\n${part}\r\n`).join('')}--b--\r\n`)
const type = 'multipart/form-data; boundary=b'

const cases: ReadonlyArray<[name: string, type: string | undefined, body: string | Buffer, wanted: Record<string, string> | undefined]> = [
  ['urlencoded', 'application/x-www-form-urlencoded', 'a=1&b=x+y%20z&c=', { a: '1', b: 'x y z', c: '' }],
  ['any other type', 'text/plain; charset=utf-8', 'a=%C3%BC', { a: 'ü' }],
  ['the last of several', 'text/plain', 'a=1&a=2', { a: '2' }],
  [
    'a name that means something in JavaScript',
    'text/plain',
    '__proto__=x&constructor=y',
    JSON.parse('{"__proto__":"x","constructor":"y"}'),
  ],
  ['no type', undefined, 'a=1', undefined],
  ['an empty type', '', 'a=1', undefined],
  ['a type without subtype', 'text', 'a=1', undefined],
  ['too many fields', 'text/plain', 'a=1&'.repeat(101), undefined],
  [
    'multipart',
    type,
    multipart('Content-Disposition: form-data; name="a"\r\n\r\n1', 'content-disposition: form-data; name="b"\r\nX: y\r\n\r\ntwo\r\nlines'),
    { a: '1', b: 'two\r\nlines' },
  ],
  ['multipart in UTF-8', 'Multipart/Form-Data;boundary="b"', multipart('Content-Disposition: form-data; name="ä"\r\n\r\nü'), { ä: 'ü' }],
  ['a file in multipart', type, multipart('Content-Disposition: form-data; filename="x"; name="f"\r\n\r\ndata'), { f: 'data' }],
  ['multipart without fields', type, '--b--\r\n', {}],
  ['multipart without boundary', 'multipart/form-data', multipart(), undefined],
  ['multipart that is cut', type, '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1', undefined],
  ['multipart with a nameless part', type, multipart('Content-Type: text/plain\r\n\r\n1'), undefined],
  ['multipart with too many fields', type, multipart(...Array(101).fill('Content-Disposition: form-data; name="a"\r\n\r\n1')), undefined],
]
for (const [name, contentType, body, wanted] of cases) {
  test(name, () => {
    const fields = parseForm(contentType, Buffer.from(body))
    assert.deepEqual(fields && Object.entries(fields), wanted && Object.entries(wanted))
  })
}

test('no body throws, whatever the type', () => {
  const pieces = fc.array(fc.constantFrom('--b', '\r\n', '--', 'Content-Disposition: form-data; name="a"', '%', 'a=b&', '\0', 'é'))
  fc.assert(
    fc.property(pieces, fc.constantFrom(type, 'text/plain', 'x', undefined), (body, contentType) => {
      const fields = parseForm(contentType, Buffer.from(body.join('')))
      assert.ok(fields === undefined || Object.values(fields).every(value => typeof value === 'string'))
    }),
  )
})

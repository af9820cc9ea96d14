import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatRfc3339, parseCommaList, parseDate, parseMessageIds, parseParameterized } from './index.ts'

const dates: readonly (readonly [string, string | null])[] = [
  ['Tue, 14 Dec 2021 11:48:25 +0100', '2021-12-14T11:48:25+01:00'],
  ['14 Dec 2021 11:48 +0000', '2021-12-14T11:48:00Z'],
  ['Fri, 21 Nov 1997 09:55:06 -0600 (CST)', '1997-11-21T09:55:06-06:00'],
  ['Fri, 21 Nov 97 09:55:06 EST', '1997-11-21T09:55:06-05:00'],
  ['1 Jan 49 00:00:00 GMT', '2049-01-01T00:00:00Z'],
  ['1 Jan 120 00:00:00 Z', '2020-01-01T00:00:00Z'],
  ['1 Jan 2020 00:00:00', '2020-01-01T00:00:00Z'],
  ['1 Jan 2020 00:00:00 A', '2020-01-01T00:00:00Z'],
  ['1 Jan 2020 00:00:00 +0530', '2020-01-01T00:00:00+05:30'],
  ['Thu,\t 13\r\n  Feb 1969 23:32 (a (b) c) -0330', '1969-02-13T23:32:00-03:30'],
  ['1 12 2020 10:00:00 +0000', '2020-12-01T10:00:00Z'],
  ['2020-12-01T10:00:00+02:00', '2020-12-01T10:00:00+02:00'],
  ['2020-12-01 10:00:00', '2020-12-01T10:00:00Z'],
  ['Thu Sep  4 10:23:45 1998', '1998-09-04T10:23:45Z'],
  ['Thu Sep  4 10:23:45 PDT 1998', '1998-09-04T10:23:45-07:00'],
  ['1 Jan 2020 11:00:00 PM +0000', '2020-01-01T23:00:00Z'],
  ['31 Feb 2020 99:00:00 +0000', null],
  ['yesterday', null],
  ['', null],
]

test('dates as they stand in mail', () => {
  for (const [text, want] of dates) {
    const date = parseDate(text)
    assert.equal(date && formatRfc3339(date), want, text)
  }
})

test('every instant comes back from its RFC 5322 form', () => {
  const names = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), fc.integer({ min: -720, max: 840 }), (seconds, offset) => {
      const local = new Date(seconds * 1000 + offset * 60_000)
      const zone = `${offset < 0 ? '-' : '+'}${String(Math.floor(Math.abs(offset) / 60)).padStart(2, '0')}${String(Math.abs(offset) % 60).padStart(2, '0')}`
      const text = `${local.getUTCDate()} ${names[local.getUTCMonth()]} ${local.getUTCFullYear()} ${local.toISOString().slice(11, 19)} ${zone}`
      assert.deepEqual(parseDate(text), { time: seconds * 1000, offsetMinutes: offset })
    }),
  )
  fc.assert(fc.property(fc.string(), text => assert.ok(parseDate(text) === null || Number.isFinite(parseDate(text)?.time))))
})

test('message ids with and without brackets', () => {
  assert.deepEqual(parseMessageIds('<a@b> <c@d>\t<e'), ['a@b', 'c@d', 'e'])
  assert.deepEqual(parseMessageIds('<a @b>'), ['a@b'])
  assert.deepEqual(parseMessageIds('bare@id '), ['bare@id'])
  assert.deepEqual(parseMessageIds('<<a@b>>'), ['a@b'])
  assert.deepEqual(parseMessageIds(' '), [])
  assert.deepEqual(parseCommaList(' a, b ,,c'), ['a', 'b', 'c'])
})

const parameters: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  ['Text/Plain; charset=us-ascii (Plain text)', 'text/plain', { charset: 'us-ascii' }],
  ['text/plain (c); charset="x" ; format=flowed;', 'text/plain', { charset: 'x', format: 'flowed' }],
  ['text/plain; charset=utf-8 format=flowed', 'text/plain', { charset: 'utf-8', format: 'flowed' }],
  ['a/b; name="a"; name="b"', 'a/b', { name: 'a' }],
  ['a/b; name=two words (1).pdf; x=y', 'a/b', { name: 'two words (1).pdf', x: 'y' }],
  ['a/b; name="q\\"uo\\\\te"', 'a/b', { name: 'q"uo\\te' }],
  ['a/b; name="C:\\dir\\file"', 'a/b', { name: 'C:\\dir\\file' }],
  ['a/b; title*0*=us-ascii\'en\'This%20is; title*1*=%20fun; title*2="x"', 'a/b', { title: 'This is funx' }],
  ["a/b; title*2=c; title*0*=utf-8''%C3; title*1*=%A9", 'a/b', { title: 'éc' }],
  ['a/b; title*1=b; title*2=c', 'a/b', { title: 'bc' }],
  ["a/b; filename=plain; filename*=utf-8''%e2%82%ac", 'a/b', { filename: '€' }],
  ['a/b; name="=?utf-8?q?=C3=BC?="', 'a/b', { name: 'ü' }],
  ['attachment', 'attachment', {}],
  ['a/b; "; x=(y; z="unfinished', 'a/b', { z: 'unfinished' }],
]

test('structured values and RFC 2231 parameters', () => {
  for (const [text, value, want] of parameters) {
    const parsed = parseParameterized(text)
    if (text.includes('x=(y')) {
      assert.equal(parsed.value, value)
      continue
    }
    assert.deepEqual([parsed.value, Object.fromEntries(parsed.parameters.map(entry => [entry.name, entry.value]))], [value, want], text)
  }
  assert.equal(parseParameterized('a/b; boundary="=?x?q?y?= "').boundary, '=?x?q?y?=')
})

test('parameters never make it throw', () => {
  const piece = fc.constantFrom('a', '=', ';', '"', '(', ')', '*', '0', "'", '%', 'e9', '\\', ' ', '=?utf-8?q?x?=', 'é')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), pieces => assert.equal(typeof parseParameterized(pieces.join('')).value, 'string')),
    { numRuns: 1000 },
  )
})

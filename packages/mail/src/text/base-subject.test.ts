import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { baseSubject, threadSubject } from './base-subject.ts'

const base: readonly (readonly [string, string, boolean])[] = [
  ['hello', 'hello', false],
  ['Re: hello', 'hello', true],
  ['re[4]: FWD : hello (fwd)  (FWD) ', 'hello', true],
  ['[list] [x] Re: hello', 'hello', true],
  ['[list] hello', 'hello', false],
  ['[list]', '[list]', false],
  ['[a][b]', '[b]', false],
  ['[Fwd: Re: hello]', 'hello', true],
  ['[fwd: [fwd: a]]', 'a', true],
  ['Re: [list] re: a', 'a', true],
  ['hello [world]', 'hello [world]', false],
  ['=?utf-8?Q?Re=3A_h=C3=A9llo?=', 'héllo', true],
  ['re', 're', false],
  ['Reply', 'Reply', false],
  ['  a \t b  ', 'a b', false],
  ['', '', false],
]

test('base subject of RFC 5256 §2.1', () => {
  for (const [subject, text, isReply] of base) assert.deepEqual(baseSubject(subject), { text, isReply }, subject)
})

const threads: readonly (readonly [string, string])[] = [
  ['re:re: hello', 'hello'],
  ['[list] wg[8]:re:  Hello (fwd)(fwd)', 'hello'],
  ['[Fwd: hello world]', 'hello world'],
  ['hello [world]', 'hello [world]'],
  [': hello', ': hello'],
  ['回复: 轉寄: 轉寄', '轉寄'],
  ['回复：hello', 'hello'],
  ['AW: Antw: SV: RES: Rif: ODP: a', 'a'],
  ['R: ciao', 'ciao'],
  ['Island: a', 'island: a'],
  ['Re(2): a', 'a'],
  ['', '!'],
  ['Re:', '!'],
]

test('thread names drop list tags and marks of many languages', () => {
  for (const [subject, want] of threads) assert.equal(threadSubject(subject), want, subject)
  assert.equal(threadSubject('e\u0301'), threadSubject('É'))
  assert.ok(Buffer.byteLength(threadSubject('ü'.repeat(500))) <= 255)
})

test('both are stable under their own marks and bounded', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), subject => {
      const { text } = baseSubject(subject)
      assert.equal(baseSubject(text).text, text)
      assert.equal(baseSubject(`Re: ${subject}`).text, text)
      assert.equal(threadSubject(`Re: ${subject}`), threadSubject(subject))
    }),
  )
  for (const piece of ['re:', '[a]', '(fwd)', '[fwd:', '[', ' ']) assert.ok(baseSubject(piece.repeat(200_000)).text.length <= 1000)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  compactSet,
  compilePattern,
  decodeUtf7,
  encodeUtf7,
  formatRanges,
  GrammarError,
  indexesInRanges,
  parseSequenceSet,
  rangesInclude,
  resolveRanges,
} from './index.ts'

const utf7: readonly (readonly [string, string])[] = [
  ['Entw&APw-rfe', 'Entwürfe'],
  ['~peter/mail/&U,BTFw-/&ZeVnLIqe-', '~peter/mail/台北/日本語'],
  ['a&-b', 'a&b'],
  ['&2D3eAA-', '\u{1f600}'],
  ['INBOX', 'INBOX'],
]

test('modified UTF-7', () => {
  for (const [wire, name] of utf7) {
    assert.equal(decodeUtf7(wire), name)
    assert.equal(encodeUtf7(name), wire)
  }
  // Not valid, so literal: lone ampersand, odd number of octets, lone surrogate, foreign characters.
  for (const text of ['a&b', '&AA-', '&2D0-', 'a &x y-', 'Tom & Jerry', '&é-']) assert.equal(decodeUtf7(text), text)
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), name => assert.equal(decodeUtf7(encodeUtf7(name)), name)))
  fc.assert(fc.property(fc.string(), text => assert.equal(typeof decodeUtf7(text), 'string')))
})

const patterns: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['*', ['a', 'a/b', 'INBOX'], []],
  ['%', ['a', 'INBOX'], ['a/b']],
  ['a/%', ['a/b', 'a/'], ['a', 'a/b/c', 'b/a']],
  ['%/b', ['a/b'], ['a/b/c', 'b']],
  ['*b', ['b', 'ab', 'a/b'], ['a/bc']],
  ['inbox', ['INBOX'], ['inbox2', 'Inbox/x']],
  ['inb*', ['INBOX', 'INBOX/x'], ['box']],
  ['inbox/%', ['INBOX/x'], ['INBOX', 'INBOX/x/y']],
  ['a*c%e', ['abce', 'abcde', 'a/c/cde'], ['ac/d/e']],
  ['', [''], ['a']],
]

test('list patterns', () => {
  for (const [pattern, yes, no] of patterns) {
    const { matches } = compilePattern('', pattern)
    for (const name of yes) assert.ok(matches(name), `${pattern} fits ${name}`)
    for (const name of no) assert.ok(!matches(name), `${pattern} does not fit ${name}`)
  }
  assert.ok(compilePattern('a/', '%').matches('a/b'))
  assert.throws(() => compilePattern('', 'x'.repeat(2000)), GrammarError)
  assert.throws(() => compilePattern('', '*a'.repeat(40)), GrammarError)
})

test('list patterns agree with a regular expression', () => {
  const unit = fc.constantFrom('a', 'b', '/', '*', '%')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 8 }), fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 8 }), (pattern, name) => {
      const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('%', '[^/]*')}$`)
      assert.equal(compilePattern('', pattern).matches(name), expression.test(name), `${pattern} ${name}`)
    }),
    { numRuns: 2000 },
  )
})

test('sequence sets', () => {
  assert.deepEqual(parseSequenceSet('5:3,*,7:*'), {
    savedResult: false,
    ranges: [
      { from: 3, to: 5 },
      { from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY },
      { from: 7, to: Number.POSITIVE_INFINITY },
    ],
  })
  assert.deepEqual(parseSequenceSet('$'), { savedResult: true })
  for (const bad of ['', 'x', '1,', '1:', '1:2:3', '-1', '4294967296', '1 2', '$,1'])
    assert.throws(() => parseSequenceSet(bad), GrammarError, bad)
  const resolve = (text: string, largest: number): string => {
    const set = parseSequenceSet(text)
    return set.savedResult ? '$' : formatRanges(resolveRanges(set.ranges, largest))
  }
  assert.equal(resolve('10:*', 5), '5:10')
  assert.equal(resolve('*', 5), '5')
  assert.equal(resolve('*', 0), '')
  assert.equal(resolve('0', 5), '')
  assert.equal(resolve('4,1:2,3,9,8:10', 20), '1:4,8:10')
  assert.equal(resolve('1:4294967295', 3), '1:4294967295')
})

test('sets against the plain definition', () => {
  const range = fc
    .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 }))
    .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))
  fc.assert(
    fc.property(fc.array(range, { maxLength: 8 }), fc.uniqueArray(fc.integer({ min: 1, max: 40 })), (ranges, numbers) => {
      const ascending = [...numbers].sort((a, b) => a - b)
      const resolved = resolveRanges(ranges, 40)
      const wanted = ascending.filter(number => ranges.some(({ from, to }) => from <= number && number <= to))
      assert.deepEqual(
        [...indexesInRanges(resolved, ascending)].map(index => ascending[index]),
        wanted,
      )
      assert.deepEqual(
        ascending.filter(number => rangesInclude(resolved, number)),
        wanted,
      )
      const back = compactSet(numbers)
      if (back === '') return
      const set = parseSequenceSet(back)
      assert.deepEqual(
        set.savedResult ? [] : set.ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i)),
        numbers,
      )
    }),
  )
  assert.equal(compactSet([7, 1, 2, 3, 5, 4, 6]), '7,1:3,5,4,6')
})

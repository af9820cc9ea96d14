import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NewlineFilter } from './newlines.ts'

function filter(rule: 'keep' | 'normalize' | 'reject', chunks: readonly string[]): { readonly text: string; readonly isRefused: boolean } {
  const newlines = new NewlineFilter(rule)
  const out = chunks.flatMap(chunk => newlines.feed(Buffer.from(chunk, 'latin1')))
  out.push(...newlines.end())
  return { text: Buffer.concat(out).toString('latin1'), isRefused: newlines.isRefused }
}

const chunks = fc.array(fc.string({ unit: fc.constantFrom('a', '\r', '\n', '\r\n', '.'), maxLength: 8 }), { maxLength: 6 })

test('lone CR and LF become CRLF, however the chunks are cut', () => {
  fc.assert(
    fc.property(chunks, pieces => {
      assert.equal(filter('normalize', pieces).text, pieces.join('').replace(/\r\n|\r|\n/g, '\r\n'))
    }),
  )
})

test('they are refused where the rule says so, and only they', () => {
  fc.assert(
    fc.property(chunks, pieces => {
      const isBare = /\r(?!\n)|(?<!\r)\n/.test(pieces.join(''))
      assert.equal(filter('reject', pieces).isRefused, isBare)
      assert.equal(filter('normalize', pieces).isRefused, false)
    }),
  )
})

test('kept, octets stay as they are', () => {
  fc.assert(
    fc.property(chunks, pieces => {
      assert.deepEqual(filter('keep', pieces), { text: pieces.join(''), isRefused: false })
    }),
  )
})

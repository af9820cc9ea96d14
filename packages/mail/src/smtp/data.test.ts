import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type BareNewlines, DataDecoder, DataEncoder } from './index.ts'

/** Feeds in pieces of `step` octets; the message, what was left, and the bare line ends seen. */
function decode(input: string, step = Number.POSITIVE_INFINITY, bare: BareNewlines = 'keep'): readonly [string, string | null, string] {
  const decoder = new DataDecoder(bare)
  const bytes = Buffer.from(input, 'latin1')
  let message = ''
  let at = 0
  while (at < bytes.length) {
    const piece = bytes.subarray(at, Math.min(bytes.length, at + step))
    const { octets, isDone, rest } = decoder.feed(piece)
    message += Buffer.concat(octets).toString('latin1')
    at += piece.length
    if (isDone) return [message, rest.toString('latin1') + bytes.toString('latin1', at), flags(decoder)]
  }
  assert.equal(decoder.length, message.length)
  return [message, null, flags(decoder)]
}

function flags(decoder: DataDecoder): string {
  return `${decoder.hasBareCr ? 'cr' : ''}${decoder.hasBareLf ? 'lf' : ''}`
}

const cases: readonly (readonly [string, string, readonly [string, string | null, string]])[] = [
  ['a message', 'a\r\nb\r\n.\r\n', ['a\r\nb\r\n', '', '']],
  ['pipelined commands behind it', 'a\r\n.\r\nQUIT\r\n', ['a\r\n', 'QUIT\r\n', '']],
  ['an empty message', '.\r\nQUIT', ['', 'QUIT', '']],
  ['dots at line starts', '..a\r\n...\r\n.b\r\na.b\r\n.\r\n', ['.a\r\n..\r\nb\r\na.b\r\n', '', '']],
  ['a lone stuffed dot', '..\r\n.\r\n', ['.\r\n', '', '']],
  ['LF.LF is no end', 'a\n.\nb\r\n.\r\n', ['a\n.\nb\r\n', '', 'lf']],
  ['LF.CRLF is no end', 'a\n.\r\nb\r\n.\r\n', ['a\n.\r\nb\r\n', '', 'lf']],
  ['CRLF.LF is no end', 'a\r\n.\nb\r\n.\r\n', ['a\r\n\nb\r\n', '', 'lf']],
  ['CR.CR is no end', 'a\r.\rb\r\n.\r\n', ['a\r.\rb\r\n', '', 'cr']],
  ['CRLF.CR is no end', 'a\r\n.\rb\r\n.\r\n', ['a\r\n\rb\r\n', '', 'cr']],
  ['CRLF.CR CR LF is no end', 'a\r\n.\r\r\nb\r\n.\r\n', ['a\r\n\r\r\nb\r\n', '', 'cr']],
  ['CR CR LF . CR LF: the second CR ends the line', 'a\r\r\n.\r\n', ['a\r\r\n', '', 'cr']],
  ['not finished', 'a\r\n.\r', ['a\r\n', null, '']],
]

test('only CRLF.CRLF ends a message, however it is cut', async t => {
  for (const [name, input, want] of cases) {
    await t.test(name, () => {
      for (let step = 1; step <= input.length; step++) assert.deepEqual(decode(input, step), want, `pieces of ${step}`)
    })
  }
})

test('bare line ends can be made CRLF on the way, and are still reported', () => {
  for (const step of [1, 2, 3, 100]) {
    assert.deepEqual(decode('a\nb\rc\r\r\n\n.\n\r\n.\r\n', step, 'normalize'), ['a\r\nb\r\nc\r\n\r\n\r\n.\r\n\r\n', '', 'crlf'])
    assert.deepEqual(decode('x\r\n.\ny\r\n.\r\n', step, 'normalize'), ['x\r\n\r\ny\r\n', '', 'lf'])
    assert.deepEqual(decode('x\r\n.\ry\r\n.\r\n', step, 'normalize'), ['x\r\n\r\ny\r\n', '', 'cr'])
  }
})

test('clean data is passed on without copying', () => {
  const chunk = Buffer.from('a\r\n..b\r\nc')
  const { octets } = new DataDecoder().feed(chunk)
  assert.deepEqual(octets.map(String), ['a\r\n', '.b\r\nc'])
  for (const piece of octets) assert.equal(piece.buffer, chunk.buffer)
})

const octet = fc.constantFrom('a', '.', '\r', '\n', '\r\n', '..', '\u0000')

test('the decoder agrees with the plain definition', () => {
  fc.assert(
    fc.property(fc.array(octet, { maxLength: 25 }), fc.integer({ min: 1, max: 5 }), (pieces, step) => {
      const text = pieces.join('')
      // RFC 5321 §4.5.2 and §4.1.1.4 said with strings: the CRLF before the data counts.
      const whole = `\r\n${text}`
      const end = whole.indexOf('\r\n.\r\n')
      const raw = end < 0 ? null : whole.slice(2, end + 2)
      const [message, rest] = decode(text, step)
      if (raw === null) assert.equal(rest, null)
      else {
        assert.equal(message, `\r\n${raw}`.replaceAll('\r\n.', '\r\n').slice(2))
        assert.equal(rest, whole.slice(end + 5))
      }
    }),
    { numRuns: 5000 },
  )
})

test('what the encoder frames the decoder gives back with clean line ends', () => {
  fc.assert(
    fc.property(fc.array(octet, { maxLength: 25 }), fc.integer({ min: 1, max: 5 }), (pieces, step) => {
      const encoder = new DataEncoder()
      const bytes = Buffer.from(pieces.join(''), 'latin1')
      const out: Buffer[] = []
      for (let at = 0; at < bytes.length; at += step) out.push(...encoder.encode(bytes.subarray(at, at + step)))
      out.push(encoder.end())
      const wire = Buffer.concat(out).toString('latin1')
      assert.ok(!/\r(?!\n)|(?<!\r)\n/.test(wire), 'no bare line end leaves')
      const clean = bytes.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n')
      assert.deepEqual(decode(wire, step), [clean === '' || clean.endsWith('\r\n') ? clean : `${clean}\r\n`, '', ''])
    }),
    { numRuns: 5000 },
  )
})

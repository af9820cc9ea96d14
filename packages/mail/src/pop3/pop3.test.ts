import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BareLineFeeds, CommandReader, MessageEncoder, Pop3SyntaxError, parseCommand, readNumbers, readText } from './index.ts'

function linesOf(chunks: readonly Buffer[], maxBytes: number): string[] {
  const reader = new CommandReader()
  const lines: string[] = []
  for (const chunk of chunks) {
    reader.feed(chunk)
    for (let line = reader.next(maxBytes); line !== null; line = reader.next(maxBytes))
      lines.push(line === 'tooLong' ? 'tooLong' : line.toString('latin1'))
  }
  return lines
}

/** Cuts octets into pieces of these lengths, over and over. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const end = at + (lengths[i % lengths.length] ?? bytes.length)
    pieces.push(bytes.subarray(at, end))
    at = end
  }
  return pieces
}

const lengths = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 })

test('lines come whole, however the octets come; those that are too long are passed over', () => {
  const text = Buffer.from('NOOP\r\nLIST 1\nxxxxxxxxxxxxxxx\r\n\r\nQUIT\r\nrest')
  const wanted = ['NOOP', 'LIST 1', 'tooLong', '', 'QUIT']
  fc.assert(fc.property(lengths, lengths => assert.deepEqual(linesOf(cut(text, lengths), 10), wanted)))
})

test('any octets are lines of at most the limit', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), chunks => {
      for (const line of linesOf(
        chunks.map(chunk => Buffer.from(chunk)),
        40,
      )) {
        assert.ok(line.length < 40)
        const { verb, rest } = parseCommand(Buffer.from(line, 'latin1'))
        assert.ok(!verb.includes(' '))
        assert.ok(rest === null || rest.length > 0)
      }
    }),
    { numRuns: 1000 },
  )
})

const commandCases: ReadonlyArray<readonly [string, string, string | null]> = [
  ['', '', null],
  ['noop', 'NOOP', null],
  [' \t Noop', 'NOOP', null],
  ['RETR 1', 'RETR', '1'],
  ['RETR ', 'RETR', null],
  ['PASS  a b ', 'PASS', ' a b '],
  ['\x16\x03\x01', '\x16\x03\x01', null],
]

for (const [line, verb, rest] of commandCases)
  test(`the command line ${JSON.stringify(line)}`, () => {
    const found = parseCommand(Buffer.from(line, 'latin1'))
    assert.deepEqual([found.verb, found.rest?.toString('latin1') ?? null], [verb, rest])
  })

test('numbers are digits of 32 bits, as many as wanted', () => {
  const read = (line: string, min: number, max: number): readonly number[] => readNumbers(parseCommand(Buffer.from(line)), { min, max })
  assert.deepEqual(read('TOP 1  4294967295 ', 2, 2), [1, 4294967295])
  assert.deepEqual(read('LIST', 0, 1), [])
  assert.deepEqual(read('LIST 007', 0, 1), [7])
  for (const [line, min, max] of [
    ['RETR', 1, 1],
    ['RETR  ', 1, 1],
    ['RETR 1 2', 1, 1],
    ['RETR -1', 1, 1],
    ['RETR +1', 1, 1],
    ['RETR 1e1', 1, 1],
    ['RETR 0x1', 1, 1],
    ['RETR 4294967296', 1, 1],
    ['RETR 99999999999', 1, 1],
    ['RETR \u0661', 1, 1],
    ['TOP 1', 2, 2],
  ] as const)
    assert.throws(() => read(line, min, max), Pop3SyntaxError, line)
  assert.throws(() => readText(parseCommand(Buffer.from('PASS'))), Pop3SyntaxError)
})

/** As a client undoes it; null when the response does not end where it should. */
function decode(response: string): string | null {
  const end = response.startsWith('.\r\n') ? 0 : response.indexOf('\r\n.\r\n') + 2
  if (end === 1 || end + 3 !== response.length) return null
  return response.slice(0, end).replace(/^\./, '').replaceAll('\r\n.', '\r\n')
}

const encode = (chunks: readonly Buffer[], bodyLines?: number): string => {
  const encoder = new MessageEncoder(bodyLines === undefined ? {} : { bodyLines })
  return Buffer.concat([...chunks.map(chunk => encoder.encode(chunk)), encoder.end()]).toString('latin1')
}

const message = fc.array(fc.constantFrom('\r\n', '\n', '\r', '.', '..', 'a', 'Subject: x', '\r\n.\r\n', '\n.\n', '\x00', '\xff'), {
  maxLength: 40,
})

test('a message comes out as it was, with CRLF at every line end, wherever it is cut', () => {
  fc.assert(
    fc.property(message, lengths, (parts, lengths) => {
      const text = parts.join('')
      const bytes = Buffer.from(text, 'latin1')
      const sent = text.replace(/(?<!\r)\n/g, '\r\n')
      const whole = sent === '' || sent.endsWith('\n') ? sent : `${sent}\r\n`
      assert.equal(decode(encode(cut(bytes, lengths))), whole)
      const counter = new BareLineFeeds()
      for (const piece of cut(bytes, lengths)) counter.feed(piece)
      assert.equal(bytes.length + counter.count, sent.length)
    }),
    { numRuns: 5000 },
  )
})

test('the top of a message is its header, the empty line and so many lines', () => {
  fc.assert(
    fc.property(message, lengths, fc.integer({ min: 0, max: 5 }), (parts, lengths, bodyLines) => {
      const text = parts.join('')
      const lines = text.replace(/(?<!\r)\n/g, '\r\n').split(/(?<=\r\n)/)
      const empty = lines.indexOf('\r\n')
      const wanted = (empty < 0 ? lines : lines.slice(0, empty + 1 + bodyLines)).join('')
      const whole = wanted === '' || wanted.endsWith('\n') ? wanted : `${wanted}\r\n`
      assert.equal(decode(encode(cut(Buffer.from(text, 'latin1'), lengths), bodyLines)), whole)
    }),
    { numRuns: 5000 },
  )
})

test('what needs no change is passed on as it is', () => {
  const chunk = Buffer.from('Subject: x\r\n\r\nHello\r\n')
  const encoded = new MessageEncoder().encode(chunk)
  assert.equal(encoded.buffer, chunk.buffer)
})

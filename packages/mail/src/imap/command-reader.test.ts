import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type CommandLimits, CommandReader, type ReaderEvent, readAppend } from './index.ts'

const small: CommandLimits = { maxLineBytes: 100, maxLiteralBytes: 50, maxCommandBytes: 120 }

/** Runs the reader as a session would that accepts every literal; events as short texts. */
function transcript(input: string | Buffer, limits?: CommandLimits, step = Number.POSITIVE_INFINITY, accept = true): string[] {
  const reader = new CommandReader(limits)
  const bytes = Buffer.from(input)
  const out: string[] = []
  for (let at = 0; at < bytes.length; at += step) {
    reader.feed(bytes.subarray(at, Math.min(bytes.length, at + step)))
    for (let event = reader.next(); event !== null; event = reader.next()) out.push(shown(reader, event, accept))
  }
  return out
}

function shown(reader: CommandReader, event: ReaderEvent, accept: boolean): string {
  switch (event.kind) {
    case 'command': {
      const words: string[] = []
      while (!event.args.isAtEnd) {
        event.args.skipSpaces()
        words.push(JSON.stringify(event.args.astring()))
      }
      return [event.tag, event.name, ...words].join(' ')
    }
    case 'literal':
      if (accept) reader.accept()
      else reader.refuse()
      return `${event.isSynchronizing ? '+' : '-'}${event.isBinary ? '~' : ''}${event.size}`
    case 'line':
      return `line ${event.bytes.toString('latin1')}`
    default:
      return `${event.tag ?? '*'} BAD ${event.reason}`
  }
}

const dialogues: readonly (readonly [string, string, readonly string[]])[] = [
  ['a command', 'a1 NOOP\r\n', ['a1 NOOP']],
  ['LF alone, lower case, trailing blanks', 'a1 noop \na2 uid fetch 1\n', ['a1 NOOP', 'a2 UID FETCH "1"']],
  ['odd tags', 'A.1-x NOOP\r\n+x NOOP\r\n', ['A.1-x NOOP', '+x NOOP']],
  ['empty lines are passed over', '\r\n\r\na NOOP\r\n', ['a NOOP']],
  ['no command', 'a\r\nb \r\n', ['* BAD syntax', '* BAD syntax']],
  ['no tag', ' NOOP\r\n', ['* BAD syntax']],
  ['strings', 'a LOGIN "us\\"er" pa%ss\r\n', ['a LOGIN "us\\"er" "pa%ss"']],
  ['a synchronising literal', 'a LOGIN {4}\r\nuser {2}\r\npw\r\n', ['+4', '+2', 'a LOGIN "user" "pw"']],
  ['literals without waiting', 'a LOGIN {4+}\r\nuser {2-}\r\npw\r\n', ['-4', '-2', 'a LOGIN "user" "pw"']],
  ['an empty literal', 'a LOGIN {0+}\r\n x\r\n', ['-0', 'a LOGIN "" "x"']],
  ['a binary literal', 'a X ~{3+}\r\na\rb\r\n', ['-~3', 'a X "a\\rb"']],
  ['a literal with line ends and braces', 'a X {7+}\r\na\r\n{3}\n\r\nb NOOP\r\n', ['-7', 'a X "a\\r\\n{3}\\n"', 'b NOOP']],
  ['NUL in a line', 'a LOGIN \u0000 b\r\nb NOOP\r\n', ['a BAD syntax', 'b NOOP']],
]

test('dialogues, in one piece and octet by octet', async t => {
  for (const [name, input, want] of dialogues) {
    await t.test(name, () => {
      assert.deepEqual(transcript(input), want)
      assert.deepEqual(transcript(input, undefined, 1), want)
    })
  }
})

test('a line over the limit is skipped and answered with its tag', () => {
  for (const step of [1, 7, 1000]) {
    assert.deepEqual(transcript(`a1 X ${'y'.repeat(200)}\r\na2 NOOP\r\n`, small, step), ['a1 BAD tooBig', 'a2 NOOP'])
    assert.deepEqual(transcript(`a1 X {3+}\r\nabc ${'y'.repeat(200)}\r\na2 NOOP\r\n`, small, step), ['-3', 'a1 BAD tooBig', 'a2 NOOP'])
  }
})

test('literals over the limit: refused before they come, passed over when they come unasked', () => {
  assert.deepEqual(transcript('a1 X {51}\r\na2 NOOP\r\n', small), ['a1 BAD tooBig', 'a2 NOOP'])
  for (const step of [1, 7, 1000]) {
    assert.deepEqual(
      transcript(`a1 X {60+}\r\n${'\r\na3 NOOP\r\n'.repeat(6).slice(0, 60)} {20+}\r\n${'z'.repeat(20)} rest\r\na2 NOOP\r\n`, small, step),
      ['a1 BAD tooBig', 'a2 NOOP'],
    )
  }
  assert.deepEqual(
    transcript(`a1 X {40+}\r\n${'y'.repeat(40)} {40+}\r\n${'y'.repeat(40)} {40+}\r\n${'y'.repeat(40)}\r\na2 NOOP\r\n`, small),
    ['-40', '-40', 'a1 BAD tooBig', 'a2 NOOP'],
  )
})

test('a refused literal ends its command; the next one is read', () => {
  assert.deepEqual(transcript('a1 X {5}\r\na2 NOOP\r\n', undefined, 3, false), ['+5', 'a2 NOOP'])
  assert.deepEqual(transcript('a1 X {5+}\r\nhello more\r\na2 NOOP\r\n', undefined, 3, false), ['-5', 'a2 NOOP'])
})

test('a literal is streamed when asked for, and its command can be looked at before', () => {
  const reader = new CommandReader()
  reader.feed(Buffer.from('a1 APPEND box (\\Seen) {10}\r\n'))
  const offer = reader.next()
  assert.ok(offer?.kind === 'literal')
  const soFar = readAppend(offer.argsSoFar(), { utf8: false })
  assert.deepEqual(
    [soFar.mailbox, soFar.messages[0]?.flags, soFar.messages[0]?.parts],
    ['box', ['\\Seen'], [{ literal: { size: 10, isBinary: false, bytes: null } }]],
  )
  const chunks: string[] = []
  reader.accept(chunk => chunks.push(chunk.toString()))
  reader.feed(Buffer.from('01234'))
  assert.equal(reader.next(), null)
  reader.feed(Buffer.from('56789\r\n'))
  const command = reader.next()
  assert.ok(command?.kind === 'command')
  assert.deepEqual(chunks, ['01234', '56789'])
  assert.equal(readAppend(command.args, { utf8: false }).messages[0]?.parts.length, 1)
})

test('an expected line may hold anything; what is pipelined can be taken away', () => {
  const reader = new CommandReader()
  reader.feed(Buffer.from('a AUTHENTICATE PLAIN\r\nAGE{3}\r\nb STARTTLS\r\nc NOOP\r\n'))
  assert.equal(reader.next()?.kind, 'command')
  reader.expectLine(100)
  assert.deepEqual(reader.next(), { kind: 'line', bytes: Buffer.from('AGE{3}') })
  assert.equal(reader.next()?.kind, 'command')
  assert.equal(reader.drain().toString(), 'c NOOP\r\n')
  assert.equal(reader.next(), null)
  reader.expectLine(5)
  reader.feed(Buffer.from('too long a line\r\nd NOOP\r\n'))
  assert.equal(reader.next()?.kind, 'bad')
  assert.equal(reader.next()?.kind, 'command')
})

test('forgetting to answer an offer is a mistake that shows', () => {
  const reader = new CommandReader()
  reader.feed(Buffer.from('a X {3}\r\n'))
  reader.next()
  assert.throws(() => reader.next())
})

test('how octets are cut into chunks changes nothing', () => {
  const piece = fc.constantFrom(
    'a1 ',
    'NOOP',
    '\r\n',
    '\n',
    '\r',
    ' ',
    '{3}',
    '{3+}',
    '~{4+}',
    '{60+}',
    '{',
    '}',
    '"',
    '\\',
    'abc',
    '(',
    ')',
    '\u0000',
    'é',
    'x'.repeat(60),
    'UID ',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 1, max: 9 }), fc.boolean(), (pieces, step, accept) => {
      // astring() may throw on odd arguments; both ways of cutting have to agree on that too.
      const run = (width: number): unknown => {
        try {
          return transcript(pieces.join(''), small, width, accept)
        } catch (error) {
          return String(error)
        }
      }
      assert.deepEqual(run(step), run(Number.POSITIVE_INFINITY))
    }),
    { numRuns: 2000 },
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatSettingsFile, parseSettingsFile, SettingsFileError } from './toml.ts'

const parse = (text: string): Record<string, string> => Object.fromEntries(parseSettingsFile(text))

const readable: ReadonlyArray<[name: string, text: string, expected: Record<string, string>]> = [
  [
    'a table',
    '[Server.Listener."SMTP"]\nbind = "[::]:25" # port\nprotocol = smtp\n',
    { 'server.listener.SMTP.bind': '[::]:25', 'server.listener.SMTP.protocol': 'smtp' },
  ],
  ['bare values', 'a = 30d\nb = true\nc = -1.5\n', { a: '30d', b: 'true', c: '-1.5' }],
  ['dotted keys keep their case', 'A.b = 1\n', { 'A.b': '1' }],
  ['an array over several lines', 'k = [ "x", # first\n  y,\n]\n', { 'k.0000': 'x', 'k.0001': 'y' }],
  [
    'nested arrays and inline tables',
    'k = [ { if = "a", then = 1 }, { else = false } ]',
    { 'k.0000.if': 'a', 'k.0000.then': '1', 'k.0001.else': 'false' },
  ],
  ['a set', 'k = { a, "b c" }', { 'k.a': '', 'k.b c': '' }],
  [
    'array-of-table counters restart after another name',
    '[[t]]\na=1\n[[t]]\na=2\n[[u]]\na=3\n[[t]]\nb=4\n',
    { 't.0000.a': '1', 't.0001.a': '2', 'u.0000.a': '3', 't.0000.b': '4' },
  ],
  ['escapes', `${String.raw`a = "x\ty\q\"" `}\nb = '\\n'`, { a: 'x\tyq"', b: '\n' }],
  ['raw strings', 'a = """\nline \\n one\n"two" """\nb = \'\'\'x\'\'\'', { a: 'line \\n one\n"two" ', b: 'x' }],
  ['CRLF line ends', '[a]\r\nb = 1\r\n# c\r\nd = 2\r\n', { 'a.b': '1', 'a.d': '2' }],
  ['nothing', '\n\n# only a comment', {}],
]
for (const [name, text, expected] of readable) test(`reads ${name}`, () => assert.deepEqual(parse(text), expected))

const broken: ReadonlyArray<[name: string, text: string, line: number, message: RegExp]> = [
  ['a key given twice', 'a = 1\n\na = 2\n', 3, /a is given twice/],
  ['an open text', 'a = 1\nb = "x\n', 2, /not closed/],
  ['an open raw text', 'b = """x\n\n', 1, /not closed/],
  ['a missing value', 'a =\n', 1, /value is missing/],
  ['text after a value', 'a = 1 2\n', 1, /after the end/],
  ['an open header', '[a\n', 1, /header/],
  ['a missing equals sign', 'abc\n', 1, /'=' expected/],
  ['an open array', 'a = [1, 2\n', 2, /array lacks|value is missing/],
  ['values too deep', `a = ${'['.repeat(12)}1${']'.repeat(12)}`, 1, /deeper/],
]
for (const [name, text, line, message] of broken) {
  test(`refuses ${name}, naming the line`, () => {
    assert.throws(
      () => parse(text),
      (error: unknown) => error instanceof SettingsFileError && error.line === line && message.test(error.message),
    )
  })
}

test('a written file reads back the same, whatever the values', () => {
  const keys = fc.stringMatching(/^[a-z0-9 .:*"'\\-]{1,20}$/)
  const values = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.constantFrom("'''", "a'''b\n", '\n', "x\n'", '30d', '1e5', ' ', `${'q"'.repeat(40)}`),
  )
  fc.assert(
    fc.property(fc.dictionary(keys, values), entries => {
      const map = new Map(Object.entries(entries))
      assert.deepEqual(new Map([...parseSettingsFile(formatSettingsFile(map))]), new Map([...map]))
    }),
    { numRuns: 300 },
  )
})

test('any text either parses or fails with a line', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'[]{}=,"\'\\\n#ab. 1'), maxLength: 60 }), text => {
      try {
        parseSettingsFile(text)
      } catch (error) {
        assert.ok(error instanceof SettingsFileError)
      }
    }),
    { numRuns: 500 },
  )
})

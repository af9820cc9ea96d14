import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { constantValue, evaluate, mentions, type Scope } from './evaluate.ts'
import { ExpressionError, parseExpression } from './syntax.ts'
import type { Value } from './values.ts'

const variables: Readonly<Record<string, Value>> = {
  sender: 'jane@example.org',
  rcpt: 'bob+tag@other.test',
  remote_ip: '192.0.2.7',
  local_port: 25,
  recipients: ['a@x.test', 'b@x.test'],
  empty: '',
}
const scope: Scope = {
  variable: name => variables[name],
  call: async (name, args) => (name === 'is_local_domain' ? (args[1] === 'example.org' ? 1 : 0) : `${name}?`),
}

const cases: ReadonlyArray<[expression: string, expected: Value]> = [
  ['1 + 2 * 3', 7],
  ['(1 + 2) * 3', 9],
  ['7 / 2', 3.5],
  ['7 / 0', 0],
  ['10 - 2 - 3', 5],
  ['-2 + 5', 3],
  ['!0', 1],
  ["!'x'", 0],
  ['1 < 2 && 2 < 3', 1],
  ['0 || 0 | 3', 1],
  ['1 ^ 1', 0],
  ['1 = 1', 1],
  ['2 => 3', 0],
  ['2 =< 3', 1],
  ["'5' == 5", 1],
  ["'abc' < 'abd'", 1],
  ["'abc' > 5", 1],
  ["'a' + 'b'", 'ab'],
  ["'' + 5", 5],
  ["['a'] + 'b'", ['a', 'b']],
  ["['a', 'b', 'a'] - 'a'", ['b']],
  ['30s', 30_000],
  ['250ms', 250],
  ['5d', 432_000_000],
  ['true', 1],
  ['sender', 'jane@example.org'],
  ['unknown_name', ''],
  ['local_port == 25', 1],
  ['recipients[1]', 'b@x.test'],
  ['recipients[9]', ''],
  ["email_part(rcpt, 'domain')", 'other.test'],
  ["email_part(recipients, 'local')", ['a', 'b']],
  ["matches('^([^+]+)\\+[^@]*@(.+)$', rcpt) && $2 == 'other.test'", 1],
  ["if_then(matches('^(.+)@(.+)$', sender), $2 + '/' + $1, 'none')", 'example.org/jane'],
  ["matches('nothing', sender)", 0],
  ['$1', ''],
  ['$TAG', 0],
  ["is_local_domain('', 'example.org')", 1],
  ['count(recipients)', 2],
  ['count(empty)', 0],
  ["sort(['b', 'a'], true)", ['b', 'a']],
  ["dedup(['a', 'a'])", ['a']],
  ["winnow(['a', ''])", ['a']],
  ["is_intersect(['a'], ['b', 'a'])", 1],
  ["contains(recipients, 'a@x.test')", 1],
  ["contains(sender, 'example')", 1],
  ["split_n('a.b.c', '.', 1)", ['a', 'b.c']],
  ["rsplit_once('a.b.c', '.')", ['a.b', 'c']],
  ["split_once('abc', '.')", ''],
  ["substring('grün', 2, 2)", 'ün'],
  ["len('grün')", 5],
  ["hash('abc', 'md5')", '900150983cd24fb0d6963f7d28e17f72'],
  ["ip_reverse_name('192.0.2.7')", '7.2.0.192'],
  ["starts_with(remote_ip, '192.')", 1],
  ["eq_ignore_case('ABC', 'abc')", 1],
  ["strip_prefix('abc', 'x')", ''],
  ["to_uppercase(['a', 'b'])", ['A', 'B']],
  ['\'a\\n\' + "b"', 'a\nb'],
]
for (const [expression, expected] of cases) {
  test(`${expression} gives ${JSON.stringify(expected)}`, async () =>
    assert.deepEqual(await evaluate(parseExpression(expression), scope), expected))
}

test('an untaken branch is not evaluated', async () => {
  let asked = 0
  const counting: Scope = { variable: () => undefined, call: async () => ++asked }
  await evaluate(parseExpression("0 && key_get('', 'x')"), counting)
  await evaluate(parseExpression("1 || key_get('', 'x')"), counting)
  assert.equal(asked, 0)
})

const broken: ReadonlyArray<[expression: string, message: RegExp]> = [
  ['', /ends early/],
  ['1 +', /ends early/],
  ['1 2', /operator is expected/],
  ["'open", /not closed/],
  ['f(1', /'\)' expected/],
  ['a\tb', /tab/],
  ['matches(sender, 1)', /literal/],
  ["matches('(', sender)", /regular expression/],
  ['a ; b', /not understood/],
  [`${'('.repeat(200)}1${')'.repeat(200)}`, /deeper/],
  [`${'!'.repeat(200)}1`, /deeper/],
]
for (const [expression, message] of broken) {
  test(`${JSON.stringify(expression.slice(0, 20))} is refused`, () => {
    assert.throws(
      () => parseExpression(expression),
      (error: unknown) => error instanceof ExpressionError && message.test(error.message),
    )
  })
}

test('constants are recognised, mentions listed', () => {
  assert.deepEqual(constantValue(parseExpression('[1, -2]')), [1, -2])
  assert.equal(constantValue(parseExpression('sender')), undefined)
  const found = mentions(parseExpression("matches('x', a) && f(b, [c])"))
  assert.deepEqual([...found.names].sort(), ['a', 'b', 'c'])
  assert.deepEqual([...found.functions], ['f'])
})

test('any text either parses or fails with a position', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: fc.constantFrom(...'ab1(),[]$!=<>&|+-*/.\'" '), maxLength: 40 }), async text => {
      let tree: ReturnType<typeof parseExpression>
      try {
        tree = parseExpression(text)
      } catch (error) {
        assert.ok(error instanceof ExpressionError)
        return
      }
      await evaluate(tree, scope)
    }),
    { numRuns: 2000 },
  )
})

const endless = [
  '^(a+)+$',
  '(?i)^(a|a)*$',
  '(a*)*b',
  '^(?:a?){40}a{40}$',
  `${'a?'.repeat(40)}${'a'.repeat(40)}$`,
  '(a)\\1*(a+a+)+$',
  '^(a|ab?)(a|aa)+$',
]
for (const pattern of endless) {
  test(`${pattern.slice(0, 40)} does not hold the thread, whatever a stranger sends`, async () => {
    const node = parseExpression(`matches('${pattern}', text)`)
    await assert.rejects(evaluate(node, { variable: () => `${'a'.repeat(39)}!`.repeat(50) }), RangeError)
    assert.equal(await evaluate(parseExpression("matches('^(a+)(b+)+$', 'aabb') && $1 == 'aa' && $2 == 'bb'"), scope), 1)
  })
}

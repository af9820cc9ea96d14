import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { declaredEndpoints } from '@postern/contract/endpoints'
import fc from 'fast-check'
import { commands, derivedFiles, exitCodes, runCommandLine } from './index.ts'
import { fakeTerminal, jsonAnswer } from './testing/terminal.ts'
import { layOut, visible } from './view.ts'

test('what a person asks becomes one call, and the answer a table', async () => {
  const terminal = fakeTerminal({
    answers: [
      jsonAnswer({
        data: {
          items: [{ id: 1, type: 'individual', name: 'jane', emails: ['j@x.test', 'jd@x.test'], usedQuota: 1_500_000, quota: 0 }],
          total: 201,
        },
      }),
    ],
  })
  assert.equal(await runCommandLine(['account', 'list', '--filter', 'jane doe', '--page', '2', '--limit=1'], terminal), 0)
  assert.deepEqual(
    terminal.sent.map(({ target }) => target),
    ['/api/principal?types=individual&filter=jane+doe&fields=name%2Cdescription%2Cemails%2Croles%2CusedQuota%2Cquota&page=2&limit=1'],
  )
  assert.equal(
    terminal.printed(),
    'NAME  DESCRIPTION  ADDRESSES            ROLES  USED    QUOTA\njane  -            j@x.test, jd@x.test  -      1.5 MB  unlimited\n\n1 of 201; more with --page 3\n',
  )
})

test('--json gives the data as they are, on one line where no person reads', async () => {
  const terminal = fakeTerminal({ answers: [jsonAnswer({ data: { a: [1] } })] })
  assert.equal(await runCommandLine(['--json', 'settings', 'get', 'a', 'b.'], terminal), 0)
  assert.equal(terminal.printed(), '{"a":[1]}\n')
  assert.equal(terminal.sent[0]?.target, '/api/settings/keys?keys=a&prefixes=b')
})

test('an account is created with its address, role and a password that no command line has seen', async () => {
  const terminal = fakeTerminal({ answers: [jsonAnswer({ data: 7 })], input: 'sec ret\n' })
  assert.equal(
    await runCommandLine(['account', 'create', 'Jane@x.test', '--quota', '1.5gb', '--ask-password', '--list', 'all'], terminal),
    0,
  )
  assert.deepEqual(terminal.sent[0]?.body, {
    type: 'individual',
    name: 'Jane@x.test',
    roles: ['user'],
    emails: ['Jane@x.test'],
    quota: 1_500_000_000,
    lists: ['all'],
    secrets: ['sec ret'],
  })
  assert.equal(terminal.printed(), 'Created jane@x.test (id 7).\n')
})

test('what is said about rights takes the place of the defaults, all of them', async () => {
  const terminal = fakeTerminal({ answers: [jsonAnswer({ data: 7 })] })
  await runCommandLine(['group', 'create', 'office', '--role', 'user'], terminal)
  assert.deepEqual(terminal.sent[0]?.body, { type: 'group', name: 'office', roles: ['user'] })
})

test('changes are set, added and removed in one request each', async () => {
  const terminal = fakeTerminal({ answers: Array.from({ length: 3 }, () => jsonAnswer({ data: null })) })
  await runCommandLine(
    ['account', 'set', 'jane', '--name', 'jane2', '--email', 'a@x.test', '--email', 'b@x.test', '--quota', '0'],
    terminal,
  )
  await runCommandLine(['account', 'add', 'jane', '--email', 'c@x.test', '--member-of', 'office'], terminal)
  await runCommandLine(['account', 'remove', 'jane', '--role', 'user'], terminal)
  assert.deepEqual(
    terminal.sent.map(({ body }) => body),
    [
      [
        { action: 'set', field: 'name', value: 'jane2' },
        { action: 'set', field: 'emails', value: ['a@x.test', 'b@x.test'] },
        { action: 'set', field: 'quota', value: 0 },
      ],
      [
        { action: 'addItem', field: 'emails', value: 'c@x.test' },
        { action: 'addItem', field: 'memberOf', value: 'office' },
      ],
      [{ action: 'removeItem', field: 'roles', value: 'user' }],
    ],
  )
})

test('an API key gets a secret of its own, shown once as the token to use', async () => {
  const terminal = fakeTerminal({ answers: [jsonAnswer({ data: 9 })] })
  await runCommandLine(['api-key', 'create', 'Robot', '--json'], terminal)
  const { token, secret } = JSON.parse(terminal.printed()) as { token: string; secret: string }
  assert.match(secret, /^[A-Za-z0-9]{30}$/)
  assert.equal(atob(token.replace(/^api_/, '')), `robot:${secret}`)
  assert.partialDeepStrictEqual(terminal.sent[0]?.body, { secrets: [secret] })
})

const refusals: ReadonlyArray<readonly [answer: () => Response, code: number, said: RegExp]> = [
  [jsonAnswer({ error: 'notFound', item: 'x' }), exitCodes.notFound, /no such thing.*x/i],
  [jsonAnswer({ error: 'other', details: 'Invalid role', reason: null }), exitCodes.refused, /Invalid role/],
  [jsonAnswer({ status: 401, title: 'Unauthorized', detail: 'You have to authenticate first.' }, 401), exitCodes.denied, /postern login/],
  [jsonAnswer({ status: 402, title: 'TOTP code required', detail: 'x' }, 402), exitCodes.denied, /password\$code/],
  [jsonAnswer({ status: 403, title: 'Forbidden', detail: 'No.' }, 403), exitCodes.denied, /No\./],
  [jsonAnswer({ status: 500, title: 'Internal Server Error', detail: 'Oh.' }, 500), exitCodes.noAnswer, /Oh\./],
  [
    () => {
      throw new TypeError('connect ECONNREFUSED')
    },
    exitCodes.noAnswer,
    /does not answer: connect ECONNREFUSED/,
  ],
]
for (const [answer, code, said] of refusals) {
  test(`exit code ${code} for ${said}`, async () => {
    const terminal = fakeTerminal({ answers: [answer, answer] })
    assert.equal(await runCommandLine(['account', 'show', 'x'], terminal), code)
    assert.match(terminal.complaints(), said)
    assert.equal(terminal.printed(), '')
    assert.equal(await runCommandLine(['account', 'show', 'x', '--json'], terminal), code)
    assert.equal(typeof JSON.parse(terminal.complaints().split('\n').at(-2) ?? '').error, 'string')
  })
}

const misuses: readonly string[][] = [
  ['nonsense'],
  ['account', 'nonsense'],
  ['account', 'show'],
  ['account', 'show', 'a', 'b'],
  ['account', 'list', '--page', '-1'],
  ['account', 'list', '--page', 'x'],
  ['account', 'list', '--frobnicate'],
  ['account', 'create', 'a', '--quota', '5 parsecs'],
  ['account', 'set', 'jane'],
  ['settings', 'set', 'novalue'],
  ['queue', 'retry', '7', '--at', 'yesterday'],
  ['call', 'updateSettings', '--body', '{'],
  ['dkim', 'create', 'x.test', '--algorithm', 'Dsa'],
  ['completion', 'tcsh'],
  ['--url', 'ftp://x', 'queue', 'status'],
  ['spam', '--help-me'],
]
for (const args of misuses) {
  test(`wrong usage sends nothing: ${args.join(' ')}`, async () => {
    const terminal = fakeTerminal({ answers: [] })
    assert.equal(await runCommandLine(args, terminal), exitCodes.usage)
    assert.match(terminal.complaints(), /^postern: /)
    assert.equal(terminal.sent.length, 0)
  })
}

test('what is lost for good is asked about, or needs --yes where nobody can answer', async () => {
  const silent = fakeTerminal({ answers: [jsonAnswer({ data: null })] })
  assert.equal(await runCommandLine(['account', 'delete', 'jane'], silent), exitCodes.usage)
  assert.equal(await runCommandLine(['account', 'delete', 'jane', '--yes'], silent), exitCodes.done)
  const asked = fakeTerminal({ answers: [jsonAnswer({ data: null })], replies: ['n', 'y'] })
  assert.equal(await runCommandLine(['domain', 'delete', 'x.test'], asked), exitCodes.refused)
  assert.equal(asked.sent.length, 0)
  assert.equal(await runCommandLine(['domain', 'delete', 'x.test', '--force'], asked), exitCodes.done)
  assert.equal(asked.sent[0]?.target, '/api/principal/x.test?force=true')
})

test('a queue is never emptied by what was left out', async () => {
  const terminal = fakeTerminal({ answers: [jsonAnswer({ data: true })] })
  await runCommandLine(['queue', 'cancel', '--yes'], terminal)
  assert.equal(terminal.sent.length, 0)
  await runCommandLine(['queue', 'cancel', '--all', '--yes'], terminal)
  assert.equal(terminal.sent[0]?.method, 'DELETE')
})

test('settings that are stored but broken are told, with exit code 1', async () => {
  const report = { errors: { 'server.hostname': { type: 'parse', error: 'expected a host name' } }, warnings: {} }
  const terminal = fakeTerminal({ answers: [jsonAnswer({ data: null }), jsonAnswer({ data: report })] })
  assert.equal(await runCommandLine(['settings', 'set', '--force', 'server.hostname=a b=c'], terminal), exitCodes.refused)
  assert.deepEqual(terminal.sent[0]?.body, [{ type: 'insert', prefix: null, values: [['server.hostname', 'a b=c']], assert_empty: false }])
  assert.match(terminal.complaints(), /not in force.*\n.*server\.hostname: parse: expected a host name/)
})

test('a wrong value is not stored; one that was wrong before is not its fault', async () => {
  const errors = { 'server.hostname': { type: 'parse', error: 'expected a host name' } }
  const plan = (key: string) => jsonAnswer({ data: { changes: [{ key, before: null, after: 'x', reload: 'live' }], errors, warnings: {} } })
  const refused = fakeTerminal({ answers: [plan('server.hostname')] })
  assert.equal(await runCommandLine(['settings', 'set', 'server.hostname=x'], refused), exitCodes.refused)
  assert.match(refused.complaints(), /Nothing was stored:\nserver\.hostname: parse: expected a host name/)
  assert.equal(refused.sent.length, 1)
  const other = fakeTerminal({
    answers: [plan('report.domain'), jsonAnswer({ data: null }), jsonAnswer({ data: { errors, warnings: {} } })],
  })
  await runCommandLine(['settings', 'set', 'report.domain=x'], other)
  assert.equal(other.sent.length, 3)
})

test('nothing from a server reaches the terminal as a control sequence', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      assert.doesNotMatch(visible(text), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/)
      const table = layOut({ kind: 'table', columns: [{ title: 'x', of: () => text }], rows: [{}] }, 20)
      assert.equal(table.split('\n').length, 3)
    }),
  )
  assert.equal(visible('\u001b]0;evil\u0007'), '\\u{1b}]0;evil\\u{7}')
})

test('lines of a table end where the terminal does, wide letters counted twice', () => {
  const view = { kind: 'table', columns: [{ title: 'a', of: () => '漢字漢字' }], rows: [{}] } as const
  assert.equal(layOut(view, 8), 'A\n漢字漢字\n')
  assert.equal(layOut(view, 7), 'A\n漢字漢…\n')
})

test('completion goes on with commands, options and choices', async () => {
  const complete = async (...words: string[]): Promise<string[]> => {
    const terminal = fakeTerminal({ answers: [] })
    await runCommandLine(['completion', 'words', '--', ...words], terminal)
    return terminal.printed().split('\n').filter(Boolean)
  }
  assert.deepEqual(await complete('acc'), ['account'])
  assert.deepEqual(await complete('account', 'cr'), ['create'])
  assert.deepEqual(await complete('account', 'create', 'x', '--qu'), ['--quota'])
  assert.deepEqual(await complete('dkim', 'create', 'x.test', '--algorithm', ''), ['Rsa', 'Ed25519'])
  assert.deepEqual(await complete('call', 'getQueueS'), ['getQueueStatus'])
  assert.deepEqual(await complete('account', 'show', 'j'), [])
})

test('every endpoint can be called, each command has words of its own, and options that are told apart', () => {
  const words = commands.map(command => command.words)
  assert.deepEqual(
    words.filter((word, at) => words.indexOf(word) !== at),
    [],
  )
  const called = new Set(commands.flatMap(command => command.endpoints))
  assert.deepEqual(
    declaredEndpoints.filter(({ endpoint }) => !called.has(endpoint.id)),
    [],
  )
  for (const { words: own, options, positionals } of commands) {
    const names = options.map(({ name }) => name)
    assert.deepEqual(
      names.filter((name, at) => names.indexOf(name) !== at || ['url', 'login', 'token', 'json', 'yes', 'help'].includes(name)),
      [],
      own,
    )
    const many = positionals.findIndex(positional => positional.many)
    assert.ok(many === -1 || many === positionals.length - 1, own)
  }
})

const root = join(import.meta.dirname, '../../..')
for (const [name, make] of Object.entries(derivedFiles)) {
  test(`${name} is what the commands say; if not, run npm run generate and read the difference`, () => {
    assert.equal(readFileSync(join(root, name), 'utf8') === make(), true)
  })
}

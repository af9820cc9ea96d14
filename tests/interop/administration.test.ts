// Looking after a running server from the command line, as a person and as a script would.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ServerProcess, startServerProcess } from '@postern/testkit'
import { runTool, type ToolRun } from './tools.ts'

const program = join(import.meta.dirname, '../../bin/postern.mjs')
let server: ServerProcess

before(async () => {
  server = await startServerProcess()
})
after(() => server[Symbol.asyncDispose]())

function postern(
  args: readonly string[],
  { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<ToolRun> {
  return runTool(process.execPath, [program, ...args], {
    input,
    env: {
      POSTERN_URL: `http://127.0.0.1:${server.port(80)}`,
      POSTERN_LOGIN: 'admin',
      POSTERN_PASSWORD: server.adminPassword,
      HOME: server.folder,
      XDG_CONFIG_HOME: '',
      ...env,
    },
  })
}

async function json(args: readonly string[], options?: { input?: string }): Promise<unknown> {
  const { code, output } = await postern([...args, '--json'], options)
  assert.equal(code, 0, output)
  return JSON.parse(output)
}

test('a domain, people, a group and a list; what is taken or unknown is told by the exit code', async () => {
  assert.match((await postern(['domain', 'create', 'example.org'])).output, /^Created example\.org \(id \d+\)\.\n$/)
  const made = await postern(['account', 'create', 'jane@example.org', '--description', 'Jane Doe', '--quota', '5gb', '--ask-password'], {
    input: 'sécret\n',
  })
  assert.equal(made.code, 0, made.output)
  assert.equal((await postern(['group', 'create', 'office', '--email', 'office@example.org', '--member', 'jane@example.org'])).code, 0)
  assert.equal(
    (await postern(['list', 'create', 'all@example.org', '--member', 'office', '--external-member', 'aunt@example.net'])).code,
    0,
  )
  const jane = (await json(['account', 'show', 'JANE@example.org'])) as Record<string, unknown>
  assert.deepEqual([jane['emails'], jane['quota'], jane['memberOf'], jane['roles']], ['jane@example.org', 5e9, ['office'], ['user']])
  assert.match((await postern(['account', 'show', 'jane@example.org'])).output, /secrets +password \(argon2id\)\n/)
  const again = await postern(['group', 'create', 'jane@example.org'])
  assert.deepEqual([again.code, /already in use/.test(again.output)], [1, true])
  assert.equal((await postern(['account', 'show', 'nobody'])).code, 3)
  assert.match((await postern(['account', 'list'])).output, /^NAME .*\njane@example\.org +Jane Doe .*\n\n1 of 1\n$/)
})

test('a person with a new password logs in and sees who it is; the old one and missing rights are told', async () => {
  const changed = await postern(['account', 'password', 'jane@example.org'], { input: 'new secret' })
  assert.equal(changed.code, 0, changed.output)
  const as = (password: string) => ({ env: { POSTERN_LOGIN: 'jane@example.org', POSTERN_PASSWORD: password } })
  const right = await postern(['queue', 'list'], as('new secret'))
  assert.deepEqual([right.code, /enough rights|Forbidden|permission/i.test(right.output)], [4, true], right.output)
  const wrong = await postern(['queue', 'list'], as('sécret'))
  assert.deepEqual([wrong.code, /authenticate/.test(wrong.output)], [4, true])
})

test('an API key with few rights can do these, and no more', async () => {
  const { token } = (await json(['api-key', 'create', 'reader', '--allow', 'authenticate', '--allow', 'individual-list'])) as {
    token: string
  }
  const env = { POSTERN_TOKEN: token, POSTERN_LOGIN: '', POSTERN_PASSWORD: '' }
  assert.equal((await postern(['account', 'list'], { env })).code, 0)
  assert.equal((await postern(['domain', 'list'], { env })).code, 4)
})

test('settings are set, seen and deleted, and act at once', async () => {
  assert.match(
    (await postern(['settings', 'set', 'jmap.rate-limit.account=500/1m', "report.dsn.from-name='Post'"])).output,
    /In force\.\n$/,
  )
  assert.deepEqual(await json(['settings', 'get', 'report.dsn.from-name']), { 'report.dsn.from-name': "'Post'" })
  assert.equal((await postern(['settings', 'delete', 'report.dsn.from-name'])).code, 0)
  assert.deepEqual(await json(['settings', 'get', 'report.dsn.from-name']), {})
  assert.match((await postern(['settings', 'plan', 'report.dsn.from-name=Post'])).output, /^\+ report\.dsn\.from-name = Post\n/)
  assert.deepEqual(await json(['settings', 'get', 'report.dsn.from-name']), {})
  const [latest] = ((await json(['settings', 'history', '--limit', '1'])) as { items: { id: number; author: string }[] }).items
  assert.equal(latest?.author, 'Fallback Administrator')
  assert.match((await postern(['settings', 'change', String(latest?.id)])).output, /\n- report\.dsn\.from-name = 'Post'\n/)
  assert.equal((await postern(['settings', 'rollback', String(latest?.id)])).code, 0)
  assert.deepEqual(await json(['settings', 'get', 'report.dsn.from-name']), { 'report.dsn.from-name': "'Post'" })
  const broken = await postern(['settings', 'set', 'jmap.rate-limit.account=soon'])
  assert.equal(broken.code, 1)
  assert.match(broken.output, /Nothing was stored:\n.*jmap\.rate-limit\.account: (parse|build)/)
  assert.deepEqual(await json(['settings', 'get', 'jmap.rate-limit.account']), { 'jmap.rate-limit.account': '500/1m' })
})

test('an address is banned and let in again; one own is not', async () => {
  assert.equal((await postern(['ban', 'add', '192.0.2.7', '--reason', 'tried passwords'])).code, 0)
  assert.match((await postern(['ban', 'list'])).output, /192\.0\.2\.7 +manual .* tried passwords\n/)
  assert.equal((await postern(['ban', 'lift', '192.0.2.7'])).code, 0)
  assert.equal((await postern(['ban', 'show', '192.0.2.7'])).code, 3)
  assert.equal((await postern(['ban', 'add', '127.0.0.1'])).code, 1)
})

test('a domain gets its keys, and knows which records it wants', async () => {
  assert.equal((await postern(['domain', 'create', 'keys.example', '--dkim'])).code, 0)
  const { output } = await postern(['dns', 'records', 'keys.example'])
  assert.match(output, /^TYPE +NAME +CONTENT\nMX +keys\.example\. +10 /)
  assert.match(output, /v=DKIM1; k=ed25519; h=sha256; p=[A-Za-z0-9+/]{43}=\n/)
  assert.equal((await postern(['dkim', 'show', 'ed25519-keys.example'])).code, 0)
  assert.match((await postern(['dns', 'check', 'keys.example'])).output, /^(missing|unreachable) {2}MX keys\.example\./)
})

test('login keeps tokens that work, and logout forgets them', async () => {
  const env = { POSTERN_LOGIN: '', POSTERN_PASSWORD: '' }
  const loggedIn = await postern(['login', '--login', 'admin'], { env: { ...env, POSTERN_PASSWORD: server.adminPassword } })
  assert.equal(loggedIn.code, 0, loggedIn.output)
  assert.deepEqual([(await postern(['queue', 'status'], { env: { POSTERN_PASSWORD: '', POSTERN_LOGIN: '' } })).output], ['Running.\n'])
  await postern(['logout'])
  assert.equal((await postern(['queue', 'status'], { env })).code, 4)
})

test('the queue: stop, status, list, start', async () => {
  assert.match((await postern(['queue', 'stop'])).output, /Paused; it was running\./)
  assert.equal(await json(['queue', 'status']), false)
  assert.match((await postern(['queue', 'list'])).output, /0 of 0; the queue is paused\n$/)
  assert.equal((await postern(['queue', 'show', '7'])).code, 3)
  assert.match((await postern(['queue', 'start'])).output, /Running; it was paused\./)
})

test('a server that is not there gives exit code 5, and no stack', async () => {
  const { code, output } = await postern(['queue', 'status'], { env: { POSTERN_URL: 'http://127.0.0.1:1' } })
  assert.deepEqual([code, output.split('\n').length], [5, 2], output)
})

test("the server's own commands go to the server; a shell gets its completion", async () => {
  assert.match((await postern(['--version'])).output, /^\d+\.\d+\.\d+\n$/)
  const script = (await postern(['completion', 'bash'])).output
  const completed = await runTool('bash', [
    '-c',
    `postern() { '${process.execPath}' '${program}' "$@"; }; ${script}
COMP_WORDS=(postern account cr); COMP_CWORD=2; _postern; echo "\${COMPREPLY[@]}"`,
  ])
  assert.equal(completed.output, 'create\n')
})

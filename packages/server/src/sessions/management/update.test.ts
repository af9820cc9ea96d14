import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { startTestServer, type TestServer } from '@postern/testkit'

let server: TestServer
let web: Server
let webPort: number
let bundle: string

before(async () => {
  server = await startTestServer()
  web = createServer((request, response) => {
    if (request.url === '/rules') response.end(bundle)
    else if (request.url === '/moved') response.writeHead(302, { Location: '/rules' }).end()
    else if (request.url === '/loop') response.writeHead(302, { Location: '/loop' }).end()
    else response.writeHead(404).end('nothing')
  }).listen(0, '127.0.0.1')
  await new Promise(resolve => web.on('listening', resolve))
  const address = web.address()
  webPort = address instanceof Object ? address.port : 0
})
after(async () => {
  web.closeAllConnections()
  web.close()
  await server[Symbol.asyncDispose]()
})

async function call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  return (await server.call(method, path, body)).body as Record<string, unknown>
}

async function set(...values: Array<[string, string]>): Promise<void> {
  await call('POST', '/api/settings', [{ type: 'insert', prefix: null, assert_empty: false, values }])
  assert.deepEqual(((await call('GET', '/api/reload'))['data'] as { errors: object }).errors, {})
}

async function value(key: string): Promise<string | undefined> {
  return ((await call('GET', `/api/settings/keys?keys=${key}`))['data'] as Record<string, string>)[key]
}

const rules = (version: string, more = ''): string => `version.spam-filter = "${version}"
version.server = "0.11.0"
[spam-filter.rule.stwt_a]
scope = "any"
enable = true
[spam-filter.rule.stwt_b]
scope = "any"
enable = true
[spam-filter.score]
spam = "6.0"
${more}`

test('without a resource there is nothing newer', async () => {
  assert.deepEqual(await call('GET', '/api/update/spam-filter'), { data: null })
  assert.equal(await value('version.spam-filter'), undefined)
})

test('rules are installed once; a newer bundle replaces the rules of the vendor and keeps what the administrator set', async () => {
  bundle = rules('1.0.0', '[lookup.spam-traps]\n"a@b.test" = ""\n[server]\nmax-connections = 3\n[lookup.default]\nhostname = "evil.test"\n')
  await set(['spam-filter.resource', `http://127.0.0.1:${webPort}/moved`], ['spam-filter.score.spam', '4.5'])
  assert.deepEqual(await call('GET', '/api/update/spam-filter'), { data: '1.0.0' })
  assert.equal(await value('spam-filter.rule.stwt_a.scope'), 'any')
  assert.equal(await value('spam-filter.score.spam'), '4.5')
  assert.equal(await value('lookup.spam-traps.a@b.test'), '')
  assert.equal(await value('server.max-connections'), undefined)
  assert.equal(await value('lookup.default.hostname'), 'mail.example.org')
  assert.deepEqual(await call('GET', '/api/update/spam-filter'), { data: null })
  await set(['spam-filter.rule.stwt_b.enable', 'false'], ['spam-filter.rule.own.scope', 'any'])
  bundle = rules('1.0.10').replace('[spam-filter.rule.stwt_a]', '[spam-filter.rule.stwt_c]')
  assert.deepEqual(await call('GET', '/api/update/spam-filter'), { data: '1.0.10' })
  assert.equal(await value('spam-filter.rule.stwt_a.scope'), undefined)
  assert.equal(await value('spam-filter.rule.stwt_c.scope'), 'any')
  assert.equal(await value('spam-filter.rule.stwt_b.enable'), 'false')
  assert.equal(await value('spam-filter.rule.own.scope'), 'any')
  assert.deepEqual(await call('GET', '/api/update/spam-filter?overwrite=1&force=1'), { data: '1.0.10' })
  assert.equal(await value('spam-filter.score.spam'), '6.0')
})

test('a file is read too', async () => {
  const file = join(server.folder, 'rules.toml')
  await writeFile(file, rules('2.0.0'))
  await set(['spam-filter.resource', pathToFileURL(file).href])
  assert.deepEqual(await call('GET', '/api/update/spam-filter'), { data: '2.0.0' })
})

const broken: ReadonlyArray<readonly [name: string, path: string, contents: string, reason: RegExp]> = [
  ['a bundle that is not there', '/none', '', /answered 404/],
  ['a redirect without end', '/loop', '', /answered 302/],
  ['a bundle that can not be read', '/rules', '<html>', /can't be read: line 1/],
  ['a bundle without version', '/rules', '[spam-filter.rule.stwt_a]\nscope = "any"\n', /names no version/],
  ['rules for a newer server', '/rules', rules('9.0.0').replace('0.11.0', '0.12.0'), /need version 0\.12\.0/],
]
for (const [name, path, contents, reason] of broken) {
  test(`${name} changes nothing, with a reason`, async () => {
    bundle = contents
    await set(['spam-filter.resource', `http://127.0.0.1:${webPort}${path}`])
    const answer = await call('GET', '/api/update/spam-filter?force=1')
    assert.equal(answer['error'], 'other')
    assert.match(String(answer['reason']), reason)
    assert.equal(await value('version.spam-filter'), '2.0.0')
  })
}

test('a restart is refused', async () => {
  assert.deepEqual(await call('GET', '/api/restart'), { error: 'unsupported', details: 'Restart is not yet supported' })
})

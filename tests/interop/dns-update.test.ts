// Publishing records into the zone of a real name server: Knot DNS of Debian, with a TSIG key.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { systemClock, systemRandom } from '@postern/server/base/clock'
import { createResolver, type Resolver } from '@postern/server/base/dns'
import { startTestServer, type TestServer } from '@postern/testkit'

const knotd = '/usr/sbin/knotd'
const options = existsSync(knotd) ? {} : { skip: 'knotd is missing: install the package knot' }
const secret = Buffer.from('a secret of thirty-two bytes ...').toString('base64')

let folder: string
let port: number
let daemon: ChildProcess | undefined
let server: TestServer
let resolver: Resolver

before(async () => {
  if ('skip' in options) return
  folder = await mkdtemp(join(tmpdir(), 'knot-'))
  port = await freePort()
  await writeFile(
    join(folder, 'example.org.zone'),
    zoneOf('example.org', '@ IN TXT "site-verification=1"\n_dmarc IN TXT "v=DMARC1; p=none"\n'),
  )
  await writeFile(
    join(folder, 'knot.conf'),
    `server:
  rundir: ${folder}
  listen: 127.0.0.1@${port}
database:
  storage: ${folder}
key:
  - id: postern.
    algorithm: hmac-sha256
    secret: ${secret}
acl:
  - id: update
    key: postern.
    action: update
template:
  - id: default
    storage: ${folder}
    file: "%s.zone"
zone:
  - domain: example.org
    acl: update
`,
  )
  daemon = spawn(knotd, ['-c', join(folder, 'knot.conf')], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [daemon.stdout, daemon.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  resolver = createResolver({
    servers: [{ protocol: 'tcp', ip: '127.0.0.1', port }],
    attempts: 1,
    timeoutMs: 5000,
    maxCached: 1,
    clock: { ...systemClock, now: () => (later += 100_000_000) },
    random: systemRandom,
  })
  for (let attempt = 0; !(await answers()); attempt++) {
    if (attempt === 100 || daemon.exitCode !== null) throw new Error(`knotd does not answer: ${output}`)
    await systemClock.sleep(50)
  }
  server = await startTestServer({
    settings: { 'lookup.default.hostname': 'mail.example.org' },
  })
  await settings(
    ['acme.knot.provider', 'rfc2136-tsig'],
    ['acme.knot.host', '127.0.0.1'],
    ['acme.knot.port', String(port)],
    ['acme.knot.key', 'postern'],
    ['acme.knot.tsig-algorithm', 'hmac-sha256'],
    ['acme.knot.secret', secret],
    ['acme.knot.timeout', '5s'],
  )
})

// Every look-up is later than what the cache holds.
let later = 0

after(async () => {
  await server?.[Symbol.asyncDispose]()
  if (daemon !== undefined && daemon.exitCode === null) {
    daemon.kill()
    await once(daemon, 'exit')
  }
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
})

function zoneOf(zone: string, records: string): string {
  return `$ORIGIN ${zone}.\n$TTL 300\n@ IN SOA ns.${zone}. hostmaster.${zone}. 1 3600 600 86400 60\n@ IN NS ns.${zone}.\nns IN A 127.0.0.1\nmail IN A 192.0.2.1\n${records}`
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  return address instanceof Object ? address.port : 0
}

async function answers(): Promise<boolean> {
  return resolver.txt('example.org').then(
    () => true,
    () => false,
  )
}

interface DnsRecord {
  readonly type: string
  readonly name: string
  readonly content: string
}
interface Publication {
  readonly zone: string
  readonly added: readonly DnsRecord[]
  readonly removed: readonly DnsRecord[]
  readonly unchanged: readonly DnsRecord[]
  readonly conflicts: ReadonlyArray<DnsRecord & { readonly found: readonly string[]; readonly reason: string }>
  readonly outside: readonly DnsRecord[]
}

async function call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  return (await server.call(method, path, body)).body as Record<string, unknown>
}

async function settings(...values: Array<[string, string]>): Promise<void> {
  await call('POST', '/api/settings', [{ type: 'insert', prefix: null, assert_empty: false, values }])
  await call('GET', '/api/reload')
}

async function publish(query = ''): Promise<Publication> {
  const answer = await call('POST', `/api/dns/publish/example.org${query}`)
  assert.ok('data' in answer, JSON.stringify(answer))
  return answer['data'] as Publication
}

test('a dry run finds the zone and says what it would do, and does nothing', options, async () => {
  const { zone, added, conflicts } = await publish('?dry-run=1')
  assert.equal(zone, 'example.org')
  assert.ok(added.some(({ type, content }) => type === 'MX' && content === '10 mail.example.org.'))
  assert.deepEqual(
    conflicts.map(({ name, found }) => [name, found]),
    [['_dmarc.example.org.', ['v=DMARC1; p=none']]],
  )
  await assert.rejects(resolver.mx('example.org'))
})

test('records are published in one signed update, beside those of others', options, async () => {
  const { added, removed, conflicts } = await publish()
  assert.ok(added.length > 3)
  assert.deepEqual([removed.length, conflicts.length], [0, 1])
  assert.deepEqual((await resolver.mx('example.org')).records, [{ preference: 10, exchange: 'mail.example.org' }])
  assert.deepEqual([...(await resolver.txt('example.org')).records].sort(), ['site-verification=1', 'v=spf1 mx ra=postmaster -all'])
  assert.deepEqual((await resolver.txt('_dmarc.example.org')).records, ['v=DMARC1; p=none'])
  const again = await publish()
  assert.deepEqual([again.added, again.removed, again.unchanged.length], [[], [], added.length])
})

test('a key of 2048 bits fits, its rotation adds the next key, and what is ours alone is removed again', options, async () => {
  await call('POST', '/api/dkim', { algorithm: 'Rsa', domain: 'example.org', id: 'k', selector: 'one' })
  await publish()
  const key = String((await call('GET', '/api/dkim/k'))['data'])
  assert.deepEqual((await resolver.txt('one._domainkey.example.org')).records, [`v=DKIM1; k=rsa; h=sha256; p=${key}`])
  await call('POST', '/api/dkim/k/rotate', { selector: 'two' })
  assert.deepEqual(
    (await publish()).added.map(({ name }) => name),
    ['two._domainkey.example.org.'],
  )
  await call('POST', '/api/settings', [{ type: 'clear', prefix: 'signature.k.' }])
  assert.deepEqual(
    (await publish()).removed.map(({ name }) => name),
    ['one._domainkey.example.org.', 'two._domainkey.example.org.'],
  )
  await assert.rejects(resolver.txt('one._domainkey.example.org'))
})

test('records of others are replaced only when that is asked for', options, async () => {
  assert.equal((await publish()).conflicts.length, 1)
  const { removed, conflicts } = await publish('?force=1')
  assert.deepEqual([removed.map(({ content }) => content), conflicts], [['v=DMARC1; p=none'], []])
  assert.match((await resolver.txt('_dmarc.example.org')).records.join(), /^v=DMARC1; p=reject/)
})

const wrong: ReadonlyArray<readonly [name: string, key: string, value: string, reason: RegExp]> = [
  ['a wrong secret', 'secret', Buffer.from('another secret').toString('base64'), /NOTAUTH/],
  ['an unknown key', 'key', 'stranger', /NOTAUTH|REFUSED/],
  ['a server that is not there', 'port', '1', /ECONNREFUSED|closed/],
  ['an algorithm that is not available', 'tsig-algorithm', 'gss', /gss is not available/],
  ['another algorithm than that of the key', 'tsig-algorithm', 'hmac-sha512', /NOTAUTH/],
]
for (const [name, key, value, reason] of wrong) {
  test(`${name} is told, and nothing changes`, options, async () => {
    await settings([`acme.knot.${key}`, value], ['lookup.default.hostname', 'mx2.example.org'])
    const answer = await call('POST', '/api/dns/publish/example.org')
    assert.equal(answer['error'], 'other')
    assert.match(String(answer['reason']), reason)
    assert.deepEqual((await resolver.mx('example.org')).records, [{ preference: 10, exchange: 'mail.example.org' }])
    await settings(
      ['acme.knot.port', String(port)],
      ['acme.knot.key', 'postern'],
      ['acme.knot.tsig-algorithm', 'hmac-sha256'],
      ['acme.knot.secret', secret],
      ['lookup.default.hostname', 'mail.example.org'],
    )
  })
}

test('a domain that is in no zone of the server is refused', options, async () => {
  const answer = await call('POST', '/api/dns/publish/elsewhere.test')
  assert.match(String(answer['reason']), /the server has no zone for elsewhere\.test/)
})

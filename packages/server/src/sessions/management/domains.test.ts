import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { after, before, test } from 'node:test'
import { createFakeClock, type FakeClock, startTestServer, type TestServer, testIdentity } from '@postern/testkit'

let clock: FakeClock
let server: TestServer
// The records of a name are read at each look-up.
const zone: Record<string, Partial<Record<'A' | 'MX' | 'TXT' | 'CNAME' | 'SRV' | 'TLSA', string[] | 'FAIL'>>> = Object.fromEntries(
  [
    'example.org',
    'mail.example.org',
    '_dmarc.example.org',
    '_smtp._tls.example.org',
    's1._domainkey.example.org',
    'next._domainkey.example.org',
    '202601r._domainkey.example.org',
    '_imaps._tcp.example.org',
    'autoconfig.example.org',
    'alias.example.org',
  ].map(name => [name, {}]),
)
const tenantLogin = `Basic ${Buffer.from('boss@example.org:boss-pw').toString('base64')}`

before(async () => {
  clock = createFakeClock()
  server = await startTestServer({ clock, zone })
  await data('POST', '/api/principal', { type: 'tenant', name: 'acme' })
  await data('POST', '/api/principal', { type: 'domain', name: 'example.org', tenant: 'acme' })
  await data('POST', '/api/principal', { type: 'domain', name: 'other.test' })
  const boss = { type: 'individual', name: 'boss@example.org', tenant: 'acme', secrets: ['boss-pw'], roles: ['tenant-admin'] }
  await data('PATCH', '/api/principal/acme', [{ action: 'set', field: 'roles', value: ['tenant-admin'] }])
  await data('POST', '/api/principal', boss)
})

after(() => server[Symbol.asyncDispose]())

async function call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  return (await server.call(method, path, body)).body as Record<string, unknown>
}

async function data(method: string, path: string, body?: unknown): Promise<never> {
  const answer = await call(method, path, body)
  assert.ok('data' in answer, JSON.stringify([path, answer]))
  return answer['data'] as never
}

async function asTenant(method: string, path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`http://127.0.0.1:${server.port('http')}${path}`, {
    method,
    headers: { Authorization: tenantLogin },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const insert = (...values: Array<[string, string]>) => [{ type: 'insert', prefix: null, assert_empty: false, values }]

interface DnsRecord {
  readonly type: string
  readonly name: string
  readonly content: string
}
interface Finding extends DnsRecord {
  readonly state: string
  readonly found: readonly string[]
  readonly fix: string | null
}

test('a new RSA key has the settings that others expect, acts at once, and is shown as the DNS wants it', async () => {
  assert.equal(await data('POST', '/api/dkim', { algorithm: 'Rsa', domain: 'example.org', id: 'k1', selector: 's1' }), null)
  const { items } = (await data('GET', '/api/settings/list?prefix=signature.k1')) as { items: Record<string, string> }
  const { 'private-key': pem = '', ...rest } = items
  assert.match(pem, /^-----BEGIN RSA PRIVATE KEY-----\n/)
  assert.equal(createPrivateKey(pem).asymmetricKeyDetails?.modulusLength, 2048)
  assert.deepEqual(rest, {
    algorithm: 'rsa-sha256',
    canonicalization: 'relaxed/relaxed',
    domain: 'example.org',
    'headers.0': 'From',
    'headers.1': 'To',
    'headers.2': 'Date',
    'headers.3': 'Subject',
    'headers.4': 'Message-ID',
    report: 'false',
    selector: 's1',
  })
  const shown = createPublicKey({ key: Buffer.from(await data('GET', '/api/dkim/k1'), 'base64'), format: 'der', type: 'spki' })
  assert.ok(shown.equals(createPublicKey(pem)))
  assert.equal(server.running.settings.idsOf({ pattern: 'signature.<id>.algorithm' } as never).includes('k1'), true)
})

test('without id and selector a key is named by algorithm, domain and month', async () => {
  await data('POST', '/api/dkim', { algorithm: 'Ed25519', domain: 'K3.example', id: null })
  const key = 'signature.ed25519-k3.example'
  const found = (await data('GET', `/api/settings/keys?keys=${key}.selector,${key}.private-key`)) as Record<string, string>
  assert.equal(found[`${key}.selector`], '202601e')
  assert.match(found[`${key}.private-key`] ?? '', /^-----BEGIN PRIVATE KEY-----\n/)
  assert.equal(Buffer.from(await data('GET', '/api/dkim/ed25519-k3.example'), 'base64').length, 32)
})

test('an id that is taken is told without its key', async () => {
  assert.deepEqual(await call('POST', '/api/dkim', { algorithm: 'Ed25519', domain: 'example.org', id: 'k1' }), {
    error: 'fieldAlreadyExists',
    field: 'signature.k1.private-key',
    value: 'k1',
  })
})

test('wrong input for keys is refused', async () => {
  for (const body of [
    { algorithm: 'rsa', domain: 'example.org' },
    { algorithm: 'Rsa' },
    { algorithm: 'Rsa', domain: '' },
    { algorithm: 'Rsa', domain: 'a..b' },
    { algorithm: 'Rsa', domain: `${'x'.repeat(64)}.org` },
    { algorithm: 'Ed25519', domain: 'example.org', id: 'has space' },
    { algorithm: 'Ed25519', domain: 'example.org', id: '' },
    { algorithm: 'Ed25519', domain: 'example.org', selector: 'a;b' },
  ])
    assert.equal((await server.call('POST', '/api/dkim', body)).status, 400, JSON.stringify(body))
  assert.equal((await server.call('GET', '/api/dkim/nothing')).status, 404)
  await data('POST', '/api/settings', insert(['signature.broken.algorithm', 'rsa-sha256'], ['signature.broken.domain', 'x.test']))
  assert.equal((await server.call('GET', '/api/dkim/broken')).status, 404)
  await data('POST', '/api/settings', [{ type: 'clear', prefix: 'signature.broken.' }])
})

test('the records of a domain come in their order, by what is stored', async () => {
  await data(
    'POST',
    '/api/settings',
    insert(
      ['server.listener.a.protocol', 'http'],
      ['server.listener.a.bind', '127.0.0.1:8443'],
      ['server.listener.a.tls.implicit', 'true'],
      ['server.listener.b.protocol', 'imap'],
      ['server.listener.b.bind', '127.0.0.1:9993'],
      ['server.listener.b.tls.implicit', 'true'],
      ['server.listener.c.protocol', 'smtp'],
      ['server.listener.c.bind', '127.0.0.1:25'],
      ['server.listener.d.protocol', 'smtp'],
      ['server.listener.d.bind.0', '127.0.0.1:5587'],
      ['server.listener.d.bind.1', '127.0.0.1:5588'],
      ['server.listener.e.protocol', 'managesieve'],
      ['server.listener.e.bind', '127.0.0.1:4190'],
    ),
  )
  const key: string = await data('GET', '/api/dkim/k1')
  const records = (await data('GET', '/api/dns/records/EXAMPLE.org')) as DnsRecord[]
  const lines = records.filter(({ content }) => !/ (0) mail/.test(content)).map(({ type, name, content }) => `${type} ${name} ${content}`)
  assert.deepEqual(lines, [
    'MX EXAMPLE.org. 10 mail.example.org.',
    `TXT s1._domainkey.EXAMPLE.org. v=DKIM1; k=rsa; h=sha256; p=${key}`,
    'TXT mail.example.org. v=spf1 a ra=postmaster -all',
    'TXT EXAMPLE.org. v=spf1 mx ra=postmaster -all',
    'SRV _jmap._tcp.EXAMPLE.org. 0 1 8443 mail.example.org.',
    'SRV _imaps._tcp.EXAMPLE.org. 0 1 9993 mail.example.org.',
    'SRV _submission._tcp.EXAMPLE.org. 0 1 5587 mail.example.org.',
    'CNAME autoconfig.EXAMPLE.org. mail.example.org.',
    'CNAME autodiscover.EXAMPLE.org. mail.example.org.',
    'TXT _dmarc.EXAMPLE.org. v=DMARC1; p=reject; rua=mailto:postmaster@EXAMPLE.org; ruf=mailto:postmaster@EXAMPLE.org',
    'TXT _smtp._tls.EXAMPLE.org. v=TLSRPTv1; rua=mailto:postmaster@EXAMPLE.org',
  ])
  // A name that only ends in the domain is another domain.
  const foreign = (await data('GET', '/api/dns/records/ample.org')) as DnsRecord[]
  assert.ok(!foreign.some(({ type, name }) => name === 'mail.example.org.' || type === 'TLSA'))
  assert.deepEqual(foreign[1], { type: 'CNAME', name: 'mail.ample.org.', content: 'mail.example.org.' })
})

test('a certificate for the host brings TLSA and the MTA-STS policy', async () => {
  assert.equal((await fetch(`http://127.0.0.1:${server.port('http')}/.well-known/mta-sts.txt`)).status, 404)
  await data(
    'POST',
    '/api/settings',
    insert(
      ['certificate.main.cert', testIdentity.certificate],
      ['certificate.main.private-key', testIdentity.privateKey],
      ['certificate.main.subjects', 'mail.example.org'],
    ),
  )
  assert.deepEqual(((await data('GET', '/api/reload/certificate')) as { errors: object }).errors, {})
  const records = (await data('GET', '/api/dns/records/example.org')) as DnsRecord[]
  const tlsa = records.filter(({ type }) => type === 'TLSA')
  assert.deepEqual(
    tlsa.map(({ name, content }) => [name, content.slice(0, 6), content.length]),
    [
      ['_25._tcp.mail.example.org.', '3 0 1 ', 70],
      ['_25._tcp.mail.example.org.', '3 0 2 ', 134],
      ['_25._tcp.mail.example.org.', '3 1 1 ', 70],
      ['_25._tcp.mail.example.org.', '3 1 2 ', 134],
    ],
  )
  const id = records.find(({ name }) => name === '_mta-sts.example.org.')?.content
  assert.match(id ?? '', /^v=STSv1; id=[0-9a-f]{20}$/)
  const policy = await fetch(`http://127.0.0.1:${server.port('http')}/.well-known/mta-sts.txt`)
  assert.match(policy.headers.get('content-type') ?? '', /^text\/plain/)
  assert.equal(await policy.text(), 'version: STSv1\r\nmode: testing\r\nmax_age: 604800\r\nmx: mail.example.org\r\n')
})

test('a tenant administrator reaches the domains of the tenant alone', async () => {
  for (const path of ['records', 'check']) {
    assert.equal((await asTenant('GET', `/api/dns/${path}/example.org`)).status, 200)
    for (const domain of ['other.test', 'nowhere.test', 'sub.example.org'])
      assert.deepEqual((await asTenant('GET', `/api/dns/${path}/${domain}`)).body, { error: 'notFound', item: domain })
  }
  await data('POST', '/api/dkim', { algorithm: 'Ed25519', domain: 'other.test', id: 'foreign' })
  assert.equal((await asTenant('GET', '/api/dkim/k1')).status, 200)
  assert.equal((await asTenant('GET', '/api/dkim/foreign')).status, 404)
  assert.equal((await asTenant('POST', '/api/dkim/foreign/rotate', {})).status, 404)
  const refused = await asTenant('POST', '/api/dkim', { algorithm: 'Ed25519', domain: 'other.test', id: 'mine' })
  for (const id of ['ed25519-other.test', 'foreign.headers', 'mine'])
    assert.equal((await asTenant('POST', '/api/dkim', { algorithm: 'Ed25519', domain: 'example.org', id })).status, 400, id)
  assert.deepEqual(refused.body, { error: 'notFound', item: 'other.test' })
  assert.equal((await asTenant('POST', '/api/dns/publish/example.org')).status, 403)
})

async function check(): Promise<(type: string, name: string) => Finding | undefined> {
  const { records } = (await data('GET', '/api/dns/check/example.org')) as { records: Finding[] }
  return (type, name) => records.find(record => record.type === type && record.name === `${name}.`)
}

test('a check says of each record whether it is there, and what to do', async () => {
  let find = await check()
  assert.deepEqual(find('MX', 'example.org'), {
    type: 'MX',
    name: 'example.org.',
    content: '10 mail.example.org.',
    state: 'missing',
    found: [],
    fix: 'Add to the zone: example.org. IN MX 10 mail.example.org.',
  })
  const key: string = await data('GET', '/api/dkim/k1')
  assert.match(
    find('TXT', 's1._domainkey.example.org')?.fix ?? '',
    /^Add to the zone: s1\._domainkey\.example\.org\. IN TXT "v=DKIM1; .{246}" "/,
  )
  Object.assign(zone['example.org'] ?? {}, { MX: ['5 MAIL.example.org.'], TXT: ['site=1', 'v=spf1 mx include:_spf.news.test ~all'] })
  Object.assign(zone['mail.example.org'] ?? {}, { A: ['192.0.2.1'], TXT: ['v=spf1 a -all', 'v=spf1 -all'] })
  Object.assign(zone['s1._domainkey.example.org'] ?? {}, { TXT: [`k=rsa; p=${key.slice(0, 50)} ${key.slice(50)}`] })
  Object.assign(zone['_dmarc.example.org'] ?? {}, { TXT: ['v=DMARC1; p=none'] })
  Object.assign(zone['_smtp._tls.example.org'] ?? {}, { TXT: 'FAIL' })
  Object.assign(zone['_imaps._tcp.example.org'] ?? {}, { SRV: ['0 1 9993 mail.example.org.', '0 1 993 old.example.org.'] })
  Object.assign(zone['autoconfig.example.org'] ?? {}, { CNAME: ['alias.example.org'] })
  Object.assign(zone['alias.example.org'] ?? {}, { CNAME: ['mail.example.org'] })
  find = await check()
  const states: ReadonlyArray<readonly [type: string, name: string, state: string]> = [
    ['MX', 'example.org', 'ok'],
    ['TXT', 'example.org', 'ok'],
    ['TXT', 'mail.example.org', 'conflicting'],
    ['TXT', 's1._domainkey.example.org', 'ok'],
    ['TXT', '_dmarc.example.org', 'different'],
    ['TXT', '_smtp._tls.example.org', 'unreachable'],
    ['SRV', '_imaps._tcp.example.org', 'conflicting'],
    ['CNAME', 'autoconfig.example.org', 'ok'],
    ['CNAME', 'autodiscover.example.org', 'missing'],
  ]
  for (const [type, name, state] of states) assert.equal(find(type, name)?.state, state, JSON.stringify(find(type, name)))
  assert.match(find('TXT', '_dmarc.example.org')?.fix ?? '', /^A policy of none only watches\. Replace "v=DMARC1; p=none" in the zone by: /)
  Object.assign(zone['example.org'] ?? {}, { MX: ['5 mail.example.org', '9 mx.elsewhere.test'], TXT: ['v=spf1 mx +all'] })
  Object.assign(zone['s1._domainkey.example.org'] ?? {}, { TXT: ['v=DKIM1; p='] })
  find = await check()
  assert.equal(find('MX', 'example.org')?.state, 'conflicting')
  assert.equal(find('TXT', 'example.org')?.state, 'different')
  assert.equal(find('TXT', 's1._domainkey.example.org')?.state, 'different')
})

interface RotationAnswer {
  readonly state: string
  readonly selector: string
  readonly publicKey: string
  readonly formerSelector: string | null
  readonly formerUntil: string | null
}

const keysInDns = async (): Promise<readonly string[]> =>
  ((await data('GET', '/api/dns/records/example.org')) as DnsRecord[])
    .filter(({ name }) => name.includes('._domainkey.'))
    .map(({ name }) => name.split('.')[0] ?? '')

test('a rotation waits for the DNS, switches, and keeps the former key in the DNS for a week', async () => {
  const old: string = await data('GET', '/api/dkim/k1')
  const begun = (await data('POST', '/api/dkim/k1/rotate', { selector: 'next' })) as RotationAnswer
  assert.deepEqual([begun.state, begun.selector, begun.formerSelector], ['waiting', 'next', null])
  assert.equal(await data('GET', '/api/dkim/k1'), old)
  assert.deepEqual(await keysInDns(), ['s1', 'next'])
  assert.equal(((await data('POST', '/api/dkim/k1/rotate', {})) as RotationAnswer).publicKey, begun.publicKey)
  assert.equal((await call('POST', '/api/dkim/k1/rotate', { selector: 'else' }))['error'], 'other')
  Object.assign(zone['next._domainkey.example.org'] ?? {}, { TXT: [`v=DKIM1; k=rsa; p=${begun.publicKey}`] })
  // Housekeeping looks every ten minutes.
  await clock.advance(10 * 60_000)
  for (let turn = 0; turn < 200 && (await data('GET', '/api/dkim/k1')) !== begun.publicKey; turn++) await clock.advance(0)
  const done = (await call('GET', '/api/settings/keys?keys=signature.k1.selector'))['data']
  assert.deepEqual(done, { 'signature.k1.selector': 'next' })
  assert.equal(await data('GET', '/api/dkim/k1'), begun.publicKey)
  assert.deepEqual(await keysInDns(), ['next', 's1'])
  const { items } = (await data('GET', '/api/settings/history?author=system&key=signature.k1')) as { items: Array<{ note: string }> }
  assert.equal(items[0]?.note, 'signing key k1 rotated')
})

test('a forced rotation switches at once, under a free selector of the month', async () => {
  const done = (await data('POST', '/api/dkim/k1/rotate', { force: true })) as RotationAnswer
  assert.deepEqual([done.state, done.selector, done.formerSelector], ['switched', '202601r', 'next'])
  assert.equal(done.formerUntil?.slice(0, 10), '2026-01-08')
  assert.equal(await data('GET', '/api/dkim/k1'), done.publicKey)
  assert.deepEqual([...(await keysInDns())].sort(), ['202601r', 'next', 's1'])
  assert.equal((await call('POST', '/api/dkim/k1/rotate', { selector: 's1' }))['error'], 'fieldAlreadyExists')
  assert.equal((await server.call('POST', '/api/dkim/none/rotate', {})).status, 404)
})

test('publishing without a DNS server in the settings says so', async () => {
  assert.deepEqual(await call('POST', '/api/dns/publish/example.org'), {
    error: 'other',
    details: 'The records were not published',
    reason: 'no DNS server of the settings takes updates of example.org',
  })
})

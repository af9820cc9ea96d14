import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { findPortBase, type TestServer, testIdentity } from '@postern/testkit'
import { missing, runTool } from '../tools.ts'
import { basic, expectRecipients, logIn, principal, sendAndRead, startServer } from './whole.ts'

const skip = missing('slapd') || missing('ldapadd')
const admin = 'cn=admin,dc=example,dc=org'

const entries = `
dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: cn=Sales\\2C Europe,dc=example,dc=org
objectClass: organizationalRole
cn: Sales, Europe
cn: sales

dn: cn=service,dc=example,dc=org
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: service
userPassword: service-secret

${person('jane', 'Jane Doe', 'jane-secret', 'mailLocalAddress: jd@example.org\nseeAlso: cn=Sales\\2C Europe,dc=example,dc=org\nemployeeNumber: 5000000')}
${person('bob', 'Bob (the builder)', 'bob-secret', '')}
${person('twin', 'Twin', 'twin-secret', 'mail: shared@example.org')}
${person('twin2', 'Twin 2', 'twin-secret', 'mail: shared@example.org')}
dn: uid=team,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
objectClass: inetLocalMailRecipient
objectClass: uidObject
uid: team
cn: The team
sn: team
employeeType: group
mail: team@example.org
userPassword: team-secret
`

function person(uid: string, name: string, password: string, more: string): string {
  return `dn: uid=${uid},ou=people,dc=example,dc=org
objectClass: inetOrgPerson
objectClass: inetLocalMailRecipient
uid: ${uid}
cn: ${name}
sn: ${uid}
mail: ${uid}@example.org
userPassword: ${password}${more === '' ? '' : `\n${more}`}
`
}

let folder: string
let slapd: ChildProcess
let url: string

/** A server of its own, with entries for people, a group, an alias and two who share an address. */
async function startSlapd(port: number): Promise<ChildProcess> {
  const child = spawn(
    'slapd',
    ['-f', join(folder, 'slapd.conf'), '-h', `ldap://127.0.0.1:${port}/ ldaps://127.0.0.1:${port + 247}/`, '-d', '0'],
    { stdio: 'ignore' },
  )
  for (let attempt = 0; ; attempt++) {
    const { code } = await runTool('ldapsearch', ['-x', '-H', url, '-s', 'base', '-b', '', 'namingContexts'])
    if (code === 0) return child
    if (attempt === 100) throw new Error('slapd does not answer')
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

let port: number

before(async () => {
  if (skip !== false) return
  folder = await mkdtemp(join(tmpdir(), 'postern-ldap-'))
  await mkdir(join(folder, 'data'))
  port = (await findPortBase()) + 389
  url = `ldap://127.0.0.1:${port}`
  const schemas = ['core', 'cosine', 'inetorgperson', 'nis', 'misc'].map(name => `include /etc/ldap/schema/${name}.schema`).join('\n')
  await writeFile(join(folder, 'cert.pem'), testIdentity.certificate)
  await writeFile(join(folder, 'key.pem'), testIdentity.privateKey)
  await writeFile(
    join(folder, 'slapd.conf'),
    `${schemas}
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${folder}/pid
TLSCertificateFile ${folder}/cert.pem
TLSCertificateKeyFile ${folder}/key.pem
database mdb
suffix "dc=example,dc=org"
rootdn "${admin}"
rootpw secret
directory ${folder}/data
access to attrs=userPassword by dn.exact="cn=service,dc=example,dc=org" read by anonymous auth by self read by * none
access to * by dn.exact="cn=service,dc=example,dc=org" read by users read by * none
`,
  )
  slapd = await startSlapd(port)
  const { code, output } = await runTool('ldapadd', ['-x', '-H', url, '-D', admin, '-w', 'secret'], { input: entries })
  assert.equal(code, 0, output)
})

after(async () => {
  slapd?.kill()
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
})

const common = (): Record<string, string> => ({
  'directory.company.type': 'ldap',
  'directory.company.url': url,
  'directory.company.base-dn': 'dc=example,dc=org',
  'directory.company.timeout': '5s',
  'directory.company.filter.name': '(&(objectClass=inetOrgPerson)(uid=?))',
  'directory.company.filter.email': '(&(objectClass=inetOrgPerson)(|(mail=?)(mailLocalAddress=?)))',
  'directory.company.attributes.name': 'uid',
  'directory.company.attributes.class': 'employeeType',
  'directory.company.attributes.description': 'cn',
  'directory.company.attributes.secret': 'userPassword',
  'directory.company.attributes.groups': 'seeAlso',
  'directory.company.attributes.email': 'mail',
  'directory.company.attributes.email-alias': 'mailLocalAddress',
  'directory.company.attributes.quota': 'employeeNumber',
  'storage.directory': 'company',
})

const withService = (): Record<string, string> => ({
  ...common(),
  'directory.company.bind.dn': 'cn=service,dc=example,dc=org',
  'directory.company.bind.secret': 'service-secret',
})

async function start(settings: Record<string, string>): Promise<TestServer> {
  const server = await startServer(settings)
  await server.call('POST', '/api/principal', { type: 'domain', name: 'example.org' })
  return server
}

/** What may stand in a login and would change an unguarded filter or name. */
const hostile = ['*', 'ja*', 'jane)(uid=*', '*)(objectClass=*', 'jane\\2a', 'jane,ou=people', 'jane\u0000', '(uid=jane)', 'jane+cn=x']

const ways: ReadonlyArray<readonly [name: string, settings: () => Record<string, string>]> = [
  ['hashes are read', withService],
  ['the entry is searched and bound', () => ({ ...withService(), 'directory.company.bind.auth.enable': 'true' })],
  [
    'the name is bound by a template',
    () => ({
      ...withService(),
      'directory.company.bind.auth.enable': 'true',
      'directory.company.bind.auth.dn': 'uid=?,ou=people,dc=example,dc=org',
    }),
  ],
  [
    'the name is bound by a template, and the service searches',
    () => ({
      ...withService(),
      'directory.company.bind.auth.enable': 'true',
      'directory.company.bind.auth.search': 'false',
      'directory.company.bind.auth.dn': 'uid=?,ou=people,dc=example,dc=org',
    }),
  ],
]

for (const [way, settings] of ways) {
  test(`slapd: ${way}`, { skip }, async () => {
    await using server = await start(settings())
    assert.equal(await logIn(server, basic('jane', 'wrong')), 'refused')
    assert.equal(await logIn(server, basic('jane', '')), 'refused', 'an empty password binds nobody')
    assert.equal(await logIn(server, basic('nobody', 'x')), 'refused')
    assert.equal(await logIn(server, basic('team', 'team-secret')), 'refused', 'a group does not log in')
    for (const name of hostile) assert.equal(await logIn(server, basic(name, 'jane-secret')), 'refused', name)
    assert.equal((await principal(server, 'jane'))['error'], 'notFound')
    assert.equal(await logIn(server, basic('Jane', 'jane-secret')), 'in')
    assert.equal(await logIn(server, basic('bob', 'bob-secret')), 'in')
    const { id, ...jane } = await principal(server, 'jane')
    assert.ok(typeof id === 'number')
    assert.deepEqual(jane, {
      type: 'individual',
      name: 'jane',
      description: 'Jane Doe',
      quota: 5_000_000,
      emails: ['jane@example.org', 'jd@example.org'],
      memberOf: ['sales,-europe'],
      roles: ['user'],
    })
  })
}

test('slapd: addresses, aliases and groups are found; what is ambiguous waits; a server that is away is no verdict', { skip }, async () => {
  await using server = await start(withService())
  await expectRecipients(server, {
    'jane@example.org': '250',
    'JD@example.org': '250',
    'jane+tag@example.org': '250',
    'unknown@example.org': '550',
    '*@example.org': '550',
    'shared@example.org': '451 4.4.3',
  })
  assert.equal((await principal(server, 'bob'))['error'], 'notFound')
  await expectRecipients(server, { 'bob@example.org': '250', 'team@example.org': '250' })
  assert.equal((await principal(server, 'team'))['type'], 'group')
  assert.equal((await principal(server, 'bob'))['description'], 'Bob (the builder)')
  await sendAndRead(server, 'jd@example.org', 'jane', 'jane-secret')

  slapd.kill()
  await new Promise(resolve => slapd.once('exit', resolve))
  assert.equal(await logIn(server, basic('bob', 'bob-secret')), 'later')
  assert.equal(await logIn(server, basic('admin', 'admin')), 'in')
  await expectRecipients(server, { 'jane@example.org': '250', 'unknown@example.org': '550', 'new@example.org': '451 4.4.3' })
  slapd = await startSlapd(port)
  assert.equal(await logIn(server, basic('bob', 'bob-secret')), 'in', 'a broken connection is replaced')
  await expectRecipients(server, { 'new@example.org': '550' })
})

test('slapd: a wrong service password is an outage, not a refusal', { skip }, async () => {
  await using server = await start({ ...withService(), 'directory.company.bind.secret': 'wrong' })
  assert.equal(await logIn(server, basic('jane', 'jane-secret')), 'later')
  await expectRecipients(server, { 'jane@example.org': '451 4.4.3' })
})

for (const way of ['StartTLS', 'TLS from the first byte']) {
  test(`slapd: ${way}, and a certificate that nobody vouches for is refused`, { skip }, async () => {
    const encrypted = {
      ...withService(),
      ...(way === 'StartTLS' ? { 'directory.company.tls.enable': 'true' } : { 'directory.company.url': `ldaps://127.0.0.1:${port + 247}` }),
    }
    await using strict = await start(encrypted)
    assert.equal(await logIn(strict, basic('jane', 'jane-secret')), 'later')
    await using trusting = await start({ ...encrypted, 'directory.company.tls.allow-invalid-certs': 'true' })
    assert.equal(await logIn(trusting, basic('jane', 'jane-secret')), 'in')
    assert.equal(await logIn(trusting, basic('jane', 'wrong')), 'refused')
  })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basic, expectRecipients, logIn, principal, sendAndRead, startServer } from './whole.ts'

const settings = {
  'storage.directory': 'small',
  'directory.small.type': 'memory',
  'directory.small.principals.0.name': 'Jane',
  'directory.small.principals.0.secret': '{PLAIN}secret',
  'directory.small.principals.0.description': 'Jane Doe',
  'directory.small.principals.0.email.0': 'Jane@example.org',
  'directory.small.principals.0.email.1': 'jd@example.org',
  'directory.small.principals.0.email-list': 'all@example.org',
  'directory.small.principals.0.member-of': 'office',
  'directory.small.principals.0.quota': '1000000',
  'directory.small.principals.1.name': 'boss',
  'directory.small.principals.1.class': 'admin',
  'directory.small.principals.1.secret': '{PLAIN}boss-secret',
  'directory.small.principals.1.email-list': 'all@example.org',
  'directory.small.principals.1.email': 'boss@example.org',
  'directory.small.principals.2.name': 'office',
  'directory.small.principals.2.class': 'group',
  'directory.small.principals.2.secret': '{PLAIN}group-secret',
  'directory.small.principals.2.email': 'office@example.org',
}

test('accounts in the settings log in, get mail, and have an account here', async () => {
  await using server = await startServer(settings)
  assert.equal(await logIn(server, basic('jane', 'wrong')), 'refused')
  assert.equal(await logIn(server, basic('jane', '')), 'refused')
  assert.equal(await logIn(server, basic('nobody', 'secret')), 'refused')
  assert.equal((await principal(server, 'jane'))['error'], 'notFound', 'nobody is brought in by a guess')
  assert.equal(await logIn(server, basic('JANE', 'secret')), 'in')
  assert.equal(await logIn(server, basic('office', 'group-secret')), 'refused', 'a group does not log in')
  const { id, ...jane } = await principal(server, 'jane')
  assert.deepEqual(jane, {
    type: 'individual',
    name: 'jane',
    description: 'Jane Doe',
    quota: 1_000_000,
    emails: ['jane@example.org', 'jd@example.org'],
    memberOf: ['office'],
    lists: ['all@example.org'],
    roles: ['user'],
  })
  await expectRecipients(server, { 'jd@example.org': '250', 'unknown@example.org': '550', 'someone@elsewhere.test': '550' })
  await sendAndRead(server, 'jane@example.org', 'jane', 'secret')
  assert.equal((await principal(server, 'jane'))['id'], id)
  assert.equal(await logIn(server, basic('boss', 'boss-secret')), 'in')
  assert.deepEqual(((await principal(server, 'boss'))['roles'] as string[]).sort(), ['admin', 'user'])
  const { body } = await server.call('POST', '/api/principal', { name: 'local', secrets: ['x'] })
  assert.equal((body as { error?: string }).error, 'unsupported')
  const changed = await server.call('PATCH', '/api/principal/jane', [{ action: 'set', field: 'secrets', value: ['x'] }])
  assert.equal((changed.body as { error?: string }).error, 'unsupported')

  // What leaves the settings is refused, and what changes there shows with the next login.
  await server.set({ 'directory.small.principals.0.description': 'Jane Roe', 'directory.small.principals.1.class': 'individual' })
  assert.equal(await logIn(server, basic('jane', 'secret')), 'in')
  assert.equal((await principal(server, 'jane'))['description'], 'Jane Roe')
  assert.equal(await logIn(server, basic('boss', 'boss-secret')), 'in')
  assert.deepEqual((await principal(server, 'boss'))['roles'], ['user'])
  await server.running.settings.change([{ kind: 'deletePrefix', prefix: 'directory.small.principals.0.' }])
  await server.running.settings.reload()
  assert.equal(await logIn(server, basic('jane', 'secret')), 'refused')
  await expectRecipients(server, { 'jane@example.org': '550', 'boss@example.org': '250' })
})

test('a name or address that somebody else has here is not taken away', async () => {
  await using server = await startServer()
  await server.call('POST', '/api/principal', { type: 'domain', name: 'example.org' })
  await server.call('POST', '/api/principal', { type: 'list', name: 'boss', emails: ['jd@example.org'] })
  await server.set(settings)
  assert.equal(await logIn(server, basic('boss', 'boss-secret')), 'later')
  await server.play('imap', 'A< * OK\nA> a LOGIN boss boss-secret\nA< a NO [UNAVAILABLE]\n')
  assert.equal((await principal(server, 'boss'))['type'], 'list')
  assert.equal(await logIn(server, basic('jane', 'secret')), 'in')
  assert.equal((await principal(server, 'jane'))['emails'], 'jane@example.org')
})

test('what could not be a name or an address here is left out', async () => {
  await using server = await startServer({
    'storage.directory': 'odd',
    'directory.odd.type': 'memory',
    'directory.odd.principals.0.name': 'jane',
    'directory.odd.principals.0.secret': '{PLAIN}secret',
    'directory.odd.principals.0.description': 'ä'.repeat(300),
    'directory.odd.principals.0.email.0': 'not an address',
    'directory.odd.principals.0.email.1': 'jane@bücher.example',
    'directory.odd.principals.0.member-of.0': 'bad\u200bgroup',
    'directory.odd.principals.0.member-of.1': 'Good  People',
    'directory.odd.principals.1.name': 'ja\u200bne',
    'directory.odd.principals.1.secret': '{PLAIN}other',
  })
  assert.equal(await logIn(server, basic('ja\u200bne', 'other')), 'later')
  assert.equal(await logIn(server, basic('jane', 'secret')), 'in')
  const jane = await principal(server, 'jane')
  assert.deepEqual(
    [jane['description'], jane['emails'], jane['memberOf']],
    ['ä'.repeat(256), 'jane@xn--bcher-kva.example', ['good-people']],
  )
})

test('a directory that is not there keeps nobody but the emergency administrator in, and mail waits', async () => {
  await using server = await startServer()
  await server.call('POST', '/api/principal', { type: 'domain', name: 'example.org' })
  const outages: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    imap: { 'directory.gone.host': '127.0.0.1' },
    sql: { 'directory.gone.store': 'nowhere' },
    ldap: {
      'directory.gone.url': 'ldap://127.0.0.1:9',
      'directory.gone.base-dn': 'dc=x',
      'directory.gone.filter.email': '(mail=?)',
      'directory.gone.filter.name': '(uid=?)',
    },
  }
  for (const [type, more] of Object.entries(outages)) {
    await server.set({ 'directory.gone.type': type, ...more, 'storage.directory': 'gone' })
    assert.equal(await logIn(server, basic('jane', 'secret')), 'later', type)
    assert.equal(await logIn(server, basic('admin', 'admin')), 'in', type)
    await expectRecipients(server, { 'jane@example.org': '451 4.4.3' })
  }
})

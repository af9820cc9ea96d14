// An admin panel in a browser, written for this API long ago: what it sends at login and on each of its pages, in its order and form.
// It posts forms as text, reads one value as a text and several as an array, and asks for things by form-encoded names.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { runDialog, type ServerProcess, startServerProcess } from '@postern/testkit'

let server: ServerProcess
let bearer = ''

before(async () => {
  server = await startServerProcess()
})
after(() => server[Symbol.asyncDispose]())

interface Sent {
  readonly authorization?: string
  readonly body?: unknown
}

interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

/** As `fetch` of a page of the panel's own origin: a body that is a text goes out as text. */
async function send(method: string, path: string, { authorization = `Bearer ${bearer}`, body }: Sent = {}): Promise<Answered> {
  const base = `http://127.0.0.1:${server.port(80)}`
  const response = await fetch(base + path, {
    method,
    headers: {
      Accept: '*/*',
      'Accept-Language': 'en',
      Origin: base,
      Referer: `${base}/manage`,
      ...(authorization !== '' && { Authorization: authorization }),
      ...(typeof body === 'object' && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
}

/** What the panel goes on with: the payload of an answer that is no refusal. */
async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await send(method, path, body === undefined ? {} : { body })
  assert.equal(answer.status, 200, `${method} ${path}: ${JSON.stringify(answer.body)}`)
  assert.match(answer.headers.get('Content-Type') ?? '', /^application\/json/)
  assert.ok('data' in answer.body, `${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body['data']
}

interface Page {
  readonly items: ReadonlyArray<Record<string, unknown>>
  readonly total: number
}
const list = async (path: string): Promise<Page> => (await ask('GET', path)) as Page
const record = async (path: string) => (await ask('GET', path)) as Record<string, unknown>

/** A name as it stands in a path: encoded as a key of a form. */
const encoded = (name: string): string => new URLSearchParams([[name, '']]).toString().slice(0, -1)

const basic = (login: string, secret: string): string => `Basic ${Buffer.from(`${login}:${secret}`).toString('base64')}`
const clientId = 'panel'
const redirectUri = 'panel://auth'

interface Granted {
  readonly permissions: readonly string[]
  readonly access: string
  readonly refresh: string
}

async function logIn(login: string, secret: string): Promise<Granted> {
  const code = await send('POST', '/api/oauth', {
    authorization: basic(login, secret),
    body: { type: 'code', client_id: clientId, redirect_uri: redirectUri, nonce: 'n-0S6_WzA2Mj' },
  })
  assert.equal(code.status, 200, JSON.stringify(code.body))
  const granted = code.body['data'] as { code: string; permissions: string[]; version: string; isEnterprise: boolean }
  const [major = 0, minor = 0] = granted.version.split('.').map(Number)
  assert.ok(major > 0 || minor >= 11, `the panel does not work with version ${granted.version}`)
  assert.equal(typeof granted.isEnterprise, 'boolean')
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: clientId,
    code: granted.code,
    redirect_uri: redirectUri,
  }).toString()
  const tokens = await send('POST', '/auth/token', { authorization: '', body: form })
  assert.equal(tokens.status, 200, JSON.stringify(tokens.body))
  assert.equal(tokens.body['token_type'], 'bearer')
  assert.ok(Number(tokens.body['expires_in']) > 0)
  return {
    permissions: granted.permissions,
    access: String(tokens.body['access_token']),
    refresh: String(tokens.body['refresh_token']),
  }
}

test('login: a wrong password, then a code, then tokens for a form that is sent as text', async () => {
  const wrong = await send('POST', '/api/oauth', {
    authorization: basic('admin', 'nonsense'),
    body: { type: 'code', client_id: clientId, redirect_uri: redirectUri, nonce: 'n' },
  })
  assert.deepEqual([wrong.status, wrong.body['title']], [401, 'Unauthorized'])
  assert.doesNotMatch(wrong.headers.get('WWW-Authenticate') ?? '', /Basic/, 'the browser would open a window of its own')
  const { permissions, access } = await logIn('admin', server.adminPassword)
  // Which pages it shows.
  for (const wanted of ['individual-list', 'domain-create', 'role-update', 'settings-list', 'settings-update', 'message-queue-list'])
    assert.ok(permissions.includes(wanted), wanted)
  bearer = access
  assert.equal((await send('GET', '/api/principal?limit=1')).status, 200)
})

test('a login that has run out is renewed, and a token that is none gives 401', async () => {
  const { refresh } = await logIn('admin', server.adminPassword)
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refresh }).toString()
  const renewed = await send('POST', '/auth/token', { authorization: '', body: form })
  assert.equal(renewed.status, 200, JSON.stringify(renewed.body))
  bearer = String(renewed.body['access_token'])
  assert.equal((await send('GET', '/api/principal?limit=1')).status, 200)
  assert.equal((await send('GET', '/api/principal?limit=1', { authorization: 'Bearer nonsense' })).status, 401)
})

test('a browser that asks first may go on', async () => {
  for (const path of ['/api/principal', '/auth/token']) assert.equal((await send('OPTIONS', path, { authorization: '' })).status, 204)
})

test('domains: create with two keys, list, look at its records, change', async () => {
  assert.deepEqual(await list('/api/principal?page=1&limit=10&types=domain'), { items: [], total: 0 })
  assert.equal(typeof (await ask('POST', '/api/principal', { type: 'domain', name: 'Example.org', description: 'Ours' })), 'number')
  for (const algorithm of ['Ed25519', 'Rsa'])
    assert.equal(await ask('POST', '/api/dkim', { id: null, algorithm, domain: 'example.org', selector: null }), null)
  const { items, total } = await list('/api/principal?page=1&limit=10&types=domain&filter=exam')
  assert.deepEqual([total, items[0]?.['name'], items[0]?.['description']], [1, 'example.org', 'Ours'])
  const records = (await ask('GET', `/api/dns/records/${encoded('example.org')}`)) as Array<Record<'type' | 'name' | 'content', string>>
  const keys = records.filter(({ name }) => name.endsWith('._domainkey.example.org.'))
  assert.deepEqual(keys.map(({ content }) => /k=(\w+)/.exec(content)?.[1]).sort(), ['ed25519', 'rsa'])
  for (const [type, name] of [
    ['MX', 'example.org.'],
    ['TXT', 'example.org.'],
    ['TXT', '_dmarc.example.org.'],
  ])
    assert.ok(
      records.some(found => found.type === type && found.name === name),
      `${type} ${name}`,
    )
  const changes = [{ action: 'set', field: 'description', value: 'Theirs' }]
  assert.equal(await ask('PATCH', '/api/principal/example.org', changes), null)
  assert.equal((await record('/api/principal/example.org'))['description'], 'Theirs')
  const again = await send('POST', '/api/principal', { body: { type: 'domain', name: 'example.org' } })
  assert.deepEqual([again.status, again.body], [200, { error: 'fieldAlreadyExists', field: 'name', value: 'example.org' }])
})

test('roles: create, choose from a list, change, and read back as arrays', async () => {
  await ask('POST', '/api/principal', { type: 'role', name: 'helpdesk', enabledPermissions: ['authenticate', 'individual-list'] })
  const { items } = await list('/api/principal?types=role&fields=name%2Cdescription&limit=100')
  assert.deepEqual(
    items.map(({ name, type }) => [name, type]),
    [['helpdesk', 'role']],
  )
  await ask('PATCH', '/api/principal/helpdesk', [
    { action: 'addItem', field: 'enabledPermissions', value: 'individual-get' },
    { action: 'addItem', field: 'disabledPermissions', value: 'email-send' },
    { action: 'removeItem', field: 'enabledPermissions', value: 'authenticate' },
  ])
  const { enabledPermissions, disabledPermissions } = await record('/api/principal/helpdesk')
  assert.deepEqual([enabledPermissions, disabledPermissions], [['individual-list', 'individual-get'], ['email-send']])
})

test('accounts: create from the form, edit field by field, several values and one, delete', async () => {
  await ask('POST', '/api/principal', { type: 'group', name: 'office', emails: ['office@example.org'] })
  await ask('POST', '/api/principal', { type: 'list', name: 'all', emails: ['all@example.org'] })
  const created = {
    type: 'individual',
    name: 'jane@example.org',
    description: 'Jane Doe',
    quota: 1_048_576,
    secrets: ['$6$saltalice$9s/WFZXRDhbIGz6n5nOHZZSf6bzDaY7Zc2'],
    emails: ['jane@example.org', 'j.doe@example.org'],
    memberOf: ['office'],
    lists: ['all'],
    roles: ['user', 'helpdesk'],
    enabledPermissions: [],
    disabledPermissions: [],
  }
  const id = await ask('POST', '/api/principal', created)
  const path = `/api/principal/${encoded('jane@example.org')}`
  assert.equal(path, '/api/principal/jane%40example.org')
  const jane = await record(path)
  assert.deepEqual(
    [jane['id'], jane['type'], jane['emails'], jane['quota'], jane['memberOf'], jane['lists']],
    [id, 'individual', ['jane@example.org', 'j.doe@example.org'], 1_048_576, ['office'], ['all']],
  )
  assert.deepEqual((jane['roles'] as string[]).sort(), ['helpdesk', 'user'])
  assert.equal(typeof jane['secrets'], 'string', 'one value is a text')

  await ask('PATCH', path, [
    { action: 'set', field: 'description', value: 'Jane D.' },
    { action: 'set', field: 'quota', value: 0 },
    { action: 'removeItem', field: 'emails', value: 'j.doe@example.org' },
    { action: 'removeItem', field: 'secrets', value: '' },
    { action: 'addItem', field: 'secrets', value: 'a new secret' },
    { action: 'removeItem', field: 'lists', value: 'all' },
    { action: 'addItem', field: 'disabledPermissions', value: 'email-send' },
  ])
  const changed = await record(path)
  assert.deepEqual(
    [changed['description'], changed['emails'], changed['lists'], changed['disabledPermissions']],
    ['Jane D.', 'jane@example.org', undefined, ['email-send']],
  )
  const { items, total } = await list('/api/principal?page=1&limit=10&types=individual&filter=jane')
  assert.deepEqual([total, items[0]?.['name'], items[0]?.['emails']], [1, 'jane@example.org', 'jane@example.org'])
  assert.deepEqual((await list('/api/principal?types=individual&page=2&limit=10')).items, [])

  assert.ok((await logIn('jane@example.org', 'a new secret')).access !== '')
  assert.equal(
    await ask('POST', '/api/principal', { type: 'individual', name: 'gone', emails: 'gone@example.org' }).then(Number.isInteger),
    true,
  )
  assert.equal((await record('/api/principal/gone'))['emails'], 'gone@example.org')
  assert.equal(await ask('DELETE', '/api/principal/gone'), null)
  assert.deepEqual((await send('GET', '/api/principal/gone')).body, { error: 'notFound', item: 'gone' })
})

test('the page of an account: what it shows itself, an app password, a new password', async () => {
  const { access, permissions } = await logIn('jane@example.org', 'a new secret')
  assert.ok(permissions.includes('manage-passwords') && !permissions.includes('domain-create') && !permissions.includes('email-send'))
  const own = { authorization: `Bearer ${access}` }
  assert.deepEqual((await send('GET', '/api/account/auth', own)).body, { data: { otpEnabled: false, appPasswords: [] } })
  assert.equal((await send('GET', '/api/settings/list?prefix=server', own)).status, 403)
  const name = Buffer.from('phone$2025-01-05T14:33:15Z').toString('base64')
  const added = await send('POST', '/api/account/auth', { ...own, body: [{ type: 'addAppPassword', name, password: 'app-secret' }] })
  assert.deepEqual(added.body, { data: null })
  assert.deepEqual((await send('GET', '/api/account/auth', own)).body, { data: { otpEnabled: false, appPasswords: [name] } })
  const withPassword = basic('jane@example.org', 'a new secret')
  const changed = await send('POST', '/api/account/auth', {
    authorization: withPassword,
    body: [{ type: 'setPassword', password: 'newest' }],
  })
  assert.deepEqual(changed.body, { data: null })
  assert.equal((await send('GET', '/api/account/auth', { authorization: withPassword })).status, 401)
  assert.equal((await send('GET', '/api/account/auth', { authorization: basic('jane@example.org', 'newest') })).status, 200)
})

interface Operation {
  readonly type: 'insert' | 'clear' | 'delete'
  readonly [member: string]: unknown
}
const change = (...operations: readonly Operation[]) => ask('POST', '/api/settings', operations)
const insert = (prefix: string | null, values: ReadonlyArray<readonly [string, string]>, assertEmpty = false): Operation => ({
  type: 'insert',
  prefix,
  values,
  assert_empty: assertEmpty,
})

test('settings: records are created once, listed, edited as a whole and deleted', async () => {
  const group = 'queue.quota'
  const values = [
    ['enable', 'true'],
    ['messages', '100'],
    ['key.0000', 'rcpt_domain'],
  ] as const
  assert.equal(await change(insert(`${group}.night`, values, true)), null)
  const twice = await send('POST', '/api/settings', { body: [insert(`${group}.night`, values, true)] })
  assert.deepEqual([twice.status, twice.body], [200, { error: 'assertFailed' }])
  assert.deepEqual(await list(`/api/settings/group?limit=10&page=1&prefix=${group}&suffix=enable`), {
    total: 1,
    items: [{ _id: 'night', enable: 'true', messages: '100', 'key.0000': 'rcpt_domain' }],
  })
  assert.equal(
    await change(
      { type: 'clear', prefix: `${group}.night.` },
      insert(`${group}.night`, [
        ['enable', 'false'],
        ['size', '5gb'],
      ]),
    ),
    null,
  )
  assert.deepEqual(await ask('GET', `/api/settings/list?prefix=${group}.night`), { total: 2, items: { enable: 'false', size: '5gb' } })
  assert.equal(await change({ type: 'clear', prefix: `${group}.night.` }), null)
  assert.deepEqual(await list(`/api/settings/group?prefix=${group}&suffix=enable&filter=night`), { total: 0, items: [] })
})

test('settings: a page of single values and lists is read by keys, saved, reloaded, and an entry deleted', async () => {
  const keys = 'lookup.default.hostname,session.ehlo.require'
  const page = `/api/settings/keys?prefixes=${encoded('spam-filter.list.names')}&keys=${encodeURIComponent(keys)}`
  await ask('GET', page)
  await change(
    { type: 'delete', keys: ['session.ehlo.require'] },
    { type: 'clear', prefix: 'server.http.headers.' },
    insert(null, [
      ['lookup.default.hostname', 'mail.example.org'],
      ['server.http.headers.0000', 'X-Panel: one'],
      ['server.http.headers.0001', 'X-Other: two'],
    ]),
  )
  assert.deepEqual(await ask('GET', '/api/settings/keys?prefixes=server.http.headers&keys=lookup.default.hostname'), {
    'lookup.default.hostname': 'mail.example.org',
    'server.http.headers.0000': 'X-Panel: one',
    'server.http.headers.0001': 'X-Other: two',
  })
  for (const reload of ['/api/reload/?dry-run=true', '/api/reload/'])
    assert.deepEqual(((await record(reload)) as { errors: unknown }).errors, {}, reload)
  const { headers } = await send('GET', '/api/queue/status')
  assert.deepEqual([headers.get('X-Panel'), headers.get('X-Other')], ['one', 'two'])
  await change({ type: 'delete', keys: ['server.http.headers.0001'] })
  const { items } = await list('/api/settings/group?limit=50&page=1&prefix=server.http.headers')
  assert.deepEqual(items, [{ _id: '0000', _value: 'X-Panel: one' }])
})

test('the queue: paused, listed with what is in it, put off, one recipient cancelled, and all of it', async () => {
  assert.equal(await ask('GET', '/api/queue/status'), true)
  assert.equal(await ask('PATCH', '/api/queue/status/stop'), true)
  await ask('POST', '/api/principal', {
    type: 'individual',
    name: 'john',
    secrets: 'secret',
    emails: ['john@example.org'],
    roles: ['user'],
  })
  await runDialog(
    `C< 220
C> EHLO panel.example.org
C<< 250 
C> AUTH PLAIN ${Buffer.from('\0john\0secret').toString('base64')}
C< 235
C> MAIL FROM:<john@example.org>
C< 250
C> RCPT TO:<one@remote.example>
C< 250
C> RCPT TO:<two@remote.example>
C< 250
C> DATA
C< 354
C>> From: john@example.org\\r\\nSubject: hello\\r\\n\\r\\nHello\\r\\n.\\r\\n
C< 250
C> QUIT
`,
    { port: () => ({ port: server.port(465), isTls: true }) },
  )
  const { items, total } = await list('/api/queue/messages?page=1&limit=10&max-total=100&values=1')
  assert.equal(total, 1)
  const [message = {}] = items
  const id = Number(message['id'])
  assert.ok(Number.isSafeInteger(id))
  assert.equal(message['return_path'], 'john@example.org')
  const { domains } = (await record(`/api/queue/messages/${id}`)) as { domains: Array<{ name: string; recipients: unknown[] }> }
  assert.deepEqual([domains.length, domains[0]?.name, domains[0]?.recipients.length], [1, 'remote.example', 2])
  assert.equal(await ask('PATCH', `/api/queue/messages/${id}?at=${encodeURIComponent('2040-01-01T00:00:00Z')}`), true)
  assert.equal(await ask('DELETE', `/api/queue/messages/${id}?filter=one%40remote.example`), true)
  assert.equal(await ask('PATCH', '/api/queue/messages?filter=elsewhere'), false)
  assert.equal(await ask('DELETE', `/api/queue/messages/${id}`), true)
  assert.equal((await send('GET', `/api/queue/messages/${id}`)).status, 404)
  assert.equal(await ask('PATCH', '/api/queue/status/start'), false)
})

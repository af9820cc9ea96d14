import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestServer, type TestServer } from '@postern/testkit'

let server: TestServer

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function call(method: string, path: string, body?: unknown, login = 'admin:admin'): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${server.port('http')}${path}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from(login).toString('base64')}` },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

before(async () => {
  server = await startTestServer()
  assert.ok('data' in (await call('POST', '/api/principal', { type: 'domain', name: 'example.org' })).body)
})

after(() => server[Symbol.asyncDispose]())

const stems = {
  individual: 'individual',
  group: 'group',
  list: 'mailing-list',
  domain: 'domain',
  tenant: 'tenant',
  role: 'role',
  apiKey: 'api-key',
  oauthClient: 'oauth-client',
  resource: 'principal',
  location: 'principal',
} as const

for (const [type, stem] of Object.entries(stems)) {
  test(`${type}: made, shown, changed, listed and deleted, each with the permission of its own`, async () => {
    const name = `thing-${type}.example`.toLowerCase()
    const steps = [
      ['create', 'POST', '/api/principal', { type, name, description: 'A thing' }],
      ['get', 'GET', `/api/principal/${name}`, undefined],
      ['update', 'PATCH', `/api/principal/${name}`, [{ action: 'set', field: 'description', value: 'Another' }]],
      ['list', 'GET', `/api/principal?types=${type}&filter=another`, undefined],
      ['delete', 'DELETE', `/api/principal/${name}`, undefined],
    ] as const
    const others = new Set(Object.values(stems).filter(other => other !== stem))
    const verbs = ['create', 'get', 'update', 'list', 'delete']
    const permissions = [...others].flatMap(other => verbs.map(verb => `${other}-${verb}`))
    const clerk = `clerk-${type}`.toLowerCase()
    await call('POST', '/api/principal', { name: clerk, secrets: ['pw'], enabledPermissions: ['authenticate', ...permissions] })
    const owner = `owner-${type}`.toLowerCase()
    const own = verbs.map(verb => `${stem}-${verb}`)
    await call('POST', '/api/principal', { name: owner, secrets: ['pw'], enabledPermissions: ['authenticate', ...own] })
    for (const [verb, method, path, body] of steps) {
      assert.equal((await call(method, path, body, `${clerk}:pw`)).status, 403, `${verb} without ${stem}-${verb}`)
      const done = await call(method, path, body, `${owner}:pw`)
      assert.equal(done.status, 200)
      assert.ok('data' in done.body, JSON.stringify(done.body))
    }
    assert.deepEqual((await call('GET', `/api/principal/${name}`)).body, { error: 'notFound', item: name })
    for (const login of [clerk, owner]) await call('DELETE', `/api/principal/${login}`)
  })
}

test('a list without types needs every list permission', async () => {
  const all = ['individual', 'group', 'mailing-list', 'domain', 'tenant', 'role', 'principal', 'api-key', 'oauth-client'].map(
    stem => `${stem}-list`,
  )
  await call('POST', '/api/principal', { name: 'lister', secrets: ['pw'], enabledPermissions: ['authenticate', ...all] })
  assert.equal((await call('GET', '/api/principal', undefined, 'lister:pw')).status, 200)
  for (const lacking of all) {
    await call('PATCH', '/api/principal/lister', [{ action: 'set', field: 'disabledPermissions', value: [lacking] }])
    assert.equal((await call('GET', '/api/principal', undefined, 'lister:pw')).status, 403, lacking)
    assert.equal((await call('GET', '/api/principal?types=other,nonsense', undefined, 'lister:pw')).status, 403)
  }
  await call('DELETE', '/api/principal/lister')
})

test('pages, fields, counts and filters', async () => {
  for (let n = 0; n < 23; n++)
    await call('POST', '/api/principal', { type: 'group', name: `p${String(n).padStart(2, '0')}`, description: 'Page' })
  const names = async (query: string): Promise<unknown> => {
    const { data } = (await call('GET', `/api/principal?types=group&${query}`)).body as {
      data: { items: { name: string }[]; total: number }
    }
    return [data.items.map(item => item.name), data.total]
  }
  assert.deepEqual(await names('limit=2&page=3&fields=name'), [['p04', 'p05'], 23])
  assert.deepEqual(await names('limit=10&page=3'), [['p20', 'p21', 'p22'], 23])
  assert.deepEqual(await names('limit=10&page=4'), [[], 23])
  assert.deepEqual(await names('limit=1&page=99999999999'), [[], 23])
  assert.deepEqual(await names('limit=1&page=0'), [['p00'], 23])
  assert.deepEqual(await names('limit=x&page=-1&filter=P2%20page'), [['p20', 'p21', 'p22'], 3])
  assert.deepEqual(await names('count=false'), [[], 23])
  assert.deepEqual(await names('filter=%25'), [[], 0])
  const { data } = (await call('GET', '/api/principal?types=group&limit=1&fields=description,colour')).body as { data: { items: object[] } }
  assert.deepEqual(Object.keys(data.items[0] ?? {}).sort(), ['description', 'id', 'type'])
  assert.deepEqual((await call('GET', '/api/principal?tenant=nobody')).body, { error: 'notFound', item: 'nobody' })
})

const refusedDeletions: ReadonlyArray<readonly [query: string, detail: string]> = [
  ['', 'Invalid type'],
  ['type=nonsense&confirm=true', 'Invalid type'],
  ['type=group,individual&confirm=true', 'Invalid type'],
  ['type=group', 'Missing confirmation parameter'],
  ['type=group&confirm=yes', 'Missing confirmation parameter'],
]
for (const [query, detail] of refusedDeletions) {
  test(`deleting all with "${query}" is refused: ${detail}`, async () => {
    const { status, body } = await call('DELETE', `/api/principal?${query}`)
    assert.equal(status, 400)
    assert.equal(body['detail'], detail)
  })
}

test('deleting all that match says whether there were any', async () => {
  const total = async (): Promise<number> =>
    ((await call('GET', '/api/principal?types=group&count=1')).body as { data: { total: number } }).data.total
  assert.deepEqual((await call('DELETE', '/api/principal?type=group&filter=nobody&confirm=true')).body, { data: false })
  assert.deepEqual((await call('DELETE', '/api/principal?type=group&filter=p1&confirm=true')).body, { data: true })
  while ((await total()) > 13);
  assert.equal(await total(), 13)
})

const badBodies: ReadonlyArray<readonly [name: string, method: string, path: string, body: unknown]> = [
  ['no JSON', 'POST', '/api/principal', '{"name":'],
  ['a list', 'POST', '/api/principal', []],
  ['null', 'POST', '/api/principal', 'null'],
  ['an unknown field', 'POST', '/api/principal', { name: 'x', colour: 'red' }],
  ['the type other', 'POST', '/api/principal', { name: 'x', type: 'other' }],
  ['null as secrets', 'POST', '/api/principal', { name: 'x', secrets: null }],
  ['a number among addresses', 'POST', '/api/principal', { name: 'x', emails: ['a@example.org', 5] }],
  ['a float as quota', 'POST', '/api/principal', { name: 'x', quota: 1.5 }],
  ['14 slots', 'POST', '/api/principal', { name: 'x', type: 'tenant', quota: Array(14).fill(0) }],
  ['deep JSON', 'POST', '/api/principal', `${'['.repeat(50_000)}${']'.repeat(50_000)}`],
  ['an operation without value', 'PATCH', '/api/principal/p00', [{ action: 'set', field: 'name' }]],
  ['null as value', 'PATCH', '/api/principal/p00', [{ action: 'set', field: 'description', value: null }]],
  ['a float as value', 'PATCH', '/api/principal/p00', [{ action: 'set', field: 'quota', value: 0.5 }]],
  ['an unknown action', 'PATCH', '/api/principal/p00', [{ action: 'clear', field: 'emails', value: '' }]],
  ['a member of Object as field', 'PATCH', '/api/principal/p00', [{ action: 'set', field: '__proto__', value: 'x' }]],
]
for (const [name, method, path, body] of badBodies) {
  test(`${method} refuses ${name}`, async () => {
    const answer = await call(method, path, body)
    assert.equal(answer.status, 400, JSON.stringify(answer.body))
    assert.deepEqual((await call('GET', '/api/principal/x')).body, { error: 'notFound', item: 'x' })
  })
}

test('names may hold what paths and queries give a meaning to', async () => {
  for (const name of ['a=b', 'a&b', 'a+b', 'a%2Fb', 'ä/b', '?x', '#y', '..']) {
    assert.ok('data' in (await call('POST', '/api/principal', { name })).body, name)
    const path = `/api/principal/${name === '..' ? '%2e%2e' : encodeURIComponent(name)}`
    const { body } = await call('GET', path)
    // A client resolves a path of dots before it asks, however it is written.
    if (name !== '..') assert.equal((body['data'] as { name?: string } | undefined)?.name, name.toLowerCase())
    await call('DELETE', path)
  }
})

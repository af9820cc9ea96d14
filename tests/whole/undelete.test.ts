// Stored mail through the management API: deleted messages that come back, contents, purges, new UIDs.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { startTestServer, type TestServer } from '@postern/testkit'

let server: TestServer

before(async () => {
  server = await startTestServer()
  await server.set({ 'storage.undelete.retention': '30d' })
  await server.addAccount('jane@example.org')
})
after(() => server[Symbol.asyncDispose]())

interface Item {
  readonly hash: string
  readonly size: number
  readonly deletedAt: string
  readonly expiresAt: string
}

const text = 'Subject: Precious\r\n\r\nHello.\r\n'
const hash = createHash('sha256').update(text).digest('base64url')

async function data(method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await server.call(method, path, body)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return (answer.body as { data?: unknown }).data ?? answer.body
}

async function deleted(): Promise<readonly Item[]> {
  return ((await data('GET', '/api/store/undelete/jane')) as { items: Item[] }).items
}

async function loseMail(mailbox = 'INBOX'): Promise<void> {
  await server.play(
    'imap',
    `A< * OK
A> a LOGIN jane jane
A<< a OK
A>> b APPEND ${mailbox} (\\\\Seen Precious) {${text.length}+}\\r\\nSubject: Precious\\r\\n\\r\\nHello.\\r\\n\\r\\n
A< b OK
A> c SELECT ${mailbox}
A<< c OK
A> d STORE 1:* +FLAGS.SILENT (\\Deleted)
A<< d OK
A> e EXPUNGE
A<< e OK`,
  )
}

test('a message that was expunged is listed, comes back where it was, unread, and leaves the list', async () => {
  await server.play('imap', 'A< * OK\nA> a LOGIN jane jane\nA<< a OK\nA> b CREATE Box\nA<< b OK')
  await loseMail('Box')
  const [item, ...more] = await deleted()
  assert.ok(item)
  assert.deepEqual([item.hash, item.size, more.length], [hash, text.length, 0])
  assert.equal(Date.parse(item.expiresAt) - Date.parse(item.deletedAt), 30 * 24 * 3600_000)
  const wanted = { hash, collection: 'email', restoreTime: '2027-01-31T08:00:00Z', cancelDeletion: item.expiresAt }
  assert.deepEqual(
    await data('POST', '/api/store/undelete/jane', [
      wanted,
      { ...wanted, collection: 'thread' },
      { ...wanted, hash: hash.replace(/^./, c => (c === 'A' ? 'B' : 'A')) },
    ]),
    [{ type: 'success' }, { type: 'error', reason: 'Unsupported collection' }, { type: 'notFound' }],
  )
  await server.play(
    'imap',
    `A< * OK
A> a LOGIN jane jane
A<< a OK
A> b EXAMINE Box
A<< b OK
A> c FETCH 1 (FLAGS INTERNALDATE BODY.PEEK[TEXT])
A< * 1 FETCH (FLAGS (\\\\Recent Precious) INTERNALDATE "31-Jan-2027 08:00:00 +0000" BODY[TEXT] {8}\\r\\nHello.\\r\\n)
A< c OK`,
  )
  assert.deepEqual(await deleted(), [])
})

test('without cancelling its end a message stays on the list; null restores everything', async () => {
  await loseMail()
  const restored = await data('POST', '/api/store/undelete/jane', [{ hash, collection: 'email', restoreTime: '2027-01-31T08:00:00Z' }])
  assert.deepEqual(restored, [{ type: 'success' }])
  assert.equal((await deleted()).length, 1)
  assert.deepEqual(await data('POST', '/api/store/undelete/jane', null), [{ type: 'success' }])
  assert.equal((await deleted()).length, 0)
})

test('what is over quota is told message by message', async () => {
  await loseMail()
  await server.call('PATCH', '/api/principal/jane', [{ action: 'set', field: 'quota', value: 1 }])
  const count = (await deleted()).length
  const results = await data('POST', '/api/store/undelete/jane', null)
  assert.deepEqual(
    results,
    Array.from({ length: count }, () => ({ type: 'error', reason: 'The quota of the account is exceeded.' })),
  )
  await server.call('PATCH', '/api/principal/jane', [{ action: 'set', field: 'quota', value: 0 }])
  assert.equal((await deleted()).length, count)
})

test('accounts that are none, and those of other tenants, are not found', async () => {
  assert.equal((await server.call('GET', '/api/store/undelete/nobody')).status, 404)
  assert.equal((await server.call('GET', '/api/store/undelete/example.org')).status, 404)
  await server.call('POST', '/api/principal', { type: 'tenant', name: 'acme', roles: ['tenant-admin', 'user'] })
  await server.call('POST', '/api/principal', { type: 'domain', name: 'acme.example', tenant: 'acme' })
  await server.call('POST', '/api/principal', {
    name: 'boss@acme.example',
    secrets: ['boss'],
    roles: ['tenant-admin', 'user'],
    tenant: 'acme',
  })
  const headers = { Authorization: `Basic ${btoa('boss@acme.example:boss')}` }
  const ask = (method: string, path: string) => fetch(`http://127.0.0.1:${server.port('http')}${path}`, { method, headers })
  assert.equal((await ask('GET', '/api/store/undelete/jane')).status, 404)
  assert.equal((await ask('GET', '/api/store/undelete/boss@acme.example')).status, 200)
  assert.equal((await ask('DELETE', '/api/store/uids/jane')).status, 403)
  assert.equal((await ask('DELETE', '/api/store/uids/boss@acme.example')).status, 200)
  assert.equal((await ask('GET', '/api/store/purge/account/jane')).status, 403)
})

test('bad requests of a restoration change nothing', async () => {
  const good = { hash, collection: 'email', restoreTime: '2027-01-31T08:00:00Z' }
  for (const bad of [
    { ...good, hash: '!!' },
    { ...good, hash: 'AAAA' },
    { ...good, collection: 'x' },
    { ...good, restoreTime: 'soon' },
    7,
    {},
  ])
    assert.equal((await server.call('POST', '/api/store/undelete/jane', [bad])).status, 400, JSON.stringify(bad))
})

test('a content is read by its hash, whole or in pieces', async () => {
  const base = `http://127.0.0.1:${server.port('http')}/api/store/blobs`
  const headers = { Authorization: `Basic ${btoa('admin:admin')}` }
  const read = async (path: string) => (await fetch(`${base}/${path}`, { headers })).text()
  assert.equal(await read(hash), text)
  assert.equal(await read(`${hash}?offset=9&limit=8`), 'Precious')
  assert.equal(await read(`${hash}?offset=9`), text.slice(9))
  assert.equal(await read(`${hash}?offset=9999`), '')
  assert.deepEqual(JSON.parse(await read(Buffer.alloc(32).toString('base64url'))), { error: 'notFound', item: '' })
  assert.equal((await server.call('GET', '/api/store/blobs/!!!')).status, 400)
})

test('purges begin at once; stores and accounts that are none are told', async () => {
  for (const path of ['blob', 'data', 'data/default', 'in-memory', 'in-memory/default/rate-auth', 'account', 'account/jane'])
    assert.deepEqual((await server.call('GET', `/api/store/purge/${path}`)).body, { data: null }, path)
  assert.equal((await server.call('GET', '/api/store/purge/data/nosuch')).status, 404)
  assert.equal((await server.call('GET', '/api/store/purge/in-memory/nosuch')).status, 404)
  for (const path of ['account/nobody', 'in-memory/default/bayes-account/nobody'])
    assert.deepEqual((await server.call('GET', `/api/store/purge/${path}`)).body, { error: 'notFound', item: '' }, path)
})

test('new UIDs: clients see another UIDVALIDITY, and UIDs from 1', async () => {
  await server.play(
    'imap',
    `A< * OK\nA> a LOGIN jane jane\nA<< a OK\nA>> b APPEND INBOX {${text.length}+}\\r\\nSubject: Precious\\r\\n\\r\\nHello.\\r\\n\\r\\n\nA< b OK`,
  )
  const [mailboxes, messages] = (await data('DELETE', '/api/store/uids/jane')) as [number, number]
  assert.ok(mailboxes > 1 && messages >= 1)
  await server.play(
    'imap',
    'A< * OK\nA> a LOGIN jane jane\nA<< a OK\nA> b SELECT INBOX\nA<< b OK\nA> c UID FETCH 1 UID\nA< * 1 FETCH (UID 1)\nA< c OK',
  )
  assert.deepEqual(await data('DELETE', '/api/store/uids/nobody'), { error: 'notFound', item: '' })
})

// A mail client that others wrote, used the way programs use it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { ImapFlow } from 'imapflow'
import { type ImapServer, startImapServer } from './server.ts'

let server: ImapServer

before(async () => {
  server = await startImapServer()
  await server.direct('account jane secret')
  await server.direct('messages jane INBOX 5')
  await server.direct('message jane INBOX file:mixed.eml')
})

after(() => server[Symbol.asyncDispose]())

async function connect(options: { readonly listener?: string } = {}): Promise<ImapFlow & AsyncDisposable> {
  const { port, isTls } = server.port(options.listener ?? 'imap')
  const client = new ImapFlow({
    host: '127.0.0.1',
    port,
    secure: isTls,
    auth: { user: 'jane', pass: 'secret' },
    tls: { rejectUnauthorized: false },
    logger: false,
    qresync: true,
  })
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.logout() })
}

test('logs in by STARTTLS and by TLS from the first byte', async () => {
  await using client = await connect()
  assert.equal(client.secureConnection, true)
  assert.equal(client.usable, true)
  await using other = await connect({ listener: 'imaps' })
  assert.ok(other.capabilities.has('UIDPLUS'))
  assert.ok(other.enabled.has('QRESYNC'))
})

test('lists mailboxes with their special use and status', async () => {
  await using client = await connect()
  const mailboxes = await client.list({ statusQuery: { messages: true, unseen: true } })
  const byPath = new Map(mailboxes.map(mailbox => [mailbox.path, mailbox]))
  assert.equal(byPath.get('INBOX')?.status?.messages, 6)
  assert.equal(byPath.get('INBOX')?.subscribed, true)
  assert.equal(byPath.get('Drafts')?.specialUse, '\\Drafts')
  assert.equal(byPath.get('Deleted Items')?.specialUse, '\\Trash')
})

test('fetches envelopes, structures and sources', async () => {
  await using client = await connect()
  using _lock = await open(client, 'INBOX')
  const message = await client.fetchOne('6', { envelope: true, bodyStructure: true, source: true, headers: ['x-custom'], threadId: true })
  assert.ok(message)
  assert.equal(message.envelope?.subject, 'Café um fünf')
  assert.equal(message.envelope?.from?.[0]?.name, 'Jörg Müller')
  assert.equal(new Date(message.envelope?.date ?? 0).toISOString(), '2025-01-07T14:15:30.000Z')
  assert.equal(message.bodyStructure?.type, 'multipart/mixed')
  assert.deepEqual(
    message.bodyStructure?.childNodes?.map(({ part, type }) => [part, type]),
    [
      ['1', 'text/plain'],
      ['2', 'application/octet-stream'],
      ['3', 'message/rfc822'],
      ['4', 'text/plain'],
    ],
  )
  assert.match(String(message.source), /^Return-Path: <bounce@remote\.test>\r\n[\s\S]*--b1--\r\n$/)
  assert.equal(String(message.headers), 'X-Custom: one\r\nX-Custom: two\r\n\r\n')
  assert.ok(message.emailId)
  assert.ok(message.threadId)
  const { content, meta } = await client.download('6', '2')
  assert.equal(meta?.filename, 'data.bin')
  assert.ok(content)
  assert.deepEqual([...(await bytesOf(content))], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('searches, flags, copies, moves and deletes', async () => {
  await using client = await connect()
  await client.mailboxCreate('Kept/2025')
  using _lock = await open(client, 'INBOX')
  assert.deepEqual(await client.search({ subject: 'message 3' }, { uid: true }), [3])
  assert.deepEqual(await client.search({ header: { 'X-Custom': 'two' } }, { uid: true }), [6])
  assert.equal(await client.messageFlagsAdd('1:2', ['\\Seen', 'Later'], { uid: true }), true)
  assert.deepEqual(await client.search({ keyword: 'Later' }, { uid: true }), [1, 2])
  const copied = await client.messageCopy('1:2', 'Kept/2025', { uid: true })
  assert.ok(copied)
  assert.deepEqual(
    [...(copied.uidMap ?? [])],
    [
      [1, 1],
      [2, 2],
    ],
  )
  const moved = await client.messageMove('3', 'Kept/2025', { uid: true })
  assert.ok(moved)
  assert.deepEqual([...(moved.uidMap ?? [])], [[3, 3]])
  assert.equal(await client.messageDelete('4', { uid: true }), true)
  assert.ok(client.mailbox)
  assert.equal(client.mailbox.exists, 4)
  const left: number[] = []
  for await (const message of client.fetch('1:*', { uid: true, flags: true })) left.push(message.uid)
  assert.deepEqual(left, [1, 2, 5, 6])
})

test('appends, and hears by IDLE of what others append', async () => {
  await using client = await connect()
  await using other = await connect({ listener: 'imaps' })
  using _lock = await open(client, 'Drafts')
  const idling = client.idle()
  const news = once(client, 'exists')
  const appended = await other.append('Drafts', 'Subject: draft\r\n\r\ntext\r\n', ['\\Draft', '$Label1'], new Date('2025-03-04T05:06:07Z'))
  assert.ok(appended)
  assert.equal(appended.uid, 1)
  const [{ path, count }] = await news
  assert.deepEqual([path, count], ['Drafts', 1])
  const message = await client.fetchOne('1', { flags: true, internalDate: true, size: true })
  await idling
  assert.ok(message)
  assert.deepEqual([...(message.flags ?? [])].sort(), ['$Label1', '\\Draft'])
  assert.equal(message.size, 24)
  assert.equal(new Date(message.internalDate ?? 0).toISOString(), '2025-03-04T05:06:07.000Z')
})

test('renames, subscribes and removes mailboxes', async () => {
  await using client = await connect()
  const made = await client.mailboxCreate('Entwürfe/Alt')
  assert.equal(made.created, true)
  await client.mailboxRename('Entwürfe', 'Pläne')
  const paths = (await client.list()).map(({ path }) => path)
  assert.ok(paths.includes('Pläne/Alt'), paths.join())
  await client.mailboxUnsubscribe('Pläne/Alt')
  await client.mailboxDelete('Pläne/Alt')
  await client.mailboxDelete('Pläne')
  const status = await client.status('INBOX', { uidNext: true, uidValidity: true, highestModseq: true })
  assert.ok(status)
  assert.equal(status.uidNext, 7)
})

async function open(client: ImapFlow, path: string): Promise<Disposable> {
  const lock = await client.getMailboxLock(path)
  return { [Symbol.dispose]: () => lock.release() }
}

async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

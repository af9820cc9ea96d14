// What dialogs cannot show: time that passes, clients that never read, and how much memory they cost.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { createFakeClock, type FakeClock, heldBytes } from '@postern/testkit'
import { Client } from './client.ts'
import { assertNoDefects, type Pop3Server, startPop3Server } from './server.ts'

async function start(clock?: FakeClock): Promise<Pop3Server> {
  const server = await startPop3Server(clock === undefined ? {} : { clock })
  await server.direct('setting imap.auth.allow-plain-text true')
  await server.direct('account jane secret')
  return server
}

test('a client that does not log in is not waited for, whatever it says meanwhile', async () => {
  const clock = createFakeClock()
  await using server = await start(clock)
  const client = await Client.open(server)
  client.socket.write('US')
  await clock.advance(59_000)
  client.socket.write('E')
  await clock.advance(2_000)
  assert.equal(await client.end(), '-ERR Connection timed out.\r\n')
})

test('a client that stops in the middle of AUTH is not waited for either', async () => {
  const clock = createFakeClock()
  await using server = await start(clock)
  const client = await Client.open(server)
  assert.equal(await client.command('AUTH PLAIN'), '+ \r\n')
  await clock.advance(61_000)
  assert.equal(await client.end(), '-ERR Connection timed out.\r\n')
})

test('a client that has logged in may be silent for half an hour; then it goes, and nothing is deleted', async () => {
  const clock = createFakeClock()
  await using server = await start(clock)
  await server.direct('messages jane 1')
  const client = await Client.logIn(server)
  assert.match(await client.command('DELE 1'), /^\+OK/)
  await clock.advance(29 * 60_000)
  assert.match(await client.command('NOOP'), /^\+OK/)
  await clock.advance(31 * 60_000)
  assert.equal(await client.end(), '-ERR Connection timed out.\r\n')
  assert.match(await (await Client.logIn(server)).command('STAT'), /^\+OK 1 /)
})

test('two hundred commands without a login are enough', async () => {
  await using server = await start()
  const client = await Client.open(server)
  client.socket.write('NOOP\r\n'.repeat(250))
  assert.match(await client.end(), /^(?:\+OK NOOP\r\n){200}-ERR Too many commands without a login\.\r\n$/)
})

test('a client that has said all it wants is answered before the connection ends', async () => {
  await using server = await start()
  await server.direct('messages jane 2')
  const client = await Client.open(server, { allowHalfOpen: true })
  client.socket.end('USER jane\r\nPASS secret\r\nRETR 2\r\nDELE 1\r\n')
  assert.match(await client.end(), /^\+OK[\s\S]*\+OK[\s\S]*Subject: Number 2[\s\S]*\r\n\.\r\n\+OK message 1 deleted\r\n$/)
  assert.match(await (await Client.logIn(server)).command('STAT'), /^\+OK 2 /)
})

test('a line without an end is skipped without being kept', async () => {
  await using server = await start()
  const client = await Client.logIn(server)
  const before = heldBytes()
  const piece = 'x'.repeat(64 * 1024)
  let most = 0
  for (let i = 0; i < 400; i++) {
    if (!client.socket.write(piece)) await once(client.socket, 'drain')
    if (i % 100 === 99) most = Math.max(most, heldBytes() - before)
  }
  assert.equal(await client.command(''), '-ERR Line is too long.\r\n')
  assert.match(await client.command('NOOP'), /^\+OK/)
  assert.ok(most < 16 * 1024 * 1024, `${most} octets were kept of 25 million`)
})

test('a password may be long, an OAuth token longer; what is too long is refused, and the session goes on', async () => {
  await using server = await start()
  const secret = 'p'.repeat(512)
  await server.direct(`account john ${secret}`)
  const client = await Client.open(server)
  assert.match(await client.command('USER john'), /^\+OK/)
  assert.match(await client.command(`PASS ${'p'.repeat(4096)}`), /^-ERR \[AUTH\]/)
  assert.equal(await client.command(`PASS ${'p'.repeat(4110)}`), '-ERR Line is too long.\r\n')
  const token = Buffer.from(`user=x\x01auth=Bearer ${'t'.repeat(9000)}\x01\x01`).toString('base64')
  assert.match(await client.command(`AUTH XOAUTH2 ${token}`), /^\+ /)
  assert.match(await client.command(''), /^-ERR \[AUTH\]/)
  assert.equal(await client.command(`AUTH PLAIN ${'A'.repeat(16 * 1024)}`), '-ERR Line is too long.\r\n')
  assert.equal(await client.command('AUTH PLAIN'), '+ \r\n')
  assert.equal(await client.command('A'.repeat(17 * 1024)), '-ERR Invalid challenge.\r\n')
  assert.match(await client.command('USER john'), /^\+OK/)
  assert.match(await client.command(`PASS ${secret}`), /^\+OK/)
})

test('a large message comes in pieces, and what comes is as long as announced', async () => {
  await using server = await start()
  const content = Buffer.from(`Subject: large\n\n${`.${'x'.repeat(700)}\n`.repeat(3000)}`)
  await server.deliver('jane', content)
  const client = await Client.logIn(server)
  const size = Number(/^\+OK 1 (\d+)/.exec(await client.command('LIST 1'))?.[1])
  assert.equal(size, content.length + 3002)
  const answer = await client.multi('RETR 1')
  const body = answer.slice(answer.indexOf('\r\n') + 2, -3)
  assert.equal(body.replaceAll('\r\n..', '\r\n.').length, size)
  const top = await client.multi('TOP 1 2')
  assert.equal(top, `+OK Top of message follows\r\nSubject: large\r\n\r\n${`..${'x'.repeat(700)}\r\n`.repeat(2)}.\r\n`)
  assertNoDefects(server)
})

test('a client that asks for much and never reads holds little, and is cut off in the end', async () => {
  const clock = createFakeClock()
  await using server = await start(clock)
  const content = `Subject: large\r\n\r\n${`${'x'.repeat(998)}\r\n`.repeat(4000)}`
  for (let i = 0; i < 10; i++) await server.deliver('jane', Buffer.from(`${content}${i}`))
  const client = await Client.logIn(server)
  const before = heldBytes()
  client.socket.pause()
  const all = Array.from({ length: 10 }, (_, i) => `RETR ${i + 1}\r\n`).join('')
  client.socket.write(all.repeat(20))
  const closed = once(client.socket, 'close')
  let most = 0
  for (let minute = 0; minute < 4; minute++) {
    await clock.advance(60_000)
    most = Math.max(most, heldBytes() - before)
  }
  client.socket.resume()
  await closed
  assert.ok(client.received.length < 40 * 1024 * 1024, 'not all of it can have come')
  assert.ok(most < 32 * 1024 * 1024, `${most} octets waited for a client that does not read`)
  assertNoDefects(server)
})

test('a hundred clients that begin a line and say no more cost little', async () => {
  await using server = await start()
  const before = heldBytes()
  const clients = await Promise.all(Array.from({ length: 100 }, () => Client.open(server)))
  for (const client of clients) client.socket.write(`PASS ${'x'.repeat(4000)}`)
  assert.match(await (await Client.logIn(server)).command('NOOP'), /^\+OK/)
  const kept = heldBytes() - before
  for (const client of clients) client.socket.destroy()
  assert.ok(kept < 12 * 1024 * 1024, `${kept} octets for 100 clients`)
})

test('a client that begins TLS and then says nothing that is TLS is let go', async () => {
  await using server = await startPop3Server()
  const socket = connect(server.port('pop3').port, '127.0.0.1')
  await once(socket, 'connect')
  const client = new Client(socket)
  await client.until('+OK')
  assert.match(await client.command('STLS'), /^\+OK/)
  socket.write('USER jane\r\nPASS secret\r\n')
  await client.end()
  assert.equal(server.trace.of('tls.handshake-error').length, 1)
  assertNoDefects(server)
})

test('a server that stops does not wait for a client that never reads', async () => {
  const clock = createFakeClock()
  await using server = await start(clock)
  await server.deliver('jane', Buffer.from(`Subject: large\r\n\r\n${`${'x'.repeat(998)}\r\n`.repeat(8000)}`))
  const client = await Client.logIn(server)
  client.socket.pause()
  client.socket.write('RETR 1\r\nRETR 1\r\nRETR 1\r\n')
  await clock.advance(1000)
  const stopped = server.stop()
  await clock.advance(9000)
  await stopped
  client.socket.destroy()
})

test('a large inbox is listed in order while another client gets its turn', async () => {
  await using server = await start()
  const jane = await server.directory.byName('jane')
  const account = await server.mailboxes.open(jane?.id ?? 0)
  const inbox = await account.findRole('inbox')
  const contents = Array.from({ length: 3000 }, (_, i) => Buffer.from(`Subject: ${i}\r\n\r\n${'x\n'.repeat(i % 3)}`))
  await account.appendAll(contents.map(content => ({ content, mailboxIds: [inbox?.id ?? 0] })))
  const greedy = await Client.logIn(server)
  const other = await Client.logIn(server)
  greedy.socket.write('STAT\r\nLIST\r\nUIDL\r\n')
  assert.match(await other.command('NOOP'), /^\+OK/)
  const total = contents.reduce((sum, content, i) => sum + content.length + (i % 3), 0)
  assert.equal(await greedy.until(''), `+OK 3000 ${total}\r\n`)
  const list = await greedy.until('\r\n.\r\n')
  assert.equal(list.split('\r\n').length, 3003)
  for (const at of [0, 1, 2, 499, 500, 2999]) assert.ok(list.includes(`\r\n${at + 1} ${(contents[at]?.length ?? 0) + (at % 3)}\r\n`))
  const ids = (await greedy.until('\r\n.\r\n'))
    .split('\r\n')
    .slice(1, -2)
    .map(line => line.split(' ')[1] ?? '')
  assert.equal(new Set(ids).size, 3000)
  for (const id of ids) assert.match(id, /^[\x21-\x7e]{1,70}$/)
})

// What dialogs cannot show: time that passes, clients that never read, and how much memory they cost.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { connectLocally, createFakeClock, type FakeClock, heldBytes, LineClient, type LineClientOptions } from '@postern/testkit'
import { type ImapServer, startImapServer } from './server.ts'

class Client extends LineClient {
  static async open(server: ImapServer, options: LineClientOptions = {}): Promise<Client> {
    const client = new Client(await connectLocally(server.port('bare').port, options))
    await client.until('* OK')
    return client
  }

  async command(line: string): Promise<string> {
    this.socket.write(`${line}\r\n`)
    return this.until(`${line.split(' ')[0]} `)
  }

  async logIn(): Promise<this> {
    assert.match(await this.command('l1 LOGIN jane secret'), /^l1 OK/)
    return this
  }
}

async function start(clock?: FakeClock): Promise<ImapServer> {
  const server = await startImapServer(clock === undefined ? {} : { clock })
  await server.direct('setting imap.auth.allow-plain-text true')
  await server.direct('account jane secret')
  return server
}

test('a client that does not log in is not waited for, whatever it says meanwhile', async () => {
  const clock = createFakeClock()
  await using server = await start(clock)
  const client = await Client.open(server)
  client.socket.write('a1 LOG')
  await clock.advance(59_000)
  client.socket.write('I')
  await clock.advance(2_000)
  assert.equal(await client.end(), '* BYE Connection timed out.\r\n')
})

test('a client that has logged in may be silent for half an hour', async () => {
  const clock = createFakeClock()
  await using server = await start(clock)
  const client = await (await Client.open(server)).logIn()
  await clock.advance(29 * 60_000)
  assert.match(await client.command('a1 NOOP'), /^a1 OK/)
  await clock.advance(31 * 60_000)
  assert.equal(await client.end(), '* BYE Connection timed out.\r\n')
})

test('IDLE is kept alive for 29 minutes and ends after half an hour', async () => {
  const clock = createFakeClock()
  await using server = await start(clock)
  const client = await (await Client.open(server)).logIn()
  client.socket.write('a1 IDLE\r\n')
  await client.until('+ ')
  await clock.advance(29 * 60_000)
  await client.until('* OK Still here')
  client.socket.write('DONE\r\n')
  await client.until('a1 OK')
  client.socket.write('a2 IDLE\r\n')
  await client.until('+ ')
  await clock.advance(31 * 60_000)
  assert.match(await client.end(), /\* BYE IDLE timed out\.\r\n$/)
})

test('a message that stops in the middle is given up, and leaves nothing', async () => {
  const clock = createFakeClock()
  await using server = await start(clock)
  const client = await (await Client.open(server)).logIn()
  client.socket.write('a1 APPEND INBOX {1000}\r\n')
  await client.until('+ ')
  client.socket.write('Subject: x\r\n')
  await clock.advance(31 * 60_000)
  assert.match(await client.end(), /\* BYE Connection timed out\.\r\n$/)
  const other = await (await Client.open(server)).logIn()
  assert.match(await other.command('a1 STATUS INBOX (MESSAGES)'), /MESSAGES 0/)
})

test('a client that has said all it wants is answered before the connection ends', async () => {
  await using server = await start()
  const client = await Client.open(server, { allowHalfOpen: true })
  client.socket.end('a1 LOGIN jane secret\r\na2 SELECT INBOX\r\na3 SEARCH ALL\r\n')
  assert.match(await client.end(), /a1 OK[\s\S]*a2 OK[\s\S]*\* SEARCH\r\na3 OK SEARCH completed\r\n$/)
})

test('a line without an end is skipped without being kept', async () => {
  await using server = await start()
  const client = await (await Client.open(server)).logIn()
  const before = heldBytes()
  client.socket.write('a1 SELECT ')
  const piece = 'x'.repeat(64 * 1024)
  let most = 0
  for (let i = 0; i < 400; i++) {
    if (!client.socket.write(piece)) await once(client.socket, 'drain')
    if (i % 100 === 99) most = Math.max(most, heldBytes() - before)
  }
  client.socket.write('\r\n')
  assert.match(await client.until('a1 '), /a1 BAD \[LIMIT\]/)
  assert.match(await client.command('a2 NOOP'), /^a2 OK/)
  assert.ok(most < 16 * 1024 * 1024, `${most} octets were kept of 25 million`)
})

test('a literal nobody asked for is read past without being kept', async () => {
  await using server = await start()
  const client = await (await Client.open(server)).logIn()
  const before = heldBytes()
  const piece = 'x'.repeat(64 * 1024)
  client.socket.write(`a1 APPEND INBOX {${piece.length * 1600}+}\r\n`)
  let most = 0
  for (let i = 0; i < 1600; i++) {
    if (!client.socket.write(piece)) await once(client.socket, 'drain')
    if (i % 100 === 99) most = Math.max(most, heldBytes() - before)
  }
  assert.match(await client.until('a1 '), /a1 NO \[TOOBIG\]/)
  client.socket.write('\r\n')
  assert.match(await client.command('a2 NOOP'), /^a2 OK/)
  assert.ok(most < 16 * 1024 * 1024, `${most} octets were kept of 100 million`)
})

test('a client that asks for much and never reads holds little, and is cut off in the end', async () => {
  const clock = createFakeClock()
  await using server = await start(clock)
  const account = await server.mailboxes.open((await server.directory.byName('jane'))?.id ?? 0)
  const inbox = await account.findRole('inbox')
  const content = Buffer.from(`Subject: large\r\n\r\n${`${'x'.repeat(998)}\r\n`.repeat(4000)}`)
  for (let i = 0; i < 25; i++)
    await account.append({ content: Buffer.concat([content, Buffer.from(`${i}`)]), mailboxIds: [inbox?.id ?? 0] })
  const client = await (await Client.open(server)).logIn()
  await client.command('a1 SELECT INBOX')
  const before = heldBytes()
  client.socket.pause()
  client.socket.write('a2 FETCH 1:* BODY.PEEK[]\r\n'.repeat(20))
  const closed = once(client.socket, 'close')
  let most = 0
  for (let minute = 0; minute < 4; minute++) {
    await clock.advance(60_000)
    most = Math.max(most, heldBytes() - before)
  }
  client.socket.resume()
  await closed
  assert.ok(!client.received.includes('a2 OK'), 'the first reply cannot have been completed')
  assert.ok(most < 32 * 1024 * 1024, `${most} octets waited for a client that does not read`)
})

test('a client that pipelines fetches of a large mailbox and reads them all leaves the others their turns', async () => {
  await using server = await start()
  const account = await server.mailboxes.open((await server.directory.byName('jane'))?.id ?? 0)
  const inbox = await account.findRole('inbox')
  await account.appendAll(
    Array.from({ length: 2000 }, (_, i) => ({ content: Buffer.from(`Subject: ${i}\r\n\r\n`), mailboxIds: [inbox?.id ?? 0] })),
  )
  const greedy = await (await Client.open(server)).logIn()
  const other = await (await Client.open(server)).logIn()
  await greedy.command('a1 SELECT INBOX')
  const commands = Array.from({ length: 20 }, (_, i) => `f${i} FETCH 1:* (ENVELOPE)\r\n`)
  greedy.socket.write(commands.join(''))
  await greedy.until('f0 OK')
  await other.command('b1 NOOP')
  assert.ok(!greedy.received.includes('f19 OK'), 'the other client waited for all of it')
  await greedy.until('f19 OK')
})

test('everything of a large message arrives, however slowly it is read', async () => {
  await using server = await start()
  const client = await (await Client.open(server)).logIn()
  const text = `Subject: large\r\n\r\n${Array.from({ length: 20_000 }, (_, line) => `line ${line}\r\n`.padStart(60)).join('')}`
  client.socket.write(`a1 APPEND INBOX {${text.length}+}\r\n${text}\r\n`)
  assert.match(await client.until('a1 '), /a1 OK/)
  await client.command('a2 SELECT INBOX')
  client.socket.write('a3 FETCH 1 BODY.PEEK[]\r\n')
  const answer = await client.until('a3 OK')
  assert.ok(answer.startsWith(`* 1 FETCH (BODY[] {${text.length}}\r\n`))
  assert.equal(answer.slice(answer.indexOf('\r\n') + 2, answer.indexOf('\r\n') + 2 + text.length), text)
  client.socket.write(`a4 FETCH 1 BODY.PEEK[]<300000.400000>\r\n`)
  const part = await client.until('a4 OK')
  assert.equal(part.slice(part.indexOf('\r\n') + 2, part.indexOf('\r\n') + 2 + 400_000), text.slice(300_000, 700_000))
})

test('a client that speaks no IMAP is sent away', async () => {
  await using server = await start()
  const client = await Client.open(server)
  for (let i = 0; i < 10; i++) client.socket.write(`GET /${i} HTTP/1.1\r\n`)
  assert.match(await client.end(), /\* BYE Too many errors\.\r\n$/)
  assert.ok(server.trace.of('imap.error').length >= 10)
})

// What happens when something behind the session does not work.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure } from '@postern/contract'
import type { AccountMailboxes } from '@postern/server/services/mailbox'
import { Client } from './client.ts'
import { assertNoDefects, type Pop3Server, startPop3Server } from './server.ts'

async function start(change: (account: AccountMailboxes) => Partial<AccountMailboxes>): Promise<Pop3Server> {
  const server = await startPop3Server({ wrap: account => ({ ...account, ...change(account) }) })
  await server.direct('setting imap.auth.allow-plain-text true')
  await server.direct('account jane secret')
  await server.direct('messages jane 3')
  return server
}

async function count(server: Pop3Server): Promise<number> {
  const jane = await server.directory.byName('jane')
  return (await (await server.mailboxes.open(jane?.id ?? 0)).columns(0)).count
}

test('a store that does not answer at the login is no wrong password', async () => {
  await using server = await start(() => ({
    columns: async () => {
      throw failure('storeUnavailable')
    },
  }))
  const client = await Client.open(server)
  await client.command('USER jane')
  assert.equal(await client.command('PASS secret'), '-ERR [SYS/TEMP] Temporary server error, try again later.\r\n')
  assert.match(await client.command('NOOP'), /^\+OK/)
  assertNoDefects(server)
})

test('a login that fails gives back its connection slot', async () => {
  let works = false
  await using server = await start(account => ({
    columns: async id => {
      if (!works) throw failure('storeUnavailable')
      return account.columns(id)
    },
  }))
  await server.direct('setting imap.rate-limit.concurrent 1')
  const client = await Client.open(server)
  for (const wanted of [/^-ERR \[SYS\/TEMP\]/, /^\+OK/]) {
    await client.command('USER jane')
    assert.match(await client.command('PASS secret'), wanted)
    works = true
  }
})

test('a QUIT that cannot delete says so, ends, and has deleted nothing', async () => {
  await using server = await start(() => ({
    remove: async () => {
      throw failure('storeUnavailable')
    },
  }))
  const client = await Client.logIn(server)
  client.socket.write('DELE 1\r\nDELE 2\r\nQUIT\r\nNOOP\r\n')
  assert.match(await client.end(), /^\+OK[^\n]*\n\+OK[^\n]*\n-ERR \[SYS\/TEMP\] Some messages could not be deleted\.\r\n$/)
  assert.equal(await count(server), 3)
  assertNoDefects(server)
})

test('an inbox that was numbered anew keeps what was not meant', async () => {
  await using server = await start(() => ({}))
  const client = await Client.logIn(server)
  assert.match(await client.command('DELE 1'), /^\+OK/)
  const jane = await server.directory.byName('jane')
  await server.mailboxes.renumberUids(jane?.id ?? 0)
  assert.match(await client.command('RETR 2'), /^-ERR/)
  assert.match(await client.command('QUIT'), /^-ERR \[SYS\/TEMP\]/)
  assert.equal(await count(server), 3)
})

for (const [damaged, wanted] of [
  [3, /^\+OK 5 \d+\r\n$/],
  [4, /^-ERR \[SYS\/TEMP\]/],
] as const)
  test(`${damaged} messages that cannot be read are ${damaged > 3 ? 'too many' : 'no reason to hide the others'}`, async () => {
    const places = new Set<unknown>()
    await using server = await start(account => ({
      // As in a store from before line feeds were counted.
      bareLineFeeds: async () => new Map([1, 2, 3, 4, 5].map(id => [id, undefined])),
      async messages(ids) {
        const found = await account.messages(ids)
        for (const { id, location } of found) if (id <= damaged) places.add(location)
        return found
      },
      content: async (message, range) => {
        if (places.has(message.location)) throw failure('storeUnavailable')
        return account.content(message, range)
      },
    }))
    await server.direct('messages jane 2')
    const client = await Client.logIn(server)
    assert.match(await client.command('STAT'), wanted)
    assert.match(await client.command('RETR 1'), /^-ERR \[SYS\/TEMP\]/)
    assert.match(await client.multi('RETR 5'), /^\+OK/)
    assertNoDefects(server)
  })

test('sizes of what left the inbox are forgotten, and those of the rest stay right', async () => {
  await using server = await start(() => ({}))
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 60; i++) await server.deliver('jane', Buffer.from(`Subject: ${i}\n\nx\n`))
    await server.deliver('jane', Buffer.from('Subject: last\n\nx\n'))
    const client = await Client.logIn(server)
    const last = (await client.multi('LIST')).split('\r\n').at(-3) ?? ''
    assert.match(last, / 20$/)
    const count = Number(last.split(' ')[0])
    for (let number = 1; number < count; number++) client.socket.write(`DELE ${number}\r\n`)
    client.socket.write('STAT\r\nQUIT\r\n')
    assert.match(await client.end(), /\+OK 1 20\r\n\+OK Postern[^\n]*deleted\)\.\r\n$/)
  }
})

test('a defect is told as a trouble of the server, and the session goes on', async () => {
  await using server = await start(() => ({
    messages: async () => {
      throw new TypeError('a secret detail')
    },
  }))
  const client = await Client.logIn(server)
  assert.match(await client.command('RETR 1'), /^-ERR \[SYS\/TEMP\] The server has a problem/)
  assert.match(await client.command('NOOP'), /^\+OK/)
  const told = server.trace.of('pop3.error').filter(({ fields }) => String(fields.reason).includes('a secret detail'))
  assert.equal(told.length, 1)
})

test('bytes that are gone before the message began are refused', async () => {
  await using server = await start(() => ({
    content: async () => {
      throw failure('blobNotFound')
    },
  }))
  const client = await Client.logIn(server)
  assert.match(await client.command('RETR 1'), /^-ERR The blob does not exist/)
  assert.match(await client.command('STAT'), /^\+OK 3 /)
  assertNoDefects(server)
})

test('bytes that are gone in the middle of a message cut the connection, so that half of it cannot pass for all', async () => {
  await using server = await start(account => ({
    content: async (message, range) => {
      if ((range?.start ?? 0) > 0) throw failure('blobNotFound')
      return account.content(message, range)
    },
  }))
  await server.deliver('jane', Buffer.from(`Subject: large\r\n\r\n${'x\r\n'.repeat(200_000)}`))
  const client = await Client.logIn(server)
  assert.match(await client.command('LIST 4'), /^\+OK 4 600018/)
  client.socket.write('DELE 1\r\nRETR 4\r\nQUIT\r\n')
  const received = await client.end()
  assert.ok(!received.includes('\r\n.\r\n'), 'a final dot would say that all of it was there')
  assert.equal(await count(server), 4)
  assertNoDefects(server)
})

test('every command leaves its event, failures theirs', async () => {
  await using server = await start(() => ({}))
  const client = await Client.open(server)
  for (const line of ['UTF8', 'NOOP', 'USER jane', 'PASS secret', 'STAT', 'LIST 1', 'UIDL 1', 'DELE 2', 'DELE 9', 'RSET', 'DELE 1'])
    await client.command(line)
  for (const line of ['CAPA', 'LIST', 'UIDL', 'RETR 2', 'TOP 2 0']) await client.multi(line)
  await client.command('QUIT')
  await client.end()
  const seen = server.trace.events.map(({ id }) => id).filter(id => id.startsWith('pop3.'))
  assert.deepEqual(seen, [
    'pop3.connection-start',
    'pop3.utf8',
    'pop3.noop',
    'pop3.stat',
    'pop3.list-message',
    'pop3.uidl-message',
    'pop3.delete',
    'pop3.error',
    'pop3.reset',
    'pop3.delete',
    'pop3.capabilities',
    'pop3.list',
    'pop3.uidl',
    'pop3.fetch',
    'pop3.fetch',
    'pop3.quit',
    'pop3.connection-end',
  ])
  assert.equal(server.trace.of('pop3.stat')[0]?.fields.total, 3)
})

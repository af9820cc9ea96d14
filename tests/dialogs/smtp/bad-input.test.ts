// Clients that are broken, slow, gone or up to something.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createFakeClock } from '@postern/testkit'
import fc from 'fast-check'
import { Client } from './client.ts'
import { type SmtpServer, startSmtp, stopWorkers } from './server.ts'

after(stopWorkers)

async function transaction(client: Client): Promise<void> {
  await client.send('EHLO mx.remote.test\r\nMAIL FROM:<you@remote.test>\r\nRCPT TO:<jane@example.org>\r\n')
  assert.deepEqual(
    (await client.replies(3)).map(reply => reply.slice(0, 3)),
    ['250', '250', '250'],
  )
}

async function startMessage(client: Client): Promise<void> {
  await transaction(client)
  assert.match(await client.ask('DATA'), /^354 /)
}

/** Waits, without any clock, for what local sockets do in their own time. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setImmediate(resolve))
}

function healthy({ trace }: SmtpServer): void {
  assert.deepEqual(trace.of('network.closed'), [], 'a session ended with a defect')
  assert.deepEqual(
    trace.of('smtp.error').filter(({ fields }) => fields.reason === 'internal'),
    [],
  )
}

const tenThousand = Array.from({ length: 10_000 }, (_, index) => `RCPT TO:<r${index}@example.org>\r\n`).join('')

test('ten thousand recipients in one go: the first hundred get their mail, the others are put off', async () => {
  await using server = await startSmtp()
  await server.account('catcher', 'secret', ['@example.org'])
  using client = await Client.greeted(server.port('').port)
  await client.send(`EHLO mx.remote.test\r\nMAIL FROM:<you@remote.test>\r\n${tenThousand}DATA\r\n`)
  const replies = await client.replies(10_003)
  const codes = replies.map(reply => reply.slice(0, 9))
  assert.deepEqual([codes.filter(code => code === '250 2.1.5').length, codes.filter(code => code === '452 4.5.3').length], [100, 9_900])
  assert.match(replies.at(-1) ?? '', /^354 /)
  assert.match(await client.ask('Subject: Hello\r\n\r\n.'), /^250 2\.0\.0 /)
  const [message] = await server.queued()
  assert.equal(message?.domains.flatMap(({ recipients }) => recipients).length, 100)
  healthy(server)
})

test('ten thousand recipients where they are allowed', async () => {
  await using server = await startSmtp()
  await server.account('catcher', 'secret', ['@example.org'])
  await server.set([['session.rcpt.max-recipients', '10000']])
  using client = await Client.greeted(server.port('').port)
  await client.send(`EHLO mx.remote.test\r\nMAIL FROM:<you@remote.test>\r\n${tenThousand}RCPT TO:<more@example.org>\r\nDATA\r\n`)
  const replies = await client.replies(10_004)
  assert.equal(replies.filter(reply => reply.startsWith('250 2.1.5')).length, 10_000)
  assert.match(await client.ask('Subject: Hello\r\n\r\n.'), /^250 2\.0\.0 /)
  const [message] = await server.queued()
  assert.equal(message?.domains.flatMap(({ recipients }) => recipients).length, 10_000)
  healthy(server)
})

test('a command line without end is read past, and the session goes on', async () => {
  await using server = await startSmtp()
  using client = await Client.greeted(server.port('').port)
  const megabyte = 'x'.repeat(1024 * 1024)
  for (let count = 0; count < 8; count++) await client.send(megabyte)
  assert.match(await client.ask(''), /^554 5\.3\.4 /)
  assert.match(await client.ask('NOOP'), /^250 /)
  healthy(server)
})

test('a message of one very long line is taken as it is', async () => {
  await using server = await startSmtp()
  using client = await Client.greeted(server.port('').port)
  await startMessage(client)
  const line = 'y'.repeat(3 * 1024 * 1024)
  assert.match(await client.ask(`Subject: Long\r\n\r\n${line}\r\n.`), /^250 2\.0\.0 /)
  const [message] = await server.queued()
  assert.ok(message)
  assert.ok((await server.content(message)).toString().endsWith(`Subject: Long\r\n\r\n${line}\r\n`))
  healthy(server)
})

test('a message too large for memory comes through whole', async () => {
  await using server = await startSmtp()
  using client = await Client.greeted(server.port('').port)
  await startMessage(client)
  const line = Buffer.from(`${'w'.repeat(998)}\r\n`)
  const body = Buffer.concat(Array.from({ length: 12 * 1024 }, () => line))
  await client.send('Subject: Large\r\n\r\n')
  await client.send(body)
  assert.match(await client.ask('.'), /^250 2\.0\.0 /)
  const [message] = await server.queued()
  assert.ok(message)
  const content = await server.content(message)
  assert.ok(content.toString('latin1', 0, 2000).includes('\r\nSubject: Large\r\n\r\nwww'))
  assert.ok(content.subarray(-body.length).equals(body))
  healthy(server)
})

test('a message far beyond the limit is read to its end and refused', async () => {
  await using server = await startSmtp()
  await server.set([['session.data.limits.size', '1048576']])
  using client = await Client.greeted(server.port('').port)
  await startMessage(client)
  await client.send('Subject: Large\r\n\r\n')
  const line = Buffer.from(`${'z'.repeat(998)}\r\n`)
  const megabyte = Buffer.concat(Array.from({ length: 1024 }, () => line))
  for (let count = 0; count < 100; count++) await client.send(megabyte)
  assert.match(await client.ask('.'), /^552 5\.3\.4 /)
  assert.deepEqual(await server.queued(), [])
  await transaction(client)
  healthy(server)
})

test('a chunk far beyond the limit is read past', async () => {
  await using server = await startSmtp()
  await server.set([['session.data.limits.size', '1000']])
  using client = await Client.greeted(server.port('').port)
  await transaction(client)
  const size = 20 * 1024 * 1024
  await client.send(`BDAT ${size} LAST\r\n`)
  await client.send(Buffer.alloc(size, 'QUIT\r\n'))
  assert.match(await client.reply(), /^552 5\.3\.4 /)
  assert.match(await client.ask('NOOP'), /^250 /)
  assert.deepEqual(await server.queued(), [])
  healthy(server)
})

test('a client that says nothing is let go after five minutes', async () => {
  const clock = createFakeClock()
  await using server = await startSmtp({ clock })
  using idle = await Client.greeted(server.port('').port)
  using stalled = await Client.greeted(server.port('').port)
  await startMessage(stalled)
  const heard = server.trace.of('smtp.raw-input').length
  await stalled.send('Subject: Hello\r\n\r\nand then')
  await until(() => server.trace.of('smtp.raw-input').length > heard)
  await clock.advance(299_000)
  assert.match(await idle.ask('NOOP'), /^250 /)
  await clock.advance(2_000)
  assert.match(await stalled.rest(), /^421 4\.4\.2 [^\r]*\r\n$/)
  assert.match(await idle.ask('NOOP'), /^250 /)
  await clock.advance(298_000)
  assert.match(await idle.ask('NOOP'), /^250 /, 'the time begins anew with each command')
  assert.deepEqual(await server.queued(), [])
  healthy(server)
})

test('a client that stays for ever is let go after ten minutes, however busy', async () => {
  const clock = createFakeClock()
  await using server = await startSmtp({ clock })
  using client = await Client.greeted(server.port('').port)
  for (let minute = 1; minute < 10; minute++) {
    await clock.advance(60_000)
    assert.match(await client.ask('NOOP'), /^250 /)
  }
  await startMessage(client)
  await clock.advance(61_000)
  assert.match(await client.rest(), /^453 4\.3\.2 [^\r]*\r\n$/)
  assert.equal(server.trace.of('smtp.time-limit-exceeded').length, 1)
  assert.deepEqual(await server.queued(), [])
  healthy(server)
})

test('who waits for the greeting gets it after the delay', async () => {
  const clock = createFakeClock()
  await using server = await startSmtp({ clock })
  await server.set([['session.connect.pregreet-delay', '5s']])
  using client = await Client.connected(server.port('').port)
  const greeting = client.reply()
  let isGreeted = false
  void greeting.then(() => {
    isGreeted = true
  })
  let seconds = 0
  for (; !isGreeted; seconds++) await clock.advance(1_000)
  assert.match(await greeting, /^220 /)
  assert.ok(seconds >= 5)
  assert.match(await client.ask('EHLO mx.remote.test'), /^250-/)
  healthy(server)
})

test('who has sent everything and closed the own side is still answered', async () => {
  await using server = await startSmtp()
  using client = await Client.greeted(server.port('').port)
  await client.send(
    'EHLO mx.remote.test\r\nMAIL FROM:<you@remote.test>\r\nRCPT TO:<jane@example.org>\r\nDATA\r\nSubject: Last words\r\n\r\n.\r\n',
  )
  client.endSending()
  const replies = await client.rest()
  assert.match(replies, /\r\n354 .*\r\n250 2\.0\.0 Message queued as [0-9A-F]+\r\n$/)
  assert.equal((await server.queued()).length, 1)
  healthy(server)
})

test('a half-sent message of one who closed the own side is dropped', async () => {
  await using server = await startSmtp()
  using client = await Client.greeted(server.port('').port)
  await startMessage(client)
  await client.send('Subject: Unfinished\r\n\r\n.\r')
  client.endSending()
  assert.equal(await client.rest(), '')
  using second = await Client.greeted(server.port('').port)
  await transaction(second)
  await second.send('BDAT 5000 LAST\r\nSubject: Unfinished\r\n\r\n')
  second.endSending()
  assert.equal(await second.rest(), '')
  assert.deepEqual(await server.queued(), [])
  healthy(server)
})

test('a stop tells idle clients at once and waits for a message on its way', async () => {
  const clock = createFakeClock()
  await using server = await startSmtp({ clock })
  using idle = await Client.greeted(server.port('').port)
  using sending = await Client.greeted(server.port('').port)
  using stalled = await Client.greeted(server.port('').port)
  await startMessage(sending)
  await startMessage(stalled)
  const stopped = server.smtp[Symbol.asyncDispose]()
  assert.match(await idle.rest(), /^421 4\.3\.0 /)
  assert.match(await sending.ask('Subject: In time\r\n\r\n.'), /^250 2\.0\.0 /)
  assert.match(await sending.rest(), /^421 4\.3\.0 /)
  await clock.advance(3_000)
  assert.match(await stalled.rest(), /^421 4\.3\.0 /)
  await clock.advance(2_000)
  await stopped
  assert.equal((await server.queued()).length, 1)
  healthy(server)
})

test('a login attempt longer than any token is refused', async () => {
  await using server = await startSmtp()
  await server.set([
    ['session.auth.mechanisms.0.if', 'true'],
    ['session.auth.mechanisms.0.then', '[plain, login]'],
  ])
  using client = await Client.greeted(server.port('submission').port)
  assert.match(await client.ask('EHLO client.test'), /^250-/)
  assert.match(await client.ask('AUTH PLAIN'), /^334 /)
  assert.match(await client.ask('A'.repeat(13_000)), /^501 5\.5\.2 /)
  assert.match(await client.ask('AUTH PLAIN'), /^334 /)
  // RFC 4954 §4 wants 12288 octets to be taken.
  assert.match(await client.ask('A'.repeat(12_000)), /^5\d\d /)
  assert.match(await client.ask(`AUTH PLAIN ${'A'.repeat(11_000)}`), /^5\d\d /)
  assert.equal(server.trace.of('smtp.auth-exchange-too-long').length, 1)
  assert.match(await client.rest(), /^421 4\.3\.0 /)
  healthy(server)
})

const piece = fc.constantFrom(
  'EHLO ',
  'HELO ',
  'LHLO ',
  'mx.remote.test',
  'MAIL FROM:',
  'RCPT TO:',
  '<you@remote.test>',
  '<jane@example.org>',
  '<>',
  'DATA',
  'BDAT ',
  '7',
  ' LAST',
  'Subject: x',
  '.',
  'RSET',
  'NOOP',
  'VRFY ',
  'EXPN ',
  'AUTH PLAIN ',
  'AUTH LOGIN',
  '*',
  'AGphbmUAd3Jvbmc=',
  'SIZE=',
  'BODY=BINARYMIME',
  ' ',
  '\0',
  '\t',
  '\xff\xfe',
  '\u00e9',
  '\r',
  '\n',
  '\r\n',
  '\r\n',
  '\r\n',
)

test('whatever strangers send, the session answers or ends, and nothing breaks', async () => {
  await using server = await startSmtp()
  // The client is to be served again however often it errs.
  await server.set([['server.auto-ban.scan.rate', '1000000/1d']])
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 60 }), fc.boolean(), async (pieces, isLmtp) => {
      using client = await Client.greeted(server.port(isLmtp ? 'lmtp' : '').port)
      await client.send(Buffer.from(`EHLO mx.remote.test\r\n${pieces.join('')}`, 'latin1'))
      client.endSending()
      const text = await client.rest()
      assert.match(text, /^(?:[2345]\d\d[ -][^\r\n]*\r\n)+$/)
      healthy(server)
    }),
    { numRuns: 300 },
  )
})

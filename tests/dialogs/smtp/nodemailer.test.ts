// A mail program that many write their own with.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createTransport } from 'nodemailer'
import { type SmtpServer, startSmtp, stopWorkers } from './server.ts'

after(stopWorkers)

const login = { user: 'jane', pass: 'secret' }
const anyCertificate = { rejectUnauthorized: false }

interface Rejection {
  readonly responseCode: number
  readonly response: string
}

function rejection(error: unknown): Rejection {
  assert.ok(error instanceof Error && 'responseCode' in error && 'response' in error, String(error))
  return { responseCode: Number(error.responseCode), response: String(error.response) }
}

function portOf(server: SmtpServer, listener: string): { readonly host: string; readonly port: number } {
  return { host: '127.0.0.1', port: server.port(listener).port }
}

const letter = {
  from: 'Jane <jane@example.org>',
  to: ['joe@example.org', 'you@remote.test'],
  bcc: 'she@remote.test',
  subject: 'Grüße',
  text: 'Hello\n.\n..\n.end\n',
  attachments: [{ filename: 'ones.bin', content: Buffer.alloc(200_000, 1) }],
}

test('a letter with attachment over STARTTLS', async () => {
  await using server = await startSmtp()
  const transport = createTransport({ ...portOf(server, 'submission'), requireTLS: true, auth: login, tls: anyCertificate })
  const sent = await transport.sendMail(letter)
  assert.deepEqual(sent.accepted, ['joe@example.org', 'you@remote.test', 'she@remote.test'])
  assert.match(sent.response, /^250 2\.0\.0 Message queued as [0-9A-F]+$/)
  const [message] = await server.queued()
  assert.ok(message)
  assert.equal(message.returnPath, 'jane@example.org')
  assert.deepEqual(message.domains.flatMap(({ recipients }) => recipients.map(({ address }) => address)).sort(), [
    'joe@example.org',
    'she@remote.test',
    'you@remote.test',
  ])
  const content = (await server.content(message)).toString()
  assert.match(content, /^Received: from /)
  assert.match(content, /\r\n\r\nHello\r\n\.\r\n\.\.\r\n\.end\r\n/)
  assert.ok(!content.includes('she@remote.test'))
  assert.ok(content.length > 266_000)
})

test('both password mechanisms over TLS from the start', async () => {
  await using server = await startSmtp()
  for (const authMethod of ['PLAIN', 'LOGIN']) {
    const transport = createTransport({ ...portOf(server, 'submissions'), secure: true, auth: login, authMethod, tls: anyCertificate })
    assert.equal(await transport.verify(), true)
    await transport.sendMail({ from: 'jane@example.org', to: 'joe@example.org', subject: authMethod, text: 'x' })
  }
  assert.equal((await server.queued()).length, 2)
})

test('a wrong password is told as one', async () => {
  await using server = await startSmtp()
  const auth = { user: 'jane', pass: 'wrong' }
  const transport = createTransport({ ...portOf(server, 'submissions'), secure: true, auth, tls: anyCertificate })
  await assert.rejects(transport.sendMail(letter), (error: unknown) => rejection(error).responseCode === 535)
  assert.deepEqual(await server.queued(), [])
})

test('refused recipients and the others are told apart', async () => {
  await using server = await startSmtp()
  const transport = createTransport({ ...portOf(server, ''), tls: anyCertificate, name: 'mx.remote.test' })
  const to = ['joe@example.org', 'nobody@example.org', 'you@remote.test']
  const { accepted, rejected } = await transport.sendMail({ from: 'she@remote.test', to, subject: 'x', text: 'x' })
  assert.deepEqual([accepted, rejected], [['joe@example.org'], ['nobody@example.org', 'you@remote.test']])
  assert.equal((await server.queued()).length, 1)
})

test('a letter that is too large is refused with the reason', async () => {
  await using server = await startSmtp()
  await server.set([['session.data.limits.size', '10000']])
  const transport = createTransport({ ...portOf(server, 'submissions'), secure: true, auth: login, tls: anyCertificate })
  await assert.rejects(transport.sendMail(letter), (error: unknown) => rejection(error).response.startsWith('552 5.3.4 '))
  assert.deepEqual(await server.queued(), [])
})

test('a pool sends many letters over few connections', async () => {
  await using server = await startSmtp()
  await server.set([['session.data.limits.messages', '100']])
  const transport = createTransport({
    ...portOf(server, 'submissions'),
    secure: true,
    auth: login,
    tls: anyCertificate,
    pool: true,
    maxConnections: 3,
  })
  const letters = Array.from({ length: 60 }, (_, index) =>
    transport.sendMail({ from: 'jane@example.org', to: 'joe@example.org', subject: `Letter ${index}`, text: 'x' }),
  )
  const ids = new Set((await Promise.all(letters)).map(({ response }) => response))
  transport.close()
  assert.equal(ids.size, 60)
  assert.equal((await server.queued()).length, 60)
  assert.ok(server.trace.of('smtp.connection-start').length <= 3)
})

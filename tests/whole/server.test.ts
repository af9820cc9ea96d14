// The whole server in one process: what only shows when the parts are together.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startTestServer, type TestServer } from '@postern/testkit'

let server: TestServer

before(async () => {
  server = await startTestServer()
  await server.addAccount('jane@example.org')
})
after(() => server[Symbol.asyncDispose]())

const message = (to: string, subject: string): string => `A> MAIL FROM:<you@example.net>
A< 250
A> RCPT TO:<${to}>
A< 250
A> DATA
A< 354
A> Subject: ${subject}
A> .
A< 250 2.0.0`

const greet = `A< 220
A> EHLO client.example.net
A<< 250 `

test('an idling client is told of mail that comes in by SMTP', async () => {
  const idle = server.play(
    'imap',
    `B< * OK
B> a LOGIN jane jane
B<< a OK
B> b SELECT INBOX
B<< b OK
B> c IDLE
B< +
A open smtp
${greet}
${message('jane@example.org', 'Wake up')}
B<< * 1 EXISTS
B> DONE
B< * 1 RECENT
B< c OK
B> d FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)])
B< * 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {...}\\r\\nSubject: Wake up\\r\\n\\r\\n)
B< d OK`,
  )
  await idle
})

test('a password changed through the API is the one that IMAP and submission take from then on', async () => {
  await server.addAccount('ann@example.org')
  const login = (secret: string, answer: string): string => `A< * OK\nA> a LOGIN ann ${secret}\nA<< a ${answer}`
  await server.play('imap', login('ann', 'OK'))
  assert.deepEqual((await server.call('PATCH', '/api/principal/ann', [{ action: 'set', field: 'secrets', value: ['new'] }])).body, {
    data: null,
  })
  await server.play('imap', login('ann', 'NO'))
  await server.play('imap', login('new', 'OK'))
  const plain = Buffer.from('\0ann\0ann').toString('base64')
  await server.play('submission', `${greet}\nA> AUTH PLAIN ${plain}\nA< 535`)
})

test('a token logs in to IMAP and submission until its account has another password; why not is told first', async () => {
  await server.addAccount('tom@example.org')
  await server.set({ 'imap.auth.allow-plain-text': 'true', 'session.auth.mechanisms': '[plain, oauthbearer, xoauth2]' })
  const basic = { Authorization: `Basic ${btoa('tom:tom')}` }
  const ask = async (path: string, init: RequestInit): Promise<Record<string, never>> =>
    (await (await fetch(`http://127.0.0.1:${server.port('http')}${path}`, { method: 'POST', ...init })).json()) as Record<string, never>
  const { data } = await ask('/api/oauth', { headers: basic, body: JSON.stringify({ type: 'code', client_id: 'mail' }) })
  const fields = { grant_type: 'authorization_code', client_id: 'mail', code: data?.['code'] ?? '', redirect_uri: '' }
  const { access_token: token } = await ask('/auth/token', { body: new URLSearchParams(fields) })
  const bearer = btoa(`n,a=tom,\x01host=x\x01auth=Bearer ${token}\x01\x01`)
  const older = btoa(`user=tom\x01auth=Bearer ${token}\x01\x01`)
  await server.play('imap', `A< * OK\nA> a AUTHENTICATE OAUTHBEARER ${bearer}\nA<< a OK`)
  await server.play('imap', `A< * OK\nA> a AUTHENTICATE XOAUTH2\nA< +\nA> ${older}\nA<< a OK`)
  await server.play('submission', `${greet}\nA> AUTH XOAUTH2 ${older}\nA< 235`)
  await server.play('submission', `${greet}\nA> AUTH OAUTHBEARER\nA< 334 \nA> ${bearer}\nA< 235`)
  await server.call('PATCH', '/api/principal/tom', [{ action: 'set', field: 'secrets', value: ['new'] }])
  const why = btoa('{"status":"invalid_token","schemes":"bearer"}')
  await server.play('imap', `A< * OK\nA> a AUTHENTICATE OAUTHBEARER ${bearer}\nA< + ${why}\nA> AQ==\nA< a NO [AUTHENTICATIONFAILED]`)
  await server.play('submission', `${greet}\nA> AUTH XOAUTH2 ${older}\nA< 334 ${why}\nA> \nA< 535`)
})

test('a deleted account has no mail and no login, and its address is free', async () => {
  await server.addAccount('gone@example.org')
  await server.play('smtp', `${greet}\n${message('gone@example.org', 'Late')}`)
  await server.call('DELETE', '/api/principal/gone')
  await server.play('imap', 'A< * OK\nA> a LOGIN gone gone\nA<< a NO')
  await server.addAccount('gone@example.org')
  await server.play('imap', 'A< * OK\nA> a LOGIN gone gone\nA<< a OK\nA> b STATUS INBOX (MESSAGES)\nA< * STATUS "INBOX" (MESSAGES 0)')
})

test('a listener that the settings gain is opened by a reload, and closed when they lose it', async () => {
  await server.call('POST', '/api/settings', [
    {
      type: 'insert',
      prefix: 'server.listener.extra',
      assert_empty: true,
      values: [
        ['bind', '127.0.0.1:0'],
        ['protocol', 'imap'],
      ],
    },
  ])
  assert.deepEqual((await server.call('GET', '/api/reload')).body, { data: { errors: {}, warnings: {} } })
  await until(() => server.running.ports().has('extra'))
  await server.play('extra', 'A< * OK')
  await server.call('POST', '/api/settings', [{ type: 'clear', prefix: 'server.listener.extra.' }])
  await server.call('GET', '/api/reload')
  await until(() => !server.running.ports().has('extra'))
})

test('a port that is taken keeps no other listener from opening', async () => {
  await using own = await startTestServer()
  const taken = own.port('smtp')
  await own.call('POST', '/api/settings', [
    {
      type: 'insert',
      prefix: 'server.listener',
      assert_empty: false,
      values: [
        ['a-first.bind', `127.0.0.1:${taken}`],
        ['a-first.protocol', 'imap'],
        ['later.bind', '127.0.0.1:0'],
        ['later.protocol', 'imap'],
      ],
    },
  ])
  await own.call('GET', '/api/reload')
  await until(() => own.running.ports().has('later'))
  assert.ok(!own.running.ports().has('a-first'))
  await own.play('later', 'A< * OK')
})

test('a connection limit of 0 shuts nobody out', async () => {
  await using own = await startTestServer({ settings: { 'server.max-connections': '0' } })
  await own.play('imap', 'A< * OK')
  assert.equal((await own.call('GET', '/api/reload')).status, 200)
})

test('a folder that takes no files is a temporary error to senders and clients, and no restart is needed when it does again', async () => {
  await using own = await startTestServer({ settings: { 'imap.auth.allow-plain-text': 'true' } })
  await own.addAccount('jane@example.org')
  const large = `${'x'.repeat(70)}\nA> `.repeat(20_000)
  const send = (answer: string): Promise<void> =>
    own.play(
      'smtp',
      `${greet}\nA> MAIL FROM:<you@example.net>\nA< 250\nA> RCPT TO:<jane@example.org>\nA< 250\nA> DATA\nA< 354
A> Subject: large\nA> \nA> ${large}\nA> .\nA< ${answer}`,
    )
  const append = (answer: string): Promise<void> =>
    own.play(
      'imap',
      `A< * OK\nA> a LOGIN jane jane\nA<< a OK\nA> b APPEND INBOX {${'Subject: x\r\n\r\n'.length + 2_000_000}+}
A> Subject: x\nA> \nA>> ${'y'.repeat(2_000_000)}\\r\\n\nA<< b ${answer}`,
    )
  const spool = join(own.folder, 'data', 'blobs', 'spool')
  await rename(spool, `${spool}-away`)
  await writeFile(spool, '')
  await send('451 4.3.5')
  await append('NO [UNAVAILABLE]')
  await rm(spool)
  await rename(`${spool}-away`, spool)
  await send('250 2.0.0')
  await append('OK')
})

async function until(condition: () => boolean): Promise<void> {
  const patience = AbortSignal.timeout(10_000)
  while (!condition()) {
    if (patience.aborted) assert.fail('it never came true')
    await new Promise(resolve => setImmediate(resolve))
  }
}

test('a list brings the mail to its members, a group to its own mailbox', async () => {
  await server.addAccount('bob@example.org')
  await server.call('POST', '/api/principal', { type: 'list', name: 'all', emails: ['all@example.org'], members: ['jane', 'bob'] })
  await server.play('smtp', `${greet}\n${message('all@example.org', 'To all')}`)
  const hasMail = 'A< * OK\nA> a LOGIN bob bob\nA<< a OK\nA> b SELECT INBOX\nA<< b OK\nA> c SEARCH SUBJECT "To all"\nA< * SEARCH 1'
  const patience = AbortSignal.timeout(10_000)
  for (;;) {
    const arrived = await server.play('imap', hasMail).then(
      () => true,
      () => false,
    )
    if (arrived) break
    assert.ok(!patience.aborted, 'the mail never came')
  }
})

test('when the server stops, clients are told and connections end', async () => {
  const own = await startTestServer()
  const sockets: Socket[] = []
  const said: string[] = []
  for (const listener of ['smtp', 'imap']) {
    const socket = connect(own.port(listener), '127.0.0.1')
    sockets.push(socket)
    let text = ''
    socket.on('data', chunk => {
      text += chunk
    })
    socket.on('close', () => said.push(text))
    await once(socket, 'data')
  }
  await own[Symbol.asyncDispose]()
  await Promise.all(sockets.filter(socket => !socket.closed).map(socket => once(socket, 'close')))
  assert.ok(
    said.some(text => /^421 4\.3\.0/m.test(text)),
    said.join('|'),
  )
  assert.ok(
    said.some(text => /^\* BYE/m.test(text)),
    said.join('|'),
  )
})

test('a setting that is broken at the start is told in the log, and does not stop the start', async () => {
  const logs = await mkdtemp(join(tmpdir(), 'postern-logs-'))
  try {
    const broken = { 'queue.outbound.concurrency': 'many', 'tracer.log.type': 'log', 'tracer.log.path': logs, 'tracer.log.level': 'info' }
    await (await startTestServer({ settings: broken }))[Symbol.asyncDispose]()
    const [file = ''] = await readdir(logs)
    assert.match(await readFile(join(logs, file), 'utf8'), /\(config\.parse-error\).*key = "queue\.outbound\.concurrency"/)
  } finally {
    await rm(logs, { recursive: true })
  }
})

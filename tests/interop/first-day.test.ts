// The first day with a fresh server, with the programs people use: accounts by curl, mail by swaks, reading by curl, Python, mutt and isync,
// a reply that leaves through a smarthost, a restart.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createRemoteMx, type RemoteMx, type ServerProcess, startServerProcess } from '@postern/testkit'
import { missing, runTool } from './tools.ts'

let server: ServerProcess
let smarthost: RemoteMx
let folder: string
let home: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'first-day-'))
  home = join(folder, 'data')
  server = await startServerProcess({ folder: home })
  smarthost = await createRemoteMx()
})

after(async () => {
  await server[Symbol.asyncDispose]()
  await smarthost[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const curlApi = (path: string, body?: unknown) =>
  runTool('curl', [
    '-sS',
    '-u',
    `admin:${server.adminPassword}`,
    `http://127.0.0.1:${server.port(80)}/api${path}`,
    ...(body === undefined ? [] : ['-d', JSON.stringify(body)]),
  ])

test('curl creates a domain and two accounts', { skip: missing('curl') }, async () => {
  assert.match((await curlApi('/principal', { type: 'domain', name: 'example.org' })).output, /^\{"data":\d+\}$/)
  for (const name of ['jane', 'john']) {
    const { output } = await curlApi('/principal', {
      type: 'individual',
      name,
      secrets: [`${name}-secret`],
      emails: [`${name}@example.org`],
      roles: ['user'],
    })
    assert.match(output, /^\{"data":\d+\}$/)
  }
  assert.match((await curlApi('/principal?types=individual')).output, /"total":2/)
})

test('swaks sends from outside, and with a login over STARTTLS', { skip: missing('swaks') }, async () => {
  const outside = await runTool('swaks', [
    '--server',
    `127.0.0.1:${server.port(25)}`,
    '--ehlo',
    'client.example.net',
    '--from',
    'you@example.net',
    '--to',
    'jane@example.org',
    '--header',
    'Subject: From outside',
    '--body',
    'Hello Jane',
  ])
  assert.equal(outside.code, 0, outside.output)
  assert.match(outside.output, /<.* 250 2\.0\.0 .*queued/i)
  const refused = await runTool('swaks', [
    '--server',
    `127.0.0.1:${server.port(25)}`,
    '--ehlo',
    'client.example.net',
    '--from',
    'you@example.net',
    '--to',
    'someone@elsewhere.test',
  ])
  assert.notEqual(refused.code, 0, 'no open relay')
  const inside = await runTool('swaks', [
    '--server',
    `127.0.0.1:${server.port(587)}`,
    '--tls',
    '--auth',
    'PLAIN',
    '--auth-user',
    'john',
    '--auth-password',
    'john-secret',
    '--from',
    'john@example.org',
    '--to',
    'jane@example.org',
    '--header',
    'Subject: From John',
    '--body',
    'Hi',
  ])
  assert.equal(inside.code, 0, inside.output)
  const wrong = await runTool('swaks', [
    '--server',
    `127.0.0.1:${server.port(587)}`,
    '--tls',
    '--auth',
    'PLAIN',
    '--auth-user',
    'john',
    '--auth-password',
    'nonsense',
    '--from',
    'john@example.org',
    '--to',
    'jane@example.org',
  ])
  assert.notEqual(wrong.code, 0)
})

async function untilInbox(login: string, count: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const { output } = await runTool('curl', [
      '-sS',
      '-u',
      `${login}:${login}-secret`,
      `imap://127.0.0.1:${server.port(143)}`,
      '-X',
      'STATUS INBOX (MESSAGES)',
    ])
    if (Number(/MESSAGES (\d+)/.exec(output)?.[1] ?? 0) >= count) return
  }
  assert.fail(`the inbox of ${login} never had ${count} messages`)
}

test('curl reads the mail', { skip: missing('curl') || missing('swaks') }, async () => {
  await untilInbox('jane', 2)
  const { output } = await runTool('curl', ['-sS', '-u', 'jane:jane-secret', `imap://127.0.0.1:${server.port(143)}/INBOX;MAILINDEX=1`])
  assert.match(output, /Subject: From outside[\s\S]*Hello Jane/)
  assert.match(output, /^Delivered-To: jane@example\.org\r\nReturn-Path: <you@example\.net>\r\nReceived: from client\.example\.net/)
  const secure = await runTool('curl', ['-sSk', '-u', 'jane:jane-secret', `imaps://127.0.0.1:${server.port(993)}/INBOX;MAILINDEX=2`])
  assert.match(secure.output, /Subject: From John/)
})

const python = String.raw`
import imaplib, sys
port = int(sys.argv[1])
box = imaplib.IMAP4('127.0.0.1', port)
box.starttls(__import__('ssl')._create_unverified_context())
box.login('jane', 'jane-secret')
assert box.select('INBOX')[1] == [b'2'], box.select('INBOX')
typ, found = box.search(None, 'SUBJECT', 'outside')
assert found == [b'1'], found
typ, data = box.fetch('1', '(FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (SUBJECT)])')
assert b'From outside' in data[0][1], data
assert box.store('1', '+FLAGS', '(\\Flagged keep)')[0] == 'OK'
assert box.create('Archive/2026')[0] == 'OK'
assert box.copy('1:2', 'Archive/2026')[0] == 'OK'
assert box.append('Drafts', '(\\Draft)', None, b'Subject: A draft\r\n\r\nText\r\n')[0] == 'OK'
names = b' '.join(line for line in box.list()[1] if line)
assert b'Archive/2026' in names and b'\\Drafts' in names, names
assert box.select('Archive/2026')[1] == [b'2']
assert box.store('2', '+FLAGS', '\\Deleted')[0] == 'OK'
assert box.expunge()[1] == [b'2']
box.logout()
print('fine')
`

test('Python imaplib reads, flags, copies, appends and expunges', { skip: missing('python3') || missing('swaks') }, async () => {
  const { code, output } = await runTool('python3', ['-c', python, String(server.port(143))])
  assert.equal(output.trim().split('\n').at(-1), 'fine', output)
  assert.equal(code, 0)
})

test('mutt opens the mailbox and saves a message', { skip: missing('mutt') || missing('swaks') }, async () => {
  const rc = join(folder, 'muttrc')
  const saved = join(folder, 'saved.mbox')
  await writeFile(
    rc,
    `set folder="imap://jane@127.0.0.1:${server.port(143)}/"\nset spoolfile="+INBOX"\nset imap_pass="jane-secret"\nset ssl_starttls=no\nset ssl_force_tls=no\nset mbox_type=mbox\nset copy=no\nset confirmcreate=no\nset header_cache=""\nset quit=yes\nset delete=no\npush "<copy-message>${saved}<enter><quit>"\n`,
  )
  const { output } = await runTool('script', ['-qec', `mutt -F ${rc}`, '/dev/null'], { env: { TERM: 'xterm', HOME: folder } })
  const text = await readFile(saved, 'utf8').catch(() => '')
  assert.match(text, /Subject: From (outside|John)/, output.slice(-500))
})

test('isync brings the whole account down and a new message up', { skip: missing('mbsync') || missing('swaks') }, async () => {
  const maildir = join(folder, 'maildir')
  await mkdir(maildir)
  const rc = join(folder, 'mbsyncrc')
  await writeFile(
    rc,
    `IMAPAccount a\nHost 127.0.0.1\nPort ${server.port(143)}\nUser jane\nPass jane-secret\nSSLType None\nAuthMechs LOGIN\n\nIMAPStore far\nAccount a\n\nMaildirStore near\nPath ${maildir}/\nInbox ${maildir}/INBOX\nSubFolders Verbatim\n\nChannel c\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\n`,
  )
  const first = await runTool('mbsync', ['-c', rc, '-a'], { env: { HOME: folder } })
  assert.equal(first.code, 0, first.output)
  const here = [...(await readdir(join(maildir, 'INBOX/cur'))), ...(await readdir(join(maildir, 'INBOX/new')))]
  assert.equal(here.length, 2)
  assert.equal((await readdir(join(maildir, 'Archive/2026/cur'))).length + (await readdir(join(maildir, 'Archive/2026/new'))).length, 1)
  await writeFile(join(maildir, 'INBOX/new/1.local'), 'Subject: From the maildir\n\nLocal\n')
  const second = await runTool('mbsync', ['-c', rc, '-a'], { env: { HOME: folder } })
  assert.equal(second.code, 0, second.output)
  await untilInbox('jane', 3)
  const third = await runTool('mbsync', ['-c', rc, '-a'], { env: { HOME: folder } })
  assert.equal(third.code, 0, third.output)
})

test('a reply to an outside address leaves through the smarthost', { skip: missing('swaks') || missing('curl') }, async () => {
  const values = [
    ['remote.out.address', '127.0.0.1'],
    ['remote.out.port', String(smarthost.port)],
    ['remote.out.tls.implicit', 'false'],
    ['queue.outbound.next-hop.0.if', "is_local_domain('*', rcpt_domain)"],
    ['queue.outbound.next-hop.0.then', "'local'"],
    ['queue.outbound.next-hop.1.else', "'out'"],
  ]
  assert.equal((await curlApi('/settings', [{ type: 'insert', prefix: null, assert_empty: false, values }])).output, '{"data":null}')
  assert.match((await curlApi('/reload')).output, /"errors":\{\}/)
  const sent = await runTool('swaks', [
    '--server',
    `127.0.0.1:${server.port(465)}`,
    '--tlsc',
    '--auth',
    'LOGIN',
    '--auth-user',
    'jane',
    '--auth-password',
    'jane-secret',
    '--from',
    'jane@example.org',
    '--to',
    'you@example.net',
    '--header',
    'Subject: Re: From outside',
    '--body',
    'Dear you',
  ])
  assert.equal(sent.code, 0, sent.output)
  await smarthost.untilTaken(1)
  assert.equal(smarthost.taken[0]?.from, 'jane@example.org')
  assert.deepEqual(smarthost.taken[0]?.to, ['you@example.net'])
  assert.match(smarthost.taken[0]?.content ?? '', /Received: from [\s\S]*Subject: Re: From outside[\s\S]*Dear you/)
})

test('after a stop and a start everything is still there', { skip: missing('curl') || missing('swaks') }, async () => {
  const { base } = server
  await server[Symbol.asyncDispose]()
  server = await startServerProcess({ folder: home, base })
  await untilInbox('jane', 3)
  const { output } = await runTool('curl', [
    '-sS',
    '-u',
    'jane:jane-secret',
    `imap://127.0.0.1:${server.port(143)}/INBOX`,
    '-X',
    'FETCH 1 (FLAGS)',
  ])
  assert.match(output, /\\Flagged/)
  assert.match(output, /keep/)
  assert.match((await curlApi('/settings/keys?keys=remote.out.address')).output, /127\.0\.0\.1/)
})

test('killed without warning, nothing that was accepted is lost', { skip: missing('swaks') || missing('curl') }, async () => {
  const { base } = server
  for (let i = 0; i < 3; i++) {
    const sent = await runTool('swaks', [
      '--server',
      `127.0.0.1:${server.port(25)}`,
      '--ehlo',
      'client.example.net',
      '--from',
      'you@example.net',
      '--to',
      'john@example.org',
      '--header',
      `Subject: Before the end ${i}`,
    ])
    assert.equal(sent.code, 0, sent.output)
  }
  await server.kill()
  server = await startServerProcess({ folder: home, base })
  await untilInbox('john', 3)
})

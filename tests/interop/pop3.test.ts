// Programs that fetch mail away, over real sockets with TLS: curl, Python poplib, fetchmail, getmail.
import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ServerProcess, startServerProcess } from '@postern/testkit'
import { missing, runTool } from './tools.ts'

let server: ServerProcess
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pop3-'))
  server = await startServerProcess()
  await server.call('POST', '/api/principal', { type: 'domain', name: 'example.org' })
})

after(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** An account with these messages in its inbox; the password is the name and `-secret`. */
async function addAccount(name: string, messages: readonly string[]): Promise<void> {
  const account = { type: 'individual', name, secrets: [`${name}-secret`], emails: [`${name}@example.org`], roles: ['user'] }
  await server.call('POST', '/api/principal', account)
  for (const [at, message] of messages.entries()) {
    const file = join(folder, `${name}-${at}.eml`)
    await writeFile(file, message, 'latin1')
    const { code, output } = await curl(name, ['-T', file, `imap://127.0.0.1:${server.port(143)}/INBOX`])
    assert.equal(code, 0, output)
  }
}

const curl = (name: string, args: readonly string[]) => runTool('curl', ['-sSk', '-u', `${name}:${name}-secret`, ...args])

const plain =
  'From: you@example.net\r\nTo: jane@example.org\r\nSubject: Plain\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n.dot\r\n\r\n.\r\nend\r\n'
const bare = 'From: you@example.net\nTo: jane@example.org\nSubject: Bare\nMessage-ID: <2@x>\n\nlines\n.dot\nend\n'
const eightBit = 'From: you@example.net\r\nTo: jane@example.org\r\nSubject: Eight\r\nMessage-ID: <3@x>\r\n\r\n\xe4\xf6\xfc\r\n'
const large = `From: you@example.net\r\nSubject: Large\r\nMessage-ID: <4@x>\r\n\r\n${`${'0123456789'.repeat(7)}\r\n`.repeat(20_000)}`
const mails = [plain, bare, eightBit, large]
const crlf = (text: string): string => text.replace(/\r?\n/g, '\r\n')

test('curl lists, reads and deletes, in clear, by STLS and over TLS', { skip: missing('curl') }, async () => {
  await addAccount('curly', mails)
  for (const [url, more] of [
    [`pop3://127.0.0.1:${server.port(110)}`, []],
    [`pop3://127.0.0.1:${server.port(110)}`, ['--ssl-reqd']],
    [`pop3s://127.0.0.1:${server.port(995)}`, []],
    [`pop3s://127.0.0.1:${server.port(995)}`, ['--login-options', 'AUTH=PLAIN', '--sasl-ir']],
  ] as const) {
    const sizes = mails.map((mail, at) => `${at + 1} ${Buffer.byteLength(crlf(mail), 'latin1')}\r\n`)
    assert.equal((await curl('curly', [...more, `${url}/`])).output, sizes.join(''))
    assert.equal((await curl('curly', [...more, `${url}/1`])).output, plain)
    assert.equal((await curl('curly', [...more, `${url}/2`])).output, crlf(bare))
    assert.equal((await curl('curly', [...more, `${url}/4`])).output.length, large.length)
  }
  const url = `pop3s://127.0.0.1:${server.port(995)}`
  assert.equal((await curl('curly', ['-X', 'TOP', `${url}/1%201`])).output, `${plain.slice(0, plain.indexOf('.dot'))}`)
  assert.match((await curl('curly', [`${url}/9`])).output, /^curl: \(\d+\)/)
  await curl('curly', ['-X', 'DELE', '-I', `${url}/1`])
  assert.match((await curl('curly', [`${url}/`])).output, /^1 \d+\r\n2 \d+\r\n3 \d+\r\n$/)
})

const python = `
import poplib, ssl, sys
plain, secure = int(sys.argv[1]), int(sys.argv[2])
context = ssl._create_unverified_context()
def login(box):
    box.user('snake'); box.pass_('snake-secret')
    return box
box = poplib.POP3('127.0.0.1', plain)
assert 'STLS' in box.capa(), box.capa()
box.stls(context)
caps = box.capa()
assert 'STLS' not in caps and 'PLAIN' in caps['SASL'] and caps['EXPIRE'] == ['NEVER'], caps
box.utf8()
try:
    box.user('snake'); box.pass_('wrong'); raise SystemExit('a wrong password was taken')
except poplib.error_proto as error:
    assert b'[AUTH]' in error.args[0], error
login(box)
count, octets = box.stat()
assert count == 4, count
listed = [tuple(map(int, line.split())) for line in box.list()[1]]
assert sum(size for _, size in listed) == octets, (listed, octets)
ids = [line.split()[1] for line in box.uidl()[1]]
assert len(set(ids)) == 4
for number, size in listed:
    response, lines, got = box.retr(number)
    assert got == size, (number, got, size)
    assert sum(len(line) + 2 for line in lines) == size
    assert box.uidl(number).split()[2] == ids[number - 1]
    assert box.list(number).split()[2] == b'%d' % size
head = box.top(1, 0)[1]
assert head[-1] == b'' and b'Subject: Plain' in head, head
assert box.top(1, 2)[1] == head + [b'Hello', b'.dot']
box.dele(1); box.rset(); box.dele(2)
assert box.stat()[0] == 3
box.quit()
box = login(poplib.POP3_SSL('127.0.0.1', secure, context=context))
assert [line.split()[1] for line in box.uidl()[1]] == [ids[0], ids[2], ids[3]]
box.dele(1)
box.close()
box = login(poplib.POP3_SSL('127.0.0.1', secure, context=context))
assert box.stat()[0] == 3
box.quit()
print('fine')
`

test('Python poplib reads everything, in the sizes that were announced', { skip: missing('python3') || missing('curl') }, async () => {
  await addAccount('snake', mails)
  const { code, output } = await runTool('python3', ['-c', python, String(server.port(110)), String(server.port(995))])
  assert.equal(output.trim().split('\n').at(-1), 'fine', output)
  assert.equal(code, 0)
})

test('fetchmail keeps, then takes away, by STLS and over TLS', { skip: missing('fetchmail') || missing('curl') }, async () => {
  await addAccount('dog', mails)
  const inbox = join(folder, 'fetched')
  const rc = join(folder, 'fetchmailrc')
  async function fetch(port: number, ways: string, options: string): Promise<string> {
    const what = `poll 127.0.0.1 protocol pop3 port ${server.port(port)} uidl\n`
    await writeFile(
      rc,
      `${what}  user dog password dog-secret ${ways} no sslcertck ${options} mda "cat >> ${inbox}; echo ===== >> ${inbox}"\n`,
    )
    await chmod(rc, 0o600)
    const files = ['--pidfile', join(folder, 'fetchmail.pid'), '--idfile', join(folder, 'fetchids')]
    const { code, output } = await runTool('fetchmail', ['-v', '-f', rc, ...files], { env: { HOME: folder, FETCHMAILHOME: folder } })
    assert.ok(code === 0 || code === 1, `${code}: ${output}`)
    return output
  }
  const first = await fetch(110, 'sslproto "TLS1.2+"', 'keep')
  assert.match(first, /POP3> STLS/)
  assert.match(first, /4 messages for dog/)
  assert.doesNotMatch(first, /message .* was not the expected length/)
  const kept = await readFile(inbox, 'latin1')
  assert.equal(kept.split('=====\n').length, 5)
  for (const subject of ['Plain', 'Bare', 'Eight', 'Large']) assert.match(kept, new RegExp(`^Subject: ${subject}$`, 'm'))
  assert.match(kept, /^\.dot$/m)
  // Unique ids tell it that it has them all.
  const second = await fetch(995, 'ssl', 'keep')
  assert.match(second, /4 seen/)
  assert.equal(await readFile(inbox, 'latin1'), kept)
  const third = await fetch(995, 'ssl', 'nokeep fetchall')
  assert.doesNotMatch(third, /was not the expected length/)
  assert.match(await fetch(995, 'ssl', 'nokeep'), /No mail for dog/)
})

test('getmail knows what it has by UIDL, and deletes at last', { skip: missing('getmail') || missing('curl') }, async () => {
  await addAccount('owl', mails)
  const maildir = join(folder, 'owl')
  await mkdir(maildir)
  const rc = join(folder, 'getmailrc')
  // Not its own Maildir, which it does not touch as root.
  const deliver = `path = /bin/sh\narguments = ("-c", "cat > ${maildir}/$$")\nallow_root_commands = true\n`
  const destination = `[destination]\ntype = MDA_external\n${deliver}`
  async function fetch(options: string): Promise<string> {
    const retriever = `type = SimplePOP3SSLRetriever\nserver = 127.0.0.1\nport = ${server.port(995)}\nusername = owl\npassword = owl-secret\n`
    await writeFile(rc, `[retriever]\n${retriever}${destination}[options]\nverbose = 2\n${options}`)
    await chmod(rc, 0o600)
    const { code, output } = await runTool('getmail', ['--getmaildir', folder, '--rcfile', rc], { env: { HOME: folder } })
    assert.equal(code, 0, output)
    return output
  }
  assert.match(await fetch('read_all = false\ndelete = false\n'), /4 messages \(\d+ bytes\) retrieved/)
  const files = await readdir(maildir)
  assert.equal(files.length, 4)
  const texts = await Promise.all(files.map(file => readFile(join(maildir, file), 'latin1')))
  for (const mail of mails) {
    const lines = mail.replaceAll('\r\n', '\n')
    assert.ok(
      texts.some(text => text.endsWith(lines.slice(lines.indexOf('\n\n')))),
      lines.slice(0, 100),
    )
  }
  assert.match(await fetch('read_all = false\ndelete = false\n'), /0 messages \(0 bytes\) retrieved/)
  assert.match(await fetch('read_all = true\ndelete = true\n'), /4 messages \(\d+ bytes\) retrieved/)
  assert.match((await curl('owl', ['-I', '-X', 'STAT', '-v', `pop3s://127.0.0.1:${server.port(995)}/`])).output, /\+OK 0 0/)
})

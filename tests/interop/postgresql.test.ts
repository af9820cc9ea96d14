// The whole server on PostgreSQL: what works on the embedded engine works there.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runDialog, type ServerProcess, startServerProcess } from '@postern/testkit'
import pg from 'pg'

const url = process.env['POSTERN_TEST_POSTGRESQL']
const skip = url === undefined && process.env['CI'] !== 'true' ? 'POSTERN_TEST_POSTGRESQL names no server' : false

const sendAndRead = `
A< 220
A> EHLO client.example.net
A<< 250
A> MAIL FROM:<you@example.net>
A< 250
A> RCPT TO:<jane@example.org>
A< 250
A> DATA
A< 354
A> Subject: On PostgreSQL
A> 
A> Hello
A> .
A< 250 2.0.0
`

const readBack = `
A< * OK
A> a LOGIN jane secret
A<< a OK
A> b SELECT INBOX
A<< b OK
A> c FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]
A< * 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {...}\\r\\nSubject: On PostgreSQL\\r\\n\\r\\n)
A< c OK
`

test('accounts, mail in and mail read, over a restart', { skip }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'on-postgresql-'))
  const name = `postern_${process.pid}`
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  await admin.query(`DROP DATABASE IF EXISTS ${name}`)
  await admin.query(`CREATE DATABASE ${name}`)
  let server: ServerProcess | undefined
  try {
    server = await startServerProcess({ folder })
    const { base } = server
    await server[Symbol.asyncDispose]()
    const file = join(folder, 'etc/config.toml')
    const { hostname, port, username, password } = new URL(url ?? '')
    const store = {
      type: 'postgresql',
      host: hostname,
      port: port || '5432',
      user: username || 'postgres',
      password: password || 'none',
      database: name,
    }
    const lines = Object.entries(store).map(([key, value]) => `store.main.${key} = "${value}"\n`)
    await writeFile(file, (await readFile(file, 'utf8')).replace(/store\.main\.type = .*\n/, lines.join('')))
    server = await startServerProcess({ folder, base })
    await server.call('POST', '/api/principal', { type: 'domain', name: 'example.org' })
    await server.call('POST', '/api/principal', { name: 'jane', secrets: ['secret'], emails: ['jane@example.org'], roles: ['user'] })
    const at = (port: number) => () => ({ port: base + port, isTls: false })
    await runDialog(sendAndRead, { port: at(25) })
    while (((await server.call('GET', '/api/queue/messages')) as { total: number }).total > 0);
    await runDialog(readBack, { port: at(143), hasLiterals: true })
    await server.kill()
    server = await startServerProcess({ folder, base })
    await runDialog(readBack, { port: at(143), hasLiterals: true })
  } finally {
    await server?.[Symbol.asyncDispose]()
    await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    await admin.end()
    await rm(folder, { recursive: true, force: true })
  }
})

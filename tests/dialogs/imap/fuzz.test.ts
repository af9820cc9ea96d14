// Commands nobody would send: no defect may come of them, and the session goes on.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { type ImapServer, startImapServer } from './server.ts'

let server: ImapServer

before(async () => {
  server = await startImapServer()
  await server.direct('setting imap.auth.allow-plain-text true')
  await server.direct('setting imap.rate-limit.requests 1000000/1m')
  await server.direct('account jane secret')
  await server.direct('messages jane INBOX 5')
  await server.direct('message jane INBOX file:mixed.eml')
})

after(() => server[Symbol.asyncDispose]())

const words = [
  ...[
    '1',
    '*',
    '1:*',
    '5:2',
    '$',
    '0',
    '4294967295',
    '99999999999',
    '1,,2',
    '-1',
    'INBOX',
    '"Drafts"',
    '""',
    '"a/b"',
    '"%"',
    '"*"',
    '(',
    ')',
    '()',
  ],
  ...[
    'FLAGS',
    '+FLAGS.SILENT',
    '-FLAGS',
    '(\\Seen)',
    '(\\Deleted $x)',
    '\\Recent',
    '(UID FLAGS)',
    'BODY[]',
    'BODY.PEEK[1.2.MIME]<0.9>',
    'BODY[',
    'FULL',
  ],
  ...[
    'BINARY[2]',
    'BINARY.SIZE[4]',
    'ENVELOPE',
    'BODYSTRUCTURE',
    'PREVIEW',
    '(LAZY)',
    'RETURN',
    '(MIN MAX COUNT SAVE)',
    '(ALL)',
    '(PARTIAL 1:2)',
    'ALL',
  ],
  ...[
    'NOT',
    'OR',
    'SUBJECT',
    'x',
    'HEADER',
    'TEXT',
    'SINCE',
    '1-Jan-2025',
    'UID',
    'MODSEQ',
    'CHARSET',
    'UTF-8',
    'KOI8-R',
    'KEYWORD',
    'EMAILID',
    'b',
  ],
  ...[
    '(MESSAGES UNSEEN)',
    '(CONDSTORE)',
    '(QRESYNC (1 1 1:*))',
    '(UNCHANGEDSINCE 1)',
    '(CHANGEDSINCE 0 VANISHED)',
    'NIL',
    '(SUBSCRIBED)',
    '(STATUS (SIZE))',
    '(METADATA (/shared/x))',
    '/private/x',
    '(/shared/x NIL)',
    '(/private/x {3+}\r\nabc)',
    '(DEPTH infinity)',
  ],
  ...[
    '{0+}\r\n',
    '{3+}\r\nabc',
    '{3+}\r\n(((',
    '~{2+}\r\n\0\0',
    '"unfinished',
    '\\',
    '\t',
    '\0',
    'caf\u00e9',
    'CONDSTORE',
    'QRESYNC',
    'UIDONLY',
    'IMAP4rev2',
    'jane',
    'lrs',
  ],
]
const names = [
  ...[
    'NOOP',
    'CHECK',
    'SELECT',
    'EXAMINE',
    'CREATE',
    'DELETE',
    'RENAME',
    'SUBSCRIBE',
    'UNSUBSCRIBE',
    'LIST',
    'LSUB',
    'STATUS',
    'APPEND',
    'CLOSE',
  ],
  ...[
    'UNSELECT',
    'EXPUNGE',
    'SEARCH',
    'FETCH',
    'STORE',
    'COPY',
    'MOVE',
    'UID SEARCH',
    'UID FETCH',
    'UID STORE',
    'UID COPY',
    'UID MOVE',
    'UID EXPUNGE',
  ],
  ...[
    'ENABLE',
    'NAMESPACE',
    'ID',
    'CAPABILITY',
    'GETACL',
    'SETACL',
    'MYRIGHTS',
    'LISTRIGHTS',
    'GETMETADATA',
    'SETMETADATA',
    'STARTTLS',
    'LOGIN',
    'XYZZY',
    'UID',
  ],
]
const line = fc.tuple(fc.constantFrom(...names), fc.array(fc.constantFrom(...words), { maxLength: 6 }))

/** Everything the server says to a client that logs in, selects the inbox and sends these commands. */
async function converse(before: string, lines: readonly (readonly [name: string, args: readonly string[]])[]): Promise<string> {
  const socket = connect(server.port('bare').port, '127.0.0.1')
  await once(socket, 'connect')
  socket.setEncoding('latin1')
  const commands = lines.map(([name, args], at) => `t${at} ${[name, ...args].join(' ')}\r\n`)
  // A literal at the end of a line swallows the next one, so the last command is asked for by three.
  socket.write(
    Buffer.from(`l LOGIN jane secret\r\n${before}l SELECT INBOX\r\n${commands.join('')}end NOOP\r\nend NOOP\r\nend LOGOUT\r\n`, 'latin1'),
  )
  let received = ''
  for await (const text of socket) received += text
  assert.match(received, /^\* OK [\s\S]*\* BYE [^\r\n]*\r\nend OK LOGOUT completed\r\n$/)
  assert.deepEqual(server.errors, [])
  const defects = server.trace.of('imap.error').filter(({ fields }) => JSON.stringify(fields.details)?.includes('Defect'))
  assert.deepEqual(defects, [])
  return received
}

test('commands with any arguments in any order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 40 }), async lines => void (await converse('', lines))),
    { numRuns: 150 },
  )
})

test('whatever is sent, no message number is told once UIDONLY is enabled', async () => {
  const apt = fc.tuple(
    fc.constantFrom(
      'FETCH',
      'UID FETCH',
      'STORE',
      'UID STORE',
      'EXPUNGE',
      'NOOP',
      'SEARCH',
      'UID SEARCH',
      'UID COPY',
      'UID MOVE',
      'SELECT',
    ),
    fc.constantFrom(
      ['1:* FLAGS'],
      ['2 (UID FLAGS)'],
      ['3:5 +FLAGS (\\Deleted)'],
      ['* FLAGS.SILENT ($x)'],
      ['1:* BODY[]'],
      ['UNSEEN'],
      ['NOT 1'],
      ['2 INBOX'],
      ['INBOX'],
      [],
    ),
  )
  let told = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(apt, line), { minLength: 1, maxLength: 30 }), async lines => {
      await server.direct('messages jane INBOX 3')
      const received = await converse('l ENABLE UIDONLY\r\n', lines)
      assert.doesNotMatch(received, /^\* \d+ (FETCH|EXPUNGE)/m)
      told += received.match(/^\* (\d+ UIDFETCH|VANISHED) /gm)?.length ?? 0
    }),
    { numRuns: 60 },
  )
  assert.ok(told > 0)
})

test('any octets', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), async chunks => {
      const socket = connect(server.port('bare').port, '127.0.0.1')
      await once(socket, 'connect')
      socket.setEncoding('latin1')
      socket.write('l LOGIN jane secret\r\n')
      for (const chunk of chunks) socket.write(Buffer.from(chunk))
      socket.end('\r\n')
      let received = ''
      for await (const text of socket) received += text
      assert.match(received, /^\* OK [^\r\n]*\r\nl OK [^\r\n]*\r\n/)
      assert.deepEqual(server.errors, [])
    }),
    { numRuns: 100 },
  )
})

// Commands nobody would send: no defect may come of them, every command has its answer, and the session goes on.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { assertNoDefects, type Pop3Server, startPop3Server } from './server.ts'

let server: Pop3Server

before(async () => {
  server = await startPop3Server()
  await server.direct('setting imap.auth.allow-plain-text true')
  await server.direct('setting imap.rate-limit.requests 10000000/1m')
  await server.direct('account jane secret')
  await server.direct('messages jane 3')
  await server.direct('message jane Subject: dots\\n\\n.\\n..\\nbare\\r')
})

after(() => server[Symbol.asyncDispose]())

const verbs = 'CAPA NOOP STLS UTF8 USER PASS AUTH STAT LIST UIDL RETR TOP DELE RSET APOP LANG XTND XYZZY rEtR'.split(' ')
const words = [
  '1',
  '4',
  '0',
  '-1',
  '5',
  '99999999999',
  '4294967295',
  '',
  ' ',
  'x',
  '\t',
  '\0',
  '\u00e9',
  'jane',
  'secret',
  'PLAIN',
  '=',
  '*',
  '1.0',
]
const line = fc
  .tuple(fc.constantFrom(...verbs), fc.array(fc.constantFrom(...words), { maxLength: 4 }))
  .map(([verb, args]) => [verb, ...args].join(' '))

/** The whole conversation: what is sent, and all that comes. */
async function converse(chunks: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(server.port('bare').port, '127.0.0.1')
  await once(socket, 'connect')
  socket.setEncoding('latin1')
  for (const chunk of chunks) socket.write(chunk)
  socket.end()
  let received = ''
  for await (const text of socket) received += text
  return received
}

/** Answers of a session, multi-line ones as one; rejects what is no answer. */
function answersOf(received: string, isMulti: (index: number) => boolean): string[] {
  const lines = received.split('\r\n')
  assert.equal(lines.pop(), '', 'everything ends with CRLF')
  const answers: string[] = []
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    assert.match(line, /^(?:\+OK|-ERR)(?: [ -~]*)?$/)
    answers.push(line)
    if (!line.startsWith('+OK') || !isMulti(answers.length - 1)) continue
    do at++
    while (lines[at] !== '.' && at < lines.length)
  }
  return answers
}

test('commands with any arguments in any order, each answered once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 40 }), async lines => {
      const sent = ['USER jane', 'PASS secret', ...lines, 'RSET', 'STAT', 'QUIT']
      const received = await converse([Buffer.from(`${sent.join('\r\n')}\r\n`, 'latin1')])
      const isMulti = (index: number): boolean => {
        const [verb = '', ...args] = (sent[index - 1] ?? '').toUpperCase().split(' ').filter(Boolean)
        return verb === 'CAPA' || verb === 'RETR' || verb === 'TOP' || ((verb === 'LIST' || verb === 'UIDL') && args.length === 0)
      }
      const answers = answersOf(received, isMulti)
      assert.equal(answers.length, sent.length + 1)
      assert.match(answers.at(-2) ?? '', /^\+OK 4 \d+$/)
      assert.equal(answers.at(-1), '+OK Postern POP3 bids you farewell (no messages deleted).')
      assertNoDefects(server)
    }),
    { numRuns: 200 },
  )
})

test('any octets, before and after the login', async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), async (logsIn, chunks) => {
      const login = logsIn ? ['USER jane\r\nPASS secret\r\n'] : []
      const received = await converse([...login, ...chunks.map(chunk => Buffer.from(chunk)), '\r\n'])
      for (const text of received.split('\r\n')) assert.match(text, /^(?:\+OK|-ERR|\+ |$)/)
      assertNoDefects(server)
    }),
    { numRuns: 150 },
  )
})

test('answers of an AUTH exchange that are no answers', async () => {
  const responses = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.base64String({ maxLength: 200 }),
    fc.constantFrom('*', '=', '', 'AGphbmUAc2VjcmV0'),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('PLAIN', 'OAUTHBEARER', 'XOAUTH2', 'NONE', ''),
      fc.array(responses, { maxLength: 6 }),
      async (mechanism, lines) => {
        const received = await converse([
          `AUTH ${mechanism}\r\n`,
          ...lines.map(text => `${text.replaceAll(/[\r\n]/g, '')}\r\n`),
          'QUIT\r\nQUIT\r\n',
        ])
        assert.match(received, /\+OK Postern POP3 bids you farewell|-ERR \[AUTH\] Too many|-ERR Too many errors/)
        assertNoDefects(server)
      },
    ),
    { numRuns: 150 },
  )
})

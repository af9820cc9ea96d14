import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { runDialog } from './dialog.ts'

async function withEcho(run: (port: number) => Promise<void>): Promise<void> {
  const server = createServer(socket => {
    socket.write('* OK ready\r\n')
    socket.on('data', chunk => {
      const text = chunk.toString('latin1')
      if (text.startsWith('two')) socket.write('* second\r\n* first\r\ntwo OK done\r\n')
      else if (text.startsWith('lit')) socket.write('* 1 FETCH (BODY[] {4}\r\na\r\nb FLAGS ())\r\n')
      else if (text.startsWith('id')) socket.write(`* UIDVALIDITY 4711 x\r\n`)
      else if (text.startsWith('bye')) socket.end()
      else socket.write(`got ${text}`)
    })
    socket.on('error', () => {})
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  try {
    await run(typeof address === 'object' && address ? address.port : 0)
  } finally {
    server.close()
  }
}

const play = (text: string, port: number): Promise<void> =>
  runDialog(text, { port: () => ({ port, isTls: false }), hasLiterals: true, timeoutMs: 2000 })

test('lines, patterns, variables, unordered blocks, literals, several connections, the end', () =>
  withEcho(port =>
    play(
      String.raw`# all forms
A< * OK
B< * OK ready
A> id
A< * UIDVALIDITY {{validity}} x
A> say {{validity}}
A< got say 4711
B> two
B<~ * first
B<~ * second
B<~ two OK
A> lit
A< * 1 FETCH (BODY[] {4}\r\na\r\nb FLAGS ())
B>> raw\x41\r\n
B< got rawA
B> two
B<< two OK
A> bye
A closed`,
      port,
    ),
  ))

const wrong: ReadonlyArray<[name: string, dialog: string, message: RegExp]> = [
  ['a wrong line', 'A< * OK\nA> x\nA< got y', /line 3: A< got y[\s\S]*expected: got y[\s\S]*got: "got x"/],
  ['half a word', 'A< * O', /expected/],
  ['a connection that is still open', 'A< * OK\nA closed', /nothing came/],
  ['more than was expected in a block', 'A< * OK\nA> two\nA<~ * first', /expected one of/],
  ['an unknown line', 'what is this', /not a line of a dialog/],
]
for (const [name, dialog, message] of wrong) {
  test(`a dialog fails at ${name}`, () =>
    withEcho(port => assert.rejects(runDialog(dialog, { port: () => ({ port, isTls: false }), timeoutMs: 200 }), message)))
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runDialog, startTestServer } from '@postern/testkit'

test('an account that is deleted while it is read and written to ends cleanly, and leaves nothing behind', async () => {
  await using server = await startTestServer()
  await server.addAccount('jane@example.org')
  const { body } = await server.call('GET', '/api/principal/jane')
  const { id } = (body as { data: { id: number } }).data
  const port = server.port('imap')
  const options = { hasLiterals: true, port: () => ({ port, isTls: false }) }
  await runDialog(`A< * OK\nA> a LOGIN jane jane\nA<< a OK\nA> b APPEND INBOX {5}\nA< +\nA> Hello\nA<< b OK\n`, options)

  const session = await openSession(port)
  await session.ask('a LOGIN jane jane')
  await session.ask('b SELECT INBOX')
  assert.deepEqual((await server.call('DELETE', '/api/principal/jane')).body, { data: null })
  for (const command of ['c NOOP', 'd FETCH 1 (FLAGS)', 'e CREATE folder', 'f STATUS INBOX (MESSAGES)', 'g SELECT INBOX']) {
    const answer = await session.ask(command)
    assert.match(answer, /^(\* BYE|[a-z] (OK|NO|BAD))/m, command)
    assert.doesNotMatch(answer, /error|exception/i, command)
    if (answer.includes('* BYE')) break
  }
  session.close()
  const again = await openSession(port)
  assert.match(await again.ask('a LOGIN jane jane'), /a NO/)
  again.close()
  await server.addAccount('jane@example.org')
  const anew = (await server.call('GET', '/api/principal/jane')).body as { data: { id: number; usedQuota?: number } }
  assert.ok(anew.data.id > id)
  assert.equal(anew.data.usedQuota, undefined)
})

interface Session {
  ask(command: string): Promise<string>
  close(): void
}

/** A client that takes whatever the server says, the end of the connection included. */
async function openSession(port: number): Promise<Session> {
  const { connect } = await import('node:net')
  const socket = connect(port, '127.0.0.1')
  let text = ''
  let isClosed = false
  let heard = (): void => {}
  socket.on('data', chunk => {
    text += chunk
    heard()
  })
  socket.on('close', () => {
    isClosed = true
    heard()
  })
  socket.on('error', () => {})
  const until = async (pattern: RegExp): Promise<string> => {
    while (!pattern.test(text) && !isClosed) await new Promise<void>(resolve => (heard = resolve))
    const answer = text === '' && isClosed ? '* BYE' : text
    text = ''
    return answer
  }
  await until(/^\* OK/m)
  return {
    ask(command) {
      socket.write(`${command}\r\n`)
      return until(new RegExp(`^${command.split(' ')[0]} |^\\* BYE`, 'm'))
    },
    close: () => void socket.destroy(),
  }
}

// RFC 9585: commands that take long tell how far they are, at most every ten seconds, while they run.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '@postern/server/base/clock'
import { startImapServer } from './server.ts'

const messages = 240

test('long SEARCH, SORT, THREAD, COPY and MOVE tell how far they are', async () => {
  // Each look at the clock takes a second: whatever looks often takes long.
  let elapsedMs = 0
  let stepMs = 0
  const monotonic = (): number => {
    elapsedMs += stepMs
    return elapsedMs
  }
  await using server = await startImapServer({ clock: { ...systemClock, monotonic } })
  await server.direct('setting imap.auth.allow-plain-text true')
  await server.direct('setting imap.timeout.authenticated 30d')
  await server.direct('account jane secret')
  await server.direct('account otto secret')
  await server.direct(`messages jane INBOX ${messages}`)
  await server.direct('messages otto Plans 1')

  const socket = connect(server.port('bare').port, '127.0.0.1')
  await once(socket, 'connect')
  socket.setEncoding('latin1')
  let received = ''
  let arrived = (): void => {}
  socket.on('data', text => {
    received += text
    arrived()
  })
  /** The lines up to the reply, and what the clock went on meanwhile. */
  async function run(tag: string, command: string): Promise<{ readonly lines: readonly string[]; readonly tookMs: number }> {
    const startedMs = elapsedMs
    received = ''
    socket.write(`${tag} ${command}\r\n`)
    while (!new RegExp(`^${tag} .*\r\n`, 'm').test(received)) await new Promise<void>(resolve => (arrived = resolve))
    return { lines: received.split('\r\n').slice(0, -1), tookMs: elapsedMs - startedMs }
  }

  await run('l', 'LOGIN otto secret')
  await run('l', 'SETACL Plans jane lrswit')
  await run('l', 'UNAUTHENTICATE')
  const { lines: greeting } = await run('l', 'LOGIN jane secret')
  assert.match(greeting.join(), / INPROGRESS[ \]]/)
  await run('l', 'SELECT INBOX')
  const quick = await run('q', 'SEARCH TEXT hello')
  assert.ok(!quick.lines.some(line => line.includes('INPROGRESS')), 'what is done at once tells nothing')

  stepMs = 1_000
  const shared = '"Shared Folders/otto/Plans"'
  for (const [tag, command] of Object.entries({
    a1: 'SEARCH TEXT hello',
    a2: 'UID SORT (SUBJECT) UTF-8 TEXT hello',
    a3: 'THREAD REFERENCES UTF-8 TEXT hello',
    a4: `UID COPY 1:* ${shared}`,
    a5: `MOVE 1:* ${shared}`,
  })) {
    // Copying looks at the clock only between batches.
    stepMs = command.includes('Shared') ? 10_000 : 1_000
    const { lines, tookMs } = await run(tag, command)
    const told = lines.filter(line => line.includes('INPROGRESS'))
    const percents = told.map(line => Number(new RegExp(`^\\* OK \\[INPROGRESS \\("${tag}" (\\d+) 100\\)\\] `).exec(line)?.[1]))
    assert.ok(told.length > 0, `${command} tells something`)
    assert.ok(told.length <= tookMs / 10_000, `${command} tells ${told.length} times in ${tookMs} ms`)
    assert.ok(
      percents.every(percent => percent >= 0 && percent < 100),
      `${percents}`,
    )
    assert.deepEqual(
      percents,
      percents.toSorted((a, b) => a - b),
      `${command} never goes back`,
    )
    assert.match(lines.at(-1) ?? '', new RegExp(`^${tag} OK `))
    assert.equal(lines.findLastIndex(line => line.includes('INPROGRESS')) < lines.length - 1, true)
  }
  socket.destroy()
  assert.deepEqual(server.errors, [])
})

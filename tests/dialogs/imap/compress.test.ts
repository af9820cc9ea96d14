// COMPRESS=DEFLATE (RFC 4978) against zlib on the other side.
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { constants, createDeflateRaw, createInflateRaw, deflateRawSync } from 'node:zlib'
import { type ImapServer, startImapServer } from './server.ts'

let server: ImapServer
before(async () => {
  server = await startImapServer()
  await server.direct('account jane secret')
  await server.direct('setting imap.auth.allow-plain-text true')
})
after(() => server[Symbol.asyncDispose]())

/** Reads until the text has come. */
async function readUntil(stream: AsyncIterator<Buffer>, wanted: string): Promise<string> {
  let text = ''
  while (!text.includes(wanted)) {
    const { value, done } = await stream.next()
    if (done) throw new Error(`closed after ${JSON.stringify(text.slice(-200))}`)
    text += value.toString('latin1')
  }
  return text
}

function inflated(compressed: AsyncIterator<Buffer>): AsyncIterator<Buffer> {
  const inflate = createInflateRaw()
  const feed = async (): Promise<void> => {
    for (let next = await compressed.next(); !next.done; next = await compressed.next()) inflate.write(next.value)
    inflate.end()
  }
  feed().catch(error => inflate.destroy(error))
  return inflate.iterator() as AsyncIterator<Buffer>
}

async function login(): Promise<{ readonly socket: Socket; readonly plain: AsyncIterator<Buffer> }> {
  const socket = connect(server.port('imap').port, '127.0.0.1')
  const plain = socket.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
  await readUntil(plain, '* OK')
  socket.write('l LOGIN jane secret\r\n')
  assert.match(await readUntil(plain, 'l OK'), /COMPRESS=DEFLATE/)
  return { socket, plain }
}

test('after COMPRESS both directions are compressed, what was sent behind the command included', async () => {
  const { socket, plain } = await login()
  const deflate = createDeflateRaw()
  socket.write('c COMPRESS DEFLATE\r\n')
  await readUntil(plain, 'c OK')
  deflate.on('data', chunk => socket.write(chunk))
  const answers = inflated(plain)
  const say = (text: string): void => {
    deflate.write(text)
    deflate.flush(constants.Z_SYNC_FLUSH)
  }
  say('a CAPABILITY\r\nb COMPRESS DEFLATE\r\n')
  const text = await readUntil(answers, 'b NO [COMPRESSIONACTIVE]')
  assert.doesNotMatch(text, /COMPRESS=DEFLATE/)
  const literal = 'x'.repeat(300_000)
  say(`d APPEND INBOX {${literal.length + 14}+}\r\nSubject: a\r\n\r\n${literal}\r\ne SELECT INBOX\r\nf FETCH 1 BODY[TEXT]\r\n`)
  assert.match(await readUntil(answers, 'f OK'), /BODY\[TEXT\] \{300000\}\r\nx{300000}/)
  say('i IDLE\r\n')
  await readUntil(answers, '+ Idling')
  say('DONE\r\ng LOGOUT\r\n')
  await readUntil(answers, 'g OK')
})

test('what is no DEFLATE ends the connection', async () => {
  const { socket, plain } = await login()
  socket.write('c COMPRESS DEFLATE\r\n')
  await readUntil(plain, 'c OK')
  socket.write(Buffer.alloc(64, 0xff))
  for (let next = await plain.next(); !next.done; next = await plain.next());
  assert.equal(socket.destroyed || socket.readableEnded, true)
})

test('a bomb is stopped by the limit of a line, not by memory', async () => {
  const { socket, plain } = await login()
  socket.write('c COMPRESS DEFLATE\r\n')
  await readUntil(plain, 'c OK')
  const bomb = deflateRawSync(Buffer.alloc(128 * 1024 * 1024, 'a'))
  const before = process.memoryUsage().rss
  socket.write(bomb)
  socket.end()
  for (let next = await plain.next(); !next.done; next = await plain.next());
  assert.ok(process.memoryUsage().rss - before < 100 * 1024 * 1024)
})

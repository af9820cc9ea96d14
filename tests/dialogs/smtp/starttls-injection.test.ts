// Clear text behind STARTTLS, in every packet it can come in: it must never be heard inside TLS.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { Client } from './client.ts'
import { type SmtpServer, startSmtp, stopWorkers } from './server.ts'

after(stopWorkers)

const injected = [
  'NOOP\r\n',
  'EHLO evil.test\r\n',
  'EHLO evil.test\r\nMAIL FROM:<evil@remote.test>\r\nRCPT TO:<jane@example.org>\r\nDATA\r\nSubject: Evil\r\n\r\n.\r\n',
  'MAIL FR',
  '\n',
  'STARTTLS\r\n',
  'QUIT\r\n',
  'x'.repeat(5000),
]

/** The socket once the server has said 220 to STARTTLS, with the text behind it in the same packet. */
async function behindStartTls(server: SmtpServer, text: string): Promise<Socket> {
  const socket = connectTcp(server.port('').port, '127.0.0.1')
  await once(socket, 'data')
  socket.write('EHLO mx.remote.test\r\n')
  await once(socket, 'data')
  socket.write(`STARTTLS\r\n${text}`)
  const [answer] = await once(socket, 'data')
  assert.equal(String(answer), '220 2.0.0 Ready to start TLS.\r\n')
  return socket
}

test('text in the packet of STARTTLS is thrown away', async () => {
  await using server = await startSmtp()
  for (const text of injected) {
    const plain = await behindStartTls(server, text)
    const socket = connectTls({ socket: plain, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    socket.write('RSET\r\n')
    const [answer] = await once(socket, 'data')
    assert.equal(String(answer), '250 2.0.0 OK\r\n', JSON.stringify(text))
    socket.write('MAIL FROM:<you@remote.test>\r\n')
    const [refusal] = await once(socket, 'data')
    assert.match(String(refusal), /^503 5\.5\.1 Polite/, JSON.stringify(text))
    socket.destroy()
  }
  assert.equal(server.trace.of('smtp.mail-from').length, 0)
  assert.equal(server.trace.of('smtp.rset').length, injected.length)
})

test('text in a packet of its own, where the handshake is expected, ends the connection without a word in clear', async () => {
  await using server = await startSmtp()
  for (const text of injected.filter(one => one.length > 4)) {
    const plain = await behindStartTls(server, '')
    plain.write(text)
    let clear = ''
    plain.setEncoding('latin1').on('data', chunk => {
      clear += chunk
    })
    // A reset is as good an end as any.
    plain.on('error', () => {})
    plain.write(text.repeat(20))
    await new Promise(resolve => plain.once('close', resolve))
    // A TLS alert may come, a reply of SMTP may not.
    assert.doesNotMatch(clear, /\d{3}[ -]/, JSON.stringify(text))
  }
  assert.equal(server.trace.of('smtp.mail-from').length, 0)
  using client = await Client.greeted(server.port('').port)
  assert.match(await client.ask('NOOP'), /^250 /)
})

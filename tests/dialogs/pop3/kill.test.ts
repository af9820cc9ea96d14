// The process is killed at any moment of a QUIT: what was not to be deleted is there, and of the rest all or nothing.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ServerProcess, startServerProcess } from '@postern/testkit'

const messages = 40
const deleted = 25
/** Milliseconds between QUIT and the end of the process; null waits for the answer. */
const moments = [0, 1, 2, 4, 6, 9, null]

async function open(server: ServerProcess, standard: number): Promise<Socket> {
  const socket = connect(server.port(standard), '127.0.0.1')
  await once(socket, 'connect')
  return socket.setEncoding('latin1').on('error', () => {})
}

/** All that comes until the end of the connection. */
function everything(socket: Socket): Promise<string> {
  let received = ''
  socket.on('data', (text: string) => {
    received += text
  })
  return new Promise(resolve => socket.on('close', () => resolve(received)))
}

async function fill(server: ServerProcess): Promise<void> {
  const socket = await open(server, 143)
  const received = everything(socket)
  socket.write('l LOGIN jane secret\r\n')
  for (let i = 0; i < messages; i++) {
    const text = `Subject: Number ${i}\r\n\r\nx\r\n`
    socket.write(`a${i} APPEND INBOX {${text.length}+}\r\n${text}\r\n`)
  }
  socket.write('q LOGOUT\r\n')
  assert.match(await received, new RegExp(`a${messages - 1} OK`))
}

/** Waits for a text to come. */
function seen(socket: Socket, text: string): Promise<void> {
  let received = ''
  return new Promise((resolve, reject) => {
    socket.on('data', (more: string) => {
      received += more
      if (received.includes(text)) resolve()
    })
    socket.on('close', () => reject(new Error(`the connection ended before ${text}`)))
  })
}

/** Unique ids of the inbox. */
async function uniqueIds(server: ServerProcess): Promise<readonly string[]> {
  const socket = await open(server, 110)
  const received = everything(socket)
  socket.write('USER jane\r\nPASS secret\r\nUIDL\r\nQUIT\r\n')
  return [...(await received).matchAll(/^\d+ (\S+)\r$/gm)].map(([, id]) => id ?? '')
}

test('killed during QUIT', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'pop3-kill-'))
  let server = await startServerProcess({ folder })
  const { base } = server
  t.after(async () => {
    await server[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })
  await server.call('POST', '/api/principal', { type: 'individual', name: 'jane', secrets: ['secret'], roles: ['user'] })
  await fill(server)
  for (const moment of moments) {
    if ((await uniqueIds(server)).length < messages) await fill(server)
    const before = await uniqueIds(server)
    const socket = await open(server, 110)
    const received = everything(socket)
    const marks = Array.from({ length: deleted }, (_, i) => `DELE ${i + 1}\r\n`).join('')
    socket.write(`USER jane\r\nPASS secret\r\n${marks}`)
    await seen(socket, `message ${deleted} deleted`)
    socket.write('QUIT\r\n')
    if (moment === null) await seen(socket, 'farewell')
    else for (const start = performance.now(); performance.now() - start < moment; ) await new Promise(resolve => setImmediate(resolve))
    await server.kill()
    const wasTold = (await received).includes(`(${deleted} messages deleted)`)
    server = await startServerProcess({ folder, base })
    const left = await uniqueIds(server)
    const isGone = left.length === before.length - deleted
    assert.ok(isGone || left.length === before.length, `${left.length} of ${before.length} are left`)
    assert.ok(moment !== null || wasTold)
    assert.ok(isGone || !wasTold, 'the client was told that they are gone')
    assert.deepEqual(left, isGone ? before.slice(deleted) : before)
  }
})

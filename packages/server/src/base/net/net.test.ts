import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { testIdentity } from '@postern/testkit'
import { systemClock } from '#base/clock'
import {
  type Connection,
  ConnectionClosed,
  connect,
  createServerTls,
  IdleTimeout,
  ListenError,
  type Listener,
  type ListenerOptions,
  listen,
  type Refusal,
  type ServerTls,
} from './index.ts'

const listeners: Listener[] = []
after(async () => {
  for (const listener of listeners) await listener[Symbol.asyncDispose]()
})

const tls: ServerTls = createServerTls({ identityFor: () => testIdentity })

async function serve(
  run: (connection: Connection) => Promise<void>,
  options: Partial<ListenerOptions> = {},
): Promise<{ port: number; refusals: Refusal[]; errors: unknown[]; listener: Listener }> {
  const refusals: Refusal[] = []
  const errors: unknown[] = []
  const listener = await listen({
    address: '127.0.0.1',
    port: 0,
    maxConnections: 10,
    clock: systemClock,
    serve: run,
    onError: error => errors.push(error),
    onRefused: refusal => refusals.push(refusal),
    ...options,
  })
  listeners.push(listener)
  return { port: listener.port, refusals, errors, listener }
}

async function client(port: number): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

async function rest(socket: Socket): Promise<string> {
  let all = ''
  for await (const chunk of socket) all += chunk
  return all
}

async function echo(connection: Connection): Promise<void> {
  connection.write('hello\r\n')
  for (;;) {
    const chunk = await connection.read(5000)
    if (chunk === undefined) break
    connection.write(chunk)
  }
  await connection.close()
}

test('what was written leaves before the next read waits, and a half-closed client still gets its answers', async () => {
  const { port } = await serve(echo)
  const socket = await client(port)
  socket.end('one two')
  assert.equal(await rest(socket), 'hello\r\none two')
})

test('answers to one batch of commands leave together', async () => {
  const { port } = await serve(async connection => {
    const chunk = await connection.read(5000)
    for (const char of chunk?.toString() ?? '') connection.write(`${char}.`)
    await connection.close()
  })
  const socket = await client(port)
  socket.write('abc')
  const [first] = (await once(socket, 'data')) as [Buffer]
  assert.equal(first.toString(), 'a.b.c.')
  socket.destroy()
})

test('a silent peer is given up on', async () => {
  let outcome: unknown
  const done = Promise.withResolvers<void>()
  const { port } = await serve(async connection => {
    outcome = await connection.read(20).catch(error => error)
    await connection.close()
    done.resolve()
  })
  const socket = await client(port)
  await done.promise
  assert.ok(outcome instanceof IdleTimeout)
  socket.destroy()
})

test('a read that waits ends when our own side closes the connection', async () => {
  const outcome = Promise.withResolvers<unknown>()
  const { port } = await serve(async connection => {
    const reading = connection.read(600_000).catch(error => error)
    await connection.close()
    outcome.resolve(await reading)
  })
  const socket = await client(port)
  socket.resume()
  const read = await outcome.promise
  assert.ok(read === undefined || read instanceof ConnectionClosed)
})

test('a peer that goes away aborts the connection', async () => {
  const seen = Promise.withResolvers<unknown>()
  const { port } = await serve(async connection => {
    connection.closed.addEventListener('abort', () => seen.resolve(connection.closed.reason))
    await connection.read(5000).catch(() => undefined)
  })
  const socket = await client(port)
  socket.resetAndDestroy()
  assert.ok((await seen.promise) instanceof ConnectionClosed)
})

test('writing to a peer that does not read waits instead of filling memory', async () => {
  const blocked = Promise.withResolvers<number>()
  const release = Promise.withResolvers<void>()
  const { port } = await serve(async connection => {
    let written = 0
    const chunk = Buffer.alloc(64 * 1024)
    const flood = (async () => {
      for (let i = 0; i < 2000; i++) {
        connection.write(chunk)
        await connection.flush()
        written += chunk.length
      }
    })()
    // After some turns without progress the writer is held back.
    let before = -1
    while (before !== written) {
      before = written
      for (let turn = 0; turn < 200; turn++) await new Promise(resolve => setImmediate(resolve))
    }
    blocked.resolve(written)
    await release.promise
    connection.destroy()
    await flood.catch(() => {})
  })
  const socket = await client(port)
  socket.pause()
  const written = await blocked.promise
  assert.ok(written < 100 * 1024 * 1024, `${written} bytes were taken for a peer that reads none`)
  release.resolve()
  socket.destroy()
})

async function withStartTls(connection: Connection): Promise<void> {
  await connection.read(5000)
  connection.write('go\r\n')
  const discarded = await connection.acceptTls(tls)
  connection.write(`${discarded} ${connection.tls?.version}\r\n`)
  const said = await connection.read(5000)
  connection.write(`you said ${said?.toString().trim()}\r\n`)
  await connection.close()
}

test('two who wait for a slow peer both go on when it reads', { timeout: 10_000 }, async () => {
  const flushed = Promise.withResolvers<void>()
  const { port, errors } = await serve(async connection => {
    connection.write(Buffer.alloc(16 * 1024 * 1024))
    const first = connection.flush()
    connection.write('end')
    await Promise.all([first, connection.flush()])
    flushed.resolve()
    await connection.close()
  })
  const socket = await client(port)
  const received = rest(socket)
  await flushed.promise
  assert.ok((await received).endsWith('end'))
  assert.deepEqual(errors, [])
})

test('the last answer arrives although the client goes on talking', { timeout: 10_000 }, async () => {
  for (const implicitTls of [undefined, tls]) {
    const { port } = await serve(
      async connection => {
        await connection.read(5000)
        connection.write('221 bye')
        await connection.close()
      },
      implicitTls === undefined ? {} : { implicitTls },
    )
    const isSecure = implicitTls !== undefined
    const socket = isSecure ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }) : await client(port)
    if (isSecure) await once(socket, 'secureConnect')
    // More than the server can have read when it closes.
    for (let i = 0; i < 64; i++) socket.write(Buffer.alloc(256 * 1024))
    assert.equal(await rest(socket), '221 bye')
  }
})

test('STARTTLS throws away what was pipelined in clear', async () => {
  const { port } = await serve(withStartTls)
  const socket = await client(port)
  socket.write('STARTTLS\r\n')
  await once(socket, 'data')
  const secure = connectTls({ socket, rejectUnauthorized: false })
  await once(secure, 'secureConnect')
  secure.write('inside\r\n')
  assert.match(await rest(secure), /^0 TLSv1\.3\r\nyou said inside\r\n$/)

  const { port: second, errors } = await serve(async connection => {
    const command = await connection.read(5000)
    connection.write('go\r\n')
    await connection.flush()
    // The injected line is in the socket by now; it must not reach the session.
    await new Promise(resolve => setImmediate(resolve))
    const discarded = await connection.acceptTls(tls)
    connection.write(`${command?.toString().trim()} ${discarded}`)
    await connection.close()
  })
  const injecting = await client(second)
  injecting.write('STARTTLS\r\n')
  await once(injecting, 'data')
  injecting.write('EVIL\r\n')
  const upgrade = connectTls({ socket: injecting, rejectUnauthorized: false })
  const outcome = await once(upgrade, 'secureConnect').then(
    () => rest(upgrade),
    () => 'refused',
  )
  assert.ok(outcome === 'refused' || /^STARTTLS 6$/.test(String(outcome)), `the session saw ${outcome}`)
  injecting.destroy()
  assert.ok(errors.length <= 1)
})

test('the certificate follows the name, and sessions resume', async () => {
  const names: Array<string | undefined> = []
  const byName = createServerTls({
    identityFor: name => {
      names.push(name)
      return testIdentity
    },
  })
  const { port } = await serve(
    async connection => {
      connection.write(`${connection.tls?.serverName}\r\n`)
      await connection.read(5000).catch(() => undefined)
      await connection.close()
    },
    { implicitTls: byName },
  )
  const first = connectTls({ port, host: '127.0.0.1', servername: 'mail.example.org', rejectUnauthorized: false })
  const [session] = (await once(first, 'session')) as [Buffer]
  assert.ok(names.includes('mail.example.org'))
  first.end()
  const again = connectTls({ port, host: '127.0.0.1', servername: 'mail.example.org', rejectUnauthorized: false, session })
  await once(again, 'secureConnect')
  assert.equal(again.isSessionReused(), true)
  again.destroy()
})

test('a handshake that is none is refused', async () => {
  const { port, refusals } = await serve(echo, { implicitTls: tls })
  const socket = await client(port)
  socket.write('GET / HTTP/1.0\r\n\r\n')
  await rest(socket).catch(() => '')
  assert.deepEqual(refusals, ['tls'])
})

test('an outgoing connection upgrades and tells what the certificate is worth', async () => {
  const { port } = await serve(withStartTls)
  const connection = await connect({ ip: '127.0.0.1', port, timeoutMs: 5000, clock: systemClock })
  connection.write('STARTTLS\r\n')
  assert.equal((await connection.read(5000))?.toString(), 'go\r\n')
  const verdict = await connection.startTls({ serverName: 'localhost' })
  assert.equal(verdict.isTrusted, false)
  assert.match(verdict.reason ?? '', /SELF_SIGNED/i)
  assert.equal(verdict.chain.length, 1)
  connection.write('x\r\n')
  assert.match((await connection.read(5000))?.toString() ?? '', /TLSv1\.3/)
  await connection.close()
})

test('a refused connection says why', async () => {
  const { port, listener } = await serve(echo)
  await listener[Symbol.asyncDispose]()
  await assert.rejects(
    connect({ ip: '127.0.0.1', port, timeoutMs: 5000, clock: systemClock }),
    (error: unknown) => error instanceof ConnectionClosed && error.message === 'Connection refused',
  )
})

test('a taken port is said in a sentence', async () => {
  const { port } = await serve(echo)
  await assert.rejects(
    serve(echo, { port }),
    (error: unknown) =>
      error instanceof ListenError && error.message === `cannot listen on 127.0.0.1:${port}: the port is taken by another program`,
  )
})

test('blocked addresses and connections over the limit are dropped without a word', async () => {
  const blocked = await serve(echo, { isBlocked: address => address === '127.0.0.1' })
  assert.equal(await rest(await client(blocked.port)).catch(() => ''), '')
  assert.deepEqual(blocked.refusals, ['blocked'])
  const limited = await serve(echo, { maxConnections: 1 })
  const first = await client(limited.port)
  await once(first, 'data')
  assert.equal(await rest(await client(limited.port)).catch(() => ''), '')
  assert.deepEqual(limited.refusals, ['tooMany'])
  first.destroy()
})

const trusted = { proxyNetworks: [{ address: '127.0.0.0', prefixLength: 8 }] }

test('behind a proxy the ends are the real ones', async () => {
  const { port, refusals } = await serve(async connection => {
    connection.write(`${connection.remoteIp}:${connection.remotePort} ${connection.localIp}:${connection.localPort}\r\n`)
    await echo(connection)
  }, trusted)
  const socket = await client(port)
  socket.end('PROXY TCP4 192.0.2.1 198.51.100.2 4711 25\r\nEHLO')
  assert.equal(await rest(socket), '192.0.2.1:4711 198.51.100.2:25\r\nhello\r\nEHLO')
  const wrong = await client(port)
  wrong.end('EHLO there\r\n')
  assert.equal(await rest(wrong).catch(() => ''), '')
  assert.deepEqual(refusals, ['proxy'])
})

import assert from 'node:assert/strict'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { after, test } from 'node:test'
import { type Answer, AUTHENTIC_DATA, decode, encode, type Packet, TRUNCATED_RESPONSE } from 'dns-packet'
import { systemClock, systemRandom } from '#base/clock'
import { createResolver, DnsError, ips, memoryResolver, type NameServer, type Resolver } from './index.ts'
import { reverseName } from './names.ts'

type Respond = (question: { name: string; type: string }, asked: number) => Partial<Packet> & { garbage?: boolean; silent?: boolean }

const running: Array<UdpSocket | Server> = []
after(() => {
  for (const server of running) server.close()
})

/** Both on one free port; what is free for UDP may be taken for TCP, so it may need another try. */
async function bindBoth(tcp: Server): Promise<{ udp: UdpSocket; port: number }> {
  for (let attempt = 0; ; attempt++) {
    const udp = createSocket('udp4')
    await new Promise<void>(resolve => udp.bind(0, '127.0.0.1', resolve))
    const { port } = udp.address()
    try {
      await once(tcp.listen(port, '127.0.0.1'), 'listening')
      return { udp, port }
    } catch (error) {
      udp.close()
      if (attempt === 20) throw error
    }
  }
}

/** A name server on loopback that answers by UDP and TCP what the test says. */
async function nameServer(respond: Respond): Promise<{ server: NameServer; asked: () => number; overTcp: () => number }> {
  let asked = 0
  let overTcp = 0
  const answer = (message: Buffer): Buffer | undefined => {
    const query = decode(message)
    const [question = { name: '', type: 'A' as const }] = query.questions ?? []
    const { garbage, silent, ...packet } = respond(question, asked++)
    if (silent) return undefined
    if (garbage) return Buffer.from('not dns')
    return encode({ type: 'response', id: query.id ?? 0, questions: query.questions ?? [], ...packet })
  }
  const tcp = createServer(socket => {
    overTcp++
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      const reply = answer(chunk.subarray(2))
      if (reply === undefined) return
      const length = Buffer.alloc(2)
      length.writeUInt16BE(reply.length)
      socket.write(length)
      socket.end(reply)
    })
  })
  const { udp, port } = await bindBoth(tcp)
  udp.on('message', (message, { port: from, address }) => {
    const reply = answer(message)
    if (reply !== undefined) udp.send(reply, from, address)
  })
  running.push(udp, tcp)
  return { server: { protocol: 'udp', ip: '127.0.0.1', port }, asked: () => asked, overTcp: () => overTcp }
}

function resolverOver(
  servers: readonly NameServer[],
  { timeoutMs = 2000, now }: { timeoutMs?: number; now?: () => number } = {},
): Resolver {
  return createResolver({
    servers,
    attempts: 2,
    timeoutMs,
    clock: now === undefined ? systemClock : { ...systemClock, now },
    random: systemRandom,
  })
}

const a = (name: string, data: string, ttl = 300): Answer => ({ type: 'A', name, ttl, data })
const fails = (fault: string) => (error: unknown) => error instanceof DnsError && error.fault === fault

test('records come decoded, with their TTL and the word of a validating server', async () => {
  const { server } = await nameServer(({ name, type }) => ({
    flags: AUTHENTIC_DATA,
    answers:
      type === 'MX'
        ? [
            { type: 'MX', name, ttl: 60, data: { preference: 20, exchange: 'B.example.org' } },
            { type: 'MX', name, ttl: 30, data: { preference: 10, exchange: 'a.example.org' } },
          ]
        : [{ type: 'TXT', name, ttl: 60, data: ['v=spf1 ', '-all'] }],
  }))
  const resolver = resolverOver([server])
  assert.deepEqual(await resolver.mx('Example.ORG.'), {
    records: [
      { preference: 10, exchange: 'a.example.org' },
      { preference: 20, exchange: 'b.example.org' },
    ],
    ttlSeconds: 30,
    isAuthenticated: true,
  })
  assert.deepEqual((await resolver.txt('example.org')).records, ['v=spf1 -all'])
})

test('aliases are followed within an answer', async () => {
  const { server } = await nameServer(({ name }) => ({
    answers: [
      { type: 'CNAME', name, ttl: 10, data: 'real.example.org' },
      a('real.example.org', '192.0.2.1'),
      a('other.example.org', '192.0.2.66'),
    ],
  }))
  assert.deepEqual(await resolverOver([server]).a('alias.example.org'), { records: ['192.0.2.1'], ttlSeconds: 10, isAuthenticated: false })
})

test('what is there and what is not is kept for its time, and equal questions are asked once', async () => {
  let now = 0
  const { server, asked } = await nameServer(({ name }) =>
    name.startsWith('no')
      ? {
          flags: 3,
          authorities: [
            {
              type: 'SOA',
              name: 'test',
              ttl: 100,
              data: { mname: 'a', rname: 'b', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 60 },
            },
          ],
        }
      : { answers: [a(name, '192.0.2.1', 10)] },
  )
  const resolver = resolverOver([server], { now: () => now })
  await Promise.all([resolver.a('yes.test'), resolver.a('YES.test'), resolver.a('yes.test.')])
  await assert.rejects(resolver.a('no.test'), fails('notFound'))
  await assert.rejects(resolver.a('no.test'), fails('notFound'))
  assert.equal(asked(), 2)
  now = 11_000
  await resolver.a('yes.test')
  await assert.rejects(resolver.a('no.test'), fails('notFound'))
  assert.equal(asked(), 3)
  now = 61_000
  await assert.rejects(resolver.a('no.test'), fails('notFound'))
  assert.equal(asked(), 4)
})

test('names that DNS cannot carry are not asked for, international and odd ones are', async () => {
  const names: string[] = []
  const { server, asked } = await nameServer(({ name }) => {
    names.push(name)
    return { answers: [a(name, '192.0.2.1')] }
  })
  const resolver = resolverOver([server])
  for (const bad of ['', '.', 'a..b', `${'x'.repeat(64)}.test`, `${'x.'.repeat(130)}test`, 'a b.test', 'a\u0000.test']) {
    await assert.rejects(resolver.a(bad), fails('notFound'), bad)
  }
  assert.equal(asked(), 0)
  await resolver.a('Bücher.example')
  await resolver.a('a+b=c._spf.test')
  assert.deepEqual(names, ['xn--bcher-kva.example', 'a+b=c._spf.test'])
})

test('long answers push each other out of the cache', async () => {
  const { server, asked } = await nameServer(({ name }) => ({
    answers: [{ type: 'TXT', name, ttl: 300, data: ['x'.repeat(250), 'x'.repeat(250)] }],
  }))
  const resolver = createResolver({
    servers: [server],
    attempts: 1,
    timeoutMs: 2000,
    clock: systemClock,
    random: systemRandom,
    maxCachedBytes: 10_000,
  })
  for (let i = 0; i < 20; i++) await resolver.txt(`n${i}.test`)
  await resolver.txt('n19.test')
  assert.equal(asked(), 20)
  await resolver.txt('n0.test')
  assert.equal(asked(), 21)
})

test('more questions than may be under way wait their turn', async () => {
  const { server, asked } = await nameServer(({ name }) => ({ answers: [a(name, '192.0.2.1')] }))
  const resolver = createResolver({
    servers: [server],
    attempts: 1,
    timeoutMs: 5000,
    clock: systemClock,
    random: systemRandom,
    maxConcurrent: 2,
  })
  const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => resolver.a(`q${i}.test`)))
  assert.equal(answers.length, 30)
  assert.equal(asked(), 30)
})

test('all addresses of a name', async () => {
  const resolver = memoryResolver({
    'both.test': { A: ['192.0.2.1'], AAAA: ['2001:db8::1'] },
    'six.test': { AAAA: ['2001:db8::2'] },
    'half.test': { A: 'FAIL' },
    'none.test': { TXT: ['x'] },
  })
  assert.deepEqual((await ips(resolver, 'both.test')).records, ['192.0.2.1', '2001:db8::1'])
  assert.deepEqual((await ips(resolver, 'six.test')).records, ['2001:db8::2'])
  await assert.rejects(ips(resolver, 'half.test'), fails('temporary'))
  await assert.rejects(ips(resolver, 'none.test'), fails('noData'))
  await assert.rejects(ips(resolver, 'absent.test'), fails('notFound'))
})

test('a name without the type is told apart from no name', async () => {
  const { server } = await nameServer(() => ({ answers: [] }))
  await assert.rejects(resolverOver([server]).mx('example.org'), fails('noData'))
})

test('a cut answer is asked for again by TCP', async () => {
  const { server, overTcp } = await nameServer(({ name }, asked) =>
    asked === 0 ? { flags: TRUNCATED_RESPONSE } : { answers: [a(name, '192.0.2.9')] },
  )
  assert.deepEqual((await resolverOver([server]).a('big.test')).records, ['192.0.2.9'])
  assert.equal(overTcp(), 1)
})

test('a server that fails, talks nonsense or says nothing is passed over', async () => {
  const failing = await nameServer(() => ({ flags: 2 }))
  const babbling = await nameServer(() => ({ garbage: true }))
  const silent = await nameServer(() => ({ silent: true }))
  const good = await nameServer(({ name }) => ({ answers: [a(name, '192.0.2.1')] }))
  const resolver = resolverOver([failing.server, babbling.server, silent.server, good.server], { timeoutMs: 50 })
  assert.deepEqual((await resolver.a('x.test')).records, ['192.0.2.1'])
  await assert.rejects(resolverOver([failing.server]).a('x.test'), fails('temporary'))
  await assert.rejects(resolverOver([]).a('x.test'), fails('temporary'))
})

test('an answer to another question is not taken', async () => {
  const { server } = await nameServer(({ name, type }) => ({
    questions: [{ name: `evil.${name}`, type: type as 'A' }],
    answers: [a(name, '192.0.2.66')],
  }))
  await assert.rejects(resolverOver([server], { timeoutMs: 50 }).a('x.test'), fails('temporary'))
})

test('localhost needs no server', async () => {
  assert.deepEqual((await resolverOver([]).a('localhost')).records, ['127.0.0.1'])
  assert.deepEqual((await memoryResolver({}).aaaa('localhost')).records, ['::1'])
})

test('a zone in memory answers like a server', async () => {
  const resolver = memoryResolver({
    'example.org': { MX: ['20 b.example.org', '10 a.example.org.'], TXT: ['x'] },
    'www.example.org': { CNAME: ['a.example.org'] },
    'a.example.org': { A: ['192.0.2.1'] },
    'null.test': { MX: ['0 .'] },
    'broken.test': { MX: 'FAIL' },
    '1.2.0.192.in-addr.arpa': { PTR: ['A.example.org.'] },
    'loop.test': { CNAME: ['loop.test'] },
    '_25._tcp.a.example.org': { TLSA: ['3 1 1 abcd'] },
  })
  assert.deepEqual(
    (await resolver.mx('EXAMPLE.org')).records.map(({ exchange }) => exchange),
    ['a.example.org', 'b.example.org'],
  )
  assert.deepEqual((await resolver.a('www.example.org')).records, ['192.0.2.1'])
  assert.deepEqual((await resolver.mx('null.test')).records, [{ preference: 0, exchange: '' }])
  assert.deepEqual((await resolver.ptr('192.0.2.1')).records, ['a.example.org'])
  assert.deepEqual((await resolver.tlsa('_25._tcp.a.example.org')).records, [
    { usage: 3, selector: 1, matching: 1, data: Buffer.from('abcd', 'hex') },
  ])
  await assert.rejects(resolver.mx('broken.test'), fails('temporary'))
  await assert.rejects(resolver.a('loop.test'), fails('temporary'))
  await assert.rejects(resolver.a('example.org'), fails('noData'))
  await assert.rejects(resolver.a('nowhere.test'), fails('notFound'))
})

test('reverse names', () => {
  assert.equal(reverseName('192.0.2.1'), '1.2.0.192.in-addr.arpa')
  assert.equal(reverseName('2001:db8::1'), `1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`)
  assert.equal(reverseName('nonsense'), undefined)
})

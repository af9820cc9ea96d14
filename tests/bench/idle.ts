import type { ServerProcess } from '@postern/testkit'
import { prepareAccounts } from './accounts.ts'
import { LineClient } from './lines.ts'
import type { Figure, Parts } from './main.ts'
import { percentile } from './statistics.ts'

const connections = 1000
const rounds = 200

const message = (text: string): string =>
  `From: u0@example.org\r\nTo: u1@example.org\r\nSubject: ${text}\r\nMessage-ID: <${text}@example.org>\r\nDate: Mon, 6 Jan 2025 10:00:00 +0000\r\n\r\n${'Some text. '.repeat(360)}\r\n`

/** How soon an idling client is told, and what it costs to keep many of them. */
export async function* idle({ start, only }: Parts): AsyncGenerator<Figure> {
  await using server = await start()
  await prepareAccounts(server)
  if (only('IDLE notification')) yield* notification(server)
  if (only('submission')) yield* submission(server)
  if (only('idle connections')) yield* manyConnections(server)
}

async function idling(server: ServerProcess, user: number): Promise<LineClient> {
  const client = await login(server, user)
  client.send('b SELECT INBOX\r\n')
  await client.until(/^b OK[^\r]*\r\n/m)
  client.send('c IDLE\r\n')
  await client.until(/^\+ [^\r]*\r\n/m)
  return client
}

async function login(server: ServerProcess, user: number): Promise<LineClient> {
  const client = await LineClient.open(server.port(143))
  await client.until(/\r\n/)
  client.send(`a LOGIN u${user} pw-${user}\r\n`)
  const answer = await client.until(/^a [^\r]*\r\n/m)
  if (!answer.includes('a OK')) throw new Error(answer)
  return client
}

async function* notification(server: ServerProcess): AsyncGenerator<Figure> {
  const listener = await idling(server, 0)
  const writer = await login(server, 0)
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const text = message(`idle-${round}`)
    const started = performance.now()
    writer.send(`d APPEND INBOX {${text.length}+}\r\n${text}\r\n`)
    await listener.until(/^\* \d+ EXISTS\r\n/m)
    times.push(performance.now() - started)
    await writer.until(/^d OK[^\r]*\r\n/m)
  }
  listener.close()
  writer.close()
  yield { what: 'IDLE notification: APPEND until EXISTS, p50', value: percentile(times, 0.5), unit: 'ms' }
  yield { what: 'IDLE notification: APPEND until EXISTS, p99', value: percentile(times, 0.99), unit: 'ms' }
}

async function* submission(server: ServerProcess): AsyncGenerator<Figure> {
  const reader = await idling(server, 1)
  const client = await LineClient.open(server.port(587))
  await client.until(/^220 [^\r]*\r\n/m)
  client.send('EHLO client.example.net\r\n')
  await client.until(/^250 [^\r]*\r\n/m)
  client.send(`AUTH PLAIN ${Buffer.from('\0u0\0pw-0').toString('base64')}\r\n`)
  const proven = await client.until(/^\d{3} [^\r]*\r\n/m)
  if (!proven.startsWith('235')) throw new Error(proven)
  const accepted: number[] = []
  const visible: number[] = []
  for (let round = 0; round < rounds; round++) {
    const started = performance.now()
    client.send('MAIL FROM:<u0@example.org>\r\nRCPT TO:<u1@example.org>\r\nDATA\r\n')
    const go = await client.until(/^(354|[45]\d\d) [^\r]*\r\n/m)
    if (!go.includes('354')) throw new Error(go)
    client.send(`${message(`submission-${round}`)}.\r\n`)
    const seen = reader.until(/^\* \d+ EXISTS\r\n/m).then(() => visible.push(performance.now() - started))
    await client.until(/^250 [^\r]*\r\n/m)
    accepted.push(performance.now() - started)
    await seen
  }
  reader.close()
  client.close()
  yield { what: 'submission: until 250, p50', value: percentile(accepted, 0.5), unit: 'ms' }
  yield { what: 'submission: until 250, p99', value: percentile(accepted, 0.99), unit: 'ms' }
  yield { what: 'submission: until an idling client sees it, p50', value: percentile(visible, 0.5), unit: 'ms' }
  yield { what: 'submission: until an idling client sees it, p99', value: percentile(visible, 0.99), unit: 'ms' }
}

async function* manyConnections(server: ServerProcess): AsyncGenerator<Figure> {
  const clients: LineClient[] = []
  // The first ones bring what is needed for any number of them.
  for (let i = 0; i < 10; i++) clients.push(await idling(server, i))
  const before = await server.memoryMiB()
  while (clients.length < connections) {
    const first = clients.length
    const batch = Array.from({ length: Math.min(50, connections - first) }, (_, i) => idling(server, (first + i) % 10))
    clients.push(...(await Promise.all(batch)))
  }
  const after = await server.memoryMiB()
  for (const client of clients) client.close()
  yield { what: `memory of each of ${connections} idle connections`, value: ((after - before) * 1024) / (connections - 10), unit: 'KiB' }
}

import type { ServerProcess } from '@postern/testkit'
import { prepareAccounts } from './accounts.ts'
import { LineClient } from './lines.ts'
import type { Figure, Parts } from './main.ts'
import { percentile } from './statistics.ts'

const loads = [
  { kilobytes: 4, connections: 1, messages: 1000 },
  { kilobytes: 4, connections: 10, messages: 4000 },
  { kilobytes: 4, connections: 50, messages: 6000 },
  { kilobytes: 50, connections: 1, messages: 500 },
  { kilobytes: 50, connections: 10, messages: 1500 },
  { kilobytes: 50, connections: 50, messages: 1500 },
]

/** Messages from outside to ten local users: accepted (durable) and stored in their mailboxes, per second. */
export async function* inbound({ start, only }: Parts): AsyncGenerator<Figure> {
  await using server = await start()
  await prepareAccounts(server)
  for (const { kilobytes, connections, messages } of loads) {
    const name = `inbound ${kilobytes} KB, ${connections} conn`
    if (!only(name)) continue
    const before = await stored(server)
    const cpuBefore = await server.cpuMs()
    const started = performance.now()
    const latencies = await send(server.port(25), { kilobytes, connections, messages })
    const accepted = performance.now()
    while ((await stored(server)) < before + messages) await new Promise(resolve => setTimeout(resolve, 20))
    const done = performance.now()
    const cpu = (await server.cpuMs()) - cpuBefore
    yield { what: `${name}: accepted`, value: messages / ((accepted - started) / 1000), unit: '/s' }
    yield { what: `${name}: stored`, value: messages / ((done - started) / 1000), unit: '/s' }
    yield { what: `${name}: processor time of the server`, value: cpu / messages, unit: 'ms each' }
    yield { what: `${name}: p50`, value: percentile(latencies, 0.5), unit: 'ms' }
    yield { what: `${name}: p99`, value: percentile(latencies, 0.99), unit: 'ms' }
  }
  yield { what: 'memory after the load', value: await server.memoryMiB(), unit: 'MiB' }
}

async function stored(server: ServerProcess): Promise<number> {
  let total = 0
  const client = await LineClient.open(server.port(143))
  await client.until(/\r\n/)
  client.close()
  for (let i = 0; i < 10; i++) {
    const user = await LineClient.open(server.port(143))
    await user.until(/\r\n/)
    user.send(`a LOGIN u${i} pw-${i}\r\n`)
    await user.until(/^a [^\r]*\r\n/m)
    user.send('b STATUS INBOX (MESSAGES)\r\n')
    total += Number(/MESSAGES (\d+)/.exec(await user.until(/^b [^\r]*\r\n/m))?.[1] ?? 0)
    user.close()
  }
  return total
}

let sequence = 0

async function send(
  port: number,
  { kilobytes, connections, messages }: { kilobytes: number; connections: number; messages: number },
): Promise<number[]> {
  const latencies: number[] = []
  const body = `${'The quick brown fox jumps over the lazy dog, and mail flows on. '.repeat(16).slice(0, 1022)}\r\n`
    .repeat(kilobytes)
    .slice(0, kilobytes * 1024)
  const lines = body.replace(/(.{76})/g, '$1\r\n')
  let left = messages
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const client = await LineClient.open(port)
      await client.until(/\r\n/)
      client.send('EHLO client.example.net\r\n')
      await client.until(/^250 [^\r]*\r\n/m)
      while (left > 0) {
        left--
        const id = sequence++
        const started = performance.now()
        client.send(`MAIL FROM:<a@client.example.net>\r\nRCPT TO:<u${id % 10}@example.org>\r\nDATA\r\n`)
        const answer = await client.until(/^(354|[45]\d\d) [^\r]*\r\n/m)
        if (!answer.includes('354')) throw new Error(answer)
        client.send(
          `From: a@client.example.net\r\nTo: u${id % 10}@example.org\r\nSubject: Message ${id}\r\nMessage-ID: <${id}.${started}@client.example.net>\r\nDate: Mon, 6 Jan 2025 10:00:00 +0000\r\n\r\n${lines}\r\n.\r\n`,
        )
        const accepted = await client.until(/^\d{3} [^\r]*\r\n/m)
        if (!accepted.startsWith('250')) throw new Error(accepted)
        latencies.push(performance.now() - started)
      }
      client.close()
    }),
  )
  return latencies
}

import type { ServerProcess } from '@postern/testkit'
import { prepareAccounts } from './accounts.ts'
import type { Figure, Parts } from './main.ts'
import { median } from './statistics.ts'

const hash = '$6$salt$xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'

/** Accounts through the management API: creating them, and lists of 1,000, 10,000 and 100,000 of them. */
export async function* principals({ start, only }: Parts): AsyncGenerator<Figure> {
  await using server = await start()
  await prepareAccounts(server)
  let made = 0
  for (const connections of [1, 8]) {
    const count = connections === 1 ? 300 : 700
    const perSecond = await create(server, made, count, connections)
    made += count
    yield { what: `POST /api/principal, ${connections} connections`, value: perSecond, unit: '/s' }
  }
  for (const total of [1000, 10_000, 100_000]) {
    if (!only(String(total))) continue
    if (total > made) {
      const perSecond = await create(server, made, total - made, 8)
      made = total
      yield { what: `POST /api/principal up to ${total}, 8 connections`, value: perSecond, unit: '/s' }
    }
    const first = performance.now()
    await server.call('GET', '/api/principal?types=individual&limit=100')
    yield { what: `of ${total}: first list after them`, value: performance.now() - first, unit: 'ms' }
    yield* lists(server, total)
  }
}

async function create(server: ServerProcess, from: number, count: number, connections: number): Promise<number> {
  const started = performance.now()
  let next = from
  const worker = async (): Promise<void> => {
    while (next < from + count) {
      const i = next++
      await server.call('POST', '/api/principal', {
        name: `account${i}`,
        description: `Account number ${i}`,
        secrets: [hash],
        emails: [`account${i}@example.org`],
        roles: ['user'],
      })
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  return count / ((performance.now() - started) / 1000)
}

async function* lists(server: ServerProcess, total: number): AsyncGenerator<Figure> {
  const pages = total / 100
  const questions: ReadonlyArray<readonly [string, string]> = [
    ['first page', '?types=individual&limit=100'],
    ['middle page', `?types=individual&limit=100&page=${Math.floor(pages / 2)}`],
    ['last page', `?types=individual&limit=100&page=${pages}`],
    ['filter with 1 match', `?types=individual&limit=100&filter=account${total - 1}@`],
    ['filter with many matches', '?types=individual&limit=100&filter=account%20number'],
    ['count', '?types=individual&count=true'],
    ['domains', '?types=domain'],
    ['one', '/account77'],
  ]
  for (const [what, query] of questions) {
    const times: number[] = []
    const begin = performance.now()
    while (performance.now() - begin < 1000) {
      const call = performance.now()
      await server.call('GET', `/api/principal${query}`)
      times.push(performance.now() - call)
    }
    yield { what: `of ${total}: ${what}, p50`, value: median(times), unit: 'ms' }
  }
  const times: number[] = []
  for (let i = 0; i < 30; i++) {
    await server.call('PATCH', '/api/principal/account77', [{ action: 'set', field: 'description', value: `changed ${i}` }])
    const call = performance.now()
    await server.call('GET', `/api/principal?types=individual&limit=100&filter=changed%20${i}`)
    times.push(performance.now() - call)
  }
  yield { what: `of ${total}: filter right after a change, p50`, value: median(times), unit: 'ms' }
}

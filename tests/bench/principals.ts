import type { Figure, Parts } from './main.ts'
import { median } from './statistics.ts'

/** The management API with 1,000 accounts. */
export async function* principals({ start }: Parts): AsyncGenerator<Figure> {
  await using server = await start()
  await server.call('POST', '/api/principal', { type: 'domain', name: 'example.org' })
  const hash = '$6$salt$xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'
  const started = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (next < 1000) {
        const i = next++
        await server.call('POST', '/api/principal', {
          name: `account${i}`,
          secrets: [hash],
          emails: [`account${i}@example.org`],
          roles: ['user'],
        })
      }
    }),
  )
  yield { what: 'POST /api/principal, 8 connections', value: 1000 / ((performance.now() - started) / 1000), unit: '/s' }
  const times: number[] = []
  const begin = performance.now()
  while (performance.now() - begin < 3000) {
    const call = performance.now()
    await server.call('GET', '/api/principal?types=individual&limit=100')
    times.push(performance.now() - call)
  }
  yield {
    what: 'GET /api/principal?limit=100 of 1,000, 1 connection',
    value: times.length / ((performance.now() - begin) / 1000),
    unit: '/s',
  }
  yield { what: 'GET /api/principal?limit=100 of 1,000, p50', value: median(times), unit: 'ms' }
}

import { type Clock, sleepWith } from '#base/clock'
import type { HttpRoute } from '#base/http'
import { listSettings, type Store } from '#data/store'

const patienceMs = 2000

/** Probes for whoever supervises the process; they tell nothing but yes or no. */
export function healthRoutes(isReady: () => boolean | Promise<boolean>): readonly HttpRoute[] {
  return [
    { method: 'GET', path: '/healthz/live', run: async () => ({ status: 200 }) },
    { method: 'GET', path: '/healthz/ready', run: async () => ({ status: (await isReady()) ? 200 : 503 }) },
  ]
}

/** Whether the store answers a small question soon. */
export async function answers(store: Pick<Store, 'read'>, clock: Clock): Promise<boolean> {
  const enough = new AbortController()
  const answer = store.read(listSettings, { prefix: '', limit: 1 }).then(
    () => true,
    () => false,
  )
  const patience = sleepWith(clock, patienceMs, enough.signal).then(
    () => false,
    () => false,
  )
  const answered = await Promise.race([answer, patience])
  enough.abort()
  return answered
}

import { type Clock, sleepWith } from '#base/clock'
import type { HttpReply, HttpRoute } from '#base/http'
import { listSettings, type Store } from '#data/store'

const patienceMs = 2000

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Probes for whoever supervises the process; they tell nothing but yes or no. */
export function healthRoutes(isReady: () => boolean | Promise<boolean>): readonly HttpRoute[] {
  const probes = [
    { path: '/healthz/live', isWell: () => true },
    { path: '/healthz/ready', isWell: isReady },
  ]
  return probes.flatMap(({ path, isWell }) => methods.map(method => ({ method, path, run: async () => answer(await isWell()) })))
}

function answer(isWell: boolean): HttpReply {
  const body = isWell ? { status: 200, detail: 'OK' } : { status: 503, title: 'Service Unavailable', detail: 'Not ready' }
  return {
    status: body.status,
    headers: { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' },
    body: JSON.stringify({ type: 'about:blank', ...body }),
  }
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

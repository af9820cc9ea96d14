import type { HttpRoute } from '#base/http'

/** Probes for whoever supervises the process; they tell nothing but yes or no. */
export function healthRoutes(isReady: () => boolean): readonly HttpRoute[] {
  return [
    { method: 'GET', path: '/healthz/live', run: async () => ({ status: 200 }) },
    { method: 'GET', path: '/healthz/ready', run: async () => ({ status: isReady() ? 200 : 503 }) },
  ]
}

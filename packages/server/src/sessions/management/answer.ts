import { errors, type Failure } from '@postern/contract'
import type { Endpoint } from '@postern/contract/endpoints'
import type { HttpReply } from '#base/http'

const noStore = { 'Cache-Control': 'no-store' } as const
const jsonHeaders = { 'Content-Type': 'application/json; charset=utf-8', ...noStore } as const

export function renderOutput(output: Endpoint['output'], value: unknown): HttpReply {
  switch (output.kind) {
    case 'data':
      return { status: 200, headers: jsonHeaders, body: JSON.stringify({ data: value ?? null }) }
    case 'json': {
      const headers = output.mediaType === undefined ? jsonHeaders : { 'Content-Type': output.mediaType, ...noStore }
      const isRefusal = output.refused !== undefined && value instanceof Object && 'error' in value
      return { status: isRefusal ? 400 : 200, headers, body: JSON.stringify(value) }
    }
    case 'text':
    case 'page':
    case 'bytes':
      return { status: 200, headers: { 'Content-Type': output.mediaType, ...noStore }, body: value as string | Uint8Array }
    case 'events':
      return {
        status: 200,
        headers: { 'Content-Type': 'text/event-stream', ...noStore },
        body: frames(value as AsyncIterable<{ event: string; data: unknown }>),
      }
  }
}

async function* frames(events: AsyncIterable<{ readonly event: string; readonly data: unknown }>): AsyncGenerator<string> {
  for await (const { event, data } of events) yield `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

/**
 * A problem document with its status, or the named error of the management API with status 200. To a page's script a 401 offers no Basic:
 * browsers would ask for a password in a window of their own, over the page that can do that better.
 */
export function renderFailure(failure: Failure, { fromPage = false } = {}): HttpReply {
  const { http } = errors[failure.code]
  const details = failure.details as Readonly<Record<string, unknown>>
  if (http.kind === 'management') {
    const members = Object.fromEntries(http.members.map(name => [name, details[name] ?? null]))
    return { status: 200, headers: jsonHeaders, body: JSON.stringify({ error: http.error, ...members }) }
  }
  const { status, type = 'about:blank', title } = http
  const detail = typeof details['detail'] === 'string' ? details['detail'] : http.detail
  const limit = typeof details['limit'] === 'string' ? details['limit'] : undefined
  return {
    status,
    headers: { 'Content-Type': 'application/problem+json', ...noStore, ...extraHeaders(status, details, fromPage) },
    body: JSON.stringify({ type, status, title, detail, limit }),
  }
}

/** RFC 9110 §11.6.1 and §10.2.3. */
function extraHeaders(status: number, details: Readonly<Record<string, unknown>>, fromPage: boolean): Record<string, string> {
  if (status === 401) return { 'WWW-Authenticate': `${fromPage ? '' : 'Basic realm="Postern", charset="UTF-8", '}Bearer realm="Postern"` }
  const { retryAfterMs } = details
  return status === 429 && typeof retryAfterMs === 'number' ? { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) } : {}
}

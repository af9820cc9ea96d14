import type { Endpoint, QueryParameter } from '@postern/contract/endpoints'

/** A request without server and credentials. */
export interface ApiRequest {
  readonly method: string
  /** Path with query. */
  readonly target: string
  readonly contentType: string | undefined
  readonly body: string | Uint8Array | undefined
}

/** What a call sends. Throws TypeError when a path parameter is missing. */
export function requestOf(endpoint: Endpoint, input: Readonly<Record<string, unknown>>): ApiRequest {
  const query = new URLSearchParams()
  for (const [name, parameter] of Object.entries(endpoint.query)) {
    const text = formatParameter(parameter, input[name])
    if (text !== undefined) query.set(name, text)
  }
  for (const [name, value] of Object.entries((input['others'] ?? {}) as Readonly<Record<string, string>>)) query.set(name, value)
  const body = bodyOf(endpoint, input['body'])
  const fallback = endpoint.body === undefined ? 'GET' : 'POST'
  return {
    method: endpoint.method === 'ANY' ? fallback : endpoint.method,
    target: pathOf(endpoint, input) + (query.size === 0 ? '' : `?${query}`),
    ...body,
  }
}

/** The longest of the endpoint's paths whose elements are all given. */
function pathOf({ id, paths, params }: Endpoint, input: Readonly<Record<string, unknown>>): string {
  const namesIn = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '')
  const possible = paths.filter(path => namesIn(path).every(name => input[name] !== undefined))
  const [best] = possible.toSorted((a, b) => namesIn(b).length - namesIn(a).length)
  if (best === undefined) throw new TypeError(`${id} needs ${Object.keys(params).join(', ')}`)
  return best.replace(/\{(\w+)\}/g, (_, name: string) => {
    const element = String(input[name])
    // Taken for steps in the path by everybody who reads a URL, however they are spelled.
    if (element === '.' || element === '..') throw new TypeError(`${name} cannot be ${element}`)
    return encodeURIComponent(element)
  })
}

function formatParameter({ kind }: QueryParameter<unknown>, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  switch (kind) {
    case 'flag':
      return value === true ? 'true' : undefined
    case 'names':
      return (value as readonly string[]).join(',')
    case 'timestamp':
      return new Date(value as number).toISOString()
    case 'text':
    case 'natural':
      return String(value)
  }
}

function bodyOf({ body }: Endpoint, value: unknown): Pick<ApiRequest, 'body' | 'contentType'> {
  switch (body?.kind) {
    case undefined:
      return { body: undefined, contentType: undefined }
    case 'json':
      return { body: JSON.stringify(value ?? null), contentType: 'application/json' }
    case 'form': {
      const fields = Object.entries((value ?? {}) as Readonly<Record<string, unknown>>).filter(([, field]) => field !== undefined)
      return {
        body: new URLSearchParams(fields.map(([name, field]) => [name, String(field)])).toString(),
        contentType: 'application/x-www-form-urlencoded',
      }
    }
    case 'bytes':
      return { body: value as Uint8Array, contentType: body.mediaType }
  }
}

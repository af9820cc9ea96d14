import { decodeElement } from './decoding.ts'
import type { HttpReply, HttpRequest } from './index.ts'

export interface HttpRoute {
  readonly method: string
  /**
   * `/api/principal/{name}`: an element in braces matches one segment, the empty one included. A last element `{rest*}` matches
   * all that follows, undecoded.
   */
  readonly path: string
  readonly run: (request: HttpRequest) => Promise<HttpReply>
}

export interface Matched {
  readonly route: HttpRoute
  readonly params: Readonly<Record<string, string>>
}

/** Finds the route for a request. */
export type Router = (method: string, path: string) => Matched | undefined

/** Of several matches the one with the most literal segments wins. */
export function createRouter(routes: readonly HttpRoute[]): Router {
  const byMethod = Map.groupBy(
    routes.map(route => ({ route, pattern: route.path.split('/') })),
    ({ route }) => route.method,
  )
  return (method, path) => {
    const segments = path.split('/')
    let best: Matched | undefined
    let bestLiterals = -1
    for (const { route, pattern } of byMethod.get(method) ?? []) {
      const found = matchPath(pattern, segments)
      if (found === undefined || found.literals <= bestLiterals) continue
      best = { route, params: found.params }
      bestLiterals = found.literals
    }
    return best
  }
}

function matchPath(
  pattern: readonly string[],
  segments: readonly string[],
): { literals: number; params: Record<string, string> } | undefined {
  const params: Record<string, string> = {}
  let literals = 0
  for (const [index, wanted] of pattern.entries()) {
    const segment = segments[index]
    if (wanted.endsWith('*}')) {
      params[wanted.slice(1, -2)] = segments.slice(index).join('/')
      return segment === undefined ? undefined : { literals, params }
    }
    if (segment === undefined) return undefined
    if (wanted.startsWith('{')) params[wanted.slice(1, -1)] = decodeElement(segment)
    else if (wanted === segment) literals++
    else return undefined
  }
  return pattern.length === segments.length ? { literals, params } : undefined
}

import { declaredEndpoints, type Endpoint, type Input, type Output } from '@postern/contract/endpoints'
import type { HttpReply, HttpRequest } from '#base/http'
import type { Caller } from '#services/directory'

/** What an endpoint does. The caller is there unless the endpoint is open to everybody. */
export type Handler<E extends Endpoint> = (caller: Caller, input: Input<E>, request: HttpRequest) => Promise<Output<E>>

/** An endpoint with its handler; without one it answers 501. */
export interface BoundEndpoint {
  readonly endpoint: Endpoint
  readonly handle: ((caller: Caller | undefined, input: never, request: HttpRequest) => Promise<unknown>) | undefined
  /** It gives a whole answer: a page or a redirection is more than its text. */
  readonly replies?: true
}

/** Ties a handler to its endpoint; input and output are typed by the declaration. */
export function bind<E extends Endpoint>(endpoint: E, handle: Handler<E>): BoundEndpoint {
  return { endpoint, handle: handle as BoundEndpoint['handle'] }
}

/** Ties an endpoint of pages to what answers it. */
export function bindPage<E extends Endpoint>(
  endpoint: E,
  handle: (input: Input<E>, request: HttpRequest) => Promise<HttpReply>,
): BoundEndpoint {
  return { endpoint, handle: (_, input, request) => handle(input, request), replies: true }
}

/** Every endpoint of the contract, those without handler included. Fails when two handlers claim one endpoint. */
export function withUnhandled(bound: readonly BoundEndpoint[]): readonly BoundEndpoint[] {
  const ids = bound.map(({ endpoint }) => endpoint.id)
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) throw new Error(`two handlers for the endpoint ${twice}`)
  return [...bound, ...unhandledEndpoints(bound).map(endpoint => ({ endpoint, handle: undefined }))]
}

/** Endpoints of the contract that nobody handles; probes are answered before this site is asked. */
export function unhandledEndpoints(bound: readonly BoundEndpoint[]): readonly Endpoint[] {
  const handled = new Set(bound.map(({ endpoint }) => endpoint.id))
  return declaredEndpoints.flatMap(({ endpoint }) => (handled.has(endpoint.id) || isProbe(endpoint) ? [] : [endpoint]))
}

function isProbe({ paths }: Endpoint): boolean {
  return paths.every(path => path.startsWith('/healthz/'))
}

/**
 * Typed client of the management API. Every endpoint of the contract is a method with its input and output:
 * `client.queue.listQueuedMessages({ values: true })`. Runs wherever `fetch` does; keeps no state but its options.
 *
 * Never retries and never follows a redirect: credentials go to the given server alone.
 */
import { type Endpoint, type EndpointArea, endpoints } from '@postern/contract/endpoints'
import { type CallOptions, createCaller } from './call.ts'
import type { Credentials } from './credentials.ts'
import type { CallInput, ClientOutput } from './input.ts'

export type { CallOptions } from './call.ts'
export type { Credentials } from './credentials.ts'
export { ApiError, ConnectionError } from './errors.ts'
export type { CallInput, ClientOutput } from './input.ts'
export { requestOf } from './request.ts'

/** Whether the input of a call may be left out: nothing in it is needed. */
type Arguments<E extends Endpoint> =
  Record<never, never> extends CallInput<E> ? [input?: CallInput<E>, options?: CallOptions] : [input: CallInput<E>, options?: CallOptions]

type Method<E> = E extends Endpoint ? (...given: Arguments<E>) => Promise<ClientOutput<E>> : never

/**
 * Endpoints by area and id. A call rejects with ApiError when the server refuses and with ConnectionError when there is no answer.
 * Timestamps of queries are Unix milliseconds, those of answers RFC 3339.
 */
export type Client = {
  readonly [A in EndpointArea]: { readonly [N in keyof (typeof endpoints)[A]]: Method<(typeof endpoints)[A][N]> }
} & {
  /** Calls any endpoint, input as its declaration says. */
  call<E extends Endpoint>(endpoint: E, input: CallInput<E>, options?: CallOptions): Promise<ClientOutput<E>>
}

export interface ClientOptions {
  /** Where the server answers, such as `https://mail.example.org`; a path in front of `/api` is kept. */
  readonly url: string | URL
  /** Nothing for what everybody may call. */
  readonly credentials?: Credentials
  /** Milliseconds that a call may take; streams until their first byte. A minute when absent. */
  readonly timeoutMs?: number
  /** Longest answer in bytes, streams excepted. 64 MiB when absent. */
  readonly maxAnswerBytes?: number
  /** Another way to send requests, for tests and proxies. */
  readonly fetch?: typeof globalThis.fetch
}

export function createClient(options: ClientOptions): Client {
  const call = createCaller(options)
  const areas = Object.entries(endpoints).map(([area, members]) => [
    area,
    Object.fromEntries(
      Object.entries(members).map(([id, endpoint]) => [
        id,
        (input: object = {}, options: CallOptions = {}) => call(endpoint as Endpoint, input as never, options),
      ]),
    ),
  ])
  return { ...Object.fromEntries(areas), call } as Client
}

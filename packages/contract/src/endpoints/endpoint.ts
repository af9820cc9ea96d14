import type { Static, TSchema } from 'typebox'
import type { ErrorCode } from '../errors/index.ts'
import type { PermissionId } from '../permissions/index.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'ANY'

/** What a call does to the world: nothing; changes something; makes mail leave; removes what cannot be brought back. */
export type Impact = 'read' | 'write' | 'sends' | 'destructive'

/** Action on principals; the permission is `<stem of the type>-<action>` for each type involved. */
export type PrincipalAction = 'list' | 'get' | 'create' | 'update' | 'delete'

/**
 * Who may call: `anonymous` anybody (counted by the anonymous rate limit), `public` anybody without that limit, `login` every
 * account, else holders of a permission, of one of several, or of the one that fits the type of the principal.
 */
export type Access =
  | 'anonymous'
  | 'public'
  | 'login'
  | PermissionId
  | { readonly anyOf: readonly PermissionId[] }
  | { readonly principal: PrincipalAction }

/** Short-lived token that may stand in for the Authorization field on a stream. */
export type StreamToken = 'live-tracing' | 'live-metrics' | 'troubleshoot'

/** Setting that opens an endpoint: the one for registration without login. */
export type OpeningSetting = 'anonymousRegistration'

declare const valueBrand: unique symbol

/**
 * How a path element is decoded. `name` is a login or record name (compared in lower case), `id` a number below 2^53 that answers 404
 * when it does not parse, `text` anything, `word` one of a list (else 404).
 */
export interface PathParameter<T> {
  readonly kind: 'name' | 'id' | 'text' | 'word'
  readonly doc: string
  readonly words?: readonly string[]
  readonly [valueBrand]?: readonly [T]
}

/**
 * How a query parameter is decoded. An empty value counts as absent, the last one wins, and what does not parse counts as absent.
 * `natural`: number from zero up. `flag`: true with any value that is not empty. `timestamp`: RFC 3339, given as Unix milliseconds.
 * `names`: comma-separated.
 */
export interface QueryParameter<T> {
  readonly kind: 'text' | 'natural' | 'flag' | 'timestamp' | 'names'
  readonly doc: string
  readonly [valueBrand]?: readonly [T]
}

export type PathParameters = Readonly<Record<string, PathParameter<unknown>>>
export type QueryParameters = Readonly<Record<string, QueryParameter<unknown>>>

/** Where the limit of a body comes from: a number of bytes, or the largest message the server takes. */
export type BodyLimit = number | 'message'

export type RequestBody =
  | { readonly kind: 'json'; readonly schema: TSchema; readonly maxBytes: BodyLimit }
  /** A form, urlencoded or multipart; fields are texts. */
  | { readonly kind: 'form'; readonly schema: TSchema; readonly maxBytes: BodyLimit }
  | { readonly kind: 'bytes'; readonly mediaType: string; readonly maxBytes: BodyLimit }

export type ResponseBody =
  /** Status 200, `{"data": …}`. */
  | { readonly kind: 'data'; readonly schema: TSchema }
  /** The value itself as JSON: with status 200, or with 400 when it is one of the refusals, which have a member `error`. */
  | { readonly kind: 'json'; readonly schema: TSchema; readonly refused?: TSchema; readonly mediaType?: string }
  | { readonly kind: 'bytes' | 'text'; readonly mediaType: string }
  /** A page for people: what is refused is told on it, too, and it may send the browser elsewhere (303). */
  | { readonly kind: 'page'; readonly mediaType: 'text/html' }
  /** Server-sent events: name to contents of `data:`. */
  | { readonly kind: 'events'; readonly events: Readonly<Record<string, TSchema>> }

export interface Endpoint {
  readonly id: string
  readonly method: Method
  /** Paths it answers on; a parameter that is not in all of them is optional. */
  readonly paths: readonly [string, ...string[]]
  /** Further path elements give 404; elsewhere they are ignored. */
  readonly exact?: true
  readonly access: Access
  readonly streamToken?: StreamToken
  /** Boolean setting that opens it to everybody, counted by the anonymous rate limit, while it is on. */
  readonly openedBy?: OpeningSetting
  readonly impact: Impact
  readonly params: PathParameters
  readonly query: QueryParameters
  /** Further query parameters with names of their own; the handler gets them as `others`. */
  readonly otherQuery?: string
  readonly body?: RequestBody
  readonly output: ResponseBody
  /** Refusals besides those every call can meet. */
  readonly errors: readonly ErrorCode[]
  readonly summary: string
  readonly doc?: string
}

type Defaulted = 'params' | 'query' | 'errors'
type EndpointOptions = Omit<Endpoint, Defaulted | 'paths'> &
  Partial<Pick<Endpoint, Defaulted>> & { readonly path: string | readonly [string, ...string[]] }

type Completed<O extends EndpointOptions> = Omit<Endpoint, keyof O> & Omit<O, 'path'>

/** Declares an endpoint; the literal types of its parts stay visible for `Input` and `Output`. */
export function endpoint<const O extends EndpointOptions>(options: O): Completed<O> & Endpoint {
  const { path, ...rest } = options as EndpointOptions
  const completed: Endpoint = { params: {}, query: {}, errors: [], ...rest, paths: typeof path === 'string' ? [path] : path }
  return completed as Completed<O> & Endpoint
}

type Decoded<P> = P extends { readonly [valueBrand]?: readonly [infer T] } ? T : never

/** Parameters that may be undefined become optional members. */
type Fields<P> = { readonly [K in keyof P as undefined extends Decoded<P[K]> ? never : K]: Decoded<P[K]> } & {
  readonly [K in keyof P as undefined extends Decoded<P[K]> ? K : never]?: Decoded<P[K]>
}

type BodyOf<E> = E extends { readonly body: infer B }
  ? B extends { readonly kind: 'bytes' }
    ? { readonly body: Uint8Array }
    : B extends { readonly schema: infer S extends TSchema }
      ? { readonly body: Static<S> }
      : unknown
  : unknown

type OthersOf<E> = E extends { readonly otherQuery: string } ? { readonly others: Readonly<Record<string, string>> } : unknown

/** What a handler gets: path and query parameters by name, and `body`. */
export type Input<E> = (E extends { readonly params: infer P } ? Fields<P> : unknown) &
  (E extends { readonly query: infer Q } ? Fields<Q> : unknown) &
  BodyOf<E> &
  OthersOf<E>

type EventFrames<M> = {
  readonly [K in keyof M]: { readonly event: K; readonly data: M[K] extends TSchema ? Static<M[K]> : never }
}[keyof M]

/** What a handler returns: the payload, bytes, or the frames of a stream. */
export type Output<E> = E extends { readonly output: infer O }
  ? O extends { readonly kind: 'data' | 'json'; readonly schema: infer S extends TSchema }
    ? Static<S> | (O extends { readonly refused: infer R extends TSchema } ? Static<R> : never)
    : O extends { readonly kind: 'events'; readonly events: infer M }
      ? AsyncIterable<EventFrames<M>>
      : O extends { readonly kind: 'text' | 'page' }
        ? string
        : Uint8Array | AsyncIterable<Uint8Array>
  : never

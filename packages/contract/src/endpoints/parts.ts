import Type, { type TSchema } from 'typebox'
import type { BodyLimit, PathParameter, QueryParameter } from './endpoint.ts'

/** Largest body of the management API, where an endpoint says nothing else. */
const ordinaryBody = 1_048_576

export function json<S extends TSchema>(schema: S, maxBytes: BodyLimit = ordinaryBody) {
  return { kind: 'json', schema, maxBytes } as const
}

export function form<S extends TSchema>(schema: S, maxBytes: BodyLimit) {
  return { kind: 'form', schema, maxBytes } as const
}

/** A message as it is, headers and body. */
export const messageBytes = { kind: 'bytes', mediaType: 'message/rfc822', maxBytes: 'message' } as const

/** `{"data": …}` with status 200. */
export function data<S extends TSchema>(schema: S) {
  return { kind: 'data', schema } as const
}

export function plain<S extends TSchema>(schema: S) {
  return { kind: 'json', schema } as const
}

/** JSON whose type says what it is, and nothing of a character set. */
export function plainAs<S extends TSchema>(mediaType: string, schema: S) {
  return { kind: 'json', schema, mediaType } as const
}

/** JSON with status 200, or a refusal with 400. */
export function plainOr<S extends TSchema, R extends TSchema>(schema: S, refused: R) {
  return { kind: 'json', schema, refused } as const
}

export function textOf(mediaType: string) {
  return { kind: 'text', mediaType } as const
}

export const page = { kind: 'page', mediaType: 'text/html' } as const

/** Success without payload. */
export const nothing = data(Type.Null())

/** True when something was done, or is being done in the background. */
export const whether = data(Type.Boolean())

export const path = {
  name: (doc: string): PathParameter<string> => ({ kind: 'name', doc }),
  optionalName: (doc: string): PathParameter<string | undefined> => ({ kind: 'name', doc }),
  id: (doc: string): PathParameter<number> => ({ kind: 'id', doc }),
  text: (doc: string): PathParameter<string> => ({ kind: 'text', doc }),
  optionalText: (doc: string): PathParameter<string | undefined> => ({ kind: 'text', doc }),
  word: <const W extends string>(words: readonly W[], doc: string): PathParameter<W> => ({ kind: 'word', words, doc }),
} as const

export const query = {
  text: (doc: string): QueryParameter<string | undefined> => ({ kind: 'text', doc }),
  natural: (doc: string): QueryParameter<number | undefined> => ({ kind: 'natural', doc }),
  flag: (doc: string): QueryParameter<boolean> => ({ kind: 'flag', doc }),
  timestamp: (doc: string): QueryParameter<number | undefined> => ({ kind: 'timestamp', doc }),
  names: (doc: string): QueryParameter<readonly string[] | undefined> => ({ kind: 'names', doc }),
} as const

/** `page` counts from 1; without `limit` everything is on the first page. */
export const paging = {
  page: query.natural('Page, counted from 1; absent or 0 is the first.'),
  limit: query.natural('Items per page; absent or 0 means no limit.'),
} as const

export const maxTotal = {
  'max-total': query.natural('Matches after which counting stops, so that `total` is at most this.'),
} as const

export const text = Type.String()
export const flag = Type.Boolean()
export const nullableText = Type.Union([Type.String(), Type.Null()])

/** Number from zero up to 2^53. */
export const natural = Type.Integer({ minimum: 0 })

/** RFC 3339, UTC, to the second. */
export const timestamp = Type.String({ format: 'date-time' })

export const texts = Type.Array(Type.String())

/** A text when there is exactly one value, else an array. */
export const oneOrMany = Type.Union([Type.String(), Type.Array(Type.String())])

/** A choice of words. */
export function words<const W extends readonly string[]>(...choices: W) {
  return Type.Enum<[...W]>(choices, { type: 'string' })
}

export function nullable<S extends TSchema>(schema: S) {
  return Type.Union([schema, Type.Null()])
}

/** A page of items with the number of all matches. */
export function listOf<S extends TSchema>(item: S) {
  return Type.Object({ items: Type.Array(item), total: natural })
}

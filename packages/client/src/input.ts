import type { Endpoint, Input, Output } from '@postern/contract/endpoints'

/** Declared members alone; a declaration as such has an index signature beside them. */
type Declared<I> = { readonly [K in keyof I as string extends K ? never : K]: I[K] }

/** Flags are off when left out. */
type Optional<I> = { readonly [K in keyof I as K extends FlagsOf<I> ? never : K]: I[K] } & {
  readonly [K in keyof I as K extends FlagsOf<I> ? K : never]?: I[K]
}

type FlagsOf<I> = { [K in keyof I]-?: K extends 'body' ? never : [I[K]] extends [boolean] ? K : never }[keyof I]

/** What a call takes: path and query parameters by name, and `body`. */
export type CallInput<E extends Endpoint> = Optional<Declared<Input<E>>>

/** What a call gives; bytes are read whole, streams frame by frame. */
export type ClientOutput<E extends Endpoint> = E extends { readonly output: { readonly kind: 'bytes' } } ? Uint8Array : Output<E>

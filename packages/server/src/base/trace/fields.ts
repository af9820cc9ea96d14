import type { FieldKey } from '@postern/contract'

/**
 * A value of an event. Strings are quoted in log lines; the wrapped kinds say what a bare string or number can't:
 * a static word, an address, a duration, a point in time, an event inside an event.
 */
export type FieldValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Uint8Array
  | { readonly word: string }
  | { readonly ip: string }
  | { readonly ms: number }
  | { readonly time: number }
  | { readonly event: string; readonly text: string; readonly fields: Fields }
  | readonly FieldValue[]

export type Fields = { readonly [key in FieldKey]?: FieldValue }

/** Static text that needs no quotes. */
export const word = (text: string): FieldValue => ({ word: text })
/** An IP address, shown bare. */
export const ip = (address: string | undefined): FieldValue => (address === undefined ? null : { ip: address })
export const durationMs = (ms: number): FieldValue => ({ ms })
/** Unix milliseconds. */
export const timestamp = (time: number): FieldValue => ({ time })
export const bytes = (data: Uint8Array): FieldValue => data
/** An event as the cause or result of another. */
export const nested = (event: string, text: string, fields: Fields = {}): FieldValue => ({ event, text, fields })

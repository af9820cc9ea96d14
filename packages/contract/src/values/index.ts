/**
 * Value types: how the text of a setting becomes a value and how a value becomes text. Every type knows its name, a parser that
 * throws `ValueError` with a sentence for people, a formatter and a JSON Schema of the text form.
 *
 * Nothing here touches a file system, the network or a store: whether a path or an id exists is for the reader to see.
 */
export * from './network.ts'
export * from './patterns.ts'
export * from './scalars.ts'
export { type TextSchema, ValueError, type ValueOf, type ValueType } from './value-type.ts'
export * from './words.ts'

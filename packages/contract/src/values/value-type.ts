/** JSON Schema of the text form of a value, as the management API carries it. */
export interface TextSchema {
  readonly type: 'string'
  readonly pattern?: string
  readonly enum?: readonly string[]
  readonly format?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly description?: string
}

/** Thrown by every parser of this module: a sentence that says what was expected and what was found. */
export class ValueError extends Error {
  override readonly name = 'ValueError'
}

/** One kind of value: how it is read from its stored text, written back, and described. Parsers and formatters need no `this`. */
export interface ValueType<T> {
  /** Short name for documentation and forms: `duration`, `IP address or network`. */
  readonly name: string
  /** Reads the stored text. @throws {ValueError} when the text is no value of this type. */
  parse(text: string): T
  /** Writes a value in its canonical form; `parse` of the result gives an equal value. */
  format(value: T): string
  readonly jsonSchema: TextSchema
  /** Canonical words, for types that are a choice. */
  readonly words?: readonly string[]
}

/** The value type of a type: `ValueOf<typeof duration>` is `number`. */
export type ValueOf<V> = V extends ValueType<infer T> ? T : never

const longestQuote = 80

/** A foreign text inside an error message: quoted, cut, without control characters. */
export function quoted(text: string): string {
  const shown = text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : text
  return `"${shown.replace(/[\u0000-\u001f\u007f]/g, '�')}"`
}

export function expected(what: string, text: string): ValueError {
  return new ValueError(text === '' ? `expected ${what}, found nothing` : `expected ${what}, found ${quoted(text)}`)
}

export type Json = string | number | boolean | null | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [name: string]: Json
}

export interface Components {
  /** The schema in JSON Schema 2020-12; schemas with a title become references. */
  readonly convert: (schema: unknown) => Json
  /** Titled schemas met so far, by title. */
  readonly schemas: () => JsonObject
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The title of a schema; an object of properties may have a property of that name. */
function titleOf(schema: Readonly<Record<string, unknown>>): string | undefined {
  const { title, type, anyOf } = schema
  return typeof title === 'string' && (typeof type === 'string' || Array.isArray(anyOf)) ? title : undefined
}

/** Collects titled schemas while schemas are converted. */
export function createComponents(): Components {
  const named = new Map<string, Json>()

  function convert(schema: unknown): Json {
    if (Array.isArray(schema)) return schema.map(convert)
    if (!isObject(schema)) return schema as Json
    const name = titleOf(schema)
    if (name === undefined) return convertMembers(schema)
    if (!named.has(name)) {
      // Taken before it is filled, so that the order is that of first use.
      named.set(name, null)
      named.set(name, convertMembers(schema))
    }
    return { $ref: `#/components/schemas/${name}` }
  }

  /** Tuples are written the older way by the schema library. */
  function convertMembers(schema: Readonly<Record<string, unknown>>): Json {
    const { items, additionalItems, ...rest } = schema
    const members = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, convert(value)]))
    if (Array.isArray(items)) return { ...members, prefixItems: items.map(convert), items: additionalItems !== false }
    return items === undefined ? members : { ...members, items: convert(items) }
  }

  return { convert, schemas: () => Object.fromEntries([...named].sort(([a], [b]) => (a < b ? -1 : 1))) }
}

import type { Json, JsonObject } from './schemas.ts'

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** JSON with one line per value below the given depth, so that a difference shows what has changed and files stay small. */
export function jsonLines(value: Json, depth: number): string {
  return `${layOut(value, depth, '')}\n`
}

function layOut(value: Json, depth: number, indent: string): string {
  const inner = `${indent}  `
  if (depth > 0 && Array.isArray(value) && value.length > 0) {
    return `[\n${value.map((item: Json) => inner + layOut(item, depth - 1, inner)).join(',\n')}\n${indent}]`
  }
  if (depth > 0 && isObject(value) && Object.keys(value).length > 0) {
    const members = Object.entries(value).map(([key, item]) => `${inner}${JSON.stringify(key)}: ${layOut(item, depth - 1, inner)}`)
    return `{\n${members.join(',\n')}\n${indent}}`
  }
  return JSON.stringify(value)
}

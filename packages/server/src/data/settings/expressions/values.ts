// Values of the expression language and what operators do to them (settings reference, "Expressions").

export type Value = number | string | readonly Value[]

export function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

export function isTrue(value: Value): boolean {
  return typeof value === 'number' ? value !== 0 : value.length > 0
}

/** Text form; array elements are joined with CRLF. */
export function toText(value: Value): string {
  return isArray(value) ? value.map(toText).join('\r\n') : String(value)
}

/** A number, or undefined when a text does not hold one. */
export function toNumber(value: Value): number | undefined {
  if (typeof value === 'number') return value
  if (isArray(value) || value.trim() === '') return undefined
  const number = Number(value)
  return Number.isFinite(number) ? number : undefined
}

export type BinaryOperator = '*' | '/' | '+' | '-' | '<' | '<=' | '>' | '>=' | '==' | '!=' | '^'

export function applyBinary(operator: BinaryOperator, a: Value, b: Value): Value {
  switch (operator) {
    case '+':
      return add(a, b)
    case '-':
      return isArray(a) ? a.filter(item => !isEqual(item, b)) : (toNumber(a) ?? 0) - (toNumber(b) ?? 0)
    case '*':
      return saturate((toNumber(a) ?? 0) * (toNumber(b) ?? 0))
    case '/':
      return toNumber(b) ? (toNumber(a) ?? 0) / (toNumber(b) ?? 1) : 0
    case '^':
      return isTrue(a) !== isTrue(b) ? 1 : 0
    case '==':
      return isEqual(a, b) ? 1 : 0
    case '!=':
      return isEqual(a, b) ? 0 : 1
    case '<':
      return compare(a, b) < 0 ? 1 : 0
    case '<=':
      return compare(a, b) <= 0 ? 1 : 0
    case '>':
      return compare(a, b) > 0 ? 1 : 0
    case '>=':
      return compare(a, b) >= 0 ? 1 : 0
  }
}

function add(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') return saturate(a + b)
  if (isArray(a)) return isArray(b) ? [...a, ...b] : [...a, b]
  if (isArray(b)) return [a, ...b]
  if (a === '') return b
  if (b === '') return a
  return toText(a) + toText(b)
}

function saturate(number: number): number {
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, number))
}

export function isEqual(a: Value, b: Value): boolean {
  if (isArray(a) && isArray(b)) return a.length === b.length && a.every((item, index) => isEqual(item, b[index] ?? ''))
  if (isArray(a) || isArray(b)) return false
  if (typeof a === typeof b) return a === b
  return toNumber(a) === toNumber(b)
}

/** Texts compare as texts, numbers (and texts that hold one) as numbers; a text or array is greater than other kinds. */
export function compare(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  if (isArray(a)) return isArray(b) && isEqual(a, b) ? 0 : 1
  if (isArray(b)) return -1
  const left = toNumber(a)
  const right = toNumber(b)
  if (left !== undefined && right !== undefined) return left - right
  return typeof a === 'string' ? 1 : -1
}

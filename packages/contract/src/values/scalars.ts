import { expected, type ValueType } from './value-type.ts'

/** Any text, as it is. */
export const text: ValueType<string> = {
  name: 'text',
  parse: value => value,
  format: value => value,
  jsonSchema: { type: 'string' },
}

const digits = /^\d+$/

function wholeNumber(source: string, what: string, least: number, most: number): number {
  const trimmed = source.trim()
  const value = digits.test(trimmed) ? Number(trimmed) : Number.NaN
  if (!Number.isSafeInteger(value) || value < least || value > most) throw expected(what, source)
  return value
}

/** Whole number from zero up. */
export const integer: ValueType<number> = {
  name: 'integer',
  parse: source => wholeNumber(source, 'a whole number', 0, Number.MAX_SAFE_INTEGER),
  format: String,
  jsonSchema: { type: 'string', pattern: '^[0-9]+$' },
}

/** Whole number between two bounds, both included. */
export function integerBetween(least: number, most: number): ValueType<number> {
  return {
    name: `integer from ${least} to ${most}`,
    parse: source => wholeNumber(source, `a whole number from ${least} to ${most}`, least, most),
    format: String,
    jsonSchema: { type: 'string', pattern: '^[0-9]+$' },
  }
}

/** Whole number that may be negative. */
export const signedInteger: ValueType<number> = {
  name: 'signed integer',
  parse: source => {
    const trimmed = source.trim()
    const value = /^[-+]?\d+$/.test(trimmed) ? Number(trimmed) : Number.NaN
    if (!Number.isSafeInteger(value)) throw expected('a whole number', source)
    return value === 0 ? 0 : value
  },
  format: String,
  jsonSchema: { type: 'string', pattern: '^[-+]?[0-9]+$' },
}

export const port: ValueType<number> = { ...integerBetween(1, 65535), name: 'port' }

/** Decimal number. */
export const float: ValueType<number> = {
  name: 'decimal number',
  parse: source => {
    const trimmed = source.trim()
    const value = /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(trimmed) ? Number(trimmed) : Number.NaN
    if (!Number.isFinite(value)) throw expected('a decimal number', source)
    return value === 0 ? 0 : value
  },
  format: String,
  jsonSchema: { type: 'string', pattern: '^[-+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][-+]?[0-9]+)?$' },
}

/** `true` or `false`, lower case. */
export const boolean: ValueType<boolean> = {
  name: 'boolean',
  parse: source => {
    if (source === 'true') return true
    if (source === 'false') return false
    throw expected('true or false', source)
  },
  format: String,
  jsonSchema: { type: 'string', enum: ['true', 'false'] },
  words: ['true', 'false'],
}

/** Bytes, a plain number without unit. */
export const size: ValueType<number> = {
  name: 'size',
  parse: source => wholeNumber(source, 'a number of bytes without unit', 0, Number.MAX_SAFE_INTEGER),
  format: String,
  jsonSchema: { type: 'string', pattern: '^[0-9]+$', description: 'bytes' },
}

/** Units of a duration in milliseconds, largest first. */
const durationUnits = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const

/** Milliseconds. Digits and one unit (`d h m s ms`, none = ms); zero is refused, and so is a mixture of units. */
export const duration: ValueType<number> = {
  name: 'duration',
  parse: source => {
    const match = /^(\d+)(d|h|m|s|ms)?$/.exec(source.replaceAll(' ', ''))
    const unit = (match?.[2] ?? 'ms') as keyof typeof durationUnits
    const value = Number(match?.[1] ?? Number.NaN) * durationUnits[unit]
    if (!Number.isSafeInteger(value) || value === 0) throw expected('a duration such as 30s, 5m, 2h or 7d', source)
    return value
  },
  format: formatDuration,
  jsonSchema: { type: 'string', pattern: '^[0-9 ]+(d|h|m|s|ms)?$' },
}

function formatDuration(milliseconds: number): string {
  for (const [unit, factor] of Object.entries(durationUnits)) {
    if (milliseconds % factor === 0) return `${milliseconds / factor}${unit}`
  }
  return `${milliseconds}ms`
}

export function parseDuration(source: string): number {
  return duration.parse(source)
}

const offWords: ReadonlySet<string> = new Set(['', 'false', 'disable', 'disabled', 'never', '0'])

/** A value that can be switched off: empty, `false`, `disable`, `disabled`, `never` (any case) or `0` mean absent. */
export function optional<T>(type: ValueType<T>): ValueType<T | undefined> {
  return {
    name: `${type.name} or off`,
    parse: source => (offWords.has(source.trim().toLowerCase()) ? undefined : type.parse(source)),
    format: value => (value === undefined ? 'false' : type.format(value)),
    jsonSchema: { type: 'string', description: `${type.name}, or one of false, disable, disabled, never, 0 or nothing for off` },
  }
}

export interface Rate {
  readonly count: number
  readonly periodMs: number
}

const unlimitedWords: ReadonlySet<string> = new Set(['false', 'none', 'unlimited'])

/** `count/duration`, at least one per second; `false`, `none` and `unlimited` mean no limit. */
export const rate: ValueType<Rate | undefined> = {
  name: 'rate',
  parse: source => {
    if (unlimitedWords.has(source.trim().toLowerCase())) return undefined
    const slash = source.indexOf('/')
    const count = source.slice(0, Math.max(slash, 0)).trim()
    if (slash < 0 || !digits.test(count) || !Number.isSafeInteger(Number(count)) || Number(count) === 0) {
      throw expected('a rate such as 100/1h', source)
    }
    return { count: Number(count), periodMs: Math.max(duration.parse(source.slice(slash + 1)), 1_000) }
  },
  format: value => (value === undefined ? 'unlimited' : `${value.count}/${formatDuration(value.periodMs)}`),
  jsonSchema: { type: 'string', pattern: '^([0-9 ]+/[0-9 ]+(d|h|m|s|ms)?|false|none|unlimited)$' },
}

/** A plan in local time. An hour left out means every hour, a weekday left out every day; Monday is 1, Sunday 7. */
export interface Cron {
  readonly minute: number
  readonly hour: number | undefined
  readonly weekday: number | undefined
}

/** Three fields `minute hour weekday`: `15 * *` hourly, `0 3 *` daily, `0 3 7` Sundays. */
export const cron: ValueType<Cron> = {
  name: 'schedule',
  parse: source => {
    const fields = source.trim().split(/\s+/)
    const [minuteText = '', hourText = '', weekdayText = ''] = fields
    const minute = cronField(minuteText, 0, 59)
    const hour = cronField(hourText, 0, 23)
    const weekday = cronField(weekdayText, 1, 7)
    const valid = fields.length === 3 && typeof minute === 'number' && hour !== null && weekday !== null
    if (!valid) throw expected('a schedule "minute hour weekday" such as "0 3 *"', source)
    if (weekday !== undefined && hour === undefined) throw expected('an hour in a schedule with a weekday', source)
    return { minute, hour, weekday }
  },
  format: value => `${value.minute} ${value.hour ?? '*'} ${value.weekday ?? '*'}`,
  jsonSchema: { type: 'string', pattern: '^[0-9]+ +([0-9]+|\\*) +([1-7]|\\*)$' },
}

/** The number of a field, undefined for a star, null when it is neither or out of range. */
function cronField(source: string, least: number, most: number): number | undefined | null {
  if (source === '*') return undefined
  const value = digits.test(source) ? Number(source) : -1
  return value >= least && value <= most ? value : null
}

/** Exactly one character. */
export const character: ValueType<string> = {
  name: 'character',
  parse: source => {
    if ([...source].length !== 1) throw expected('exactly one character', source)
    return source
  },
  format: value => value,
  jsonSchema: { type: 'string', minLength: 1, maxLength: 1 },
}

function nonEmpty(name: string, what: string, format?: string): ValueType<string> {
  return {
    name,
    parse: source => {
      if (source.trim() === '') throw expected(what, '')
      return source
    },
    format: value => value,
    jsonSchema: { type: 'string', minLength: 1, ...(format === undefined ? {} : { format }) },
  }
}

/** Path on the server's file system. Whether it exists is for the reader to see. */
export const path: ValueType<string> = nonEmpty('path', 'a path')

/** Id of another record, for example of a store. Whether it exists is for the reader to see. */
export function reference(what: string): ValueType<string> {
  return nonEmpty(`${what} id`, `the id of a ${what}`)
}

/** Hash of a password, in one of the accepted forms, or the password itself. */
export const passwordHash: ValueType<string> = nonEmpty('password hash', 'a password hash')

/** PEM text: certificates or a private key. */
export const pem: ValueType<string> = {
  name: 'PEM',
  parse: source => {
    if (!/-----BEGIN [A-Z0-9 ]+-----/.test(source)) throw expected('PEM text', source)
    return source
  },
  format: value => value,
  jsonSchema: { type: 'string', pattern: '-----BEGIN [A-Z0-9 ]+-----' },
}

/** Absolute URL with one of the given schemes. */
export function urlOf(...schemes: readonly string[]): ValueType<string> {
  const what = `a URL that begins with ${schemes.map(scheme => `${scheme}:`).join(' or ')}`
  const pattern = new RegExp(`^(${schemes.join('|')})://[^\\s]+$`, 'i')
  return {
    name: 'URL',
    parse: source => {
      if (!pattern.test(source)) throw expected(what, source)
      return source
    },
    format: value => value,
    jsonSchema: { type: 'string', format: 'uri' },
  }
}

export const httpUrl: ValueType<string> = urlOf('https', 'http')

import { events, type Level } from '@postern/contract'
import type { Fields, FieldValue } from './fields.ts'
import type { TraceEntry } from './index.ts'

export interface LineStyle {
  /** Colour by ANSI codes; such lines can't be read back by the log API. */
  readonly ansi?: boolean
  /** One field a line; such lines can't be read back by the log API. */
  readonly multiline?: boolean
}

const colours = { error: 31, warn: 33, info: 32, debug: 34, trace: 35 } as const satisfies Record<Level, number>

/** `2025-01-06T12:16:47Z INFO SMTP EHLO command (smtp.ehlo) key = value, …` and a line feed. */
export function formatLine(entry: TraceEntry, { ansi = false, multiline = false }: LineStyle = {}): string {
  if (!ansi && !multiline) return formatPlain(entry)
  const paint = (code: string, text: string): string => (ansi ? `\u001b[${code}m${text}\u001b[0m` : text)
  const time = paint('37', formatTime(entry.time))
  const level = paint(String(colours[entry.level]), levelNames[entry.level])
  const head = `${time} ${level} ${paint('1', events[entry.id].text)} (${entry.id})`
  const pairs: string[] = []
  for (const fields of [entry.spanFields, entry.fields]) collect(fields, pairs, key => paint('36', key))
  return multiline ? `${head}${pairs.map(pair => `\n\t${pair}`).join('')}\n` : `${head} ${pairs.join(', ')}\n`
}

/** The same without colours and breaks, in one go: a message on its way leaves some ten lines. */
function formatPlain({ id, level, time, spanFields, fields }: TraceEntry): string {
  const head = `${formatTime(time)} ${levelNames[level]} ${events[id].text} (${id}) `
  return `${head}${append(append('', spanFields), fields)}\n`
}

function append(text: string, fields: Fields): string {
  let pairs = text
  for (const key in fields) {
    const value = fields[key as keyof Fields]
    if (value !== undefined && key !== 'spanId') pairs += `${pairs === '' ? '' : ', '}${key} = ${formatValue(value)}`
  }
  return pairs
}

const levelNames = { error: 'ERROR', warn: 'WARN', info: 'INFO', debug: 'DEBUG', trace: 'TRACE' } as const satisfies Record<Level, string>

function collect(fields: Fields, into: string[], paintKey: (key: string) => string): void {
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined && key !== 'spanId') into.push(`${paintKey(key)} = ${formatValue(value)}`)
  }
}

/** RFC 3339 in UTC, to the second. */
export function formatTime(unixMs: number): string {
  const second = Math.floor(unixMs / 1000)
  // Lines come in crowds.
  if (second !== lastTime.second) lastTime = { second, text: `${new Date(unixMs).toISOString().slice(0, 19)}Z` }
  return lastTime.text
}

let lastTime: { readonly second: number; readonly text: string } = { second: Number.NaN, text: '' }

function formatValue(value: FieldValue): string {
  if (value === null || value === undefined) return '(null)'
  if (typeof value === 'string') return quote(value)
  if (typeof value !== 'object') return String(value)
  if (value instanceof Uint8Array) return `base64:${Buffer.from(value).toString('base64')}`
  if (isList(value)) return `[${value.map(formatValue).join(', ')}]`
  if ('word' in value) return value.word
  if ('ip' in value) return value.ip
  if ('ms' in value) return `${Math.round(value.ms)}ms`
  if ('time' in value) return formatTime(value.time)
  const pairs: string[] = []
  collect(value.fields, pairs, key => key)
  return pairs.length === 0 ? `${value.text} (${value.event})` : `${value.text} (${value.event}) { ${pairs.join(', ')} }`
}

function isList(value: object): value is readonly FieldValue[] {
  return Array.isArray(value)
}

const escapes: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n', '\t': '\\t', '\\': '\\\\', '"': '\\"' }

/** Quotes are escaped too, so that a value can't forge the fields after it. */
function quote(text: string): string {
  return needsEscape.test(text) ? `"${escaped(text)}"` : `"${text}"`
}

const needsEscape = /[\r\n\t\\"]/

function escaped(text: string): string {
  return text.replace(/[\r\n\t\\"]/g, char => escapes[char] ?? char)
}

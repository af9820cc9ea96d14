import { type EventId, eventIds, isEventId, type Level, levels } from '../events/index.ts'
import { expected, quoted, ValueError, type ValueType } from './value-type.ts'
import { options } from './words.ts'

/** A choice of events: one id, `prefix*`, `*suffix` or `*`. */
export interface EventPattern {
  readonly source: string
  readonly matches: (id: EventId) => boolean
}

export const eventPattern: ValueType<EventPattern> = {
  name: 'event pattern',
  parse: source => {
    const pattern = source.trim()
    if (pattern === '*') return { source: pattern, matches: () => true }
    const inner = pattern.slice(pattern.startsWith('*') ? 1 : 0, pattern.endsWith('*') ? -1 : undefined)
    if (inner.includes('*') || pattern === '') throw expected('an event id, prefix*, *suffix or *', source)
    const matches = (id: EventId) => {
      if (pattern.startsWith('*')) return pattern.endsWith('*') ? id.includes(inner) : id.endsWith(inner)
      return pattern.endsWith('*') ? id.startsWith(inner) : id === inner
    }
    if (!pattern.includes('*') && !isEventId(pattern)) throw new ValueError(`there is no event ${quoted(pattern)}`)
    return { source: pattern, matches }
  },
  format: value => value.source,
  jsonSchema: { type: 'string', pattern: '^\\*?[a-z0-9.-]*\\*?$' },
}

/** Ids of all events one of the patterns chooses, in ordinal order. */
export function matchingEvents(patterns: readonly EventPattern[]): readonly EventId[] {
  return eventIds.filter(id => patterns.some(pattern => pattern.matches(id)))
}

/** Level of a tracer or an event; `disable` matches nothing. */
export const levelOrDisable: ValueType<Level | 'disable'> = options('level', ['disable', ...levels])

/** Recipients a report may be addressed to: `*suffix`, `prefix*` or a full address, all compared in lower case. */
export interface AddressMatch {
  readonly kind: 'suffix' | 'prefix' | 'address'
  readonly text: string
}

export const addressMatch: ValueType<AddressMatch> = {
  name: 'address match',
  parse: source => {
    const pattern = source.trim().toLowerCase()
    if (pattern.startsWith('*') && pattern.length > 1) return { kind: 'suffix', text: pattern.slice(1) }
    if (pattern.endsWith('*') && pattern.length > 1) return { kind: 'prefix', text: pattern.slice(0, -1) }
    if (pattern.includes('@')) return { kind: 'address', text: pattern }
    throw expected('an address, *suffix or prefix*', source)
  },
  format: ({ kind, text }) => (kind === 'suffix' ? `*${text}` : kind === 'prefix' ? `${text}*` : text),
  jsonSchema: { type: 'string', pattern: '^(\\*.+|.+\\*|.+@.*)$' },
}

/** True when the address (any case) is one the match describes. */
export function addressMatches(match: AddressMatch, address: string): boolean {
  const lower = address.toLowerCase()
  if (match.kind === 'suffix') return lower.endsWith(match.text)
  return match.kind === 'prefix' ? lower.startsWith(match.text) : lower === match.text
}

export interface HeaderLine {
  readonly name: string
  readonly value: string
}

/** What frames a message is made with the message (RFC 9110 §7.6.1, §8.6): a second word on it spoils every answer. */
const framingFields = ['connection', 'content-length', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade']

/** `Name: value`, a field of an HTTP message (RFC 9110 §5), in the characters that it may have there. */
export const headerLine: ValueType<HeaderLine> = {
  name: 'HTTP header',
  parse: source => {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*([\t\x20-\x7e\x80-\xff]*)$/.exec(source.trim())
    if (match === null) throw expected('a header "Name: value"', source)
    if (framingFields.includes((match[1] ?? '').toLowerCase())) throw expected('a header that does not frame the message', source)
    return { name: match[1] ?? '', value: (match[2] ?? '').trim() }
  },
  format: value => `${value.name}: ${value.value}`,
  jsonSchema: { type: 'string', pattern: '^[^:\\s]+\\s*:.*$' },
}

/**
 * Every event the server can emit: identifier, default level, text, counters, traces, spans and data keys; and the metrics
 * derived from them. The order of the table is part of the contract: the ordinal of an event is its position.
 *
 * Emitting, filtering and writing events is not done here.
 */
import type { EventDeclaration } from './declaration.ts'
import { deliveryEvents } from './delivery.ts'
import { filtersEvents } from './filters.ts'
import { reportsEvents } from './reports.ts'
import { serverEvents } from './server.ts'
import { sessionsEvents } from './sessions.ts'
import { smtpEvents } from './smtp.ts'
import { storageEvents } from './storage.ts'
import { verificationEvents } from './verification.ts'

export { type EventDeclaration, type Level, levels, type SpanRole } from './declaration.ts'
export { type FieldKey, fieldKeys } from './fields.ts'
export { bucketsOf, histogramBounds, type MetricDeclaration, type MetricId, metricIds, metrics } from './metrics.ts'

const table = {
  ...sessionsEvents,
  ...smtpEvents,
  ...deliveryEvents,
  ...reportsEvents,
  ...filtersEvents,
  ...serverEvents,
  ...verificationEvents,
  ...storageEvents,
} as const

export type EventId = keyof typeof table

/** Identifier (`family.variant`) to declaration, in ordinal order. */
export const events: Readonly<Record<EventId, EventDeclaration>> = table

/** All identifiers; the index of an identifier is its ordinal. */
export const eventIds: readonly EventId[] = Object.keys(table) as EventId[]

/** Events that open a span (one per connection or delivery attempt). */
export const spanOpeningIds: readonly EventId[] = eventIds.filter(id => events[id].span === 'open')

export function isEventId(text: string): text is EventId {
  return Object.hasOwn(table, text)
}

/** Explanation for people: the longer text when there is one, else the short one. */
export function explainEvent(id: EventId): string {
  const { text, details } = events[id]
  return details ?? text
}

/** True for events that have a counter. Raw copies and the ends of spans have none. */
export function isCountedEvent(id: EventId): boolean {
  const { counted, span } = events[id]
  return counted === true && span !== 'close' && span !== 'raw'
}

import type { FieldKey } from './fields.ts'

/** Levels from quiet to noisy. A tracer at level L receives every event whose level is L or quieter. */
export const levels = ['error', 'warn', 'info', 'debug', 'trace'] as const

export type Level = (typeof levels)[number]

/** An event opens a span, closes it, or copies raw bytes of a connection (never counted, never stored in traces). */
export type SpanRole = 'open' | 'close' | 'raw'

export interface EventDeclaration {
  /** Default level; the setting `tracing.level.<id>` overrides it. */
  readonly level: Level
  /** Human text of the log line. Never contains ` (`, because readers of log files split there. */
  readonly text: string
  /** Longer explanation where the text alone is not enough. */
  readonly details?: string
  /** Has a counter. Span-closing events feed gauges and histograms and never increment one, even when set. */
  readonly counted?: boolean
  /** Kept by the built-in trace history. */
  readonly traced?: boolean
  readonly span?: SpanRole
  /** Keys this event brings itself; those of the opening event of its span come on top. */
  readonly fields?: readonly FieldKey[]
}

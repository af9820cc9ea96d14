// Events: the only way the process tells what happens. An event's id, level and text are declared in the contract; this
// module stamps it with time and span and hands it to the tracers (console, log files, later webhooks and metrics).
// Never formats mail, never decides anything by an event, never blocks its caller.
import { type EventId, events, type Level } from '@postern/contract'
import { type Clock, createIdSource } from '#base/clock'
import type { Fields } from './fields.ts'

export {
  bytes,
  durationMs,
  type Fields,
  type FieldValue,
  ip,
  nested,
  timestamp,
  word,
} from './fields.ts'
export { formatLine } from './line.ts'
export { createConsoleTracer, createLogFileTracer, type LogFileOptions, type LogRotation, logFileName } from './tracers.ts'

export interface Trace {
  /** Records one event. Fields keep their order; null shows as `(null)`, undefined is left out. */
  emit(id: EventId, fields?: Fields): void
  /** Opens a span: the opening event's fields are repeated with every event of the span. */
  span(openingId: EventId, fields?: Fields): Span
}

export interface Span extends Trace {
  readonly spanId: number
  /** Adds fields that become known later, for the events that follow. */
  add(fields: Fields): void
  /** Records the closing event, with `elapsed` in milliseconds. A second end is ignored. */
  end(closingId: EventId, fields?: Fields): void
}

/** How loud a tracer is, or what an event's level is replaced by: a level, or nothing at all. */
export type Threshold = Level | 'disable'

/** One event as tracers see it. */
export interface TraceEntry {
  readonly id: EventId
  readonly level: Level
  /** Unix milliseconds. */
  readonly time: number
  readonly spanId: number | undefined
  readonly spanFields: Fields
  readonly fields: Fields
}

/** Takes events. `accept` must return at once: a tracer that writes buffers, with a bound. */
export interface Tracer extends AsyncDisposable {
  readonly level: Threshold
  accept(entry: TraceEntry): void
}

export interface TraceHub extends Trace {
  /** Replaces the tracers; the caller disposes of the old ones. */
  use(tracers: readonly Tracer[]): void
  /** Levels by event id that replace the declared ones; `disable` silences an event everywhere. */
  setLevels(levels: ReadonlyMap<string, Threshold>): void
}

const noFields: Fields = Object.freeze({})

export function createTrace({ clock, tracers = [] }: { clock: Clock; tracers?: readonly Tracer[] }): TraceHub {
  const nextSpanId = createIdSource(clock)
  let current = tracers
  let customLevels: ReadonlyMap<string, Threshold> = new Map()

  function send(id: EventId, fields: Fields, spanId: number | undefined, spanFields: Fields): void {
    const level = customLevels.get(id) ?? events[id].level
    if (level === 'disable') return
    let entry: TraceEntry | undefined
    for (const tracer of current) {
      if (!reaches(level, tracer.level)) continue
      entry ??= { id, level, time: clock.now(), spanId, spanFields, fields }
      tracer.accept(entry)
    }
  }

  function span(openingId: EventId, fields: Fields = noFields): Span {
    const spanId = nextSpanId()
    const startedMs = clock.monotonic()
    let spanFields = fields
    let ended = false
    send(openingId, noFields, spanId, spanFields)
    return {
      spanId,
      span,
      emit: (id, own = noFields) => send(id, own, spanId, spanFields),
      add(more) {
        spanFields = { ...spanFields, ...more }
      },
      end(closingId, own = noFields) {
        if (ended) return
        ended = true
        send(closingId, { ...own, elapsed: { ms: clock.monotonic() - startedMs } }, spanId, spanFields)
      },
    }
  }

  return {
    emit: (id, fields = noFields) => send(id, fields, undefined, noFields),
    span,
    use(tracers) {
      current = tracers
    },
    setLevels(levels) {
      customLevels = levels
    },
  }
}

const rank = { disable: -1, error: 0, warn: 1, info: 2, debug: 3, trace: 4 } as const satisfies Record<Threshold, number>

/** Whether an event of this level is loud enough for a tracer at `limit`. */
export function reaches(level: Level, limit: Threshold): boolean {
  return rank[level] <= rank[limit]
}

/** A trace that nobody reads; for tools that have no log. */
export const silentTrace: Trace = {
  emit: () => {},
  span: () => silentSpan,
}
const silentSpan: Span = { ...silentTrace, spanId: 0, add: () => {}, end: () => {} }

export type { EventId }

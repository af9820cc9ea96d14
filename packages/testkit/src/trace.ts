import type { Fields, Span, Trace } from '@postern/server/base/trace'

export interface RecordedEvent {
  readonly id: string
  readonly fields: Fields
}

export interface RecordingTrace extends Trace {
  readonly events: readonly RecordedEvent[]
  /** Events of one id. */
  of(id: string): readonly RecordedEvent[]
}

/** Keeps every event, those of spans too. */
export function createRecordingTrace(): RecordingTrace {
  const events: RecordedEvent[] = []
  let spans = 0
  const emit: Trace['emit'] = (id, fields = {}) => {
    events.push({ id, fields })
  }
  const span: Trace['span'] = (openingId, fields = {}): Span => {
    emit(openingId, fields)
    return { spanId: ++spans, emit, span, add: () => {}, end: emit }
  }
  return { events, emit, span, of: id => events.filter(event => event.id === id) }
}

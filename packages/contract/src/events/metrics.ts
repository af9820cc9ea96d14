/** Upper bounds of histogram buckets; one more, open bucket follows. A value equal to a bound falls into the next bucket. */
export const histogramBounds = {
  sizes: [500, 1_000, 10_000, 100_000, 1_000_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 500_000_000],
  short: [5, 10, 50, 100, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000],
  medium: [250, 500, 1_000, 5_000, 10_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000, 18_000_000],
  long: [1_000, 30_000, 300_000, 600_000, 1_800_000, 3_600_000, 14_400_000, 28_800_000, 43_200_000, 86_400_000, 604_800_000],
} as const satisfies Record<string, readonly number[]>

export interface MetricDeclaration {
  readonly kind: 'histogram' | 'gauge'
  readonly unit: 'milliseconds' | 'bytes' | 'connections' | 'messages' | 'users' | 'domains'
  /** Bucket class, for histograms. */
  readonly bounds?: keyof typeof histogramBounds
  /** Where the observations come from. */
  readonly source: string
}

const table = {
  'message-ingest.time': {
    kind: 'histogram',
    unit: 'milliseconds',
    bounds: 'short',
    source: 'elapsed of message-ingest.ham, .spam, .imap-append, .jmap-append',
  },
  'message-ingest.index-time': { kind: 'histogram', unit: 'milliseconds', bounds: 'short', source: 'elapsed of task-queue.index' },
  'delivery.total-time': {
    kind: 'histogram',
    unit: 'milliseconds',
    bounds: 'long',
    source: 'elapsed of delivery.completed: queue entry to final outcome',
  },
  'delivery.attempt-time': { kind: 'histogram', unit: 'milliseconds', bounds: 'medium', source: 'elapsed of delivery.attempt-end' },
  'message.size': { kind: 'histogram', unit: 'bytes', bounds: 'sizes', source: 'size of queue.queue-message' },
  'message.authenticated-size': { kind: 'histogram', unit: 'bytes', bounds: 'sizes', source: 'size of queue.queue-message-authenticated' },
  'outgoing-report.size': { kind: 'histogram', unit: 'bytes', bounds: 'sizes', source: 'size of queue.queue-report' },
  'store.data-read-time': { kind: 'histogram', unit: 'milliseconds', bounds: 'short', source: 'elapsed of store.data-iterate' },
  'store.data-write-time': { kind: 'histogram', unit: 'milliseconds', bounds: 'short', source: 'elapsed of store.data-write' },
  'store.blob-read-time': { kind: 'histogram', unit: 'milliseconds', bounds: 'short', source: 'elapsed of store.blob-read' },
  'store.blob-write-time': { kind: 'histogram', unit: 'milliseconds', bounds: 'short', source: 'elapsed of store.blob-write' },
  'dns.lookup-time': {
    kind: 'histogram',
    unit: 'milliseconds',
    bounds: 'short',
    source: 'elapsed above zero of delivery.mx-lookup, .ip-lookup, .null-mx and all tls-rpt, mta-sts, dane events',
  },
  'http.request-time': { kind: 'histogram', unit: 'milliseconds', bounds: 'medium', source: 'elapsed of http.connection-end' },
  'imap.request-time': { kind: 'histogram', unit: 'milliseconds', bounds: 'medium', source: 'elapsed of imap.connection-end' },
  'pop3.request-time': { kind: 'histogram', unit: 'milliseconds', bounds: 'medium', source: 'elapsed of pop3.connection-end' },
  'smtp.request-time': { kind: 'histogram', unit: 'milliseconds', bounds: 'medium', source: 'elapsed of smtp.connection-end' },
  'sieve.request-time': { kind: 'histogram', unit: 'milliseconds', bounds: 'medium', source: 'elapsed of manage-sieve.connection-end' },
  'http.active-connections': { kind: 'gauge', unit: 'connections', source: 'open http spans' },
  'imap.active-connections': { kind: 'gauge', unit: 'connections', source: 'open imap spans' },
  'pop3.active-connections': { kind: 'gauge', unit: 'connections', source: 'open pop3 spans' },
  'smtp.active-connections': { kind: 'gauge', unit: 'connections', source: 'open smtp spans' },
  'sieve.active-connections': { kind: 'gauge', unit: 'connections', source: 'open manage-sieve spans' },
  'delivery.active-connections': { kind: 'gauge', unit: 'connections', source: 'open delivery attempts' },
  'server.memory': { kind: 'gauge', unit: 'bytes', source: 'resident memory of the process' },
  'queue.count': {
    kind: 'gauge',
    unit: 'messages',
    source: 'messages in the queue: +1 on every queue.queue-*, -1 on delivery.completed, re-based by the periodic count',
  },
  'user.count': { kind: 'gauge', unit: 'users', source: 'individual principals, recounted at most daily' },
  'domain.count': { kind: 'gauge', unit: 'domains', source: 'domain principals, recounted at most daily' },
} as const satisfies Record<string, MetricDeclaration>

export type MetricId = keyof typeof table

/** Metrics besides the event counters: histograms and gauges. */
export const metrics: Readonly<Record<MetricId, MetricDeclaration>> = table

export const metricIds: readonly MetricId[] = Object.keys(table) as MetricId[]

/** Upper bounds of a histogram, empty for a gauge. */
export function bucketsOf(id: MetricId): readonly number[] {
  const { bounds } = metrics[id]
  return bounds === undefined ? [] : histogramBounds[bounds]
}

import Type from 'typebox'
import { endpoint } from './endpoint.ts'
import { data, listOf, natural, paging, path, query, text, timestamp, words } from './parts.ts'

const logLine = Type.Object(
  { timestamp, level: words('ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'), event: text, event_id: text, details: text },
  { title: 'LogLine' },
)

export const listLogs = endpoint({
  id: 'listLogs',
  method: 'GET',
  path: '/api/logs',
  access: 'logs-view',
  impact: 'read',
  query: { filter: query.text('Text that must occur in the line.'), ...paging },
  output: data(listOf(logLine)),
  errors: ['unsupported', 'other'],
  summary: 'Read the log, latest line first',
  doc: 'At most 10000 lines a page, 100 when no limit is given. `total` is exact when the end was reached, else large enough for a next page.',
})

const eventData = Type.Record(Type.String(), Type.Unknown(), { description: 'Data keys in camel case.' })

const traceEvent = Type.Object({ text, details: text, createdAt: timestamp, type: text, data: eventData }, { title: 'TraceEvent' })

const spanSummary = Type.Object({ createdAt: timestamp, type: text, data: eventData }, { title: 'SpanSummary' })

export const getTracingToken = endpoint({
  id: 'getTracingToken',
  method: 'GET',
  path: '/api/telemetry/live/tracing-token',
  access: 'tracing-live',
  impact: 'read',
  output: data(text),
  summary: 'Get a token for the live trace, good for a minute',
})

export const getMetricsToken = endpoint({
  id: 'getMetricsToken',
  method: 'GET',
  path: '/api/telemetry/live/metrics-token',
  access: 'metrics-live',
  impact: 'read',
  output: data(text),
  summary: 'Get a token for live metrics, good for a minute',
})

export const listTraces = endpoint({
  id: 'listTraces',
  method: 'GET',
  path: '/api/telemetry/traces',
  access: 'tracing-list',
  impact: 'read',
  query: {
    type: query.text('Id of the opening event.'),
    queue_id: query.natural('Queue id the span mentions.'),
    filter: query.text('Words with which an address, domain, host or IP of the span begins; in quotes the whole value.'),
    before: query.timestamp('Spans that began before this.'),
    after: query.timestamp('Spans that began after this.'),
    values: query.flag('Give the main event of each span instead of its id.'),
    ...paging,
  },
  output: data(Type.Object({ items: Type.Union([Type.Array(natural), Type.Array(spanSummary)]), total: natural })),
  errors: ['unsupported'],
  summary: 'List stored spans, newest first',
})

export const getTrace = endpoint({
  id: 'getTrace',
  method: 'GET',
  path: ['/api/telemetry/trace/{id}', '/api/telemetry/trace'],
  access: 'tracing-get',
  impact: 'read',
  params: { id: path.optionalText('Id of the span, or several separated by commas. Also taken from the query.') },
  output: data(Type.Union([Type.Array(traceEvent), Type.Array(Type.Array(traceEvent))])),
  errors: ['unsupported'],
  summary: 'Get the events of a stored span, oldest first',
  doc: 'Several ids, or the query form, give one list per span. An unknown id gives an empty list.',
})

export const streamTraces = endpoint({
  id: 'streamTraces',
  method: 'GET',
  path: '/api/telemetry/traces/live',
  access: 'tracing-live',
  streamToken: 'live-tracing',
  impact: 'read',
  query: { filter: query.text('Text that must occur in any value.'), token: query.text('Token instead of a login.') },
  otherQuery: 'Any data key in kebab or camel case with a text its value must contain; several must all match.',
  output: {
    kind: 'events',
    events: { trace: Type.Array(traceEvent), ping: Type.Object({ interval: natural }) },
  },
  summary: 'Watch events as they happen',
  doc: 'Once an event of a span matches, the rest of the span follows. At most one frame a second, a ping after 30 seconds of silence.',
})

const counted = { id: text, timestamp } as const

const metricSample = Type.Union(
  [
    Type.Object({ type: words('counter', 'gauge'), ...counted, value: Type.Number() }),
    Type.Object({ type: Type.Literal('histogram'), ...counted, count: natural, sum: Type.Number() }),
  ],
  { title: 'MetricSample' },
)

export const listMetrics = endpoint({
  id: 'listMetrics',
  method: 'GET',
  path: '/api/telemetry/metrics',
  access: 'metrics-list',
  impact: 'read',
  query: { before: query.timestamp('Samples before this.'), after: query.timestamp('Samples from this on.') },
  output: data(Type.Array(metricSample)),
  errors: ['other'],
  summary: 'List stored samples of metrics by time',
  doc: 'Counters and histograms tell the increase since the sample before.',
})

const liveMetric = Type.Union(
  [
    Type.Object({ id: text, type: words('counter', 'gauge'), value: Type.Number() }),
    Type.Object({ id: text, type: Type.Literal('histogram'), count: natural, sum: Type.Number() }),
  ],
  { title: 'LiveMetric' },
)

export const streamMetrics = endpoint({
  id: 'streamMetrics',
  method: 'GET',
  path: '/api/telemetry/metrics/live',
  access: 'metrics-live',
  streamToken: 'live-metrics',
  impact: 'read',
  query: {
    metrics: query.names('Ids of events and metrics; all when absent.'),
    interval: query.natural('Seconds between frames; 30 when absent.'),
    token: query.text('Token instead of a login.'),
  },
  output: { kind: 'events', events: { metrics: Type.Array(liveMetric) } },
  summary: 'Watch metrics',
  doc: 'Totals since the start, at once and then at every interval.',
})

export const getContract = endpoint({
  id: 'getContract',
  method: 'GET',
  path: '/api/schema',
  access: 'login',
  impact: 'read',
  output: data(Type.Record(Type.String(), Type.Unknown())),
  summary: 'Get everything that exists as one document: settings, permissions, events, endpoints, errors',
})

export const getOpenApi = endpoint({
  id: 'getOpenApi',
  method: 'GET',
  path: '/api/openapi.json',
  access: 'login',
  impact: 'read',
  output: { kind: 'json', schema: Type.Record(Type.String(), Type.Unknown()) },
  summary: 'Get the OpenAPI description of this interface',
})

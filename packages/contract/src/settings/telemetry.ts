import { results } from '../expressions/index.ts'
import * as v from '../values/index.ts'
import { expression, family, list, map, value } from './family.ts'

/** Receivers of events by record, found by `type`; one console and one journal at most. */
export const tracer = family('tracer', 'live', {
  '<id>.type': value(
    v.options('tracer type', ['log', 'stdout', 'journal', 'otel'], { console: 'stdout', stderr: 'stdout', 'open-telemetry': 'otel' }),
    { required: true, doc: 'Log files, the console, the system journal, or OpenTelemetry.' },
  ),
  '<id>.enable': value(v.boolean, { default: 'true', doc: 'Use the tracer.' }),
  '<id>.level': value(v.levelOrDisable, { default: 'info', doc: 'Noisiest level it receives.' }),
  '<id>.lossy': value(v.boolean, { default: 'false', doc: 'Drop events when it cannot follow.' }),
  '<id>.disabled-events': list(v.eventPattern, { doc: 'Events it does not receive.' }),
  '<id>.path': value(v.path, { doc: 'log: folder; needed.' }),
  '<id>.prefix': value(v.text, { default: 'postern', doc: 'log: first part of file names.' }),
  '<id>.rotate': value(v.options('rotation', ['daily', 'hourly', 'minutely', 'never']), {
    default: 'daily',
    doc: 'log: when a new file is begun.',
  }),
  '<id>.ansi': value(v.boolean, {
    defaultsBy: { by: 'type', values: { log: 'false', stdout: 'true' } },
    doc: 'log, console: use colours. Coloured files cannot be read back.',
  }),
  '<id>.multiline': value(v.boolean, { default: 'false', doc: 'log, console: one line per key. Such files cannot be read back.' }),
  '<id>.buffered': value(v.boolean, { default: 'true', doc: 'console: write in blocks.' }),
  '<id>.transport': value(v.options('OpenTelemetry transport', ['grpc', 'http']), { doc: 'otel: transport; needed.' }),
  '<id>.endpoint': value(v.httpUrl, { doc: 'otel: where data go; needed for http.' }),
  '<id>.headers': list(v.headerLine, { secret: true, doc: 'otel: fields added to each http request.' }),
  '<id>.timeout': value(v.duration, { default: '10s', doc: 'otel: longest request.' }),
  '<id>.throttle': value(v.duration, { default: '1s', doc: 'otel: shortest time between two requests.' }),
  '<id>.enable.log-exporter': value(v.boolean, { default: 'true', doc: 'otel: send log records.' }),
  '<id>.enable.span-exporter': value(v.boolean, { default: 'true', doc: 'otel: send spans.' }),
})

/** Levels of events and the trace history. */
export const tracing = family('tracing', 'live', {
  level: map(v.levelOrDisable, {
    defaultDoc: 'as declared with the event',
    doc: 'Level of each event, by event id; disable silences it everywhere.',
  }),
  'history.enable': value(v.boolean, { default: 'false', doc: 'Keep traces of sessions and deliveries.' }),
  'history.store': value(v.reference('store'), { doc: 'Store of the traces; needed.' }),
  'history.retention': value(v.optional(v.duration), { default: '30d', doc: 'How long traces are kept; off keeps them all.' }),
})

/** Metrics: counters of events, gauges, histograms; where they go, and alerts. */
export const metrics = family('metrics', 'live', {
  'disabled-events': list(v.eventPattern, { doc: 'Events that are not counted.' }),
  'prometheus.enable': value(v.boolean, { default: 'false', doc: 'Serve metrics to Prometheus.' }),
  'prometheus.auth.username': value(v.text, { doc: 'Login Prometheus has to give; without it none is asked for.' }),
  'prometheus.auth.secret': value(v.text, { secret: true, doc: 'Password Prometheus has to give.' }),
  'open-telemetry.transport': value(v.options('OpenTelemetry transport', ['disable', 'grpc', 'http']), {
    default: 'disable',
    doc: 'Transport to a collector.',
  }),
  'open-telemetry.endpoint': value(v.httpUrl, { doc: 'Where metrics go; needed for http.' }),
  'open-telemetry.headers': list(v.headerLine, { secret: true, doc: 'Fields added to each http request.' }),
  'open-telemetry.timeout': value(v.duration, { default: '10s', doc: 'Longest request.' }),
  'open-telemetry.interval': value(v.duration, { default: '1m', doc: 'Time between two requests.' }),
  'history.enable': value(v.boolean, { default: 'false', doc: 'Keep samples of metrics.' }),
  'history.store': value(v.reference('store'), { doc: 'Store of the samples; needed.' }),
  'history.retention': value(v.optional(v.duration), { default: '90d', doc: 'How long samples are kept; off keeps them all.' }),
  'history.interval': value(v.cron, { default: '0 * *', doc: 'When a sample is taken.' }),
  'alerts.<id>.enable': value(v.boolean, { default: 'false', doc: 'Watch the condition.' }),
  'alerts.<id>.condition': expression('metric', results.boolean, { bare: true, required: true, doc: 'What sets the alert off.' }),
  'alerts.<id>.notify.event.enable': value(v.boolean, { default: 'false', doc: 'Emit an event.' }),
  'alerts.<id>.notify.event.message': value(v.text, { doc: 'Text of the event; `%{name}%` stands for the value of an event or metric.' }),
  'alerts.<id>.notify.email.enable': value(v.boolean, { default: 'false', doc: 'Send mail.' }),
  'alerts.<id>.notify.email.from-addr': value(v.text, { doc: 'Address of the sender; needed for mail.' }),
  'alerts.<id>.notify.email.from-name': value(v.text, { doc: 'Display name of the sender.' }),
  'alerts.<id>.notify.email.to': list(v.text, { doc: 'Recipients; needed for mail.' }),
  'alerts.<id>.notify.email.subject': value(v.text, { doc: 'Subject, a template; needed for mail.' }),
  'alerts.<id>.notify.email.body': value(v.text, { doc: 'Text, a template; needed for mail.' }),
})

/** Receivers of events over HTTP by record, found by `url`. */
export const webhook = family('webhook', 'live', {
  '<id>.url': value(v.httpUrl, { required: true, doc: 'Where events are posted.' }),
  '<id>.events': list(v.eventPattern, { doc: 'Events it receives; without any the record does nothing.' }),
  '<id>.timeout': value(v.duration, { default: '30s', doc: 'Longest request.' }),
  '<id>.throttle': value(v.duration, { default: '1s', doc: 'Shortest time between two requests.' }),
  '<id>.discard-after': value(v.duration, { default: '5m', doc: 'Age at which undelivered events are dropped.' }),
  '<id>.signature-key': value(v.text, { secret: true, doc: 'Key of the HMAC-SHA256 signature in `X-Signature`.' }),
  '<id>.headers': list(v.headerLine, { secret: true, doc: 'Fields added to each request.' }),
  '<id>.auth.username': value(v.text, { doc: 'Login for HTTP Basic.' }),
  '<id>.auth.secret': value(v.text, { secret: true, doc: 'Password for HTTP Basic.' }),
  '<id>.auth.token': value(v.text, { secret: true, doc: 'Bearer token, used when there is no login for HTTP Basic.' }),
  '<id>.allow-invalid-certs': value(v.boolean, { default: 'false', doc: 'Do not check the certificate of the receiver.' }),
  '<id>.lossy': value(v.boolean, { default: 'false', doc: 'Drop events when the receiver cannot follow.' }),
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  bucketsOf,
  eventIds,
  events,
  explainEvent,
  fieldKeys,
  histogramBounds,
  isCountedEvent,
  isEventId,
  type Level,
  matchingEvents,
  metricIds,
  metrics,
  spanOpeningIds,
  values,
} from '../index.ts'

const declared = eventIds.map(id => [id, events[id]] as const)

test('556 events in 43 families, families in one piece', () => {
  assert.equal(eventIds.length, 556)
  const families = eventIds.map(id => id.slice(0, id.indexOf('.')))
  const runs = families.filter((family, index) => family !== families[index - 1])
  assert.equal(runs.length, 43)
  assert.deepEqual([...new Set(runs)], runs)
})

test('ordinals of events stay where they are', () => {
  for (const [id, ordinal] of [
    ['http.connection-start', 0],
    ['security.authentication-ban', 7],
    ['imap.connection-start', 35],
    ['ai.api-error', 555],
  ] as const) {
    assert.equal(eventIds.indexOf(id), ordinal)
  }
})

test('levels, counters and traces have the published totals', () => {
  const count = (level: Level) => declared.filter(([, event]) => event.level === level).length
  assert.deepEqual([count('error'), count('warn'), count('info'), count('debug'), count('trace')], [39, 57, 181, 249, 30])
  assert.equal(declared.filter(([, { counted }]) => counted).length, 309)
  assert.equal(declared.filter(([, { traced }]) => traced).length, 280)
})

test('six spans are opened and closed', () => {
  const closing = declared.filter(([, { span }]) => span === 'close').map(([id]) => id)
  assert.equal(spanOpeningIds.length, 6)
  assert.deepEqual(
    closing,
    spanOpeningIds.map(id => id.replace('-start', '-end')),
  )
})

test('ends of spans and raw bytes are never counted', () => {
  assert.ok(isCountedEvent('imap.connection-start'))
  assert.ok(!isCountedEvent('imap.connection-end'))
  for (const [id, { span, traced }] of declared) if (span === 'raw') assert.ok(!isCountedEvent(id) && !traced, id)
})

test('readers of log files can split every line at the parenthesis', () => {
  for (const [id, { text }] of declared) {
    assert.ok(!text.includes(' ('), id)
    assert.match(text, /^\S[^\r\n]*\S$/, id)
  }
})

test('65 data keys; events use declared ones, once each', () => {
  assert.equal(fieldKeys.length, 65)
  assert.equal(new Set(fieldKeys).size, 65)
  for (const [id, { fields = [] }] of declared) assert.equal(new Set(fields).size, fields.length, id)
})

test('27 metrics; bounds ascend, gauges have none', () => {
  assert.equal(metricIds.length, 27)
  for (const bounds of Object.values(histogramBounds)) {
    assert.equal(bounds.length, 11)
    assert.deepEqual(
      [...bounds].sort((a, b) => a - b),
      bounds,
    )
  }
  for (const id of metricIds) assert.equal(bucketsOf(id).length, metrics[id].kind === 'gauge' ? 0 : 11, id)
  assert.deepEqual(
    metricIds.filter(id => isEventId(id)),
    [],
  )
})

test('an event without longer explanation is explained by its text', () => {
  assert.equal(explainEvent('smtp.quit'), events['smtp.quit'].text)
  assert.notEqual(explainEvent('smtp.connection-start'), events['smtp.connection-start'].text)
})

test('event patterns choose by id, prefix, suffix or all', () => {
  const chosen = (...patterns: string[]) => matchingEvents(patterns.map(values.eventPattern.parse))
  assert.deepEqual(chosen('spf.pass'), ['spf.pass'])
  assert.equal(chosen('spf.*').length, 7)
  assert.ok(chosen('*.error').includes('ai.api-error') === false && chosen('*.error').includes('imap.error'))
  assert.equal(chosen('*').length, 556)
  assert.deepEqual(chosen(), [])
  assert.throws(() => values.eventPattern.parse('spf.passs'), /no event "spf.passs"/)
  assert.throws(() => values.eventPattern.parse('s*f'), /expected an event id/)
})

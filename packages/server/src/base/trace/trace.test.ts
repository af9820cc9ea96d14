import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Clock, sleepWith } from '#base/clock'
import { createConsoleTracer, createLogFileTracer, createTrace, durationMs, ip, nested, timestamp, word } from './index.ts'

function clockAt(iso: string): Clock & { set(iso: string): void; fire(): void } {
  let now = Date.parse(iso)
  const timers = new Set<() => void>()
  const clock: Clock & { set(iso: string): void; fire(): void } = {
    now: () => now,
    monotonic: () => now,
    after: (_ms, run) => {
      timers.add(run)
      return { cancel: () => timers.delete(run) }
    },
    sleep: (ms, signal) => sleepWith(clock, ms, signal),
    set: to => {
      now = Date.parse(to)
    },
    fire: () => {
      const due = [...timers]
      timers.clear()
      for (const run of due) run()
    },
  }
  return clock
}

const start = '2025-01-06T12:16:47.512Z'

test('a line has time, level, text, id, then the fields of the span and of the event', () => {
  const clock = clockAt(start)
  const lines: string[] = []
  const trace = createTrace({ clock, tracers: [createConsoleTracer({ level: 'trace', write: line => lines.push(line) })] })
  const span = trace.span('smtp.connection-start', { listenerId: 'smtp', remoteIp: ip('192.0.2.1'), remotePort: 4711 })
  span.emit('smtp.ehlo', { domain: 'mail.example.org' })
  clock.set('2025-01-06T12:16:48Z')
  span.end('smtp.connection-end')
  span.end('smtp.connection-end')
  assert.equal(lines.length, 3)
  assert.match(
    lines[1] ?? '',
    /^2025-01-06T12:16:47Z [A-Z]+ [^(]+ \(smtp\.ehlo\) listenerId = "smtp", remoteIp = 192\.0\.2\.1, remotePort = 4711, domain = "mail\.example\.org"\n$/,
  )
  assert.match(lines[2] ?? '', /remotePort = 4711, elapsed = 488ms\n$/)
})

test('every kind of value has its form, and a value cannot forge a field', () => {
  const lines: string[] = []
  const trace = createTrace({ clock: clockAt(start), tracers: [createConsoleTracer({ level: 'trace', write: line => lines.push(line) })] })
  trace.emit('smtp.error', {
    details: word('Too long'),
    reason: 'a "b", code = 1\r\n\tc\\',
    code: 550,
    strict: false,
    elapsed: durationMs(12.4),
    expires: timestamp(Date.parse('2025-02-01T00:00:00Z')),
    contents: Buffer.from('hi'),
    to: ['x', 1],
    hostname: null,
    domain: undefined,
    causedBy: nested('smtp.error', 'SMTP error', { code: 1 }),
  })
  assert.match(
    lines[0] ?? '',
    /\(smtp\.error\) details = Too long, reason = "a \\"b\\", code = 1\\r\\n\\tc\\\\", code = 550, strict = false, elapsed = 12ms, expires = 2025-02-01T00:00:00Z, contents = base64:aGk=, to = \["x", 1\], hostname = \(null\), causedBy = SMTP error \(smtp\.error\) \{ code = 1 \}\n$/,
  )
  trace.emit('smtp.error')
  assert.match(lines[1] ?? '', /\(smtp\.error\) \n$/)
})

test('a tracer gets only events that are loud enough, and levels can be replaced', () => {
  const lines: string[] = []
  const trace = createTrace({ clock: clockAt(start), tracers: [createConsoleTracer({ level: 'info', write: line => lines.push(line) })] })
  trace.setLevels(
    new Map([
      ['smtp.noop', 'error'],
      ['smtp.error', 'disable'],
      ['smtp.rset', 'trace'],
    ]),
  )
  trace.emit('smtp.noop')
  trace.emit('smtp.error')
  trace.emit('smtp.rset')
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', / ERROR /)
})

test('log files rotate by the UTC day and are appended to', async () => {
  const path = await mkdtemp(join(tmpdir(), 'log-'))
  try {
    const clock = clockAt('2025-01-06T23:59:59Z')
    await writeFile(join(path, 'postern.log.2025-01-06'), 'before\n')
    const tracer = createLogFileTracer({ level: 'trace', path, prefix: 'postern.log', rotate: 'daily', clock })
    const trace = createTrace({ clock, tracers: [tracer] })
    trace.emit('server.startup')
    await tracer[Symbol.asyncDispose]()
    const next = createLogFileTracer({ level: 'trace', path, prefix: 'postern.log', rotate: 'daily', clock })
    trace.use([next])
    clock.set('2025-01-07T00:00:01Z')
    trace.emit('server.shutdown')
    await next[Symbol.asyncDispose]()
    assert.deepEqual((await readdir(path)).sort(), ['postern.log.2025-01-06', 'postern.log.2025-01-07'])
    assert.match(
      await readFile(join(path, 'postern.log.2025-01-06'), 'utf8'),
      /^before\n2025-01-06T23:59:59Z [^\n]*\(server\.startup\) [^\n]*\n$/,
    )
    assert.match(await readFile(join(path, 'postern.log.2025-01-07'), 'utf8'), /server\.shutdown/)
  } finally {
    await rm(path, { recursive: true })
  }
})

test('a log file that cannot be opened is tried again, and what waited is written', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'log-'))
  try {
    const path = join(folder, 'logs')
    await writeFile(path, 'a file where the folder should be')
    const clock = clockAt(start)
    let failed: () => void = () => {}
    const failure = new Promise<void>(resolve => {
      failed = resolve
    })
    const tracer = createLogFileTracer({ level: 'trace', path, prefix: 'x', rotate: 'never', clock, onError: () => failed() })
    createTrace({ clock, tracers: [tracer] }).emit('server.startup')
    await failure
    await rm(path)
    clock.fire()
    await tracer[Symbol.asyncDispose]()
    assert.match(await readFile(join(path, 'x'), 'utf8'), /server\.startup/)
  } finally {
    await rm(folder, { recursive: true })
  }
})

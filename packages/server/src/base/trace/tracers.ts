import { createWriteStream, type WriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Timer } from '#base/clock'
import type { Threshold, TraceEntry, Tracer } from './index.ts'
import { formatLine, type LineStyle } from './line.ts'

/** Writes lines to a stream that the process got from outside (standard output or error). */
export function createConsoleTracer({
  level,
  write,
  style,
}: {
  level: Threshold
  write: (text: string) => void
  style?: LineStyle
}): Tracer {
  return {
    level,
    accept: entry => write(formatLine(entry, style)),
    [Symbol.asyncDispose]: async () => {},
  }
}

export type LogRotation = 'daily' | 'hourly' | 'minutely' | 'never'

export interface LogFileOptions {
  readonly level: Threshold
  /** Folder of the files; made when missing. */
  readonly path: string
  readonly prefix: string
  readonly rotate: LogRotation
  readonly style?: LineStyle
  readonly clock: Clock
  /** Told once per outage, by code of the file system. */
  readonly onError?: (error: Error) => void
}

const maxBufferedBytes = 8 * 1024 * 1024
const retryAfterMs = 1000
/** Between two writes: each costs as much as formatting a hundred lines. */
const leastPauseMs = 10

/** Name of the log file for a point in time; the suffix is UTC. */
export function logFileName(prefix: string, rotate: LogRotation, unixMs: number): string {
  const iso = new Date(unixMs).toISOString()
  const suffix = { daily: iso.slice(0, 10), hourly: iso.slice(0, 13), minutely: iso.slice(0, 16), never: '' }[rotate]
  return suffix === '' ? prefix : `${prefix}.${suffix}`
}

/**
 * Appends lines to rotating files. While the file can't be written, lines wait (up to 8 MiB, then new ones are dropped) and the
 * file is tried again every second.
 */
export function createLogFileTracer({ level, path, prefix, rotate, style, clock, onError }: LogFileOptions): Tracer {
  let waiting: string[] = []
  let waitingBytes = 0
  let fileName = ''
  let stream: WriteStream | undefined
  let opening: Promise<void> | undefined
  let retry: Timer | undefined
  let pause: Timer | undefined
  let writtenMs = Number.NEGATIVE_INFINITY
  let failing = false
  let draining = false
  let closed = false

  function fail(error: Error): void {
    stream?.destroy()
    stream = undefined
    fileName = ''
    draining = false
    if (!failing) onError?.(error)
    failing = true
    if (!closed) retry ??= clock.after(retryAfterMs, flushAgain)
  }

  function flushAfterPause(): void {
    pause = undefined
    flush()
  }

  function flushAgain(): void {
    retry = undefined
    draining = false
    flush()
  }

  async function open(name: string): Promise<void> {
    await close()
    await mkdir(path, { recursive: true })
    const opened = createWriteStream(join(path, name), { flags: 'a' })
    await new Promise<void>((resolve, reject) => opened.once('open', () => resolve()).once('error', reject))
    opened.on('error', fail)
    stream = opened
    fileName = name
    failing = false
  }

  async function close(): Promise<void> {
    const old = stream
    stream = undefined
    if (old !== undefined) await new Promise<void>(resolve => (old.destroyed ? resolve() : old.end(() => resolve())))
  }

  function flush(): void {
    if (waiting.length === 0 || opening !== undefined || retry !== undefined) return
    const name = logFileName(prefix, rotate, clock.now())
    if (stream !== undefined && name === fileName) {
      if (stream.writableNeedDrain) {
        if (!draining) stream.once('drain', flushAgain)
        draining = true
        return
      }
      stream.write(waiting.join(''))
      writtenMs = clock.monotonic()
      waiting = []
      waitingBytes = 0
      return
    }
    opening = open(name)
      .catch(fail)
      .finally(() => {
        opening = undefined
        flush()
      })
  }

  return {
    level,
    accept(entry: TraceEntry) {
      const line = formatLine(entry, style)
      if (closed || waitingBytes + line.length > maxBufferedBytes) return
      waiting.push(line)
      waitingBytes += line.length
      if (waiting.length > 1) return
      // One write per turn of the event loop, however many events it brought; and not many turns in a row.
      const restMs = writtenMs + leastPauseMs - clock.monotonic()
      if (restMs <= 0) queueMicrotask(flush)
      else pause ??= clock.after(restMs, flushAfterPause)
    },
    async [Symbol.asyncDispose]() {
      flush()
      await opening
      flush()
      closed = true
      retry?.cancel()
      pause?.cancel()
      await close()
    },
  }
}

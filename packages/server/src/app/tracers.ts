import { createReadStream } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { settings as declared } from '@postern/contract'
import type { Clock } from '#base/clock'
import { createConsoleTracer, createLogFileTracer, type TraceHub, type Tracer } from '#base/trace'
import type { SettingsReader } from '#data/settings'
import type { LogSource } from '#sessions/management'

interface Parts {
  readonly clock: Clock
  readonly trace: TraceHub
  /** Standard output. */
  readonly write: (text: string) => void
}

/** The tracers that the settings ask for. */
export function createTracers(settings: SettingsReader, { clock, trace, write }: Parts): readonly Tracer[] {
  const tracers: Tracer[] = []
  trace.setLevels(settings.read(declared.tracing.level) as ReadonlyMap<string, never>)
  for (const id of settings.idsOf(declared.tracer.type)) {
    if (!settings.read(declared.tracer.enable, { id })) continue
    const type = settings.read(declared.tracer.type, { id })
    const level = settings.read(declared.tracer.level, { id })
    const style = {
      ansi: settings.read(declared.tracer.ansi, { id, type }) ?? false,
      multiline: settings.read(declared.tracer.multiline, { id }),
    }
    const path = settings.read(declared.tracer.path, { id })
    if (type === 'stdout') tracers.push(createConsoleTracer({ level, write, style }))
    else if (type === 'log' && path !== undefined) {
      const prefix = settings.read(declared.tracer.prefix, { id })
      const rotate = settings.read(declared.tracer.rotate, { id })
      const onError = (error: Error): void => trace.emit('telemetry.log-error', { path, reason: error.message })
      tracers.push(createLogFileTracer({ level, path, prefix, rotate, style, clock, onError }))
    } else
      trace.emit('config.build-error', {
        key: `tracer.${id}`,
        reason: type === 'log' ? 'a path is needed' : `tracers of type ${type} are not available yet`,
      })
  }
  return tracers
}

/** Reads back the files of the first enabled log tracer, newest line first. */
export function createLogSource(settings: SettingsReader): LogSource {
  return {
    async lines() {
      const id = settings
        .idsOf(declared.tracer.type)
        .find(
          candidate =>
            settings.read(declared.tracer.type, { id: candidate }) === 'log' && settings.read(declared.tracer.enable, { id: candidate }),
        )
      const path = id === undefined ? undefined : settings.read(declared.tracer.path, { id })
      if (path === undefined) return undefined
      const entries = await readdir(path, { withFileTypes: true })
      const files = entries.filter(entry => entry.isFile()).map(entry => join(path, entry.name))
      return linesBackwards(files.sort().reverse())
    },
  }
}

const pieceBytes = 64 * 1024

async function* linesBackwards(files: readonly string[]): AsyncGenerator<string> {
  for (const file of files) {
    await using handle = await open(file, 'r')
    const { size } = await handle.stat()
    let tail = Buffer.alloc(0)
    for (let end = size; end > 0; end -= pieceBytes) {
      const start = Math.max(0, end - pieceBytes)
      const chunks: Buffer[] = []
      for await (const chunk of createReadStream(file, { start, end: end - 1 })) chunks.push(chunk as Buffer)
      const text = Buffer.concat([...chunks, tail])
      const firstBreak = start === 0 ? -1 : text.indexOf(10)
      // A line longer than a piece waits for its beginning.
      if (start > 0 && firstBreak < 0) {
        tail = text
        continue
      }
      tail = text.subarray(0, firstBreak + 1)
      const lines = text
        .subarray(firstBreak + 1)
        .toString('utf8')
        .split('\n')
      for (const line of lines.reverse()) if (line !== '') yield line
    }
  }
}

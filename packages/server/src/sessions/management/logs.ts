import { failure } from '@postern/contract'
import { endpoints } from '@postern/contract/endpoints'
import { type BoundEndpoint, bind } from './handlers.ts'

/** Lines of the log files, newest first. */
export interface LogSource {
  /** Undefined when no log files are written. Rejects with the error of the file system. */
  lines(): Promise<AsyncIterable<string> | undefined>
}

const defaultLimit = 100
const maxLimit = 10_000

export function logHandlers(logs: LogSource): readonly BoundEndpoint[] {
  return [
    bind(endpoints.telemetry.listLogs, async (_caller, { page = 1, limit = defaultLimit, filter = '' }) => {
      const size = Math.min(limit === 0 ? maxLimit : limit, maxLimit)
      const skip = (Math.max(1, page) - 1) * size
      const items: LogItem[] = []
      let seen = 0
      for await (const line of await readLines(logs)) {
        if (!line.includes(filter)) continue
        seen++
        if (seen <= skip) continue
        const item = parseLine(line)
        if (item !== undefined) items.push(item)
        // The end is unknown: enough to offer a next page.
        if (items.length === size) return { items, total: seen + size }
      }
      return { items, total: seen }
    }),
  ]
}

async function readLines(logs: LogSource): Promise<AsyncIterable<string>> {
  const lines = await logs.lines().catch((error: Error) => {
    throw failure('other', { details: 'Failed to read log files', reason: error.message })
  })
  if (lines === undefined) throw failure('unsupported', { details: 'Log path not configured' })
  return lines
}

const levels = ['ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'] as const

interface LogItem {
  readonly timestamp: string
  readonly level: (typeof levels)[number]
  readonly event: string
  readonly event_id: string
  readonly details: string
}

/** `<timestamp> <LEVEL> <description> (<event id>) <key = value, …>`; undefined for anything else. */
export function parseLine(line: string): LogItem | undefined {
  const found = /^(\S+) (\S+) (.*?) \(([^)]*)\) ?(.*)$/s.exec(line)
  if (found === null) return undefined
  const level = levels.find(known => known === found[2])
  if (level === undefined) return undefined
  const [, timestamp = '', , event = '', event_id = '', details = ''] = found
  return { timestamp, level, event, event_id, details: details.trim() }
}

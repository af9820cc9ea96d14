// Put together with the first call of the API: its schemas are the heaviest part of the program, and many servers are never asked.
import type { Clock } from '#base/clock'
import type { HttpSite } from '#base/http'
import type { Trace } from '#base/trace'
import type { Settings } from '#data/settings'
import type { Access } from '#services/access'
import type { Directory } from '#services/directory'
import type { Queue } from '#services/queue'
import {
  banHandlers,
  contractHandlers,
  createManagement,
  historyHandlers,
  logHandlers,
  principalHandlers,
  queueHandlers,
  settingsHandlers,
  withUnhandled,
} from '#sessions/management'
import { createLogSource } from './tracers.ts'

interface Parts {
  readonly access: Access
  readonly directory: Directory
  readonly queue: Queue
  readonly settings: Settings
  readonly clock: Clock
  readonly trace: Trace
}

export function createApi({ access, directory, queue, settings, clock, trace }: Parts): HttpSite {
  return createManagement({
    access,
    endpoints: withUnhandled([
      ...principalHandlers(directory),
      ...settingsHandlers(settings),
      ...historyHandlers(settings),
      ...banHandlers(access.bans),
      ...queueHandlers(queue, { directory, clock }),
      ...logHandlers(createLogSource(settings)),
      ...contractHandlers(),
    ]),
    maxMessageBytes: () => 75 * 1024 * 1024,
    trace,
  })
}

// Put together with the first call of the API: its schemas are the heaviest part of the program, and many servers are never asked.
import type { Clock, Random } from '#base/clock'
import type { HttpSite } from '#base/http'
import type { Trace } from '#base/trace'
import type { Ephemeral } from '#data/ephemeral'
import type { Settings } from '#data/settings'
import type { Access } from '#services/access'
import type { Directory } from '#services/directory'
import type { MailAuth } from '#services/mailauth'
import type { Maintenance } from '#services/maintenance'
import { createOauth } from '#services/oauth'
import type { Queue } from '#services/queue'
import { createSpamRules } from '#services/spam'
import {
  accountHandlers,
  authorizeHandlers,
  banHandlers,
  contractHandlers,
  createBaseUrl,
  createManagement,
  domainHandlers,
  historyHandlers,
  logHandlers,
  oauthHandlers,
  principalHandlers,
  queueHandlers,
  settingsHandlers,
  storeHandlers,
  streamTokenHandlers,
  updateHandlers,
  withUnhandled,
} from '#sessions/management'
import { createLogSource } from './tracers.ts'

interface Parts {
  readonly access: Access
  readonly directory: Directory
  readonly mailAuth: MailAuth
  readonly maintenance: Maintenance
  readonly queue: Queue
  readonly settings: Settings
  readonly ephemeral: Ephemeral
  readonly clock: Clock
  readonly random: Random
  readonly trace: Trace
}

export function createApi({ access, directory, mailAuth, maintenance, queue, settings, ephemeral, clock, random, trace }: Parts): HttpSite {
  const oauth = createOauth({ settings, access, directory, ephemeral, clock, random, trace })
  const baseUrl = createBaseUrl(settings)
  return createManagement({
    access,
    settings,
    endpoints: withUnhandled([
      ...principalHandlers(directory),
      ...settingsHandlers(settings),
      ...historyHandlers(settings),
      ...banHandlers(access.bans),
      ...domainHandlers(mailAuth),
      ...updateHandlers(createSpamRules({ settings })),
      ...queueHandlers(queue, { directory, clock }),
      ...logHandlers(createLogSource(settings)),
      ...accountHandlers(directory),
      ...oauthHandlers(oauth, baseUrl),
      ...authorizeHandlers({ oauth, access, baseUrl, trace }),
      ...streamTokenHandlers(oauth),
      ...storeHandlers(maintenance),
      ...contractHandlers(),
    ]),
    maxMessageBytes: () => 75 * 1024 * 1024,
    trace,
  })
}

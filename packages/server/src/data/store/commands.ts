// All commands by name. Functions do not cross threads, so the writer looks them up here; a new aggregate adds its list.
import { accountCommands } from './aggregates/account-life.ts'
import { annotationCommands } from './aggregates/annotations.ts'
import { banCommands } from './aggregates/bans.ts'
import { blobCommands } from './aggregates/blobs.ts'
import { changeSetCommands } from './aggregates/change-sets.ts'
import { changeCommands } from './aggregates/changes.ts'
import { mailboxCommands } from './aggregates/mailboxes.ts'
import { messageCommands } from './aggregates/messages.ts'
import { placementCommands } from './aggregates/placements.ts'
import { principalCommands } from './aggregates/principals.ts'
import { principalRemovalCommands } from './aggregates/principals-removal.ts'
import { principalSyncCommands } from './aggregates/principals-sync.ts'
import { publishedRecordCommands } from './aggregates/published-records.ts'
import { queueCommands } from './aggregates/queue.ts'
import { settingsCommands } from './aggregates/settings.ts'
import { signingKeyCommands } from './aggregates/signing-keys.ts'
import type { AnyCommand } from './command.ts'

export const commands: readonly AnyCommand[] = [
  ...settingsCommands,
  ...changeSetCommands,
  ...signingKeyCommands,
  ...publishedRecordCommands,
  ...blobCommands,
  ...changeCommands,
  ...mailboxCommands,
  ...messageCommands,
  ...placementCommands,
  ...accountCommands,
  ...annotationCommands,
  ...principalCommands,
  ...principalRemovalCommands,
  ...principalSyncCommands,
  ...banCommands,
  ...queueCommands,
]

// All steps of the schema, in order. A new aggregate adds its file and its entry here.
import { settingsTable } from './migrations/0001-settings.ts'
import { blobTables } from './migrations/0002-blobs.ts'
import { mailTables } from './migrations/0003-mail.ts'
import { mailStatistics } from './migrations/0004-statistics.ts'
import { principalTables } from './migrations/0010-principals.ts'
import { banTable } from './migrations/0011-bans.ts'
import { queueTables } from './migrations/0012-queue.ts'
import { changeSetTables } from './migrations/0020-change-sets.ts'
import { banCounts } from './migrations/0021-ban-counts.ts'
import { signingKeyTables } from './migrations/0022-signing-keys.ts'
import { principalChanges } from './migrations/0026-principal-changes.ts'
import { bareLineFeeds } from './migrations/0030-bare-line-feeds.ts'
import { annotationTable } from './migrations/0031-annotations.ts'
import type { Migration } from './migrations/migration.ts'

export const migrations: readonly Migration[] = [
  settingsTable,
  blobTables,
  mailTables,
  mailStatistics,
  principalTables,
  banTable,
  queueTables,
  changeSetTables,
  banCounts,
  signingKeyTables,
  principalChanges,
  bareLineFeeds,
  annotationTable,
]

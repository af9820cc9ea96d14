import type { Migration } from './migration.ts'

/** Null for messages from before it was counted. */
export const bareLineFeeds: Migration = {
  number: 30,
  name: 'bare-line-feeds',
  statements: d => [`ALTER TABLE messages ADD COLUMN bare_lfs ${d.integer}`],
}

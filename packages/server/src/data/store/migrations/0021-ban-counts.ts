import type { Migration } from './migration.ts'

export const banCounts: Migration = {
  number: 21,
  name: 'ban-counts',
  statements: d => [
    `ALTER TABLE bans ADD COLUMN events ${d.integer} NOT NULL DEFAULT 0`,
    `ALTER TABLE bans ADD COLUMN author ${d.text} NOT NULL DEFAULT 'system'`,
  ],
}

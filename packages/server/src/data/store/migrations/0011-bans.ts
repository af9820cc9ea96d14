import type { Migration } from './migration.ts'

export const banTable: Migration = {
  number: 11,
  name: 'bans',
  statements: d => [
    // Why and until when an address is on the block list; the list itself stands in the settings.
    `CREATE TABLE bans (
       address ${d.text} NOT NULL PRIMARY KEY,
       reason ${d.text} NOT NULL,
       evidence ${d.text} NOT NULL,
       created_at ${d.integer} NOT NULL,
       expires_at ${d.integer}) ${d.byKey}`,
    'CREATE INDEX bans_by_end ON bans (expires_at)',
  ],
}

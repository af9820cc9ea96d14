import type { Migration } from './migration.ts'

/**
 * Without statistics SQLite takes a scan of a whole account for cheaper than an index that does not cover the query. These say how many
 * rows an equality on one, two, … columns of a key leaves; the shape of the data is known, only its size differs.
 */
const shapes: readonly (readonly [table: string, index: string, rows: string])[] = [
  ['placements', 'placements', '1000000 10000 1000 1'],
  ['placements', 'placements_by_message', '1000000 10000 2 1'],
  ['messages', 'messages', '1000000 10000 1'],
  ['messages', 'messages_by_thread', '1000000 10000 3'],
  ['mailboxes', 'mailboxes', '10000 10 1'],
  ['mailboxes', 'mailboxes_by_name', '10000 10 3 1'],
  ['changes', 'changes', '1000000 10000 1'],
  ['thread_refs', 'thread_refs', '1000000 10000 1'],
  ['blob_links', 'blob_links', '1000000 2 1 1 1'],
]

export const mailStatistics: Migration = {
  number: 4,
  name: 'mail statistics',
  statements: d =>
    d.name === 'sqlite'
      ? [
          // Makes the table of statistics.
          'ANALYZE settings',
          ...shapes.map(([table, index, rows]) => `INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('${table}', '${index}', '${rows}')`),
          'ANALYZE sqlite_schema',
        ]
      : [],
}

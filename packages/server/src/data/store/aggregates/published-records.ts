// What this server wrote into DNS zones by itself.
import type { Command, Query } from '../command.ts'

export interface PublishedRecord {
  /** Owner name without the final dot, lower case. */
  readonly name: string
  readonly type: string
  /** In presentation form. */
  readonly content: string
}

/** The records of a domain, whatever was there before. */
export const setPublishedRecords: Command<{ readonly domain: string; readonly records: readonly PublishedRecord[] }, void> = {
  name: 'published-records.set',
  run: async (tx, { domain, records }) => {
    await tx.run('DELETE FROM published_records WHERE domain = ?', [domain])
    for (const { name, type, content } of records) {
      await tx.run('INSERT INTO published_records (domain, name, type, content) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING', [
        domain,
        name,
        type,
        content,
      ])
    }
  },
}

export const listPublishedRecords: Query<{ readonly domain: string }, readonly PublishedRecord[]> = {
  name: 'published-records.list',
  run: (reader, { domain }) =>
    reader.all<PublishedRecord>('SELECT name, type, content FROM published_records WHERE domain = ? ORDER BY name, type, content', [
      domain,
    ]),
}

export const publishedRecordCommands = [setPublishedRecords] as const

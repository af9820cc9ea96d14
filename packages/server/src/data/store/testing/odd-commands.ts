// Commands that only tests of the engine need.
import type { Command } from '../command.ts'

/** Limits the database file to so many pages, so that it is full like on a full disk; 0 lifts the limit. */
export const limitPages: Command<{ readonly pages: number }, number> = {
  name: 'test.limitPages',
  run: async (tx, { pages }) => {
    const row = await tx.get<{ max_page_count: number }>(`PRAGMA max_page_count = ${pages === 0 ? 1073741823 : pages}`)
    return row?.max_page_count ?? 0
  },
}

export const storeNumber: Command<{ readonly value: bigint }, void> = {
  name: 'test.storeNumber',
  run: async (tx, { value }) => {
    await tx.run('INSERT INTO blob_reservations (account_id, kind, blob_id, note, until) VALUES (1, 1, 1, 1, ?)', [value])
  },
}

export const readPragma: Command<{ readonly name: string }, unknown> = {
  name: 'test.readPragma',
  run: async (tx, { name }) => Object.values((await tx.get(`PRAGMA ${name}`)) ?? {})[0],
}

/** Breaks in the middle, after a write, with an error that is no refusal. */
export const defective: Command<{ readonly key: string }, void> = {
  name: 'test.defective',
  run: async (tx, { key }) => {
    await tx.run('INSERT INTO settings (key, value) VALUES (?, ?)', [key, 'half'])
    throw new TypeError('a defect of ours')
  },
}

export const commands = [limitPages, storeNumber, readPragma, defective]

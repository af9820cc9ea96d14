// Who changed which settings when, with what was there before: written in the transaction of the change itself.
import type { Command, Query, Reader, Transaction } from '../command.ts'
import { endOf } from '../prefix.ts'

/** Where a setting is kept. */
export type SettingPlace = 'file' | 'database'

/** A key before and after; undefined is not set. */
export interface SettingDifference {
  readonly key: string
  readonly place: SettingPlace
  readonly before: string | undefined
  readonly after: string | undefined
}

export interface SettingsChangeSet {
  readonly id: number
  /** Unix milliseconds. */
  readonly changedAt: number
  /** Name of the account, `system`, or `file` for what was edited by hand. */
  readonly author: string
  /** What the change was for; may be empty. */
  readonly note: string
}

/** Who changes settings, and what for. */
export interface ChangeOrigin {
  readonly author: string
  readonly note: string
  /** Unix milliseconds. */
  readonly at: number
}

export interface ChangeSetFilter {
  /** Only sets with a key that starts with this. */
  readonly prefix?: string | undefined
  readonly author?: string | undefined
}

/** Writes a change set, unless nothing differs. @returns its id */
export async function recordChangeSet(
  tx: Transaction,
  { at, author, note }: ChangeOrigin,
  differences: readonly SettingDifference[],
): Promise<number | undefined> {
  const real = differences.filter(({ before, after }) => before !== after)
  if (real.length === 0) return undefined
  const row = await tx.get<{ id: number }>('INSERT INTO change_sets (changed_at, author, note) VALUES (?, ?, ?) RETURNING id', [
    at,
    author,
    note,
  ])
  const id = row?.id ?? 0
  for (const { key, place, before, after } of real) {
    await tx.run('INSERT INTO change_entries (set_id, key, place, old_value, new_value) VALUES (?, ?, ?, ?, ?)', [
      id,
      key,
      place,
      before ?? null,
      after ?? null,
    ])
    if (place === 'file') await noteFileKey(tx, key, after)
  }
  return id
}

async function noteFileKey(tx: Transaction, key: string, value: string | undefined): Promise<void> {
  if (value === undefined) await tx.run('DELETE FROM settings_file WHERE key = ?', [key])
  else
    await tx.run('INSERT INTO settings_file (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value', [
      key,
      value,
    ])
}

/** Records what the settings file says by now, where that differs from what was last seen. @returns the id of the set */
export const recordFileEdits: Command<
  { readonly origin: ChangeOrigin; readonly differences: readonly SettingDifference[] },
  number | undefined
> = {
  name: 'change-sets.record-file-edits',
  run: (tx, { origin, differences }) => recordChangeSet(tx, origin, differences),
}

/** Takes the settings file as it is for what was last seen: nobody knows what it said before. */
export const rememberFile: Command<{ readonly values: ReadonlyArray<readonly [key: string, value: string]> }, void> = {
  name: 'change-sets.remember-file',
  run: async (tx, { values }) => {
    await tx.run('DELETE FROM settings_file')
    for (const [key, value] of values) await noteFileKey(tx, key, value)
  },
}

/** The settings file as it was last seen; empty before the first start. */
export const readRememberedFile: Query<Record<never, never>, ReadonlyArray<readonly [key: string, value: string]>> = {
  name: 'change-sets.remembered-file',
  run: async reader =>
    (await reader.all<{ key: string; value: string }>('SELECT key, value FROM settings_file ORDER BY key')).map(({ key, value }) => [
      key,
      value,
    ]),
}

interface SetRow {
  id: number
  changed_at: number
  author: string
  note: string
}

function fromRow(row: SetRow): SettingsChangeSet {
  return { id: row.id, changedAt: row.changed_at, author: row.author, note: row.note }
}

function conditions({ prefix, author }: ChangeSetFilter): { readonly sql: string; readonly params: readonly string[] } {
  const parts = ['1 = 1']
  const params: string[] = []
  if (author !== undefined) {
    parts.push('s.author = ?')
    params.push(author)
  }
  if (prefix !== undefined && prefix !== '') {
    parts.push('EXISTS (SELECT 1 FROM change_entries e WHERE e.set_id = s.id AND e.key >= ? AND e.key < ?)')
    params.push(prefix, endOf(prefix))
  }
  return { sql: parts.join(' AND '), params }
}

/** Change sets older than `before`, newest first, at most `limit`, after leaving out `skip` of them. */
export const listChangeSets: Query<
  ChangeSetFilter & { readonly before?: number; readonly limit: number; readonly skip?: number },
  readonly SettingsChangeSet[]
> = {
  name: 'change-sets.list',
  run: async (reader, { before, limit, skip = 0, ...filter }) => {
    const { sql, params } = conditions(filter)
    // What is kept is bounded, and the ids of skipped sets come from the index alone.
    const rows = await reader.all<SetRow>(`SELECT s.* FROM change_sets s WHERE s.id < ? AND ${sql} ORDER BY s.id DESC LIMIT ? OFFSET ?`, [
      before ?? Number.MAX_SAFE_INTEGER,
      ...params,
      limit,
      skip,
    ])
    return rows.map(fromRow)
  },
}

export const countChangeSets: Query<ChangeSetFilter, number> = {
  name: 'change-sets.count',
  run: async (reader, filter) => {
    const { sql, params } = conditions(filter)
    return (await reader.get<{ n: number }>(`SELECT COUNT(*) AS n FROM change_sets s WHERE ${sql}`, params))?.n ?? 0
  },
}

interface EntryRow {
  key: string
  place: SettingPlace
  old_value: string | null
  new_value: string | null
}

/** A change set with its differences in key order. */
export const getChangeSet: Query<
  { readonly id: number },
  (SettingsChangeSet & { readonly differences: readonly SettingDifference[] }) | undefined
> = {
  name: 'change-sets.get',
  consistent: true,
  run: async (reader, { id }) => {
    const row = await reader.get<SetRow>('SELECT * FROM change_sets WHERE id = ?', [id])
    return row && { ...fromRow(row), differences: await differencesOf(reader, id) }
  },
}

async function differencesOf(reader: Reader, id: number): Promise<readonly SettingDifference[]> {
  const rows = await reader.all<EntryRow>('SELECT key, place, old_value, new_value FROM change_entries WHERE set_id = ? ORDER BY key', [id])
  return rows.map(row => ({
    key: row.key,
    place: row.place,
    before: row.old_value ?? undefined,
    after: row.new_value ?? undefined,
  }))
}

/** The first keys of a set and how many it has. */
export const summarizeChangeSet: Query<
  { readonly id: number; readonly limit: number },
  { readonly keys: readonly string[]; readonly total: number }
> = {
  name: 'change-sets.summarize',
  run: async (reader, { id, limit }) => ({
    keys: (await reader.all<{ key: string }>('SELECT key FROM change_entries WHERE set_id = ? ORDER BY key LIMIT ?', [id, limit])).map(
      row => row.key,
    ),
    total: (await reader.get<{ n: number }>('SELECT COUNT(*) AS n FROM change_entries WHERE set_id = ?', [id]))?.n ?? 0,
  }),
}

/** Forgets the oldest sets: those beyond `keep`, and those changed before `since`; the newest stays. At most `limit` at once. */
export const forgetChangeSets: Command<{ readonly keep: number; readonly since: number; readonly limit: number }, number> = {
  name: 'change-sets.forget',
  run: async (tx, { keep, since, limit }) => {
    const newest = (await tx.get<{ id: number | null }>('SELECT MAX(id) AS id FROM change_sets'))?.id ?? 0
    const oldestKept = await tx.get<{ id: number }>('SELECT id FROM change_sets ORDER BY id DESC LIMIT 1 OFFSET ?', [Math.max(1, keep) - 1])
    const rows = await tx.all<{ id: number }>(
      'SELECT id FROM change_sets WHERE id < ? AND (id < ? OR changed_at < ?) ORDER BY id LIMIT ?',
      [newest, oldestKept?.id ?? 0, since, limit],
    )
    for (const { id } of rows) {
      await tx.run('DELETE FROM change_entries WHERE set_id = ?', [id])
      await tx.run('DELETE FROM change_sets WHERE id = ?', [id])
    }
    return rows.length
  },
}

export const changeSetCommands = [recordFileEdits, rememberFile, forgetChangeSets] as const

// Settings kept in the database: text by key, ordered by the bytes of the key.

import type { Command, Query, Transaction } from '../command.ts'
import { endOf } from '../prefix.ts'
import { refusal } from '../refusal.ts'
import { type ChangeOrigin, recordChangeSet, type SettingDifference } from './change-sets.ts'

export interface SettingRow {
  readonly key: string
  readonly value: string
}

export type SettingsOperation =
  | { readonly kind: 'put'; readonly entries: readonly SettingRow[] }
  | { readonly kind: 'delete'; readonly keys: readonly string[] }
  /** Every key that starts with the prefix, the empty prefix included. */
  | { readonly kind: 'deletePrefix'; readonly prefix: string }
  /** Fails with `assertFailed` when a key with this prefix exists. */
  | { readonly kind: 'assertNone'; readonly prefix: string }
  /** Fails with `assertFailed` when the key exists. */
  | { readonly kind: 'assertAbsent'; readonly key: string }

/** Who changes settings, and the part of the change that went into the settings file. */
export interface RecordedChange {
  readonly origin: ChangeOrigin
  readonly inFile: readonly SettingDifference[]
}

/** Runs the operations in order, all or none, and records them as a change set. @returns its id, if anything differs */
export const changeSettings: Command<
  { readonly operations: readonly SettingsOperation[]; readonly recorded?: RecordedChange },
  number | undefined
> = {
  name: 'settings.change',
  run: async (tx, { operations, recorded }) => {
    const touched = new Map<string, { readonly before: string | undefined; after: string | undefined }>()
    for (const operation of operations) {
      if (recorded !== undefined) await noteEffect(tx, operation, touched)
      await perform(tx, operation)
    }
    tx.announce({ topic: 'settings', key: '' })
    if (recorded === undefined) return undefined
    // A row in the shadow of the file was never in force.
    for (const { key } of recorded.inFile) touched.delete(key)
    const inDatabase = [...touched].map(([key, values]): SettingDifference => ({ key, place: 'database', ...values }))
    return recordChangeSet(tx, recorded.origin, [...recorded.inFile, ...inDatabase])
  },
}

/** What an operation is about to do, key by key; `before` is what was there before the first of them. */
async function noteEffect(
  tx: Transaction,
  operation: SettingsOperation,
  touched: Map<string, { readonly before: string | undefined; after: string | undefined }>,
): Promise<void> {
  const note = async (key: string, after: string | undefined): Promise<void> => {
    const known = touched.get(key)
    if (known !== undefined) known.after = after
    else touched.set(key, { before: await getSetting.run(tx, { key }), after })
  }
  if (operation.kind === 'put') for (const { key, value } of operation.entries) await note(key, value)
  if (operation.kind === 'delete') for (const key of operation.keys) await note(key, undefined)
  if (operation.kind === 'deletePrefix') {
    const { prefix } = operation
    for (const { key } of await tx.all<{ key: string }>('SELECT key FROM settings WHERE key >= ? AND key < ?', [prefix, endOf(prefix)]))
      await note(key, undefined)
  }
}

async function perform(tx: Transaction, operation: SettingsOperation): Promise<void> {
  switch (operation.kind) {
    case 'put':
      for (const { key, value } of operation.entries) {
        await tx.run('INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value', [key, value])
      }
      return
    case 'delete':
      for (const key of operation.keys) await tx.run('DELETE FROM settings WHERE key = ?', [key])
      return
    case 'deletePrefix':
      await tx.run('DELETE FROM settings WHERE key >= ? AND key < ?', [operation.prefix, endOf(operation.prefix)])
      return
    case 'assertNone': {
      const { prefix } = operation
      const found = await tx.get<{ key: string }>('SELECT key FROM settings WHERE key >= ? AND key < ? LIMIT 1', [prefix, endOf(prefix)])
      if (found) throw refusal('assertFailed', { key: found.key })
      return
    }
    case 'assertAbsent': {
      const found = await tx.get<{ key: string }>('SELECT key FROM settings WHERE key = ?', [operation.key])
      if (found) throw refusal('assertFailed', { key: found.key })
      return
    }
  }
}

export const getSetting: Query<{ readonly key: string }, string | undefined> = {
  name: 'settings.get',
  run: async (reader, { key }) => (await reader.get<{ value: string }>('SELECT value FROM settings WHERE key = ?', [key]))?.value,
}

/** Keys with a prefix in byte order, after the key `after`, at most `limit`. */
export const listSettings: Query<{ readonly prefix: string; readonly after?: string; readonly limit: number }, readonly SettingRow[]> = {
  name: 'settings.list',
  run: (reader, { prefix, after = '', limit }) =>
    reader.all<SettingRow>('SELECT key, value FROM settings WHERE key > ? AND key >= ? AND key < ? ORDER BY key LIMIT ?', [
      after,
      prefix,
      endOf(prefix),
      limit,
    ]),
}

export const settingsCommands = [changeSettings] as const

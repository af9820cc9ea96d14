// Settings kept in the database: text by key, ordered by the bytes of the key.

import type { Command, Query, Transaction } from '../command.ts'
import { refusal } from '../refusal.ts'

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

/** The least text, by bytes, above everything that starts with the prefix. */
function endOf(prefix: string): string {
  const points = [...prefix].map(character => character.codePointAt(0) ?? 0)
  while (points.at(-1) === lastCodePoint) points.pop()
  const last = points.pop()
  if (last === undefined) return unbounded
  // Surrogates have no bytes of their own.
  points.push(last === 0xd7ff ? 0xe000 : last + 1)
  return String.fromCodePoint(...points)
}
const lastCodePoint = 0x10ffff
const unbounded = String.fromCodePoint(lastCodePoint).repeat(64)

/** Runs the operations in order, all or none. */
export const changeSettings: Command<{ readonly operations: readonly SettingsOperation[] }, void> = {
  name: 'settings.change',
  run: async (tx, { operations }) => {
    for (const operation of operations) await perform(tx, operation)
    tx.announce({ topic: 'settings', key: '' })
  },
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

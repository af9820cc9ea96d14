// Flags and keywords: eleven have a bit, all others a number per account.

import type { Query, Transaction } from '../command.ts'
import { refusal } from '../refusal.ts'
import { pushNumber, takeNumber } from './changes.ts'

/** The bits are stored. */
export const bits = {
  seen: 1,
  answered: 2,
  flagged: 4,
  deleted: 8,
  draft: 16,
  forwarded: 32,
  mdnSent: 64,
  junk: 128,
  notJunk: 256,
  phishing: 512,
  important: 1024,
} as const

/** Different names an account may use; the names in use are shown with every selected mailbox. */
const maxNames = 1000

/** Numbers of names, sorted; unknown names get the next one. Case does not tell names apart; the first spelling stays. */
export async function internKeywords(tx: Transaction, accountId: number, names: readonly string[]): Promise<number[]> {
  const ids: number[] = []
  for (const name of names) {
    const folded = name.toLowerCase()
    const known = await tx.get<{ id: number }>('SELECT id FROM keywords WHERE account_id = ? AND folded = ?', [accountId, folded])
    ids.push(known?.id ?? (await addKeyword(tx, accountId, folded, name)))
  }
  return [...new Set(ids)].sort((a, b) => a - b)
}

async function addKeyword(tx: Transaction, accountId: number, folded: string, name: string): Promise<number> {
  const last = await tx.get<{ id: number | null }>('SELECT MAX(id) AS id FROM keywords WHERE account_id = ?', [accountId])
  const id = (last?.id ?? 0) + 1
  if (id > maxNames) throw refusal('tooManyKeywords', { limit: maxNames })
  await tx.run('INSERT INTO keywords (account_id, id, folded, name) VALUES (?, ?, ?, ?)', [accountId, id, folded, name])
  return id
}

/** Numbers of the names that exist; others are passed over. */
export async function knownKeywords(tx: Pick<Transaction, 'get'>, accountId: number, names: readonly string[]): Promise<number[]> {
  const ids: number[] = []
  for (const name of names) {
    const known = await tx.get<{ id: number }>('SELECT id FROM keywords WHERE account_id = ? AND folded = ?', [
      accountId,
      name.toLowerCase(),
    ])
    if (known) ids.push(known.id)
  }
  return ids
}

/** Sorted numbers as bytes; null for none. */
export function packKeywords(ids: readonly number[]): Uint8Array | null {
  if (ids.length === 0) return null
  const bytes: number[] = []
  for (const id of ids) pushNumber(bytes, id)
  return Uint8Array.from(bytes)
}

export function unpackKeywords(bytes: Uint8Array | null): number[] {
  const ids: number[] = []
  if (bytes === null) return ids
  for (const cursor = { bytes, at: 0 }; cursor.at < bytes.length; ) ids.push(takeNumber(cursor))
  return ids
}

/** All names of an account with their numbers. Numbers are never used twice, so a reader may keep them. */
export const keywordNames: Query<{ readonly accountId: number }, readonly (readonly [id: number, name: string])[]> = {
  name: 'keywords.names',
  run: (reader, { accountId }) =>
    reader.tuples<[number, string]>('SELECT id, name FROM keywords WHERE account_id = ? ORDER BY id', [accountId]),
}

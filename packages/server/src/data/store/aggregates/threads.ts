// Threads: messages that share a reference id under one base subject. A thread's id is the id of the message that began it.
import type { Query, Transaction } from '../command.ts'
import { pushNumber, takeNumber } from './changes.ts'

/**
 * The thread a message with these keys joins: of several, the one with most messages; undefined when it begins one. A key stands for one
 * reference id under one base subject, so equal keys are all it takes.
 */
export async function findThread(tx: Transaction, accountId: number, keys: readonly number[]): Promise<number | undefined> {
  const candidates = new Set<number>()
  for (const key of keys) {
    const row = await tx.get<{ id: number }>('SELECT thread_id AS id FROM thread_refs WHERE account_id = ? AND ref_key = ?', [
      accountId,
      key,
    ])
    if (row) candidates.add(row.id)
  }
  let best: { readonly id: number; readonly messages: number } | undefined
  if (candidates.size <= 1) return [...candidates][0]
  for (const id of [...candidates].sort((a, b) => a - b)) {
    const messages = await threadSize(tx, accountId, id)
    if (!best || messages > best.messages) best = { id, messages }
  }
  return best?.id
}

export async function threadSize(tx: Transaction, accountId: number, threadId: number): Promise<number> {
  const row = await tx.get<{ count: number }>('SELECT COUNT(*) AS count FROM messages WHERE account_id = ? AND thread_id = ?', [
    accountId,
    threadId,
  ])
  return row?.count ?? 0
}

/** The message's keys lead to its thread from now on; those that lead elsewhere already keep doing so. */
export async function addThreadKeys(tx: Transaction, accountId: number, threadId: number, keys: readonly number[]): Promise<void> {
  for (const key of keys) {
    await tx.run(
      `INSERT INTO thread_refs (account_id, ref_key, thread_id, uses) VALUES (?, ?, ?, 1)
       ON CONFLICT (account_id, ref_key) DO UPDATE SET uses = thread_refs.uses + 1`,
      [accountId, key, threadId],
    )
  }
}

/** Undoes `addThreadKeys` of one message. */
export async function dropThreadKeys(tx: Transaction, accountId: number, keys: readonly number[]): Promise<void> {
  for (const key of keys) {
    await tx.run('UPDATE thread_refs SET uses = uses - 1 WHERE account_id = ? AND ref_key = ?', [accountId, key])
    await tx.run('DELETE FROM thread_refs WHERE account_id = ? AND ref_key = ? AND uses <= 0', [accountId, key])
  }
}

export function packThreadKeys(keys: readonly number[]): Uint8Array | null {
  if (keys.length === 0) return null
  const bytes: number[] = []
  for (const key of keys) pushNumber(bytes, key)
  return Uint8Array.from(bytes)
}

export function unpackThreadKeys(bytes: Uint8Array | null): number[] {
  const keys: number[] = []
  if (bytes === null) return keys
  for (const cursor = { bytes, at: 0 }; cursor.at < bytes.length; ) keys.push(takeNumber(cursor))
  return keys
}

/** Message ids of threads, oldest first within each. */
export const threadMessages: Query<
  { readonly accountId: number; readonly threadIds: readonly number[] },
  readonly (readonly [threadId: number, messageIds: readonly number[]])[]
> = {
  name: 'threads.messages',
  consistent: true,
  run: async (reader, { accountId, threadIds }) => {
    const threads: [number, number[]][] = []
    for (const threadId of threadIds) {
      const rows = await reader.tuples<[number]>('SELECT id FROM messages WHERE account_id = ? AND thread_id = ? ORDER BY received, id', [
        accountId,
        threadId,
      ])
      if (rows.length > 0) threads.push([threadId, rows.map(([id]) => id)])
    }
    return threads
  },
}

// What every command that changes principals does: it takes its turn, spends a number, and tells whoever remembers principals.
import type { Transaction } from '../command.ts'

/** Changes of principals follow each other: each has a number, and names and addresses are unique over all. */
export const principalsLane = (): string => 'principals'

/** Key of the news that any principal may have changed. */
export const everyPrincipal = -1

export async function nextPrincipalChange(tx: Transaction): Promise<number> {
  const row = await tx.get<{ last_change: number }>(
    'UPDATE principal_ids SET last_change = last_change + 1 WHERE only_row = 1 RETURNING last_change',
  )
  return Number(row?.last_change)
}

/** So many that whoever remembers principals does better to forget them all. */
const mostAnnounced = 1000

export function announcePrincipals(tx: Transaction, ids: Iterable<number>): void {
  const changed = new Set(ids)
  for (const key of changed.size <= mostAnnounced ? changed : [everyPrincipal]) tx.announce({ topic: 'principal', key })
}

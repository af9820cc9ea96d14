// Removing principals for good. The principal is gone with the first commit, which leaves a work order; what it owned goes after it in
// steps, and whoever opens the store next finds the orders that are still open.

import type { Command, Query, Transaction } from '../command.ts'
import { refusal } from '../refusal.ts'
import { getPrincipalById, type PrincipalRecord } from './principal-reads.ts'
import { announcePrincipals, nextPrincipalChange, principalsLane } from './principals-frame.ts'

/** `asked`: still there and its turn is to come; `gone`: what it owned remains; `finished`: the id stays so that it never has mail again. */
const states = { asked: 0, gone: 1, finished: 2 } as const

/**
 * Removes a principal: its name and addresses are free at once. Fails with `notFound`, and with `other` when a tenant has principals or a
 * domain is in use. Gives false, with nothing changed, when it is not as it was at `expected` (its change number).
 */
export const deletePrincipal: Command<{ readonly id: number; readonly force?: boolean; readonly expected?: number }, boolean> = {
  name: 'principals.delete',
  lane: principalsLane,
  run: async (tx, { id, force = false, expected }) => {
    const record = await getPrincipalById.run(tx, { id })
    if (record === undefined) throw refusal('notFound', { item: String(id) })
    if (expected !== undefined && record.changeNumber !== expected) return false
    await checkUnused(tx, record, force)
    await remove(tx, record)
    return true
  },
}

async function checkUnused(tx: Transaction, { id, type, name }: PrincipalRecord, force: boolean): Promise<void> {
  if (type === 'tenant') {
    const rows = await tx.all<{ name: string }>('SELECT name FROM principals WHERE tenant_id = ? ORDER BY name LIMIT 100', [id])
    if (rows.length > 0) throw refusal('other', { details: 'Tenant has members', reason: rows.map(row => row.name).join(', ') })
  }
  if (type === 'domain' && !force) {
    const address = await tx.get<{ used: string }>('SELECT address AS used FROM principal_emails WHERE domain = ? LIMIT 1', [name])
    const used = address ?? (await namedIn(tx, id, name))
    if (used) throw refusal('other', { details: 'Domain has members', reason: `${used.used} is in use` })
  }
}

/** A principal of the domain's tenant whose name ends in the domain: it would have an impossible name. */
async function namedIn(tx: Transaction, id: number, domain: string): Promise<{ used: string } | undefined> {
  const { tenant_id: tenantId } = (await tx.get<{ tenant_id: number | null }>('SELECT tenant_id FROM principals WHERE id = ?', [id])) ?? {
    tenant_id: null,
  }
  if (tenantId === null) return undefined
  return tx.get<{ used: string }>(`SELECT name AS used FROM principals WHERE tenant_id = ? AND name LIKE ? ESCAPE '\\' LIMIT 1`, [
    tenantId,
    `%@${domain.replace(/[\\%_]/g, '\\$&')}`,
  ])
}

async function remove(tx: Transaction, { id, members, memberOf }: PrincipalRecord): Promise<void> {
  await tx.run('DELETE FROM principal_emails WHERE principal_id = ?', [id])
  await tx.run('DELETE FROM principals WHERE id = ?', [id])
  await tx.run(
    `INSERT INTO principal_removals (principal_id, state, change_number) VALUES (?, ?, ?)
     ON CONFLICT (principal_id) DO UPDATE SET state = excluded.state, change_number = excluded.change_number`,
    [id, states.gone, await nextPrincipalChange(tx)],
  )
  announcePrincipals(tx, [id, ...members.map(other => other.id), ...memberOf.map(other => other.id)])
}

/** Asks for the removal of principals, at most some hundreds at a time; each gets its turn by `takeRemoval`. */
export const askRemovals: Command<{ readonly ids: readonly number[] }, void> = {
  name: 'principals.ask-removals',
  lane: principalsLane,
  run: async (tx, { ids }) => {
    for (const id of ids) {
      await tx.run(
        'INSERT INTO principal_removals (principal_id, state, change_number) VALUES (?, ?, 0) ON CONFLICT (principal_id) DO NOTHING',
        [id, states.asked],
      )
    }
  },
}

/** Removes a principal that `askRemovals` named. What must stay (a tenant with principals) stays, and its order is gone: then the reason. */
export const takeRemoval: Command<{ readonly id: number }, { readonly kept: string } | undefined> = {
  name: 'principals.take-removal',
  lane: principalsLane,
  run: async (tx, { id }) => {
    const record = await getPrincipalById.run(tx, { id })
    const drop = (): unknown => tx.run('DELETE FROM principal_removals WHERE principal_id = ? AND state = ?', [id, states.asked])
    if (record === undefined) {
      await drop()
      return undefined
    }
    try {
      await checkUnused(tx, record, false)
    } catch (error) {
      if (!(error instanceof Error && 'details' in error)) throw error
      await drop()
      return { kept: String((error.details as { reason?: unknown }).reason) }
    }
    await remove(tx, record)
    return undefined
  },
}

/** Open orders, the oldest principals first. */
export const openRemovals: Query<{ readonly limit: number }, ReadonlyArray<{ readonly id: number; readonly isGone: boolean }>> = {
  name: 'principals.open-removals',
  run: async (reader, { limit }) =>
    (
      await reader.tuples<[number, number]>(
        'SELECT principal_id, state FROM principal_removals WHERE state < ? ORDER BY state DESC, principal_id LIMIT ?',
        [states.finished, limit],
      )
    ).map(([id, state]) => ({ id, isGone: state === states.gone })),
}

/**
 * One step of removing the relations and values of a principal that is gone, at most `limit` rows of each kind; its mail went before. With
 * the last one the order is finished: then true.
 */
export const removalStep: Command<{ readonly id: number; readonly limit: number }, boolean> = {
  name: 'principals.removal-step',
  lane: principalsLane,
  run: async (tx, { id, limit }) => {
    let isDone = true
    for (const [table, owner, key] of [
      ['principal_members', 'group_id', 'member_id'],
      ['principal_members', 'member_id', 'group_id'],
      ['principal_values', 'principal_id', 'position'],
    ] as const) {
      const { changes } = await tx.run(
        `DELETE FROM ${table} WHERE ${owner} = ? AND ${key} IN (SELECT ${key} FROM ${table} WHERE ${owner} = ? ORDER BY ${key} LIMIT ?)`,
        [id, id, limit],
      )
      if (changes >= limit) isDone = false
    }
    if (isDone) await tx.run('UPDATE principal_removals SET state = ? WHERE principal_id = ?', [states.finished, id])
    return isDone
  },
}

export const principalRemovalCommands = [deletePrincipal, askRemovals, takeRemoval, removalStep] as const

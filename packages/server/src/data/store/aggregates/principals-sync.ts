// Principals that are kept in another directory have a row here as well: it gives them an id, roles, mail and rights. This brings a row in
// line with what the other directory says.

import type { Command, Transaction } from '../command.ts'
import { refusal } from '../refusal.ts'
import { builtInRoles, foldName, getPrincipalById, type PrincipalRecord, principalTypes } from './principal-reads.ts'
import { announcePrincipals, nextPrincipalChange, principalsLane } from './principals-frame.ts'

/** What the other directory says; names and addresses folded. */
export interface SyncedPrincipal {
  readonly type: 'individual' | 'group'
  readonly name: string
  readonly description: string | undefined
  /** Bytes; undefined = it says nothing. */
  readonly quota: number | undefined
  /** The primary one first; undefined = it says nothing. */
  readonly emails: readonly string[] | undefined
  /** Names of its groups; undefined = it says nothing. Those that are missing are made. */
  readonly groups: readonly string[] | undefined
  /** Addresses of lists it is on; undefined = it says nothing. Those that are missing are made. */
  readonly lists: readonly string[] | undefined
  /** Has the role `admin`; undefined = it says nothing. */
  readonly isAdmin: boolean | undefined
}

/**
 * Gives the id, and the names and addresses that belong to somebody else here and were left out. A name that another type of principal has
 * is `fieldAlreadyExists`.
 */
export const syncPrincipal: Command<SyncedPrincipal, { readonly id: number; readonly leftOut: readonly string[] }> = {
  name: 'principals.sync',
  lane: principalsLane,
  run: async (tx, principal) => {
    const { type, name } = principal
    const known = await tx.get<{ id: number; type: number }>('SELECT id, type FROM principals WHERE name = ?', [name])
    if (known !== undefined && known.type !== principalTypes[type]) throw refusal('fieldAlreadyExists', { field: 'name', value: name })
    const id = known?.id ?? (await insert(tx, type, name))
    const before = await getPrincipalById.run(tx, { id })
    if (before === undefined) throw refusal('notFound', { item: name })
    const leftOut: string[] = []
    const touched = new Set([id])
    await tx.run('UPDATE principals SET description = ?, quota = ? WHERE id = ?', [
      principal.description ?? null,
      principal.quota ?? before.quota ?? null,
      id,
    ])
    if (principal.emails !== undefined) leftOut.push(...(await replaceEmails(tx, id, principal.emails)))
    if (principal.groups !== undefined) {
      const { ids, taken } = await resolveOrMake(tx, 'group', principal.groups)
      leftOut.push(...taken)
      for (const other of await replaceParents(tx, before, 'group', ids)) touched.add(other)
    }
    if (principal.lists !== undefined) {
      const { ids, taken } = await resolveOrMake(tx, 'list', principal.lists)
      leftOut.push(...taken)
      for (const other of await replaceParents(tx, before, 'list', ids)) touched.add(other)
    }
    if (principal.isAdmin === true) await relate(tx, builtInRoles.admin, id)
    if (principal.isAdmin === false)
      await tx.run('DELETE FROM principal_members WHERE group_id = ? AND member_id = ?', [builtInRoles.admin, id])
    await finish(tx, id)
    announcePrincipals(tx, touched)
    return { id, leftOut }
  },
}

async function insert(tx: Transaction, type: 'individual' | 'group' | 'list', name: string): Promise<number> {
  const row = await tx.get<{ last_id: number }>('UPDATE principal_ids SET last_id = last_id + 1 WHERE only_row = 1 RETURNING last_id')
  const id = Number(row?.last_id)
  await tx.run("INSERT INTO principals (id, type, name, search) VALUES (?, ?, ?, '')", [id, principalTypes[type], name])
  // Without it neither gets mail. Whoever looks after accounts here may take it away again.
  if (type !== 'list') await relate(tx, builtInRoles.user, id)
  return id
}

async function relate(tx: Transaction, groupId: number, memberId: number): Promise<void> {
  await tx.run('INSERT INTO principal_members (group_id, member_id) VALUES (?, ?) ON CONFLICT (group_id, member_id) DO NOTHING', [
    groupId,
    memberId,
  ])
}

/** Gives the addresses that others have. */
async function replaceEmails(tx: Transaction, id: number, emails: readonly string[]): Promise<readonly string[]> {
  const taken: string[] = []
  await tx.run('DELETE FROM principal_emails WHERE principal_id = ?', [id])
  let position = 0
  for (const address of new Set(emails)) {
    const { changes } = await tx.run(
      'INSERT INTO principal_emails (address, principal_id, position, domain) VALUES (?, ?, ?, ?) ON CONFLICT (address) DO NOTHING',
      [address, id, position++, address.slice(address.lastIndexOf('@') + 1)],
    )
    if (changes === 0) taken.push(address)
  }
  return taken
}

async function resolveOrMake(
  tx: Transaction,
  type: 'group' | 'list',
  names: readonly string[],
): Promise<{ readonly ids: readonly number[]; readonly taken: readonly string[] }> {
  const ids: number[] = []
  const taken: string[] = []
  for (const given of names) {
    const name = foldName(given)
    const row = await tx.get<{ id: number; type: number }>('SELECT id, type FROM principals WHERE name = ?', [name])
    if (row === undefined) {
      const id = await insert(tx, type, name)
      if (type === 'list') await replaceEmails(tx, id, [name])
      await finish(tx, id)
      ids.push(id)
    } else if (row.type === principalTypes[type]) ids.push(row.id)
    else taken.push(name)
  }
  return { ids, taken }
}

async function replaceParents(
  tx: Transaction,
  { id, memberOf }: PrincipalRecord,
  type: 'group' | 'list',
  ids: readonly number[],
): Promise<readonly number[]> {
  const before = memberOf.filter(other => other.type === type).map(other => other.id)
  for (const other of before) {
    if (!ids.includes(other)) await tx.run('DELETE FROM principal_members WHERE group_id = ? AND member_id = ?', [other, id])
  }
  for (const other of ids) await relate(tx, other, id)
  return [...before, ...ids]
}

async function finish(tx: Transaction, id: number): Promise<void> {
  const after = await getPrincipalById.run(tx, { id })
  const search = [after?.name, after?.description, after?.picture, ...(after?.emails ?? []), ...(after?.urls ?? [])]
  await tx.run('UPDATE principals SET search = ?, change_number = ? WHERE id = ?', [
    search.filter(Boolean).join('\n').toLowerCase(),
    await nextPrincipalChange(tx),
    id,
  ])
}

export const principalSyncCommands = [syncPrincipal] as const

// Changing the directory. Each command is atomic and checks everything that depends on other principals (names and addresses are
// unique over all types, references exist, tenants bound what may be referenced); who may do it is the directory service's business.

import type { Command, Reader, Transaction } from '../command.ts'
import { refusal } from '../refusal.ts'
import {
  type BuiltInRole,
  builtInRoles,
  getPrincipalById,
  type PrincipalRecord,
  type PrincipalType,
  principalTypes,
  type Related,
  typeName,
  type ValueField,
  valueFields,
} from './principal-reads.ts'

/** A relation field: all three are the same relation, seen by the type of the other end. */
export type RelationField = 'memberOf' | 'lists' | 'roles'

export interface NewPrincipal {
  readonly type: PrincipalType
  readonly name: string
  readonly description?: string | undefined
  readonly picture?: string | undefined
  /** By name, for a caller without tenant. */
  readonly tenantName?: string | undefined
  readonly quota?: number | undefined
  readonly quotaList?: readonly number[] | undefined
  readonly emails: readonly string[]
  readonly values: Readonly<Partial<Record<ValueField, readonly string[]>>>
  readonly members: readonly string[]
  readonly relations: Readonly<Record<RelationField, readonly string[]>>
}

export interface CreateArgs {
  readonly principal: NewPrincipal
  /** The caller's tenant: what is created belongs to it. */
  readonly tenantId?: number | undefined
}

export const createPrincipal: Command<CreateArgs, number> = {
  name: 'principals.create',
  run: async (tx, { principal, tenantId }) => {
    if (tenantId !== undefined) await checkTenantQuota(tx, tenantId, principal.type)
    await checkName(tx, principal.name, undefined)
    const tenant = tenantId ?? (await tenantOf(tx, principal))
    if (tenant !== undefined) await checkTenantName(tx, tenant, principal.type, principal.name)
    const members: Related[] = []
    for (const name of principal.members) members.push(await resolve(tx, name, tenant))
    const parents: Related[] = []
    for (const field of ['memberOf', 'lists', 'roles'] as const) {
      for (const name of principal.relations[field]) parents.push(await resolveParent(tx, field, name, tenant))
    }
    const ids = await tx.get<{ last_id: number }>('UPDATE principal_ids SET last_id = last_id + 1 WHERE only_row = 1 RETURNING last_id')
    const id = Number(ids?.last_id)
    await tx.run(
      "INSERT INTO principals (id, type, name, description, picture, tenant_id, quota, quota_list, search) VALUES (?, ?, ?, ?, ?, ?, ?, ?, '')",
      [
        id,
        principalTypes[principal.type],
        principal.name,
        principal.description ?? null,
        principal.picture ?? null,
        tenant ?? null,
        principal.quota ?? null,
        principal.quotaList?.join(',') ?? null,
      ],
    )
    await replaceEmails(tx, { id, type: principal.type, tenantId: tenant }, principal.emails)
    for (const [field, values] of Object.entries(principal.values)) await replaceValues(tx, id, field as ValueField, values)
    for (const member of members) await relate(tx, id, member.id)
    for (const parent of parents) await relate(tx, parent.id, id)
    await refreshSearch(tx, id)
    announce(tx, [id, ...members.map(member => member.id)])
    return id
  },
}

export type ListAction = 'set' | 'add' | 'remove'

/** One step of a change, with values already checked for their form. */
export type PrincipalStep =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'text'; readonly field: 'description' | 'picture'; readonly text: string | undefined }
  | { readonly kind: 'tenant'; readonly name: string | undefined }
  | { readonly kind: 'quota'; readonly quota: number | undefined; readonly list: readonly number[] | undefined }
  /** `add` skips what is there already and appends, `first` puts in front; `remove` takes exact texts. */
  | {
      readonly kind: 'values'
      readonly field: ValueField | 'emails'
      readonly action: ListAction | 'first'
      readonly values: readonly string[]
    }
  | {
      readonly kind: 'relation'
      readonly field: RelationField | 'members'
      readonly action: ListAction
      readonly names: readonly string[]
    }

/** Types as error texts call them. */
const labels: Readonly<Record<PrincipalType, string>> = {
  individual: 'Individual',
  group: 'Group',
  resource: 'Resource',
  location: 'Location',
  list: 'List',
  other: 'Other',
  domain: 'Domain',
  tenant: 'Tenant',
  role: 'Role',
  apiKey: 'API Key',
  oauthClient: 'OAuth Client',
}

/** Which types may stand at the other end of a relation of which type. */
const mayReference: Readonly<
  Partial<Record<PrincipalType, Readonly<Partial<Record<RelationField | 'members', readonly PrincipalType[]>>>>>
> = {
  individual: { memberOf: ['group', 'individual'], lists: ['list'], roles: ['role'] },
  group: { memberOf: ['group'], lists: ['list'], roles: ['role'], members: ['individual', 'group'] },
  list: { members: ['individual', 'group'] },
  role: { roles: ['role'], members: ['role'] },
  tenant: { roles: ['role'] },
  apiKey: { roles: ['role'] },
  resource: { members: ['resource'] },
  location: { members: ['location', 'resource', 'individual', 'group', 'other'] },
}

/** Applies the steps in order, all or none. Fails with `notFound` when the principal does not exist any more. */
export const changePrincipal: Command<{ readonly id: number; readonly steps: readonly PrincipalStep[] }, void> = {
  name: 'principals.change',
  run: async (tx, { id, steps }) => {
    const before = await getPrincipalById.run(tx, { id })
    if (before === undefined) throw refusal('notFound', { item: String(id) })
    let tenantId = before.tenant?.id
    const touched = new Set([id])
    for (const step of steps) {
      if (step.kind === 'tenant') tenantId = await changeTenant(tx, id, step.name)
      else for (const other of await applyStep(tx, before, tenantId, step)) touched.add(other)
    }
    await refreshSearch(tx, id)
    announce(tx, touched)
  },
}

async function applyStep(
  tx: Transaction,
  { id, type, name }: PrincipalRecord,
  tenantId: number | undefined,
  step: Exclude<PrincipalStep, { kind: 'tenant' }>,
): Promise<readonly number[]> {
  switch (step.kind) {
    case 'name':
      if (step.name === name) return []
      await checkName(tx, step.name, id)
      if (tenantId !== undefined) await checkTenantName(tx, tenantId, type, step.name)
      await tx.run('UPDATE principals SET name = ? WHERE id = ?', [step.name, id])
      return []
    case 'text':
      await tx.run(`UPDATE principals SET ${step.field} = ? WHERE id = ?`, [step.text ?? null, id])
      return []
    case 'quota':
      await tx.run('UPDATE principals SET quota = ?, quota_list = ? WHERE id = ?', [step.quota ?? null, step.list?.join(',') ?? null, id])
      return []
    case 'values':
      await changeValues(tx, { id, type, tenantId }, step)
      return []
    case 'relation':
      return changeRelation(tx, { id, type, tenantId }, step)
  }
}

async function changeValues(
  tx: Transaction,
  owner: Owner,
  { field, action, values }: Extract<PrincipalStep, { kind: 'values' }>,
): Promise<void> {
  const rows =
    field === 'emails'
      ? await tx.all<{ value: string }>('SELECT address AS value FROM principal_emails WHERE principal_id = ? ORDER BY position', [
          owner.id,
        ])
      : await tx.all<{ value: string }>('SELECT value FROM principal_values WHERE principal_id = ? AND field = ? ORDER BY position', [
          owner.id,
          valueFields[field],
        ])
  const current = rows.map(row => row.value)
  const added = values.filter(value => !current.includes(value))
  const next = {
    set: [...new Set(values)],
    add: [...current, ...added],
    first: [...added, ...current],
    remove: current.filter(value => !values.includes(value)),
  }[action]
  if (field === 'emails') await replaceEmails(tx, owner, next)
  else await replaceValues(tx, owner.id, field, next)
}

interface Owner {
  readonly id: number
  readonly type: PrincipalType
  readonly tenantId: number | undefined
}

async function changeRelation(
  tx: Transaction,
  owner: Owner,
  { field, action, names }: Extract<PrincipalStep, { kind: 'relation' }>,
): Promise<readonly number[]> {
  const allowed = mayReference[owner.type]?.[field] ?? []
  const others: Related[] = []
  for (const name of names) {
    const found = await find(tx, name, field === 'roles', action === 'remove' ? undefined : owner.tenantId)
    if (found === undefined && action === 'remove') continue
    if (found === undefined) throw refusal('notFound', { item: name })
    if (action !== 'remove' && !allowed.includes(found.type)) {
      const wanted = allowed.map(type => labels[type]).join(', ')
      throw refusal('other', { details: `Invalid ${field} value`, reason: `Principal "${name}" is not one of ${wanted}.` })
    }
    others.push(found)
  }
  const touched = others.map(other => other.id)
  if (action === 'set') touched.push(...(await clearRelation(tx, owner.id, field)))
  for (const other of others) {
    const [group, member] = field === 'members' ? [owner.id, other.id] : [other.id, owner.id]
    if (action === 'remove') await tx.run('DELETE FROM principal_members WHERE group_id = ? AND member_id = ?', [group, member])
    else await relate(tx, group, member)
  }
  return touched
}

/** Drops the relations of one field only: setting roles leaves groups and lists alone. */
async function clearRelation(tx: Transaction, id: number, field: RelationField | 'members'): Promise<number[]> {
  const record = await getPrincipalById.run(tx, { id })
  if (record === undefined) return []
  const others = field === 'members' ? record.members : record.memberOf.filter(other => relationFieldOf(other.type) === field)
  for (const other of others) {
    const [group, member] = field === 'members' ? [id, other.id] : [other.id, id]
    await tx.run('DELETE FROM principal_members WHERE group_id = ? AND member_id = ?', [group, member])
  }
  return others.map(other => other.id)
}

/** The field under which a principal shows that it belongs to one of this type. */
export function relationFieldOf(type: PrincipalType): RelationField {
  return type === 'list' ? 'lists' : type === 'role' ? 'roles' : 'memberOf'
}

/** Removes the record with its names, addresses and relations; mailbox data is removed by its own aggregates. */
export const deletePrincipal: Command<{ readonly id: number; readonly force?: boolean }, void> = {
  name: 'principals.delete',
  run: async (tx, { id, force }) => {
    const record = await getPrincipalById.run(tx, { id })
    if (record === undefined) throw refusal('notFound', { item: String(id) })
    if (record.type === 'tenant') {
      const rows = await tx.all<{ name: string }>('SELECT name FROM principals WHERE tenant_id = ? ORDER BY name LIMIT 100', [id])
      if (rows.length > 0) throw refusal('other', { details: 'Tenant has members', reason: rows.map(row => row.name).join(', ') })
    }
    if (record.type === 'domain' && !force) {
      const pattern = `%@${record.name.replace(/[\\%_]/g, '\\$&')}`
      const used = await tx.get<{ address: string }>(
        `SELECT address FROM principal_emails WHERE address LIKE ? ESCAPE '\\'
         UNION ALL SELECT name AS address FROM principals WHERE name LIKE ? ESCAPE '\\' AND tenant_id IS NOT NULL LIMIT 1`,
        [pattern, pattern],
      )
      if (used) throw refusal('other', { details: 'Domain has members', reason: `${used.address} is in use` })
    }
    await tx.run('DELETE FROM principal_members WHERE group_id = ? OR member_id = ?', [id, id])
    await tx.run('DELETE FROM principal_emails WHERE principal_id = ?', [id])
    await tx.run('DELETE FROM principal_values WHERE principal_id = ?', [id])
    await tx.run('DELETE FROM principals WHERE id = ?', [id])
    announce(tx, [id, ...record.members.map(other => other.id), ...record.memberOf.map(other => other.id)])
  },
}

function announce(tx: Transaction, ids: Iterable<number>): void {
  for (const key of ids) tx.announce({ topic: 'principal', key })
}

async function checkName(tx: Reader, name: string, ownId: number | undefined): Promise<void> {
  const taken = await tx.get<{ id: number }>('SELECT id FROM principals WHERE name = ?', [name])
  if (taken !== undefined && taken.id !== ownId) throw refusal('fieldAlreadyExists', { field: 'name', value: name })
}

async function tenantOf(tx: Reader, { tenantName, type }: NewPrincipal): Promise<number | undefined> {
  if (tenantName === undefined) return undefined
  const tenant = await tx.get<{ id: number }>('SELECT id FROM principals WHERE name = ? AND type = ?', [tenantName, principalTypes.tenant])
  if (tenant === undefined) throw refusal('notFound', { item: tenantName })
  if (type === 'tenant') throw refusal('other', { details: 'Invalid field', reason: 'A tenant cannot belong to a tenant' })
  return tenant.id
}

async function changeTenant(tx: Transaction, id: number, name: string | undefined): Promise<number | undefined> {
  let tenantId: number | undefined
  if (name !== undefined) {
    const found = await tx.get<{ id: number; type: number }>('SELECT id, type FROM principals WHERE name = ?', [name])
    if (found === undefined) throw refusal('notFound', { item: name })
    if (typeName(found.type) !== 'tenant') throw refusal('other', { details: 'Not a tenant', reason: null })
    tenantId = found.id
  }
  await tx.run('UPDATE principals SET tenant_id = ? WHERE id = ?', [tenantId ?? null, id])
  return tenantId
}

/** Names within a tenant end in a domain of it, but for domains themselves. */
async function checkTenantName(tx: Reader, tenantId: number, type: PrincipalType, name: string): Promise<void> {
  if (type === 'domain') return
  const at = name.indexOf('@')
  const domain = at < 0 ? undefined : await domainRow(tx, name.slice(at + 1))
  if (domain?.tenant_id === tenantId) return
  throw refusal('other', { details: 'Invalid principal name', reason: 'Principal name must include a valid domain assigned to the tenant' })
}

async function checkTenantQuota(tx: Reader, tenantId: number, type: PrincipalType): Promise<void> {
  const tenant = await tx.get<{ quota_list: string | null }>('SELECT quota_list FROM principals WHERE id = ?', [tenantId])
  const limit = Number(tenant?.quota_list?.split(',')[principalTypes[type] + 1] ?? 0)
  if (limit === 0) return
  const row = await tx.get<{ n: number }>('SELECT COUNT(*) AS n FROM principals WHERE tenant_id = ? AND type = ?', [
    tenantId,
    principalTypes[type],
  ])
  if (Number(row?.n ?? 0) >= limit) throw refusal('tenantQuotaExceeded')
}

async function domainRow(tx: Reader, name: string): Promise<{ tenant_id: number | null } | undefined> {
  return tx.get<{ tenant_id: number | null }>('SELECT tenant_id FROM principals WHERE name = ? AND type = ?', [name, principalTypes.domain])
}

async function find(tx: Reader, name: string, role: boolean, tenantId: number | undefined): Promise<Related | undefined> {
  if (role && Object.hasOwn(builtInRoles, name)) return { id: builtInRoles[name as BuiltInRole], type: 'role', name }
  const row = await tx.get<{ id: number; type: number; tenant_id: number | null }>(
    'SELECT id, type, tenant_id FROM principals WHERE name = ?',
    [name.toLowerCase()],
  )
  if (row === undefined || (tenantId !== undefined && row.tenant_id !== tenantId)) return undefined
  return { id: row.id, type: typeName(row.type), name }
}

async function resolve(tx: Reader, name: string, tenantId: number | undefined): Promise<Related> {
  const found = await find(tx, name, false, tenantId)
  if (found === undefined) throw refusal('notFound', { item: name })
  return found
}

const parentTypes: Readonly<Record<RelationField, PrincipalType>> = { memberOf: 'group', lists: 'list', roles: 'role' }

async function resolveParent(tx: Reader, field: RelationField, name: string, tenantId: number | undefined): Promise<Related> {
  const found = await find(tx, name, field === 'roles', tenantId)
  if (found === undefined || found.type !== parentTypes[field]) throw refusal('notFound', { item: name })
  return found
}

async function relate(tx: Transaction, groupId: number, memberId: number): Promise<void> {
  await tx.run('INSERT INTO principal_members (group_id, member_id) VALUES (?, ?) ON CONFLICT (group_id, member_id) DO NOTHING', [
    groupId,
    memberId,
  ])
}

async function replaceEmails(tx: Transaction, { id, type, tenantId }: Owner, emails: readonly string[]): Promise<void> {
  const known = new Set(
    (await tx.all<{ address: string }>('SELECT address FROM principal_emails WHERE principal_id = ?', [id])).map(row => row.address),
  )
  const wanted = [...new Set(emails)]
  for (const address of wanted) if (!known.has(address)) await checkEmail(tx, address, type, tenantId)
  await tx.run('DELETE FROM principal_emails WHERE principal_id = ?', [id])
  let position = 0
  for (const address of wanted) {
    await tx.run('INSERT INTO principal_emails (address, principal_id, position) VALUES (?, ?, ?)', [address, id, position++])
  }
}

async function checkEmail(tx: Reader, address: string, type: PrincipalType, tenantId: number | undefined): Promise<void> {
  const taken = await tx.get('SELECT principal_id FROM principal_emails WHERE address = ?', [address])
  if (taken !== undefined) throw refusal('fieldAlreadyExists', { field: 'emails', value: address })
  // Contacts of an OAuth client live anywhere.
  if (type === 'oauthClient') return
  const domain = address.slice(address.lastIndexOf('@') + 1)
  const row = await domainRow(tx, domain)
  if (row === undefined || (tenantId !== undefined && row.tenant_id !== tenantId)) throw refusal('notFound', { item: domain })
}

async function replaceValues(tx: Transaction, id: number, field: ValueField, values: readonly string[]): Promise<void> {
  await tx.run('DELETE FROM principal_values WHERE principal_id = ? AND field = ?', [id, valueFields[field]])
  let position = 0
  for (const value of values) {
    await tx.run('INSERT INTO principal_values (principal_id, field, position, value) VALUES (?, ?, ?, ?)', [
      id,
      valueFields[field],
      position++,
      value,
    ])
  }
}

/** What the list filter searches: every text but secrets. */
async function refreshSearch(tx: Transaction, id: number): Promise<void> {
  const record = await getPrincipalById.run(tx, { id })
  if (record === undefined) return
  const texts = [record.name, record.description, record.picture, ...record.emails, ...record.urls, ...record.externalMembers]
  await tx.run('UPDATE principals SET search = ? WHERE id = ?', [texts.filter(Boolean).join('\n').toLowerCase(), id])
}

export const principalCommands = [createPrincipal, changePrincipal, deletePrincipal] as const

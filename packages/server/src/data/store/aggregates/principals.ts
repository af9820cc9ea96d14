// Changing the directory. Each command is atomic and checks everything that depends on other principals (names and addresses are
// unique over all types, references exist, tenants bound what may be referenced); who may do it is the directory service's business.

import type { ErrorCode } from '@postern/contract'
import type { Command, Reader, Transaction } from '../command.ts'
import { Refusal, refusal } from '../refusal.ts'
import { addTenantUsage } from './mail-change.ts'
import {
  type BuiltInRole,
  builtInRoles,
  foldName,
  getPrincipalById,
  type PrincipalRecord,
  type PrincipalType,
  principalTypes,
  type Related,
  typeName,
  type ValueField,
  valueFields,
} from './principal-reads.ts'
import { announcePrincipals, nextPrincipalChange, principalsLane } from './principals-frame.ts'

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

/** A refusal that is known before, told only when nothing that comes earlier is wrong. */
export interface LaterRefusal {
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>
}

export interface CreateArgs {
  readonly principal: NewPrincipal
  /** The caller's tenant: what is created belongs to it. */
  readonly tenantId?: number | undefined
  /** What is wrong with permissions or addresses: told after what is wrong with names. */
  readonly refusal?: LaterRefusal | undefined
}

export const createPrincipal: Command<CreateArgs, number> = {
  name: 'principals.create',
  lane: principalsLane,
  run: async (tx, { principal, tenantId, refusal: later }) => {
    const { type, name } = principal
    if (tenantId !== undefined) await checkTenantQuota(tx, tenantId, type)
    await checkName(tx, name, undefined)
    const tenant = tenantId ?? (await tenantOf(tx, principal))
    if (tenant !== undefined) await checkTenantName(tx, tenant, type, name)
    if (tenantId !== undefined && type === 'domain') await checkForeignParents(tx, name, tenantId)
    const members: Related[] = []
    for (const member of principal.members) members.push(await resolve(tx, member, tenant))
    const parents: Related[] = []
    for (const field of ['memberOf', 'lists', 'roles'] as const) {
      for (const parent of principal.relations[field]) parents.push(await resolveParent(tx, field, parent, tenant))
    }
    if (later) throw new Refusal(later.code, later.details)
    const numbers = await tx.get<{ last_id: number; last_change: number }>(
      'UPDATE principal_ids SET last_id = last_id + 1, last_change = last_change + 1 WHERE only_row = 1 RETURNING last_id, last_change',
    )
    const id = Number(numbers?.last_id)
    await tx.run(
      `INSERT INTO principals (id, type, name, description, picture, tenant_id, quota, quota_list, search, change_number)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [
        id,
        principalTypes[type],
        name,
        principal.description ?? null,
        principal.picture ?? null,
        tenant ?? null,
        principal.quota ?? null,
        principal.quotaList?.join(',') ?? null,
        searchText({ ...principal, urls: principal.values.urls ?? [], externalMembers: principal.values.externalMembers ?? [] }),
        Number(numbers?.last_change),
      ],
    )
    await addEmails(tx, { id, type, tenantId: tenant }, principal.emails)
    for (const [field, values] of Object.entries(principal.values)) await addValues(tx, id, field as ValueField, values)
    for (const member of members) await relate(tx, id, member.id)
    for (const parent of parents) await relate(tx, parent.id, id)
    announcePrincipals(tx, [id, ...members.map(member => member.id), ...parents.map(parent => parent.id)])
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
  /** Known to be wrong: told unless a step before it fails. */
  | ({ readonly kind: 'refuse' } & LaterRefusal)

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

/**
 * Applies the steps in order, all or none. Gives false, with nothing changed, when the principal is not as it was at `expected` (its
 * change number). Fails with `notFound` when it does not exist any more.
 */
export const changePrincipal: Command<
  {
    readonly id: number
    readonly steps: readonly PrincipalStep[]
    readonly expected?: number | undefined
    /** The tenant of who changes it. */
    readonly callerTenantId?: number | undefined
  },
  boolean
> = {
  name: 'principals.change',
  lane: principalsLane,
  run: async (tx, { id, steps, expected, callerTenantId }) => {
    const before = await getPrincipalById.run(tx, { id })
    if (before === undefined) throw refusal('notFound', { item: String(id) })
    if (expected !== undefined && before.changeNumber !== expected) return false
    let tenantId = before.tenant?.id
    const touched = new Set([id])
    for (const step of steps) {
      if (step.kind === 'refuse') throw new Refusal(step.code, step.details)
      if (step.kind === 'tenant') tenantId = await changeTenant(tx, before, step.name)
      else for (const other of await applyStep(tx, { ...before, tenantId, callerTenantId }, step)) touched.add(other)
    }
    const after = await getPrincipalById.run(tx, { id })
    await tx.run('UPDATE principals SET search = ?, change_number = ? WHERE id = ?', [searchText(after), await nextPrincipalChange(tx), id])
    // The others show its name.
    if (after?.name !== before.name) for (const { id: other } of [...before.members, ...before.memberOf]) touched.add(other)
    announcePrincipals(tx, touched)
    return true
  },
}

interface Changing extends PrincipalRecord {
  /** As the steps before left it. */
  readonly tenantId: number | undefined
  readonly callerTenantId: number | undefined
}

async function applyStep(
  tx: Transaction,
  { id, type, tenantId, callerTenantId }: Changing,
  step: Exclude<PrincipalStep, { kind: 'tenant' | 'refuse' }>,
): Promise<readonly number[]> {
  switch (step.kind) {
    case 'name':
      await checkName(tx, step.name, id)
      if (tenantId !== undefined && !(await isNamed(tx, id, step.name))) await checkTenantName(tx, tenantId, type, step.name)
      if (callerTenantId !== undefined && type === 'domain') await checkForeignParents(tx, step.name, callerTenantId)
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

async function isNamed(tx: Reader, id: number, name: string): Promise<boolean> {
  return (await tx.get('SELECT id FROM principals WHERE id = ? AND name = ?', [id, name])) !== undefined
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
  if (field === 'emails') {
    await replaceEmails(tx, owner, next)
    await tx.run('UPDATE principals SET emails_emptied = ? WHERE id = ?', [Number(action === 'set' && next.length === 0), owner.id])
  } else await replaceValues(tx, owner.id, field, next)
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

/** The account's used bytes move along. */
async function changeTenant(tx: Transaction, { id, type }: PrincipalRecord, name: string | undefined): Promise<number | undefined> {
  let tenantId: number | undefined
  if (name !== undefined) {
    const found = await tx.get<{ id: number; type: number }>('SELECT id, type FROM principals WHERE name = ?', [name])
    if (found === undefined) throw refusal('notFound', { item: name })
    if (typeName(found.type) !== 'tenant') throw refusal('other', { details: 'Not a tenant', reason: null })
    if (type === 'tenant') throw refusal('other', { details: 'Invalid field', reason: 'A tenant cannot belong to a tenant' })
    tenantId = found.id
  }
  await tx.run('UPDATE principals SET tenant_id = ? WHERE id = ?', [tenantId ?? null, id])
  const account = await tx.get<{ tenant_id: number | null; used_bytes: number }>(
    'SELECT tenant_id, used_bytes FROM mail_accounts WHERE account_id = ?',
    [id],
  )
  if (account !== undefined && account.tenant_id !== (tenantId ?? null)) {
    if (account.tenant_id !== null) await addTenantUsage(tx, account.tenant_id, -account.used_bytes)
    if (tenantId !== undefined) await addTenantUsage(tx, tenantId, account.used_bytes)
    await tx.run('UPDATE mail_accounts SET tenant_id = ? WHERE account_id = ?', [tenantId ?? null, id])
  }
  return tenantId
}

/** Who looks after a tenant makes no domain below one of somebody else: mail to it would be the other's to give. */
async function checkForeignParents(tx: Reader, name: string, tenantId: number): Promise<void> {
  const labels = name.split('.')
  for (let i = 1; i < labels.length; i++) {
    const parent = labels.slice(i).join('.')
    const row = await domainRow(tx, parent)
    if (row !== undefined && row.tenant_id !== tenantId) {
      throw refusal('other', {
        details: 'Invalid principal name',
        reason: `The domain lies below ${parent}, which belongs to somebody else`,
      })
    }
  }
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
    [foldName(name)],
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

/** At its creation a principal of any type may stand in groups, lists and roles. */
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

async function replaceEmails(tx: Transaction, owner: Owner, emails: readonly string[]): Promise<void> {
  const known = new Set(
    (await tx.all<{ address: string }>('SELECT address FROM principal_emails WHERE principal_id = ?', [owner.id])).map(row => row.address),
  )
  await tx.run('DELETE FROM principal_emails WHERE principal_id = ?', [owner.id])
  await addEmails(tx, owner, emails, known)
}

/** @param known what needs no check: the addresses it had before */
async function addEmails(
  tx: Transaction,
  { id, type, tenantId }: Owner,
  emails: readonly string[],
  known: ReadonlySet<string> = new Set(),
): Promise<void> {
  let position = 0
  for (const address of new Set(emails)) {
    if (!known.has(address)) await checkEmail(tx, address, type, tenantId)
    await tx.run('INSERT INTO principal_emails (address, principal_id, position, domain) VALUES (?, ?, ?, ?)', [
      address,
      id,
      position++,
      address.slice(address.lastIndexOf('@') + 1),
    ])
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
  await addValues(tx, id, field, values)
}

async function addValues(tx: Transaction, id: number, field: ValueField, values: readonly string[]): Promise<void> {
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

type Searched = Pick<PrincipalRecord, 'name' | 'emails' | 'urls' | 'externalMembers'> & {
  readonly description?: string | undefined
  readonly picture?: string | undefined
}

/** What the list filter searches: every text but secrets. */
function searchText(principal: Searched | undefined): string {
  if (principal === undefined) return ''
  const { name, description, picture, emails, urls, externalMembers } = principal
  return [name, description, picture, ...emails, ...urls, ...externalMembers].filter(Boolean).join('\n').toLowerCase()
}

export const principalCommands = [createPrincipal, changePrincipal] as const

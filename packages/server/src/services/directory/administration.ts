import { failure, type PermissionId, principalTypeNames } from '@postern/contract'
import {
  changePrincipal,
  countMembers,
  createPrincipal,
  deletePrincipal,
  getPrincipalById,
  getPrincipalByName,
  listPrincipalIds,
  listPrincipals,
  type PrincipalFilter,
  type PrincipalRecord,
  type PrincipalType,
  principalTypes,
  type Store,
  type ValueField,
} from '#data/store'
import type { Caller } from './index.ts'
import {
  invalidParameters,
  isInputField,
  type PrincipalInput,
  type PrincipalOperation,
  readEmail,
  readExternalMember,
  readName,
  readOperations,
  readQuota,
  readText,
  readTexts,
  readType,
} from './input.ts'
import { type PrincipalOutput, showPrincipal } from './output.ts'
import { planChange } from './plan-change.ts'
import { checkPermissions, type Rights, type RightsSource } from './rights.ts'

export interface PrincipalQuery {
  /** All types when absent. */
  readonly types?: readonly string[]
  readonly filter?: string
  readonly fields?: readonly string[]
  /** By name; for callers without tenant. */
  readonly tenant?: string
  readonly page?: number
  readonly limit?: number
  readonly countOnly?: boolean
}

/** Looking after principals on behalf of a caller. Failures: see each endpoint of the contract. */
export interface Administration {
  list(caller: Caller, query: PrincipalQuery): Promise<{ readonly items: readonly PrincipalOutput[]; readonly total: number }>
  /** @returns the new id */
  create(caller: Caller, input: PrincipalInput): Promise<number>
  get(caller: Caller, name: string): Promise<PrincipalOutput>
  change(caller: Caller, name: string, operations: unknown): Promise<void>
  remove(caller: Caller, name: string, options?: { readonly force?: boolean }): Promise<void>
  /** Removes all matches but the caller. @returns whether there were any */
  removeAll(caller: Caller, query: { readonly type: string; readonly filter?: string; readonly tenant?: string }): Promise<boolean>
}

export interface AdministrationParts {
  readonly store: Store
  readonly rights: RightsSource
  readonly hashSecret: (secret: string) => Promise<string>
  readonly verifySecret: (stored: string, secret: string) => Promise<boolean>
  /** Bytes used by the mailboxes of an account. */
  readonly usedQuota: (accountId: number) => Promise<number>
  /** Removes all mail of an account; may be repeated. */
  readonly destroyMail: (accountId: number) => Promise<void>
}

const reservedRoleNames = ['admin', 'tenant-admin', 'user']
const maxPageSize = 10_000
const mailTypes: readonly PrincipalType[] = ['individual', 'group', 'tenant']

export function createAdministration({
  store,
  rights,
  hashSecret,
  verifySecret,
  usedQuota,
  destroyMail,
}: AdministrationParts): Administration {
  async function find(caller: Caller, name: string): Promise<PrincipalRecord> {
    const record = await store.read(getPrincipalByName, { name: name.toLowerCase() })
    const isVisible = caller.tenantId === undefined || record?.tenant?.id === caller.tenantId || record?.id === caller.tenantId
    if (record === undefined || !isVisible) throw failure('notFound', { item: name })
    return record
  }

  async function show(record: PrincipalRecord, fields: ReadonlySet<string>): Promise<PrincipalOutput> {
    const wants = (field: string): boolean => fields.size === 0 || fields.has(field)
    const isCounted = record.type === 'domain' || record.type === 'tenant'
    const members = isCounted && wants('members') ? await store.read(countMembers, record) : undefined
    const used = mailTypes.includes(record.type) && wants('usedQuota') ? await usedQuota(record.id) : undefined
    return showPrincipal(record, { members, usedQuota: used }, fields)
  }

  async function filterOf(caller: Caller, types: readonly PrincipalType[], filter?: string, tenant?: string): Promise<PrincipalFilter> {
    let tenantId = caller.tenantId
    if (tenantId === undefined && tenant !== undefined) {
      const found = await store.read(getPrincipalByName, { name: tenant.toLowerCase() })
      if (found?.type !== 'tenant') throw failure('notFound', { item: tenant })
      tenantId = found.id
    }
    return { types, words: (filter ?? '').toLowerCase().split(/\s+/).filter(Boolean), tenantId }
  }

  /** Roles may be given only by somebody who has all that they grant. */
  async function checkGrants(caller: Caller, roles: readonly string[]): Promise<void> {
    for (const name of roles) {
      const granted = await roleRights(name)
      if (granted !== undefined && !granted.isSubsetOf(caller.rights)) throw failure('other', { details: 'Invalid role', reason: null })
    }
  }

  async function roleRights(name: string): Promise<Rights | undefined> {
    if (reservedRoleNames.includes(name)) return rights.ofBuiltIn(name)
    const role = await store.read(getPrincipalByName, { name: name.toLowerCase() })
    return role?.type === 'role' ? rights.ofRole(role.id) : undefined
  }

  /** Who holds more than the caller is out of the caller's reach. */
  async function checkReach(caller: Caller, target: PrincipalRecord): Promise<void> {
    if (!(await rights.of(target.id)).isSubsetOf(caller.rights)) throw outOfReach(target)
  }

  /**
   * A restriction may be lifted only by somebody it does not bind, or everybody could shake off their own: one's disabled permissions,
   * those of a role that one has, and those of a role that is deleted.
   */
  async function checkLifts(caller: Caller, target: PrincipalRecord, operations: readonly PrincipalOperation[]): Promise<void> {
    for (const { action, field, value } of operations) {
      if (action === 'addItem') continue
      const named = new Set(
        field === 'disabledPermissions' || field === 'roles' ? readTexts(field, value).map(text => text.toLowerCase()) : [],
      )
      const isLifted = (text: string): boolean => named.has(text.toLowerCase()) !== (action === 'set')
      if (field === 'disabledPermissions') checkTaken(caller, target, new Set(target.disabledPermissions.filter(isLifted)))
      if (field === 'roles')
        for (const role of target.memberOf)
          if (role.type === 'role' && isLifted(role.name)) checkTaken(caller, target, await rights.takenByRole(role.id))
      if (field === 'members' && target.type === 'role') checkTaken(caller, target, await rights.takenByRole(target.id))
      if (field === 'tenant' && !(await rights.outsideTenant(target)).isSubsetOf(caller.rights)) throw outOfReach(target)
    }
  }

  function checkTaken(caller: Caller, target: PrincipalRecord, taken: ReadonlySet<string>): void {
    if (!taken.isSubsetOf(caller.rights)) throw outOfReach(target)
  }

  /** The mail first: whatever is cut short between the two is finished by deleting once more. */
  async function destroy({ id, type }: PrincipalRecord, force: boolean): Promise<void> {
    if (type === 'individual' || type === 'group') await destroyMail(id)
    await store.write(deletePrincipal, { id, force })
  }

  return {
    async list(caller, { types: wanted, filter, fields, tenant, page = 1, limit = 0, countOnly = false }) {
      const types = (wanted ?? []).filter(isType)
      const asked = types.length > 0 ? types : (Object.keys(principalTypes) as PrincipalType[])
      for (const type of asked) demandFor(caller, type, 'list')
      const size = limit === 0 ? 0 : Math.min(limit, maxPageSize)
      const offset = size === 0 ? 0 : (Math.max(1, page) - 1) * size
      const found = await store.read(listPrincipals, {
        filter: await filterOf(caller, types, filter, tenant),
        offset,
        limit: size,
        countOnly,
      })
      const shown = new Set((fields ?? []).filter(isInputField))
      const items: PrincipalOutput[] = []
      for (const record of found.items) items.push(await show(record, shown))
      return { items, total: found.total }
    },

    async create(caller, input) {
      for (const field of Object.keys(input)) if (!isInputField(field)) throw invalidParameters(`unknown field ${field.slice(0, 50)}`)
      const type = readType(input['type'])
      if (input['name'] === null) throw invalidParameters('name must be a text')
      const name = readText('name', input['name']) ?? ''
      const texts = Object.fromEntries(textFields.map(field => [field, readTexts(field, input[field])])) as Record<
        (typeof textFields)[number],
        readonly string[]
      >
      const { quota, list } = readQuota(input['quota'])
      const description = readText('description', input['description'])
      const picture = readText('picture', input['picture'])
      const tenantName = caller.tenantId === undefined ? readText('tenant', input['tenant'])?.toLowerCase() : undefined
      demandFor(caller, type, 'create')
      await checkGrants(caller, texts.roles)
      if (name === '') throw failure('fieldMissing', { field: 'name' })
      if (type === 'role' && reservedRoleNames.includes(name.toLowerCase()))
        throw failure('fieldAlreadyExists', { field: 'name', value: name.toLowerCase() })
      checkPermissions(caller, texts)
      return store.write(createPrincipal, {
        tenantId: caller.tenantId,
        principal: {
          type,
          name: readName(type, name),
          description,
          picture,
          tenantName,
          quota,
          quotaList: list,
          emails: texts.emails.map(readEmail),
          values: {
            secrets: await Promise.all(texts.secrets.map(hashSecret)),
            urls: texts.urls,
            externalMembers: texts.externalMembers.map(readExternalMember),
            enabledPermissions: texts.enabledPermissions,
            disabledPermissions: texts.disabledPermissions,
          },
          members: texts.members,
          relations: { memberOf: texts.memberOf, lists: texts.lists, roles: texts.roles },
        },
      })
    },

    async get(caller, name) {
      const record = await find(caller, name)
      demandFor(caller, record.type, 'get')
      return show(record, new Set())
    },

    async change(caller, name, body) {
      const record = await find(caller, name)
      demandFor(caller, record.type, 'update')
      const operations = readOperations(body)
      if (caller.tenantId !== undefined && operations.some(({ field }) => field === 'tenant')) throw failure('forbidden', {})
      const given = operations.filter(({ action, field }) => field === 'roles' && action !== 'removeItem')
      await checkGrants(
        caller,
        given.flatMap(({ value }) => readTexts('roles', value)),
      )
      const sensitive = ['secrets', 'emails', 'roles', 'enabledPermissions', 'disabledPermissions']
      if (operations.some(({ field }) => sensitive.includes(field))) await checkReach(caller, record)
      const steps = await planChange(record, operations, { caller, hashSecret, verifySecret })
      await checkLifts(caller, record, operations)
      if (steps.length > 0) await store.write(changePrincipal, { id: record.id, steps })
    },

    async remove(caller, name, { force = false } = {}) {
      const record = await find(caller, name)
      demandFor(caller, record.type, 'delete')
      await checkReach(caller, record)
      if (record.type === 'role') checkTaken(caller, record, await rights.takenByRole(record.id))
      await destroy(record, force)
    },

    async removeAll(caller, { type, filter, tenant }) {
      if (!isType(type)) throw invalidParameters('Invalid type')
      demandFor(caller, type, 'delete')
      const ids = await store.read(listPrincipalIds, { filter: await filterOf(caller, [type], filter, tenant) })
      let any = false
      for (const id of ids) {
        const record = id === caller.accountId ? undefined : await store.read(getPrincipalById, { id })
        if (record === undefined || !(await rights.of(id)).isSubsetOf(caller.rights)) continue
        if (type === 'role' && !(await rights.takenByRole(id)).isSubsetOf(caller.rights)) continue
        any = true
        await destroy(record, false).catch(ignoreRefusal)
      }
      return any
    },
  }
}

/** Single refusals (a tenant with members) don't stop the deletion of the others; a store that fails does. */
function ignoreRefusal(error: unknown): void {
  if (!isRefusal(error)) throw error
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'other' || error.code === 'notFound')
}

const textFields = [
  'secrets',
  'emails',
  'urls',
  'externalMembers',
  'memberOf',
  'lists',
  'roles',
  'members',
  'enabledPermissions',
  'disabledPermissions',
] as const satisfies ReadonlyArray<ValueField | 'emails' | 'memberOf' | 'lists' | 'roles' | 'members'>

function isType(text: string): text is PrincipalType {
  return Object.hasOwn(principalTypes, text)
}

function outOfReach({ type }: PrincipalRecord): Error {
  return failure('forbidden', { permission: stemPermission(type, 'update') })
}

function stemPermission(type: PrincipalType, verb: string): PermissionId {
  return `${principalTypeNames[type].permission}-${verb}` as PermissionId
}

function demandFor(caller: Caller, type: PrincipalType, verb: 'list' | 'get' | 'create' | 'update' | 'delete'): void {
  const permission = stemPermission(type, verb)
  if (!caller.rights.has(permission)) throw failure('forbidden', { permission })
}

import { Failure, failure, type PermissionId, principalTypeNames } from '@postern/contract'
import { nextTurn } from '#base/limits'
import {
  askRemovals,
  changePrincipal,
  countMembers,
  createPrincipal,
  deletePrincipal,
  foldName,
  getPrincipalByName,
  getPrincipals,
  type PrincipalFilter,
  type PrincipalRecord,
  type PrincipalType,
  principalTypes,
  type Store,
  usedBytes,
  type ValueField,
} from '#data/store'
import type { Catalogue } from './catalogue.ts'
import type { Caller } from './index.ts'
import {
  checkSecretCount,
  invalidParameters,
  isInputField,
  type PrincipalInput,
  type PrincipalOperation,
  readOperations,
  readQuota,
  readText,
  readTexts,
  readType,
} from './input.ts'
import { imitatedDomain, readEmail, readExternalMember, readName } from './names.ts'
import { type PrincipalOutput, showPrincipal } from './output.ts'
import { asLaterRefusal, planChange } from './plan-change.ts'
import type { Removals } from './removals.ts'
import { allPermissions, checkPermissions, type Rights, type RightsSource } from './rights.ts'

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
  readonly catalogue: Catalogue
  readonly removals: Removals
  readonly domains: () => Promise<ReadonlySet<string>>
  readonly hashSecret: (secret: string) => Promise<string>
  readonly verifySecret: (stored: string, secret: string) => Promise<boolean>
  /** An individual without roles and permissions gets the role `user`. */
  readonly givesUserRole: () => boolean
  /** Whether accounts and their passwords are kept here. */
  readonly isInternal: () => boolean
}

export const reservedRoleNames: readonly string[] = ['admin', 'tenant-admin', 'user']
const maxPageSize = 10_000
/** How often a change is planned anew because the principal changed meanwhile. */
const maxAttempts = 50
/** Principals that are read or asked to be removed in one go, so that others get their turn. */
const rowsAtATime = 500

export function createAdministration({
  store,
  rights,
  catalogue,
  removals,
  domains,
  hashSecret,
  verifySecret,
  givesUserRole,
  isInternal,
}: AdministrationParts): Administration {
  async function find(caller: Caller, name: string): Promise<PrincipalRecord> {
    const record = await look(caller, name)
    if (record === undefined) throw failure('notFound', { item: name })
    return record
  }

  /** Undefined also when the caller may not know of it. */
  async function look(caller: Caller, name: string): Promise<PrincipalRecord | undefined> {
    const record = await store.read(getPrincipalByName, { name: foldName(name) })
    const isVisible = caller.tenantId === undefined || record?.tenant?.id === caller.tenantId || record?.id === caller.tenantId
    return isVisible ? record : undefined
  }

  async function show(records: readonly PrincipalRecord[], fields: ReadonlySet<string>): Promise<readonly PrincipalOutput[]> {
    const wants = (field: string): boolean => fields.size === 0 || fields.has(field)
    const counted = wants('members') ? records.filter(({ type }) => type === 'domain' || type === 'tenant') : []
    const members = counted.length > 0 ? await store.read(countMembers, { principals: counted }) : undefined
    const idsOf = (...types: readonly PrincipalType[]): readonly number[] =>
      wants('usedQuota') ? records.filter(({ type }) => types.includes(type)).map(({ id }) => id) : []
    const used = await store.read(usedBytes, { accountIds: idsOf('individual', 'group'), tenantIds: idsOf('tenant') })
    return records.map(record => showPrincipal(record, { members: members?.get(record.id), usedQuota: used.get(record.id) ?? 0 }, fields))
  }

  async function filterOf(caller: Caller, types: readonly PrincipalType[], filter?: string, tenant?: string): Promise<PrincipalFilter> {
    let tenantId = caller.tenantId
    if (tenantId === undefined && tenant !== undefined) {
      const found = await store.read(getPrincipalByName, { name: foldName(tenant) })
      if (found?.type !== 'tenant') throw failure('notFound', { item: tenant })
      tenantId = found.id
    }
    return {
      types,
      words: foldName(filter ?? '')
        .split(/\s+/)
        .filter(Boolean),
      tenantId,
    }
  }

  /** Roles may be given only by somebody who has all that they grant. */
  async function checkGrants(caller: Caller, roles: readonly string[]): Promise<void> {
    for (const name of roles) {
      const granted = await roleRights(name)
      if (granted !== undefined && !granted.isSubsetOf(caller.rights)) throw invalidRole()
    }
  }

  async function roleRights(name: string): Promise<Rights | undefined> {
    if (reservedRoleNames.includes(name)) return rights.ofBuiltIn(name)
    const role = await store.read(getPrincipalByName, { name: foldName(name) })
    return role?.type === 'role' ? rights.ofRole(role.id) : undefined
  }

  /** Who holds more than the caller is out of the caller's reach. */
  async function checkReach(caller: Caller, target: PrincipalRecord): Promise<void> {
    if (caller.rights.size === allPermissions.size) return
    if (!(await rights.of(target.id)).isSubsetOf(caller.rights)) throw outOfReach(target)
  }

  /** Who becomes a member of a role gets what it grants and loses what it takes away: as if the `roles` of the member changed. */
  async function checkRoleMembers(caller: Caller, role: PrincipalRecord, operations: readonly PrincipalOperation[]): Promise<void> {
    if (role.type !== 'role') return
    for (const { action, field, value } of operations) {
      if (field !== 'members') continue
      if (action !== 'removeItem' && !(await rights.ofRole(role.id)).isSubsetOf(caller.rights)) throw invalidRole()
      const former = action === 'set' ? role.members.map(member => member.name) : []
      await checkReachOfAll(caller, [...readTexts(field, value), ...former])
    }
  }

  /** Whoever is a member of a person reads that person's mail. */
  async function checkPersons(caller: Caller, operations: readonly PrincipalOperation[]): Promise<void> {
    const joined = operations.filter(({ action, field }) => field === 'memberOf' && action !== 'removeItem')
    for (const name of joined.flatMap(({ value }) => readTexts('memberOf', value))) {
      const record = await look(caller, name)
      if (record?.type === 'individual') await checkReach(caller, record)
    }
  }

  async function checkReachOfAll(caller: Caller, names: readonly string[]): Promise<void> {
    for (const name of names) {
      const record = await look(caller, name)
      if (record !== undefined) await checkReach(caller, record)
    }
  }

  /**
   * A restriction may be lifted only by somebody it does not bind, or everybody could shake off their own: one's disabled permissions,
   * those of a role that one has, and those of a role that is deleted.
   */
  async function checkLifts(caller: Caller, target: PrincipalRecord, operations: readonly PrincipalOperation[]): Promise<void> {
    for (const { action, field, value } of operations) {
      if (action === 'addItem') continue
      const named = new Set(field === 'disabledPermissions' || field === 'roles' ? readTexts(field, value).map(foldName) : [])
      const isLifted = (text: string): boolean => named.has(foldName(text)) !== (action === 'set')
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

  /** Somebody could be led to take one domain for the other. */
  async function checkImitation(type: PrincipalType, name: string, own?: string): Promise<void> {
    if (type !== 'domain') return
    const existing = new Set(await domains())
    if (own !== undefined) existing.delete(own)
    const imitated = await imitatedDomain(name, existing)
    if (imitated !== undefined) {
      throw failure('other', { details: 'Invalid principal name', reason: `The domain looks like ${imitated}, which exists already` })
    }
  }

  async function checkDeletion(caller: Caller, record: PrincipalRecord): Promise<void> {
    await checkReach(caller, record)
    if (record.type === 'role') checkTaken(caller, record, await rights.takenByRole(record.id))
  }

  async function mayDelete(caller: Caller, record: PrincipalRecord): Promise<boolean> {
    try {
      await checkDeletion(caller, record)
      return true
    } catch (error) {
      if (error instanceof Failure && error.code === 'forbidden') return false
      throw error
    }
  }

  /** Asks for the removal of those the caller may delete, in slices; gives for each whether there was any. */
  async function* askFor(caller: Caller, ids: readonly number[]): AsyncGenerator<boolean> {
    for (let start = 0; start < ids.length; start += rowsAtATime) {
      const deletable: number[] = []
      for (const record of await store.read(getPrincipals, { ids: ids.slice(start, start + rowsAtATime) })) {
        if (record.id !== caller.accountId && (await mayDelete(caller, record))) deletable.push(record.id)
      }
      if (deletable.length > 0) await store.write(askRemovals, { ids: deletable })
      yield deletable.length > 0
    }
  }

  return {
    async list(caller, { types: wanted, filter, fields, tenant, page = 1, limit = 0, countOnly = false }) {
      // `other` is a type that is shown and never asked for: like an unknown one it is passed over.
      const types = [...new Set((wanted ?? []).filter(isType))].filter(type => type !== 'other').sort()
      const asked = types.length > 0 ? types : (Object.keys(principalTypes) as PrincipalType[])
      for (const type of asked) demandFor(caller, type, 'list')
      const size = limit === 0 ? 0 : Math.min(limit, maxPageSize)
      const offset = size === 0 ? 0 : (Math.max(1, page) - 1) * size
      const condition = await filterOf(caller, types, filter, tenant)
      const shown = new Set((fields ?? []).filter(isInputField))
      for (let attempt = 1; ; attempt++) {
        const ids = await catalogue.matching(condition)
        if (countOnly) return { items: [], total: ids.length }
        const wantedIds = size === 0 ? ids : ids.slice(offset, offset + size)
        const items: PrincipalOutput[] = []
        for (let start = 0; start < wantedIds.length; start += rowsAtATime) {
          if (start > 0) await nextTurn()
          items.push(...(await show(await store.read(getPrincipals, { ids: wantedIds.slice(start, start + rowsAtATime) }), shown)))
        }
        // One of the page was removed in between: then the page is another one. A list of everything is as it was a moment ago.
        if (items.length < wantedIds.length && wantedIds.length <= rowsAtATime && attempt < maxAttempts) continue
        return { items, total: ids.length }
      }
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
      if (type === 'individual' && !isInternal()) throw externalDirectory()
      const isBare = texts.roles.length === 0 && texts.enabledPermissions.length === 0 && texts.disabledPermissions.length === 0
      const roles = type === 'individual' && isBare && givesUserRole() ? ['user'] : texts.roles
      await checkGrants(caller, roles)
      if (type === 'role') await checkReachOfAll(caller, texts.members)
      if (name === '') throw failure('fieldMissing', { field: 'name' })
      const readable = readName(type, name)
      if (type === 'role' && reservedRoleNames.includes(readable)) throw failure('fieldAlreadyExists', { field: 'name', value: readable })
      await checkImitation(type, readable)
      // Found out now, told in the order of the checks: after what is wrong with names.
      const later = await asLaterRefusal(async () => {
        checkPermissions(caller, texts)
        checkSecretCount(texts.secrets.length)
        return {
          emails: texts.emails.map(readEmail),
          externalMembers: texts.externalMembers.map(readExternalMember),
          secrets: await Promise.all(texts.secrets.map(hashSecret)),
        }
      })
      return store.write(createPrincipal, {
        tenantId: caller.tenantId,
        refusal: 'code' in later ? later : undefined,
        principal: {
          type,
          name: readable,
          description,
          picture,
          tenantName,
          quota,
          quotaList: list,
          emails: 'code' in later ? [] : later.emails,
          values: {
            secrets: 'code' in later ? [] : later.secrets,
            urls: texts.urls,
            externalMembers: 'code' in later ? [] : later.externalMembers,
            enabledPermissions: texts.enabledPermissions,
            disabledPermissions: texts.disabledPermissions,
          },
          members: texts.members,
          relations: { memberOf: texts.memberOf, lists: texts.lists, roles },
        },
      })
    },

    async get(caller, name) {
      const record = await find(caller, name)
      demandFor(caller, record.type, 'get')
      const [shown] = await show([record], new Set())
      if (shown === undefined) throw failure('notFound', { item: name })
      return shown
    },

    async change(caller, name, body) {
      const hashes = new Map<string, Promise<string>>()
      const hashOnce = (secret: string): Promise<string> => {
        const known = hashes.get(secret) ?? hashSecret(secret)
        hashes.set(secret, known)
        return known
      }
      for (let attempt = 1; attempt <= maxAttempts; attempt++) {
        const record = await find(caller, name)
        demandFor(caller, record.type, 'update')
        const operations = readOperations(body)
        if (caller.tenantId !== undefined && operations.some(({ field }) => field === 'tenant')) throw failure('forbidden', {})
        const given = operations.filter(({ action, field }) => field === 'roles' && action !== 'removeItem')
        await checkGrants(
          caller,
          given.flatMap(({ value }) => readTexts('roles', value)),
        )
        if (operations.some(({ field }) => field === 'secrets') && !isInternal()) throw externalDirectory()
        const isSensitive = operations.some(({ field }) => sensitiveFields.includes(field))
        if (isSensitive) await checkReach(caller, record)
        const steps = await planChange(record, operations, { caller, hashSecret: hashOnce, verifySecret })
        await checkRoleMembers(caller, record, operations)
        await checkPersons(caller, operations)
        await checkLifts(caller, record, operations)
        for (const step of steps) if (step.kind === 'name') await checkImitation(record.type, step.name, record.name)
        if (steps.length === 0) return
        // What was allowed and planned for the principal as it was may be neither now: then all is asked again.
        const expected = isSensitive || operations.some(({ field }) => field === 'tenant') ? record.changeNumber : undefined
        if (await store.write(changePrincipal, { id: record.id, steps, expected, callerTenantId: caller.tenantId })) return
      }
      throw failure('storeUnavailable', { reason: 'the principal is being changed by too many at once' })
    },

    async remove(caller, name, { force = false } = {}) {
      for (let attempt = 1; attempt <= maxAttempts; attempt++) {
        const record = await find(caller, name)
        demandFor(caller, record.type, 'delete')
        await checkDeletion(caller, record)
        if (await store.write(deletePrincipal, { id: record.id, force, expected: record.changeNumber })) return removals.begin()
      }
      throw failure('storeUnavailable', { reason: 'the principal is being changed by too many at once' })
    },

    async removeAll(caller, { type, filter, tenant }) {
      if (!isType(type)) throw invalidParameters('Invalid type')
      demandFor(caller, type, 'delete')
      const slices = askFor(caller, await catalogue.matching(await filterOf(caller, [type], filter, tenant)))
      for (let slice = await slices.next(); !slice.done; slice = await slices.next()) {
        if (!slice.value) continue
        removals.begin()
        removals.keep(drain(slices))
        return true
      }
      return false
    },
  }
}

async function drain(slices: AsyncGenerator<boolean>): Promise<void> {
  for await (const _ of slices);
}

/** What only somebody may change who holds all that the principal holds. Logins of other directories find their account by its name. */
const sensitiveFields = ['name', 'secrets', 'emails', 'roles', 'enabledPermissions', 'disabledPermissions']

function invalidRole(): Error {
  return failure('other', { details: 'Invalid role', reason: null })
}

function externalDirectory(): Error {
  return failure('unsupported', { details: 'The accounts are kept in another directory' })
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

import { failure, type PermissionId, permissionIds, permissions } from '@postern/contract'
import { type BuiltInRole, builtInRoleName, type PrincipalRecord } from '#data/store'

/** Effective permissions. */
export type Rights = ReadonlySet<PermissionId>

export const allPermissions: Rights = new Set(permissionIds)

const builtIn: Readonly<Record<BuiltInRole, Rights>> = {
  admin: allPermissions,
  'tenant-admin': new Set(permissionIds.filter(id => permissions[id].roles.includes('tenant-admin'))),
  user: new Set(permissionIds.filter(id => permissions[id].roles.includes('user'))),
}

const noRights: Rights = new Set()

interface Sets {
  readonly enabled: Set<PermissionId>
  readonly disabled: Set<PermissionId>
}

export interface RightsSource {
  of(id: number): Promise<Rights>
  /** What a role gives on its own. */
  ofRole(id: number): Promise<Rights>
  /** What a role takes away from everybody who has it. */
  takenByRole(id: number): Promise<Rights>
  ofBuiltIn(name: string): Rights
  /** What a principal would have if it had no tenant. */
  outsideTenant(record: PrincipalRecord): Promise<Rights>
  forget(): void
}

type ById = (id: number) => Promise<PrincipalRecord | undefined>

export function createRights(byId: ById): RightsSource {
  const known = new Map<number, Promise<Rights>>()
  async function setsOfRole(id: number): Promise<Sets> {
    const sets: Sets = { enabled: new Set(), disabled: new Set() }
    await collectRole(byId, id, sets, new Set())
    return sets
  }
  return {
    of(id) {
      const cached = known.get(id)
      if (cached !== undefined) return cached
      const computed = compute(byId, id)
      known.set(id, computed)
      computed.catch(() => known.delete(id))
      return computed
    },
    async ofRole(id) {
      const sets = await setsOfRole(id)
      return sets.enabled.difference(sets.disabled)
    },
    takenByRole: async id => (await setsOfRole(id)).disabled,
    ofBuiltIn: name => (Object.hasOwn(builtIn, name) ? builtIn[name as BuiltInRole] : noRights),
    outsideTenant: record => untenanted(record, byId),
    forget: () => known.clear(),
  }
}

async function compute(byId: ById, id: number): Promise<Rights> {
  const record = await byId(id)
  if (record === undefined) return noRights
  return rightsOf(record, byId)
}

/** Enabled of all roles and its own, minus disabled of all; within what its tenant has. Roles may nest, and even in circles. */
export async function rightsOf(record: PrincipalRecord, byId: ById): Promise<Rights> {
  const own = await untenanted(record, byId)
  if (record.tenant === undefined || record.type === 'tenant') return own
  const tenant = await byId(record.tenant.id)
  return tenant === undefined ? noRights : own.intersection(await untenanted(tenant, byId))
}

async function untenanted(record: PrincipalRecord, byId: ById): Promise<Rights> {
  const sets: Sets = { enabled: new Set(), disabled: new Set() }
  collectOwn(record, sets)
  const seen = new Set<number>()
  for (const parent of record.memberOf) if (parent.type === 'role') await collectRole(byId, parent.id, sets, seen)
  return sets.enabled.difference(sets.disabled)
}

async function collectRole(byId: ById, id: number, sets: Sets, seen: Set<number>): Promise<void> {
  if (seen.has(id)) return
  seen.add(id)
  const name = builtInRoleName(id)
  if (name !== undefined) {
    for (const permission of builtIn[name]) sets.enabled.add(permission)
    return
  }
  const role = await byId(id)
  if (role === undefined) return
  collectOwn(role, sets)
  for (const parent of role.memberOf) if (parent.type === 'role') await collectRole(byId, parent.id, sets, seen)
}

function collectOwn(record: PrincipalRecord, sets: Sets): void {
  for (const permission of record.enabledPermissions) if (isPermission(permission)) sets.enabled.add(permission)
  for (const permission of record.disabledPermissions) if (isPermission(permission)) sets.disabled.add(permission)
}

export function isPermission(text: string): text is PermissionId {
  return Object.hasOwn(permissions, text)
}

type PermissionField = 'enabledPermissions' | 'disabledPermissions'

/** Enabled permissions must be known and held by the caller, disabled ones known. */
export function checkPermissions(
  caller: { readonly rights: Rights },
  { enabledPermissions = [], disabledPermissions = [] }: { readonly [Field in PermissionField]?: readonly string[] },
): void {
  checkKnown('enabledPermissions', enabledPermissions)
  const lacking = enabledPermissions.find(id => isPermission(id) && !caller.rights.has(id))
  if (lacking !== undefined) throw failure('other', { details: 'Invalid permission', reason: lacking })
  checkKnown('disabledPermissions', disabledPermissions)
}

export function checkKnown(field: PermissionField, ids: readonly string[]): void {
  const unknown = ids.find(id => !isPermission(id))
  if (unknown !== undefined) throw failure('other', { details: `Invalid ${field} value`, reason: unknown })
}

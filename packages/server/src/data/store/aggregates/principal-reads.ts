// Reading the directory: principals of all types with their addresses, values and relations.
import type { Query, Reader, SqlValue } from '../command.ts'

/** Numeric types, as tenants count them; `other` is 6. */
export const principalTypes = {
  individual: 0,
  group: 1,
  resource: 2,
  location: 3,
  list: 5,
  other: 6,
  domain: 7,
  tenant: 8,
  role: 9,
  apiKey: 10,
  oauthClient: 11,
} as const
export type PrincipalType = keyof typeof principalTypes

const typeNames = new Map<number, PrincipalType>(Object.entries(principalTypes).map(([name, id]) => [id, name as PrincipalType]))

export function typeName(id: number): PrincipalType {
  return typeNames.get(id) ?? 'other'
}

/** Fields with several texts; e-mails have a table of their own since they are unique over all principals. */
export const valueFields = { secrets: 1, urls: 2, externalMembers: 3, enabledPermissions: 4, disabledPermissions: 5 } as const
export type ValueField = keyof typeof valueFields

/** Built-in roles: they take part in relations but have no row. */
export const builtInRoles = { admin: 4_294_967_295, 'tenant-admin': 4_294_967_294, user: 4_294_967_293 } as const
export type BuiltInRole = keyof typeof builtInRoles

export function builtInRoleName(id: number): BuiltInRole | undefined {
  return (Object.keys(builtInRoles) as BuiltInRole[]).find(name => builtInRoles[name] === id)
}

/** The other end of a relation. */
export interface Related {
  readonly id: number
  readonly type: PrincipalType
  readonly name: string
}

export interface PrincipalRecord {
  readonly id: number
  readonly type: PrincipalType
  readonly name: string
  readonly description: string | undefined
  readonly picture: string | undefined
  readonly tenant: { readonly id: number; readonly name: string } | undefined
  /** Bytes; absent when never given. For tenants the list has the bytes, then one count per type id + 1. */
  readonly quota: number | undefined
  readonly quotaList: readonly number[] | undefined
  readonly emails: readonly string[]
  readonly secrets: readonly string[]
  readonly urls: readonly string[]
  readonly externalMembers: readonly string[]
  readonly enabledPermissions: readonly string[]
  readonly disabledPermissions: readonly string[]
  /** Groups, lists and roles it belongs to, by id. */
  readonly memberOf: readonly Related[]
  /** Direct members, by id; empty for domains and tenants, which only count. */
  readonly members: readonly Related[]
}

interface PrincipalRow {
  id: number
  type: number
  name: string
  description: string | null
  picture: string | null
  tenant_id: number | null
  tenant_name: string | null
  quota: number | null
  quota_list: string | null
}

const columns = `p.id, p.type, p.name, p.description, p.picture, p.tenant_id, t.name AS tenant_name, p.quota, p.quota_list
  FROM principals p LEFT JOIN principals t ON t.id = p.tenant_id`

/** At most so many parameters in one statement. */
const batch = 500

/** Completes rows with everything that hangs on them: five statements a batch, however many rows. */
export async function loadPrincipals(reader: Reader, rows: readonly PrincipalRow[]): Promise<PrincipalRecord[]> {
  const records: PrincipalRecord[] = []
  for (let start = 0; start < rows.length; start += batch) records.push(...(await loadBatch(reader, rows.slice(start, start + batch))))
  return records
}

async function loadBatch(reader: Reader, rows: readonly PrincipalRow[]): Promise<PrincipalRecord[]> {
  const ids = rows.map(row => row.id)
  const marks = ids.map(() => '?').join(', ')
  const emails = groupBy(
    await reader.all<{ id: number; address: string }>(
      `SELECT principal_id AS id, address FROM principal_emails WHERE principal_id IN (${marks}) ORDER BY principal_id, position`,
      ids,
    ),
  )
  const values = groupBy(
    await reader.all<{ id: number; field: number; value: string }>(
      `SELECT principal_id AS id, field, value FROM principal_values WHERE principal_id IN (${marks}) ORDER BY principal_id, field, position`,
      ids,
    ),
  )
  const memberOf = groupBy(await relations(reader, 'member_id', 'group_id', marks, ids))
  const members = groupBy(await relations(reader, 'group_id', 'member_id', marks, ids))
  return rows.map(row => {
    const own = values.get(row.id) ?? []
    const valuesOf = (field: ValueField): string[] => own.filter(item => item.field === valueFields[field]).map(item => item.value)
    return {
      id: row.id,
      type: typeName(row.type),
      name: row.name,
      description: row.description ?? undefined,
      picture: row.picture ?? undefined,
      tenant: row.tenant_id === null ? undefined : { id: row.tenant_id, name: row.tenant_name ?? '' },
      quota: row.quota ?? undefined,
      quotaList: row.quota_list === null ? undefined : row.quota_list.split(',').filter(Boolean).map(Number),
      emails: (emails.get(row.id) ?? []).map(item => item.address),
      secrets: valuesOf('secrets'),
      urls: valuesOf('urls'),
      externalMembers: valuesOf('externalMembers'),
      enabledPermissions: valuesOf('enabledPermissions'),
      disabledPermissions: valuesOf('disabledPermissions'),
      memberOf: (memberOf.get(row.id) ?? []).map(toRelated),
      members: (members.get(row.id) ?? []).map(toRelated),
    }
  })
}

interface RelationRow {
  id: number
  other: number
  type: number | null
  name: string | null
}

async function relations(reader: Reader, own: string, other: string, marks: string, ids: readonly number[]): Promise<RelationRow[]> {
  return reader.all<RelationRow>(
    `SELECT m.${own} AS id, m.${other} AS other, p.type, p.name FROM principal_members m LEFT JOIN principals p ON p.id = m.${other}
     WHERE m.${own} IN (${marks}) ORDER BY m.${own}, m.${other}`,
    ids,
  )
}

function toRelated({ other, type, name }: RelationRow): Related {
  const builtIn = builtInRoleName(other)
  return builtIn === undefined ? { id: other, type: typeName(type ?? -1), name: name ?? '' } : { id: other, type: 'role', name: builtIn }
}

function groupBy<Row extends { id: number }>(rows: readonly Row[]): Map<number, Row[]> {
  const groups = new Map<number, Row[]>()
  for (const row of rows) {
    const group = groups.get(row.id)
    if (group === undefined) groups.set(row.id, [row])
    else group.push(row)
  }
  return groups
}

export const getPrincipalById: Query<{ readonly id: number }, PrincipalRecord | undefined> = {
  name: 'principals.by-id',
  run: async (reader, { id }) =>
    (await loadPrincipals(reader, await reader.all<PrincipalRow>(`SELECT ${columns} WHERE p.id = ?`, [id])))[0],
}

export const getPrincipalByName: Query<{ readonly name: string }, PrincipalRecord | undefined> = {
  name: 'principals.by-name',
  run: async (reader, { name }) =>
    (await loadPrincipals(reader, await reader.all<PrincipalRow>(`SELECT ${columns} WHERE p.name = ?`, [name])))[0],
}

/** Owner of an address (lower case, exact). */
export const getAddressOwner: Query<{ readonly address: string }, Related | undefined> = {
  name: 'principals.address-owner',
  run: async (reader, { address }) => {
    const row = await reader.get<{ id: number; type: number; name: string }>(
      'SELECT p.id, p.type, p.name FROM principal_emails e JOIN principals p ON p.id = e.principal_id WHERE e.address = ?',
      [address],
    )
    return row && { id: row.id, type: typeName(row.type), name: row.name }
  },
}

/** Whether a domain principal of this name exists. */
export const isDomain: Query<{ readonly name: string }, boolean> = {
  name: 'principals.is-domain',
  run: async (reader, { name }) =>
    (await reader.get('SELECT 1 AS found FROM principals WHERE name = ? AND type = ?', [name, principalTypes.domain])) !== undefined,
}

export interface PrincipalFilter {
  /** All types when empty. */
  readonly types: readonly PrincipalType[]
  /** Each word must occur in some text field; lower case. */
  readonly words: readonly string[]
  /** Only principals of this tenant, and the tenant itself. */
  readonly tenantId?: number | undefined
}

function conditions({ types, words, tenantId }: PrincipalFilter): { where: string; params: SqlValue[] } {
  const parts: string[] = []
  const params: SqlValue[] = []
  if (types.length > 0) {
    parts.push(`p.type IN (${types.map(() => '?').join(', ')})`)
    params.push(...types.map(type => principalTypes[type]))
  }
  for (const word of words) {
    parts.push(`p.search LIKE ? ESCAPE '\\'`)
    params.push(`%${word.replace(/[\\%_]/g, '\\$&')}%`)
  }
  if (tenantId !== undefined) {
    parts.push('(p.tenant_id = ? OR p.id = ?)')
    params.push(tenantId, tenantId)
  }
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, params }
}

/** Matching principals by name; `limit` 0 = all. The total counts all matches. */
export const listPrincipals: Query<
  { readonly filter: PrincipalFilter; readonly offset: number; readonly limit: number; readonly countOnly?: boolean },
  { readonly items: readonly PrincipalRecord[]; readonly total: number }
> = {
  name: 'principals.list',
  consistent: true,
  run: async (reader, { filter, offset, limit, countOnly }) => {
    const { where, params } = conditions(filter)
    const total = Number((await reader.get<{ n: number }>(`SELECT COUNT(*) AS n FROM principals p ${where}`, params))?.n ?? 0)
    if (countOnly || offset >= total) return { items: [], total }
    // Names first: the index gives the page without reading the rows before it.
    const page = limit > 0 ? 'LIMIT ? OFFSET ?' : ''
    const rows = await reader.all<PrincipalRow>(
      `SELECT ${columns} JOIN (SELECT p.id FROM principals p ${where} ORDER BY p.name ${page}) wanted ON wanted.id = p.id ORDER BY p.name`,
      limit > 0 ? [...params, limit, offset] : params,
    )
    return { items: await loadPrincipals(reader, rows), total }
  },
}

/** Ids of matching principals by name, for work on all of them. */
export const listPrincipalIds: Query<{ readonly filter: PrincipalFilter }, readonly number[]> = {
  name: 'principals.ids',
  run: async (reader, { filter }) => {
    const { where, params } = conditions(filter)
    return (await reader.all<{ id: number }>(`SELECT p.id FROM principals p ${where} ORDER BY p.name`, params)).map(row => row.id)
  },
}

/** How many addresses end in a domain, and how many individuals a tenant has: what `members` shows for these two. */
export const countMembers: Query<{ readonly id: number; readonly type: PrincipalType; readonly name: string }, number> = {
  name: 'principals.count-members',
  run: async (reader, { id, type, name }) => {
    if (type === 'tenant') {
      const row = await reader.get<{ n: number }>('SELECT COUNT(*) AS n FROM principals WHERE tenant_id = ? AND type = ?', [
        id,
        principalTypes.individual,
      ])
      return Number(row?.n ?? 0)
    }
    const row = await reader.get<{ n: number }>(`SELECT COUNT(*) AS n FROM principal_emails WHERE address LIKE ? ESCAPE '\\'`, [
      `%@${name.replace(/[\\%_]/g, '\\$&')}`,
    ])
    return Number(row?.n ?? 0)
  },
}

export const listDomains: Query<Record<string, never>, readonly string[]> = {
  name: 'principals.domains',
  run: async reader =>
    (await reader.all<{ name: string }>('SELECT name FROM principals WHERE type = ? ORDER BY name', [principalTypes.domain])).map(
      row => row.name,
    ),
}

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

/** Names and addresses are equal when this is: lower case, composed. */
export function foldName(name: string): string {
  return name.toLowerCase().normalize('NFC')
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
  /** The addresses were set to an empty list. */
  readonly emailsEmptied: boolean
  /** Of its last change; relations that are kept at the other end do not count. */
  readonly changeNumber: number
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
  emails_emptied: number
  change_number: number
}

const columns = `p.id, p.type, p.name, p.description, p.picture, p.tenant_id, t.name AS tenant_name, p.quota, p.quota_list, p.emails_emptied,
  p.change_number
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
      memberOf: (memberOf.get(row.id) ?? []).flatMap(toRelated),
      members: (members.get(row.id) ?? []).flatMap(toRelated),
      emailsEmptied: row.emails_emptied === 1,
      changeNumber: row.change_number,
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

/** Nothing for one that was removed: its relations go after it, in steps. */
function toRelated({ other, type, name }: RelationRow): readonly Related[] {
  const builtIn = builtInRoleName(other)
  if (builtIn !== undefined) return [{ id: other, type: 'role', name: builtIn }]
  return type === null || name === null ? [] : [{ id: other, type: typeName(type), name }]
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

/** Ids of matching principals by name: reads all of them, for where nothing is remembered. */
export const listPrincipalIds: Query<{ readonly filter: PrincipalFilter }, readonly number[]> = {
  name: 'principals.ids',
  run: async (reader, { filter }) => {
    const { where, params } = conditions(filter)
    return (await reader.tuples<[number]>(`SELECT p.id FROM principals p ${where} ORDER BY p.name`, params)).map(([id]) => id)
  },
}

/** The named principals in the order of the ids; those that are gone are left out. */
export const getPrincipals: Query<{ readonly ids: readonly number[] }, readonly PrincipalRecord[]> = {
  name: 'principals.by-ids',
  consistent: true,
  run: async (reader, { ids }) => {
    const found = new Map<number, PrincipalRecord>()
    for (let start = 0; start < ids.length; start += batch) {
      const part = ids.slice(start, start + batch)
      const rows = await reader.all<PrincipalRow>(`SELECT ${columns} WHERE p.id IN (${part.map(() => '?').join(', ')})`, part)
      for (const record of await loadBatch(reader, rows)) found.set(record.id, record)
    }
    return ids.flatMap(id => found.get(id) ?? [])
  },
}

/** What a list of all principals needs to know of one: id, type, name, tenant, searched text. */
export type PrincipalEntry = readonly [id: number, type: number, name: string, tenantId: number | null, search: string]

const entryColumns = 'id, type, name, tenant_id, search'

/** A slice of all principals in order of their names. */
export const principalEntries: Query<{ readonly after: string; readonly limit: number }, readonly PrincipalEntry[]> = {
  name: 'principals.entries',
  run: async (reader, { after, limit }) =>
    reader.tuples<[number, number, string, number | null, string]>(
      `SELECT ${entryColumns} FROM principals WHERE name > ? ORDER BY name LIMIT ?`,
      [after, limit],
    ),
}

/** The number of the last change of any principal. */
export const lastPrincipalChange: Query<null, number> = {
  name: 'principals.last-change',
  run: async reader => Number((await reader.get<{ n: number }>('SELECT last_change AS n FROM principal_ids WHERE only_row = 1'))?.n ?? 0),
}

/** What came after a change: principals as they are now, and ids of those that are gone; undefined when it is more than `limit`. */
export const principalsChangedSince: Query<
  { readonly number: number; readonly limit: number },
  { readonly number: number; readonly changed: readonly PrincipalEntry[]; readonly removed: readonly number[] } | undefined
> = {
  name: 'principals.changed-since',
  consistent: true,
  run: async (reader, { number, limit }) => {
    const last = Number(await lastPrincipalChange.run(reader, null))
    if (last === number) return { number, changed: [], removed: [] }
    // Each change has a number of its own.
    if (last - number > limit) return undefined
    const changed = await reader.tuples<[number, number, string, number | null, string]>(
      `SELECT ${entryColumns} FROM principals WHERE change_number > ?`,
      [number],
    )
    const removed = await reader.tuples<[number]>('SELECT principal_id FROM principal_removals WHERE change_number > ? AND state > 0', [
      number,
    ])
    return { number: last, changed, removed: removed.map(([id]) => id) }
  },
}

/** How many addresses each domain and how many individuals each tenant has, by id: what `members` shows for these two. */
export const countMembers: Query<
  { readonly principals: ReadonlyArray<Pick<PrincipalRecord, 'id' | 'type' | 'name'>> },
  ReadonlyMap<number, number>
> = {
  name: 'principals.count-members',
  consistent: true,
  run: async (reader, { principals }) => {
    const counts = new Map<number, number>()
    for (let start = 0; start < principals.length; start += batch) {
      const part = principals.slice(start, start + batch)
      const domains = new Map(part.filter(({ type }) => type === 'domain').map(({ id, name }) => [name, id]))
      const tenants = part.filter(({ type }) => type === 'tenant').map(({ id }) => id)
      if (domains.size > 0) {
        const rows = await reader.tuples<[string, number]>(
          `SELECT domain, COUNT(*) FROM principal_emails WHERE domain IN (${[...domains].map(() => '?').join(', ')}) GROUP BY domain`,
          [...domains.keys()],
        )
        for (const id of domains.values()) counts.set(id, 0)
        for (const [name, count] of rows) counts.set(domains.get(name) ?? 0, Number(count))
      }
      if (tenants.length > 0) {
        const rows = await reader.tuples<[number, number]>(
          `SELECT tenant_id, COUNT(*) FROM principals WHERE tenant_id IN (${tenants.map(() => '?').join(', ')}) AND type = ? GROUP BY tenant_id`,
          [...tenants, principalTypes.individual],
        )
        for (const id of tenants) counts.set(id, 0)
        for (const [id, count] of rows) counts.set(id, Number(count))
      }
    }
    return counts
  },
}

/** Bytes of the mail of accounts, and of all accounts of tenants, by id; absent = none. */
export const usedBytes: Query<
  { readonly accountIds: readonly number[]; readonly tenantIds: readonly number[] },
  ReadonlyMap<number, number>
> = {
  name: 'principals.used-bytes',
  run: async (reader, { accountIds, tenantIds }) => {
    const used = new Map<number, number>()
    for (const [table, key, ids] of [
      ['mail_accounts', 'account_id', accountIds],
      ['tenant_usage', 'tenant_id', tenantIds],
    ] as const) {
      for (let start = 0; start < ids.length; start += batch) {
        const part = ids.slice(start, start + batch)
        const rows = await reader.tuples<[number, number]>(
          `SELECT ${key}, used_bytes FROM ${table} WHERE ${key} IN (${part.map(() => '?').join(', ')})`,
          part,
        )
        for (const [id, bytes] of rows) used.set(id, bytes)
      }
    }
    return used
  },
}

export const listDomains: Query<Record<string, never>, readonly string[]> = {
  name: 'principals.domains',
  run: async reader =>
    (await reader.all<{ name: string }>('SELECT name FROM principals WHERE type = ? ORDER BY name', [principalTypes.domain])).map(
      row => row.name,
    ),
}

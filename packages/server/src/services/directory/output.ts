import type { PrincipalRecord, Related } from '#data/store'
import type { InputField } from './input.ts'

/** A principal as the management API shows it: one value as a scalar, several as a list, none left out. */
export type PrincipalOutput = Readonly<{ id: number; type: string } & Partial<Record<InputField, unknown>>>

/** What is counted rather than stored with the principal. */
export interface Counted {
  /** Addresses of a domain, individuals of a tenant. */
  readonly members?: number | undefined
  /** Bytes of all messages. */
  readonly usedQuota?: number | undefined
}

const namesOf = (related: readonly Related[]): readonly string[] | undefined =>
  related.length === 0 ? undefined : related.map(item => item.name)

function oneOrMore(values: readonly string[]): string | readonly string[] | undefined {
  return values.length === 0 ? undefined : values.length === 1 ? values[0] : values
}

/** @param fields only these, besides id and type; all when empty */
export function showPrincipal(record: PrincipalRecord, counted: Counted, fields: ReadonlySet<string>): PrincipalOutput {
  const related = (type: 'group' | 'list' | 'role'): readonly string[] | undefined =>
    namesOf(record.memberOf.filter(item => (type === 'group' ? item.type !== 'list' && item.type !== 'role' : item.type === type)))
  const all = {
    name: record.name,
    description: record.description,
    picture: record.picture,
    tenant: record.tenant?.name,
    quota: record.quotaList ?? record.quota,
    usedQuota: counted.usedQuota === 0 ? undefined : counted.usedQuota,
    secrets: oneOrMore(record.secrets),
    emails: record.emailsEmptied ? [] : oneOrMore(record.emails),
    urls: oneOrMore(record.urls),
    externalMembers: oneOrMore(record.externalMembers),
    memberOf: related('group'),
    lists: related('list'),
    roles: related('role'),
    members: record.type === 'domain' || record.type === 'tenant' ? counted.members : namesOf(record.members),
    enabledPermissions: record.enabledPermissions.length === 0 ? undefined : record.enabledPermissions,
    disabledPermissions: record.disabledPermissions.length === 0 ? undefined : record.disabledPermissions,
  }
  const shown = Object.entries(all).filter(([field, value]) => value !== undefined && (fields.size === 0 || fields.has(field)))
  return { id: record.id, type: record.type, ...Object.fromEntries(shown) }
}

// What principals are called on the command line, and which of their fields can be given.
import type { PrincipalType } from '@postern/contract/endpoints'
import type { Option } from '../command.ts'
import { type Column, column, formatSize } from '../view.ts'

export type Field = keyof typeof fields

/** Fields as they are written on the command line. */
export const fields = {
  description: { option: 'description', doc: 'Full name, or what it is for.' },
  secrets: { option: 'secret', many: true, doc: 'Password or its hash, one-time code URL, app password. Better: --ask-password.' },
  emails: { option: 'email', many: true, doc: 'Address; the first is the main one.' },
  quota: { option: 'quota', kind: 'size', doc: 'Largest size of its mail, such as 5gb.' },
  memberOf: { option: 'member-of', many: true, doc: 'Group that it is in.' },
  lists: { option: 'list', many: true, doc: 'Mailing list that it is on.' },
  members: { option: 'member', many: true, doc: 'Principal that is in it, by name.' },
  externalMembers: { option: 'external-member', many: true, doc: 'Address elsewhere that is on it.' },
  roles: { option: 'role', many: true, doc: 'Role; `user`, `tenant-admin` and `admin` are built in.' },
  enabledPermissions: { option: 'allow', many: true, doc: 'Permission it has besides those of its roles.' },
  disabledPermissions: { option: 'deny', many: true, doc: 'Permission it never has.' },
  urls: { option: 'redirect-url', many: true, doc: 'URL that a login may lead back to.' },
  picture: { option: 'picture', doc: 'URL of a picture.' },
  tenant: { option: 'tenant', doc: 'Tenant it belongs to.' },
} as const satisfies Record<string, { option: string; doc: string; many?: true; kind?: 'size' }>

export interface Noun {
  readonly word: string
  readonly type: PrincipalType
  /** With its article. */
  readonly one: string
  readonly several: string
  readonly fields: readonly Field[]
  readonly columns: readonly string[]
  /** What `create` adds where nothing is said. */
  readonly defaults?: (name: string) => Readonly<Partial<Record<Field, readonly string[]>>>
  readonly quotaSlots?: true
}

export const rights = ['roles', 'enabledPermissions', 'disabledPermissions'] as const
const mailUser = (): { enabledPermissions: readonly string[] } => ({ enabledPermissions: ['email-send', 'email-receive'] })
const addressOf = (name: string): { emails?: readonly string[] } => (name.includes('@') ? { emails: [name] } : {})

export const nouns: readonly Noun[] = [
  {
    word: 'account',
    type: 'individual',
    one: 'an account',
    several: 'accounts',
    fields: ['description', 'secrets', 'emails', 'quota', 'memberOf', 'lists', ...rights, 'picture', 'tenant'],
    columns: ['name', 'description', 'emails', 'roles', 'usedQuota', 'quota'],
    defaults: name => ({ roles: ['user'], ...addressOf(name) }),
  },
  {
    word: 'group',
    type: 'group',
    one: 'a group',
    several: 'groups',
    fields: ['description', 'emails', 'quota', 'members', 'memberOf', 'lists', ...rights, 'tenant'],
    columns: ['name', 'description', 'emails', 'members', 'usedQuota', 'quota'],
    defaults: name => ({ ...mailUser(), ...addressOf(name) }),
  },
  {
    word: 'list',
    type: 'list',
    one: 'a mailing list',
    several: 'mailing lists',
    fields: ['description', 'emails', 'members', 'externalMembers', 'tenant'],
    columns: ['name', 'description', 'emails', 'members', 'externalMembers'],
    defaults: addressOf,
  },
  {
    word: 'domain',
    type: 'domain',
    one: 'a domain',
    several: 'domains',
    fields: ['description', 'picture', 'tenant'],
    columns: ['name', 'description', 'members', 'tenant'],
  },
  {
    word: 'tenant',
    type: 'tenant',
    one: 'a tenant',
    several: 'tenants',
    fields: ['description', 'quota', ...rights, 'picture'],
    columns: ['name', 'description', 'members', 'usedQuota', 'quota'],
    defaults: () => ({ roles: ['tenant-admin', 'user'] }),
    quotaSlots: true,
  },
  {
    word: 'role',
    type: 'role',
    one: 'a role',
    several: 'roles',
    fields: ['description', ...rights, 'members', 'tenant'],
    columns: ['name', 'description', 'roles', 'enabledPermissions', 'disabledPermissions'],
  },
  {
    word: 'api-key',
    type: 'apiKey',
    one: 'an API key',
    several: 'API keys',
    fields: ['description', 'secrets', ...rights, 'tenant'],
    columns: ['name', 'description', 'roles', 'enabledPermissions'],
    defaults: () => ({ enabledPermissions: ['authenticate'] }),
  },
  {
    word: 'oauth-client',
    type: 'oauthClient',
    one: 'an OAuth client',
    several: 'OAuth clients',
    fields: ['description', 'urls', 'emails', 'picture', 'tenant'],
    columns: ['name', 'description', 'urls', 'emails'],
  },
  {
    word: 'resource',
    type: 'resource',
    one: 'a resource',
    several: 'resources',
    fields: ['description', 'emails', 'members', 'tenant'],
    columns: ['name', 'description', 'emails'],
  },
  {
    word: 'location',
    type: 'location',
    one: 'a location',
    several: 'locations',
    fields: ['description', 'emails', 'members', 'tenant'],
    columns: ['name', 'description', 'emails'],
  },
]

export function optionOf(noun: Noun, field: Field): Option {
  const { option, doc, ...rest } = fields[field]
  const many = 'many' in rest || (field === 'quota' && noun.quotaSlots === true)
  return {
    name: option,
    kind: 'kind' in rest ? rest.kind : 'text',
    ...(many && { many }),
    doc: field === 'quota' && noun.quotaSlots ? 'Bytes; then, given again, how many principals of each type.' : doc,
  }
}

const columnTitles: Readonly<Record<string, string>> = {
  emails: 'addresses',
  usedQuota: 'used',
  memberOf: 'groups',
  externalMembers: 'elsewhere',
  enabledPermissions: 'allowed',
  disabledPermissions: 'denied',
}

export function columnsOf(noun: Noun): readonly Column[] {
  return noun.columns.map(field => {
    if (field === 'quota' || field === 'usedQuota') return column(columnTitles[field] ?? field, field, showQuota)
    return column(columnTitles[field] ?? field, field)
  })
}

export function showQuota(quota: unknown): unknown {
  return Array.isArray(quota) ? [formatSize(quota[0]), ...quota.slice(1)] : quota === 0 ? 'unlimited' : formatSize(quota)
}

/** Types of principals as the API spells them. `other` is never accepted as input. */
export const principalTypes = [
  'individual',
  'group',
  'list',
  'domain',
  'tenant',
  'role',
  'apiKey',
  'oauthClient',
  'resource',
  'location',
  'other',
] as const

export type PrincipalType = (typeof principalTypes)[number]

/** What a type is called in permissions, in error texts, and as a number (only the slots of tenant quotas use it). */
export const principalTypeNames = {
  individual: { permission: 'individual', label: 'Individual', number: 0 },
  group: { permission: 'group', label: 'Group', number: 1 },
  list: { permission: 'mailing-list', label: 'List', number: 5 },
  domain: { permission: 'domain', label: 'Domain', number: 7 },
  tenant: { permission: 'tenant', label: 'Tenant', number: 8 },
  role: { permission: 'role', label: 'Role', number: 9 },
  apiKey: { permission: 'api-key', label: 'API Key', number: 10 },
  oauthClient: { permission: 'oauth-client', label: 'OAuth Client', number: 11 },
  resource: { permission: 'principal', label: 'Resource', number: 2 },
  location: { permission: 'principal', label: 'Location', number: 3 },
  other: { permission: 'principal', label: 'Other', number: 6 },
} as const satisfies Record<PrincipalType, { readonly permission: string; readonly label: string; readonly number: number }>

/** Fields of a principal that can be listed or changed. */
export const principalFields = [
  'type',
  'name',
  'description',
  'picture',
  'tenant',
  'quota',
  'usedQuota',
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
] as const

export type PrincipalField = (typeof principalFields)[number]

import Type from 'typebox'
import { endpoint } from './endpoint.ts'
import { data, json, listOf, natural, nothing, nullable, oneOrMany, paging, path, query, text, texts, whether, words } from './parts.ts'
import { principalFields, principalTypes } from './principal-types.ts'

const quota = Type.Union([natural, Type.Array(natural), text])

const principal = Type.Object(
  {
    id: natural,
    type: words(...principalTypes),
    name: Type.Optional(text),
    description: Type.Optional(text),
    picture: Type.Optional(text),
    tenant: Type.Optional(text),
    quota: Type.Optional(quota),
    usedQuota: Type.Optional(natural),
    secrets: Type.Optional(oneOrMany),
    emails: Type.Optional(oneOrMany),
    urls: Type.Optional(oneOrMany),
    externalMembers: Type.Optional(oneOrMany),
    memberOf: Type.Optional(texts),
    lists: Type.Optional(texts),
    roles: Type.Optional(texts),
    members: Type.Optional(Type.Union([texts, natural])),
    enabledPermissions: Type.Optional(texts),
    disabledPermissions: Type.Optional(texts),
  },
  {
    title: 'Principal',
    description:
      'A field with several possible values is a text when there is exactly one and an array when there are more. `members` of a domain or tenant is a number.',
  },
)

const short = Type.String({ maxLength: 512 })
const absentable = nullable(short)

const newPrincipal = Type.Object(
  {
    id: Type.Optional(Type.Unknown()),
    type: Type.Optional(
      words('individual', 'superuser', 'group', 'list', 'domain', 'tenant', 'role', 'apiKey', 'oauthClient', 'resource', 'location'),
    ),
    name: Type.Optional(short),
    description: Type.Optional(absentable),
    picture: Type.Optional(absentable),
    tenant: Type.Optional(absentable),
    quota: Type.Optional(Type.Union([natural, Type.Array(natural), short])),
    usedQuota: Type.Optional(Type.Unknown()),
    secrets: Type.Optional(oneOrMany),
    emails: Type.Optional(oneOrMany),
    urls: Type.Optional(oneOrMany),
    externalMembers: Type.Optional(oneOrMany),
    memberOf: Type.Optional(oneOrMany),
    lists: Type.Optional(oneOrMany),
    roles: Type.Optional(oneOrMany),
    members: Type.Optional(oneOrMany),
    enabledPermissions: Type.Optional(oneOrMany),
    disabledPermissions: Type.Optional(oneOrMany),
  },
  {
    title: 'NewPrincipal',
    additionalProperties: false,
    description: '`id` and `usedQuota` are ignored. Other unknown fields are an error.',
  },
)

const change = Type.Object(
  {
    action: words('set', 'addItem', 'removeItem'),
    field: words(...principalFields),
    value: Type.Union([short, natural, Type.Array(short), Type.Array(natural)]),
  },
  { title: 'PrincipalChange', additionalProperties: false },
)

const name = path.name('Name of the principal, in any case.')

export const listPrincipals = endpoint({
  id: 'listPrincipals',
  method: 'GET',
  path: '/api/principal',
  access: { principal: 'list' },
  impact: 'read',
  query: {
    types: query.names('Types to list; unknown ones are ignored. All types when absent, and then every list permission is needed.'),
    type: query.names('Another name of `types`.'),
    filter: query.text('Words that must all occur in the name, description, addresses, URLs, external members or picture, in any case.'),
    fields: query.names('Fields wanted besides `id` and `type`; all when empty.'),
    tenant: query.text('Tenant the principals belong to; for callers without a tenant.'),
    ...paging,
    count: query.flag('Give the number of matches alone.'),
  },
  output: data(listOf(principal)),
  errors: ['notFound'],
  summary: 'List principals in order of their names',
})

export const createPrincipal = endpoint({
  id: 'createPrincipal',
  method: 'POST',
  path: '/api/principal',
  access: { principal: 'create' },
  impact: 'write',
  body: json(newPrincipal),
  output: data(natural),
  errors: ['invalidParameters', 'fieldMissing', 'fieldAlreadyExists', 'notFound', 'tenantQuotaExceeded', 'unsupported', 'other'],
  summary: 'Create a principal and get its id',
  doc: 'All principals share one name space, and so do their addresses. Names and addresses are lower-cased.',
})

export const deletePrincipals = endpoint({
  id: 'deletePrincipals',
  method: 'DELETE',
  path: '/api/principal',
  access: { principal: 'delete' },
  impact: 'destructive',
  query: {
    type: query.text('Type to delete; needed.'),
    confirm: query.text('Must be `true`.'),
    filter: query.text('As in listing.'),
    tenant: query.text('As in listing.'),
  },
  output: whether,
  errors: ['invalidParameters', 'notFound'],
  summary: 'Delete all principals of a type that match',
  doc: "Works in the background and tells whether anything matched. The caller's own principal is left alone.",
})

export const getPrincipal = endpoint({
  id: 'getPrincipal',
  method: 'GET',
  path: '/api/principal/{name}',
  access: { principal: 'get' },
  impact: 'read',
  params: { name },
  output: data(principal),
  errors: ['notFound'],
  summary: 'Get a principal with all its fields',
})

export const updatePrincipal = endpoint({
  id: 'updatePrincipal',
  method: 'PATCH',
  path: '/api/principal/{name}',
  access: { principal: 'update' },
  impact: 'write',
  params: { name },
  body: json(Type.Array(change)),
  output: nothing,
  errors: ['notFound', 'invalidParameters', 'fieldAlreadyExists', 'unsupported', 'other'],
  summary: 'Change a principal',
  doc: 'The changes are applied in order as one write: any error leaves the principal as it was. An empty array succeeds.',
})

export const deletePrincipal = endpoint({
  id: 'deletePrincipal',
  method: 'DELETE',
  path: '/api/principal/{name}',
  access: { principal: 'delete' },
  impact: 'destructive',
  params: { name },
  query: { force: query.flag('Delete a domain although its addresses are in use.') },
  output: nothing,
  errors: ['notFound', 'other'],
  summary: 'Delete a principal with everything it owns',
  doc: 'It is gone at once, and its name and addresses are free; its mail is removed in the background, also after a crash.',
})

import Type from 'typebox'
import { endpoint } from './endpoint.ts'
import { data, json, listOf, natural, nothing, nullable, nullableText, paging, path, query, text, timestamp, words } from './parts.ts'

const ban = Type.Object(
  {
    address: text,
    reason: nullable(words('auth', 'abuse', 'loiter', 'scan', 'manual')),
    evidence: nullableText,
    author: nullableText,
    createdAt: nullable(timestamp),
    expiresAt: nullable(timestamp),
    count: natural,
  },
  { title: 'Ban' },
)

export const listBans = endpoint({
  id: 'listBans',
  method: 'GET',
  path: '/api/bans',
  access: 'settings-list',
  impact: 'read',
  query: { filter: query.text('Text that must occur in the address or network.'), ...paging },
  output: data(listOf(ban)),
  summary: 'List banned addresses and networks',
  doc: 'What was put on the block list through the settings has no reason, evidence or time. `count` is how often the misbehaviour was seen.',
})

export const getBan = endpoint({
  id: 'getBan',
  method: 'GET',
  path: ['/api/bans/{address}', '/api/bans/{address}/{length}'],
  access: 'settings-list',
  impact: 'read',
  params: { address: path.text('Address or network.'), length: path.optionalText('Prefix length of a network.') },
  output: data(ban),
  errors: ['resourceNotFound', 'invalidParameters'],
  summary: 'Get the ban of an address or network',
})

export const createBan = endpoint({
  id: 'createBan',
  method: 'POST',
  path: '/api/bans',
  access: 'settings-update',
  impact: 'write',
  body: json(
    Type.Object({
      address: text,
      reason: Type.Optional(nullableText),
      expiresAt: Type.Optional(nullable(timestamp)),
    }),
  ),
  output: data(ban),
  errors: ['invalidParameters', 'fieldAlreadyExists', 'other'],
  summary: 'Ban an address or network',
  doc: 'Acts at once. Refused for loopback, the allow list, proxies of the settings, the address of the caller, and those where an administrator signed in within a day. Without `expiresAt` the ban stays until it is lifted.',
})

export const liftBan = endpoint({
  id: 'liftBan',
  method: 'DELETE',
  path: ['/api/bans/{address}', '/api/bans/{address}/{length}'],
  access: 'settings-update',
  impact: 'write',
  params: { address: path.text('Address or network.'), length: path.optionalText('Prefix length of a network.') },
  output: nothing,
  errors: ['resourceNotFound', 'invalidParameters'],
  summary: 'Lift a ban',
})

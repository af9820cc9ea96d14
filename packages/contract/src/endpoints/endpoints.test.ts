import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Compile } from 'typebox/compile'
import { errorCodes, isPermissionId } from '../index.ts'
import {
  type Access,
  commonErrors,
  declaredEndpoints,
  endpoints,
  type Input,
  type Output,
  principalTypeNames,
  principalTypes,
  purgeKinds,
} from './index.ts'

const all = declaredEndpoints.map(({ endpoint }) => endpoint)

/** The index of the management API: method, path and permission of every call. */
const index = `
ANY /api/oauth authenticate-oauth
GET /api/principal <type>-list
POST /api/principal <type>-create
DELETE /api/principal <type>-delete
GET /api/principal/{name} <type>-get
PATCH /api/principal/{name} <type>-update
DELETE /api/principal/{name} <type>-delete
GET /api/account/auth manage-passwords
POST /api/account/auth manage-passwords
GET /api/account/crypto manage-encryption
POST /api/account/crypto manage-encryption
GET /api/settings/group settings-list
GET /api/settings/list settings-list
GET /api/settings/keys settings-list
POST /api/settings settings-update
POST /api/settings/plan settings-update
GET /api/settings/history settings-list
GET /api/settings/history/{id} settings-list
POST /api/settings/rollback/{id} settings-update
DELETE /api/settings/{key} settings-delete
GET /api/reload settings-reload
GET /api/reload/ settings-reload
GET /api/reload/{scope} settings-reload
GET /api/update/spam-filter spam-filter-update
GET /api/update/webadmin webadmin-update
GET /api/restart restart
GET /api/queue/messages message-queue-list
GET /api/queue/messages/{id} message-queue-get
PATCH /api/queue/messages message-queue-update
PATCH /api/queue/messages/{id} message-queue-update
DELETE /api/queue/messages message-queue-delete
DELETE /api/queue/messages/{id} message-queue-delete
GET /api/queue/status message-queue-get
PATCH /api/queue/status/{action} message-queue-update
GET /api/queue/reports outgoing-report-list
GET /api/queue/reports/{id} outgoing-report-get
DELETE /api/queue/reports outgoing-report-delete
DELETE /api/queue/reports/{id} outgoing-report-delete
GET /api/reports/{class} incoming-report-list
GET /api/reports/{class}/{id} incoming-report-get
DELETE /api/reports/{class} incoming-report-delete
DELETE /api/reports/{class}/{id} incoming-report-delete
GET /api/store/blobs/{hash} blob-fetch
GET /api/store/purge/blob purge-blob-store
GET /api/store/purge/data purge-data-store
GET /api/store/purge/data/{store} purge-data-store
GET /api/store/purge/in-memory purge-in-memory-store
GET /api/store/purge/in-memory/{store} purge-in-memory-store
GET /api/store/purge/in-memory/{store}/{kind} purge-in-memory-store
GET /api/store/purge/in-memory/{store}/{kind}/{account} purge-in-memory-store
GET /api/store/purge/account purge-account
GET /api/store/purge/account/{account} purge-account
GET /api/store/reindex fts-reindex
GET /api/store/reindex/{account} fts-reindex
GET /api/store/undelete/{account} undelete
POST /api/store/undelete/{account} undelete
DELETE /api/store/uids/{account} purge-account|imap-authenticate
POST /api/dkim dkim-signature-create
GET /api/dkim/{id} dkim-signature-get
POST /api/dkim/{id}/rotate dkim-signature-create
GET /api/dns/records/{domain} domain-get
GET /api/dns/check/{domain} domain-get
POST /api/dns/publish/{domain} settings-update
GET /api/bans settings-list
GET /api/bans/{address} settings-list
GET /api/bans/{address}/{length} settings-list
POST /api/bans settings-update
DELETE /api/bans/{address} settings-update
DELETE /api/bans/{address}/{length} settings-update
POST /api/spam-filter/train/spam spam-filter-train
POST /api/spam-filter/train/spam/{account} spam-filter-train
POST /api/spam-filter/train/ham spam-filter-train
POST /api/spam-filter/train/ham/{account} spam-filter-train
POST /api/spam-filter/classify spam-filter-classify|spam-filter-train
GET /api/troubleshoot/token troubleshoot
GET /api/troubleshoot/delivery/{recipient} troubleshoot
POST /api/troubleshoot/dmarc troubleshoot
GET /api/logs logs-view
GET /api/telemetry/traces tracing-list
GET /api/telemetry/trace/{id} tracing-get
GET /api/telemetry/trace tracing-get
GET /api/telemetry/traces/live tracing-live
GET /api/telemetry/live/tracing-token tracing-live
GET /api/telemetry/live/metrics-token metrics-live
GET /api/telemetry/metrics metrics-list
GET /api/telemetry/metrics/live metrics-live
GET /api/schema login
GET /api/openapi.json login
`

function accessWord(access: Access): string {
  if (typeof access === 'string') return access
  return 'anyOf' in access ? access.anyOf.join('|') : `<type>-${access.principal}`
}

test('the management API consists of exactly the calls of the index', () => {
  const declared = all.flatMap(({ method, paths, access }) =>
    paths.filter(path => path.startsWith('/api/')).map(path => `${method} ${path} ${accessWord(access)}`),
  )
  assert.deepEqual(declared.sort(), index.trim().split('\n').sort())
})

test('ids are unique, and so are method and path', () => {
  const ids = all.map(({ id }) => id)
  assert.deepEqual([...new Set(ids)], ids)
  const routes = all.flatMap(({ method, paths }) => paths.map(path => `${method} ${path.replace(/\{\w+\}/g, '{}')}`))
  assert.deepEqual([...new Set(routes)], routes)
})

test('every endpoint stands under its own id', () => {
  for (const members of Object.values(endpoints)) for (const [name, endpoint] of Object.entries(members)) assert.equal(endpoint.id, name)
})

test('every permission and every refusal exists', () => {
  for (const { id, access, errors } of all) {
    const permissions =
      typeof access === 'string'
        ? [access]
        : 'anyOf' in access
          ? access.anyOf
          : principalTypes.map(type => `${principalTypeNames[type].permission}-${access.principal}`)
    for (const permission of permissions) assert.ok(['anonymous', 'public', 'login'].includes(permission) || isPermissionId(permission), id)
    for (const code of [...errors, ...commonErrors]) assert.ok(errorCodes.includes(code), `${id}: ${code}`)
    assert.deepEqual([...new Set(errors)], errors, id)
  }
})

test('the parameters of every path are declared, and none is declared for nothing', () => {
  for (const { id, paths, params } of all) {
    const inPaths = new Set(paths.flatMap(path => [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1])))
    for (const name of inPaths) assert.ok(Object.hasOwn(params, name ?? ''), `${id}: ${name}`)
    for (const name of Object.keys(params)) assert.ok(inPaths.has(name), `${id}: ${name}`)
  }
})

test('reading calls are GET or compute from a body; what destroys or sends is never public', () => {
  for (const { id, method, impact, access, body } of all) {
    if (impact === 'read' && method !== 'GET' && method !== 'ANY') assert.ok(body !== undefined, id)
    if (impact === 'destructive') assert.ok(access !== 'public' && access !== 'anonymous', id)
    if (method === 'GET' || method === 'DELETE') assert.equal(body, undefined, id)
  }
})

test('tokens stand in on three streams', () => {
  const streams = all.flatMap(({ paths, streamToken }) => (streamToken === undefined ? [] : [`${streamToken} ${paths[0]}`]))
  assert.deepEqual(streams.sort(), [
    'live-metrics /api/telemetry/metrics/live',
    'live-tracing /api/telemetry/traces/live',
    'troubleshoot /api/troubleshoot/delivery/{recipient}',
  ])
})

const samples = [
  [
    'individual with one secret',
    endpoints.principals.getPrincipal.output.schema,
    { id: 7, type: 'individual', name: 'jane', secrets: '$6$x', roles: ['user'] },
    true,
  ],
  [
    'domain with a number of members',
    endpoints.principals.getPrincipal.output.schema,
    { id: 3, type: 'domain', name: 'example.org', members: 4 },
    true,
  ],
  [
    'tenant with quota slots',
    endpoints.principals.getPrincipal.output.schema,
    { id: 3, type: 'tenant', name: 'acme', quota: [1, 50] },
    true,
  ],
  ['principal of an unknown type', endpoints.principals.getPrincipal.output.schema, { id: 3, type: 'robot' }, false],
  [
    'new principal with an unknown field',
    endpoints.principals.createPrincipal.body.schema,
    { type: 'group', name: 'x', colour: 'red' },
    false,
  ],
  ['new principal without name', endpoints.principals.createPrincipal.body.schema, { type: 'group' }, true],
  ['new principal with null as name', endpoints.principals.createPrincipal.body.schema, { type: 'group', name: null }, false],
  ['new principal with null as description', endpoints.principals.createPrincipal.body.schema, { name: 'x', description: null }, true],
  ['new principal with a negative quota', endpoints.principals.createPrincipal.body.schema, { name: 'x', quota: -1 }, false],
  ['no changes', endpoints.principals.updatePrincipal.body.schema, [], true],
  ['change with a boolean', endpoints.principals.updatePrincipal.body.schema, [{ action: 'set', field: 'name', value: true }], false],
  ['no account changes', endpoints.account.updateAccountAuth.body.schema, [], false],
  ['encryption spelt as it is', endpoints.account.updateAccountCrypto.body.schema, { type: 'pGP', algo: 'Aes128', certs: '' }, true],
  ['encryption spelt otherwise', endpoints.account.updateAccountCrypto.body.schema, { type: 'PGP', algo: 'Aes128', certs: '' }, false],
  ['insert without assert_empty', endpoints.settings.updateSettings.body.schema, [{ type: 'insert', values: [['a', 'b']] }], false],
  [
    'insert of a triple',
    endpoints.settings.updateSettings.body.schema,
    [{ type: 'insert', values: [['a', 'b', 'c']], assert_empty: false }],
    false,
  ],
  [
    'insert of a pair',
    endpoints.settings.updateSettings.body.schema,
    [{ type: 'insert', prefix: null, values: [['a', 'b']], assert_empty: true }],
    true,
  ],
  ['restoring everything', endpoints.store.restoreDeleted.body.schema, null, true],
  [
    'stage of a delivery test',
    endpoints.troubleshoot.testDelivery.output.events.event,
    [{ type: 'connectionError', elapsed: 3, reason: 'refused' }],
    true,
  ],
  ['two stages in a frame', endpoints.troubleshoot.testDelivery.output.events.event, [{ type: 'completed' }, { type: 'completed' }], false],
] as const

for (const [name, schema, value, valid] of samples) {
  test(`${name} is ${valid ? '' : 'not '}valid`, () => assert.equal(Compile(schema).Check(value), valid))
}

test('handlers are typed by their endpoint', () => {
  const input: Input<typeof endpoints.queue.rescheduleMessage> = { id: 7, filter: 'example.org' }
  // @ts-expect-error the id is needed
  const incomplete: Input<typeof endpoints.queue.rescheduleMessage> = { filter: 'example.org' }
  const purge: Input<typeof endpoints.store.purgeInMemory> = {}
  const list: Input<typeof endpoints.principals.listPrincipals> = { count: false, types: ['individual'] }
  const restored: Output<typeof endpoints.store.restoreDeleted> = [{ type: 'success' }]
  const uids: Output<typeof endpoints.store.resetUids> = [3, 5]
  assert.deepEqual(
    [input.id, incomplete.filter, purge.kind, list.types?.length, restored.length, uids[1]],
    [7, 'example.org', undefined, 1, 1, 5],
  )
})

test('24 kinds of in-memory keys can be wiped', () => assert.equal(new Set(purgeKinds).size, 24))

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Failure } from '@postern/contract'
import { createRecordingTrace } from '@postern/testkit'
import { systemClock } from '#base/clock'
import { openSettings, type Settings } from '#data/settings'
import { openStore, type Store } from '#data/store'
import { allPermissions, type Caller, createDirectory, type Directory, fallbackAdministratorId } from './index.ts'

const root: Caller = { accountId: fallbackAdministratorId, name: 'root', rights: allPermissions, tenantId: undefined }

let folder: string
let store: Store
let settings: Settings
let directory: Directory & Disposable

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'directory-'))
  store = await openStore({ kind: 'sqlite', path: folder, clock: systemClock, trace: createRecordingTrace() })
  settings = await openSettings({ store, macros: { env: () => undefined, file: async () => '' } })
  directory = createDirectory({
    store,
    settings,
    hashSecret: async secret => (/^(\$|otpauth:)/.test(secret) ? secret : `{PLAIN}${secret}`),
    verifySecret: async (stored, secret) => stored === `{PLAIN}${secret}`,
    trace: createRecordingTrace(),
    destroyMail: async () => {},
  })
  for (const name of ['example.org', 'second.example']) await directory.create(root, { type: 'domain', name })
})

after(async () => {
  directory[Symbol.dispose]()
  await store[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

function refused(code: string, details: Record<string, unknown> = {}): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof Failure, String(error))
    assert.equal(error.code, code)
    const shown = error.details as Record<string, unknown>
    for (const [key, value] of Object.entries(details)) assert.equal(shown[key], value)
    return true
  }
}

test('a created account is shown with scalars for one value and lists for several', async () => {
  const id = await directory.create(root, {
    type: 'individual',
    name: 'Jane',
    secrets: 'hunter2',
    emails: ['Jane@Example.org', 'j@example.org'],
    roles: ['user'],
    quota: 0,
  })
  assert.deepEqual(await directory.get(root, 'jane'), {
    id,
    type: 'individual',
    name: 'jane',
    quota: 0,
    secrets: '{PLAIN}hunter2',
    emails: ['jane@example.org', 'j@example.org'],
    roles: ['user'],
  })
  assert.deepEqual(await directory.resolve('JANE@example.org'), { kind: 'mailbox', accountId: id, name: 'jane' })
  assert.ok((await directory.rights(id)).has('email-receive'))
  assert.ok(!(await directory.rights(id)).has('settings-update'))
})

test('names and addresses are unique over all types', async () => {
  await assert.rejects(
    directory.create(root, { type: 'group', name: 'JANE' }),
    refused('fieldAlreadyExists', { field: 'name', value: 'jane' }),
  )
  await assert.rejects(
    directory.create(root, { type: 'group', name: 'other', emails: ['j@EXAMPLE.org'] }),
    refused('fieldAlreadyExists', { field: 'emails', value: 'j@example.org' }),
  )
  await assert.rejects(
    directory.create(root, { name: 'nobody', emails: ['a@unknown.example'] }),
    refused('notFound', { item: 'unknown.example' }),
  )
  await assert.rejects(directory.get(root, 'other'), refused('notFound', { item: 'other' }))
})

test('of two concurrent creations of one name exactly one wins', async () => {
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => directory.create(root, { type: 'group', name: 'race' })))
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
})

const invalid: ReadonlyArray<[name: string, input: Record<string, unknown>, code: string, details?: Record<string, unknown>]> = [
  ['an unknown field', { name: 'x', colour: 'red' }, 'invalidParameters'],
  ['an unknown type', { name: 'x', type: 'robot' }, 'invalidParameters'],
  ['no name', { type: 'group' }, 'fieldMissing', { field: 'name' }],
  ['a name of null', { name: null }, 'invalidParameters'],
  ['a number as name', { name: 5 }, 'invalidParameters'],
  ['a name with white space', { name: 'a b' }, 'other', { details: 'Invalid principal name' }],
  ['a name with a zero-width character', { name: 'a\u200bb' }, 'other', { details: 'Invalid principal name' }],
  ['a domain that is none', { type: 'domain', name: '-x..y' }, 'other', { details: 'Invalid principal name' }],
  ['an address without @', { name: 'x', emails: 'x' }, 'other', { details: 'Invalid email' }],
  ['an unknown role', { name: 'x', roles: ['wizard'] }, 'notFound', { item: 'wizard' }],
  ['an unknown permission', { name: 'x', enabledPermissions: ['fly'] }, 'other', { details: 'Invalid enabledPermissions value' }],
  ['a negative quota', { name: 'x', quota: -1 }, 'invalidParameters'],
  ['a text over 512 bytes', { name: 'x', description: 'x'.repeat(513) }, 'invalidParameters'],
  ['a role with a built-in name', { type: 'role', name: 'Admin' }, 'fieldAlreadyExists'],
  ['a group that is none', { type: 'group', name: 'x', memberOf: ['jane'] }, 'notFound', { item: 'jane' }],
  ['a person as list', { name: 'x', lists: ['jane'] }, 'notFound', { item: 'jane' }],
]
for (const [name, input, code, details] of invalid) {
  test(`creation refuses ${name}`, async () => {
    await assert.rejects(directory.create(root, input), refused(code, details))
    await assert.rejects(directory.get(root, 'x'), refused('notFound'))
  })
}

test('membership is one relation seen from both ends', async () => {
  await directory.create(root, { type: 'group', name: 'staff', emails: 'staff@example.org', members: ['jane'] })
  assert.deepEqual((await directory.get(root, 'jane')).memberOf, ['staff'])
  await directory.change(root, 'jane', [{ action: 'removeItem', field: 'memberOf', value: 'staff' }])
  assert.equal((await directory.get(root, 'staff')).members, undefined)
  await directory.change(root, 'staff', [{ action: 'addItem', field: 'members', value: 'jane' }])
  assert.deepEqual((await directory.get(root, 'jane')).memberOf, ['staff'])
})

test('setting roles leaves groups alone', async () => {
  await directory.change(root, 'jane', [{ action: 'set', field: 'roles', value: ['user', 'tenant-admin'] }])
  const jane = await directory.get(root, 'jane')
  assert.deepEqual(jane.memberOf, ['staff'])
  assert.deepEqual([...(jane.roles as string[])].sort(), ['tenant-admin', 'user'])
  await directory.change(root, 'jane', [{ action: 'set', field: 'roles', value: ['user'] }])
})

test('a change with one bad operation changes nothing', async () => {
  await assert.rejects(
    directory.change(root, 'jane', [
      { action: 'set', field: 'description', value: 'new' },
      { action: 'addItem', field: 'memberOf', value: 'nowhere' },
    ]),
    refused('notFound', { item: 'nowhere' }),
  )
  assert.equal((await directory.get(root, 'jane')).description, undefined)
})

const badChanges: ReadonlyArray<[name: string, operations: unknown, code: string, details?: Record<string, unknown>]> = [
  ['no list', {}, 'invalidParameters'],
  ['an unknown action', [{ action: 'drop', field: 'name', value: 'x' }], 'invalidParameters'],
  ['an unknown field', [{ action: 'set', field: 'colour', value: 'x' }], 'invalidParameters'],
  ['a boolean', [{ action: 'set', field: 'name', value: true }], 'invalidParameters'],
  ['a mixed list', [{ action: 'set', field: 'emails', value: ['a', 1] }], 'invalidParameters'],
  ['a change of type', [{ action: 'set', field: 'type', value: 'group' }], 'other', { details: 'Invalid parameter' }],
  ['members of a person', [{ action: 'addItem', field: 'members', value: 'staff' }], 'other', { details: 'Invalid members value' }],
  ['a list as group', [{ action: 'addItem', field: 'memberOf', value: 'all' }], 'other', { details: 'Invalid memberOf value' }],
  ['a taken address', [{ action: 'addItem', field: 'emails', value: 'staff@example.org' }], 'fieldAlreadyExists'],
  ['an empty name', [{ action: 'set', field: 'name', value: '' }], 'other', { details: 'Invalid principal name' }],
]
for (const [name, operations, code, details] of badChanges) {
  test(`a change refuses ${name}`, async () => {
    await directory.create(root, { type: 'list', name: 'all', emails: 'all@example.org' }).catch(() => {})
    await assert.rejects(directory.change(root, 'jane', operations), refused(code, details))
  })
}

test('secrets: TOTP goes in front, the plain text of a password removes it, an empty text removes ordinary ones', async () => {
  await directory.create(root, { name: 'sec', secrets: ['one', '$app$phone$two'] })
  await directory.change(root, 'sec', [{ action: 'addItem', field: 'secrets', value: 'otpauth://totp/x?secret=JBSWY3DPEHPK3PXP' }])
  await directory.change(root, 'sec', [{ action: 'addItem', field: 'secrets', value: 'three' }])
  assert.deepEqual((await directory.get(root, 'sec')).secrets, [
    'otpauth://totp/x?secret=JBSWY3DPEHPK3PXP',
    '{PLAIN}one',
    '$app$phone$two',
    '{PLAIN}three',
  ])
  await directory.change(root, 'sec', [{ action: 'removeItem', field: 'secrets', value: 'one' }])
  await directory.change(root, 'sec', [{ action: 'removeItem', field: 'secrets', value: '' }])
  assert.deepEqual((await directory.get(root, 'sec')).secrets, ['otpauth://totp/x?secret=JBSWY3DPEHPK3PXP', '$app$phone$two'])
})

test('nobody grants or touches what they lack', async () => {
  await directory.create(root, {
    type: 'role',
    name: 'helpdesk',
    enabledPermissions: [
      'individual-list',
      'individual-get',
      'individual-update',
      'individual-create',
      'individual-delete',
      'authenticate',
    ],
  })
  const id = await directory.create(root, { name: 'desk', roles: ['helpdesk'] })
  await directory.create(root, { name: 'boss', roles: ['admin'] })
  const desk: Caller = { accountId: id, name: 'desk', rights: await directory.rights(id), tenantId: undefined }
  await assert.rejects(directory.create(desk, { name: 'evil', roles: ['admin'] }), refused('other', { details: 'Invalid role' }))
  await assert.rejects(
    directory.create(desk, { name: 'evil', enabledPermissions: ['settings-update'] }),
    refused('other', { details: 'Invalid permission' }),
  )
  await assert.rejects(directory.create(desk, { type: 'group', name: 'evil' }), refused('forbidden'))
  await assert.rejects(directory.change(desk, 'boss', [{ action: 'set', field: 'secrets', value: ['mine'] }]), refused('forbidden'))
  await assert.rejects(directory.remove(desk, 'boss'), refused('forbidden'))
  await directory.change(root, 'helpdesk', [{ action: 'removeItem', field: 'enabledPermissions', value: 'individual-list' }])
  assert.ok(!(await directory.rights(id)).has('individual-list'), 'a change of a role acts at once')
})

test('nobody shakes off what was taken from them', async () => {
  await directory.create(root, { type: 'role', name: 'brake', disabledPermissions: ['settings-update'] })
  await directory.create(root, { type: 'tenant', name: 'fence', disabledPermissions: ['settings-update'], roles: ['admin'] })
  const id = await directory.create(root, {
    name: 'bound',
    roles: ['admin', 'brake'],
    disabledPermissions: ['settings-reload', 'message-queue-list'],
  })
  await directory.create(root, { name: 'fenced', roles: ['admin'] })
  await directory.change(root, 'fenced', [{ action: 'set', field: 'tenant', value: 'fence' }])
  const bound: Caller = { accountId: id, name: 'bound', rights: await directory.rights(id), tenantId: undefined }
  const lifts: ReadonlyArray<readonly [string, Record<string, unknown>]> = [
    ['bound', { action: 'removeItem', field: 'disabledPermissions', value: 'settings-reload' }],
    ['bound', { action: 'set', field: 'disabledPermissions', value: ['message-queue-list'] }],
    ['bound', { action: 'set', field: 'disabledPermissions', value: [] }],
    ['bound', { action: 'removeItem', field: 'roles', value: 'brake' }],
    ['bound', { action: 'removeItem', field: 'roles', value: 'BRAKE' }],
    ['bound', { action: 'set', field: 'roles', value: ['user'] }],
    ['brake', { action: 'set', field: 'disabledPermissions', value: [] }],
    ['fenced', { action: 'set', field: 'tenant', value: '' }],
  ]
  for (const [name, lift] of lifts) await assert.rejects(directory.change(bound, name, [lift]), refused('forbidden'), JSON.stringify(lift))
  await assert.rejects(directory.remove(bound, 'brake', { force: true }), refused('forbidden'))
  assert.equal(await directory.removeAll(bound, { type: 'role', filter: 'brake' }), false)
  assert.ok(!(await directory.rights(id)).has('settings-update') && !(await directory.rights(id)).has('settings-reload'))
  await directory.change(bound, 'bound', [{ action: 'addItem', field: 'disabledPermissions', value: 'individual-list' }])
  await directory.change(root, 'bound', [{ action: 'set', field: 'disabledPermissions', value: [] }])
  assert.ok((await directory.rights(id)).has('settings-reload'))
})

test('a list resolves to the addresses of its members, inside and outside', async () => {
  await directory.create(root, {
    type: 'list',
    name: 'news',
    emails: 'news@example.org',
    members: ['jane', 'staff'],
    externalMembers: ['Bob@Other.test'],
  })
  assert.deepEqual(await directory.resolve('news@example.org'), {
    kind: 'list',
    name: 'news',
    addresses: ['jane@example.org', 'staff@example.org', 'bob@other.test'],
  })
})

test('mail to a list reaches the members of lists on it, even when they stand on each other', async () => {
  const list = (name: string, externalMembers: readonly string[]): Promise<number> =>
    directory.create(root, { type: 'list', name, emails: `${name}@example.org`, externalMembers })
  await list('circle-a', ['circle-b@example.org', 'a@other.test'])
  await list('circle-b', ['circle-a@example.org', 'circle-b@example.org', 'j@example.org', 'a@other.test'])
  const resolved = await directory.resolve('circle-a@example.org')
  assert.deepEqual(resolved.kind === 'list' && resolved.addresses, ['j@example.org', 'a@other.test'])
})

test('sub-addresses and catch-alls are found', async () => {
  const resolved = await directory.resolve('jane+shop@example.org')
  assert.equal(resolved.kind === 'mailbox' && resolved.name, 'jane')
  assert.deepEqual(await directory.resolve('nobody@example.org'), { kind: 'unknown' })
  await directory.create(root, { name: 'catcher', emails: ['@second.example'] })
  const caught = await directory.resolve('anything@second.example')
  assert.equal(caught.kind === 'mailbox' && caught.name, 'catcher')
  assert.deepEqual(await directory.resolve('x@elsewhere.test'), { kind: 'unknown' })
})

test('lists page by name, filter by words, and count', async () => {
  for (let i = 0; i < 25; i++)
    await directory.create(root, { name: `page${String(i).padStart(2, '0')}`, description: `Number ${i} of many` })
  const page = await directory.list(root, { types: ['individual'], filter: 'page many', page: 2, limit: 10 })
  assert.deepEqual(
    page.items.map(item => item.name),
    Array.from({ length: 10 }, (_, i) => `page${i + 10}`),
  )
  assert.equal(page.total, 25)
  assert.deepEqual(await directory.list(root, { types: ['individual'], filter: 'page', countOnly: true }), { items: [], total: 25 })
  assert.equal((await directory.list(root, { filter: 'hunter2' })).total, 0, 'secrets are not searched')
  assert.equal((await directory.list(root, { filter: '100%_' })).total, 0)
  const [first] = (await directory.list(root, { types: ['individual'], filter: 'page00', fields: ['name'] })).items
  assert.deepEqual(Object.keys(first ?? {}).sort(), ['id', 'name', 'type'])
})

test('a domain in use stays unless forced, a deleted account is gone everywhere and its id is not used again', async () => {
  await assert.rejects(directory.remove(root, 'example.org'), refused('other', { details: 'Domain has members' }))
  const id = await directory.create(root, { name: 'gone', emails: 'gone@example.org', memberOf: ['staff'] })
  await directory.remove(root, 'gone')
  assert.deepEqual(await directory.resolve('gone@example.org'), { kind: 'unknown' })
  assert.deepEqual((await directory.get(root, 'staff')).members, ['jane'])
  assert.ok((await directory.create(root, { name: 'gone' })) > id)
})

test('tenants bound what their administrators see and name', async () => {
  const tenantId = await directory.create(root, { type: 'tenant', name: 'acme', roles: ['tenant-admin', 'user'], quota: [0, 2] })
  await directory.create(root, { type: 'domain', name: 'acme.test', tenant: 'acme' })
  const id = await directory.create(root, {
    name: 'ann@acme.test',
    tenant: 'acme',
    emails: 'ann@acme.test',
    roles: ['tenant-admin', 'user'],
  })
  const ann: Caller = { accountId: id, name: 'ann', rights: await directory.rights(id), tenantId }
  await assert.rejects(directory.get(ann, 'jane'), refused('notFound', { item: 'jane' }))
  await assert.rejects(directory.create(ann, { name: 'loose' }), refused('other', { details: 'Invalid principal name' }))
  await assert.rejects(
    directory.create(ann, { name: 'x@acme.test', emails: 'x@example.org' }),
    refused('notFound', { item: 'example.org' }),
  )
  await directory.create(ann, { name: 'ben@acme.test', roles: ['user'] })
  await assert.rejects(directory.create(ann, { name: 'cleo@acme.test' }), refused('tenantQuotaExceeded'))
  assert.deepEqual(
    (await directory.list(ann, { types: ['individual'] })).items.map(item => item.name),
    ['ann@acme.test', 'ben@acme.test'],
  )
  await assert.rejects(directory.change(ann, 'ben@acme.test', [{ action: 'set', field: 'tenant', value: '' }]), refused('forbidden'))
  await assert.rejects(directory.remove(root, 'acme'), refused('other', { details: 'Tenant has members' }))
  assert.equal((await directory.get(root, 'acme')).members, 2)
})

test('bulk deletion skips the caller', async () => {
  const id = await directory.create(root, { name: 'bulk1', roles: ['admin'] })
  await directory.create(root, { name: 'bulk2' })
  const caller: Caller = { accountId: id, name: 'bulk1', rights: allPermissions, tenantId: undefined }
  assert.equal(await directory.removeAll(caller, { type: 'individual', filter: 'bulk' }), true)
  await directory.finishRemovals()
  assert.equal((await directory.list(root, { filter: 'bulk' })).total, 1)
  assert.equal(await directory.removeAll(caller, { type: 'individual', filter: 'bulk' }), false)
})

test('what was read before a change is not remembered after it', async () => {
  const id = await directory.create(root, { name: 'turncoat', emails: 'turncoat@example.org', secrets: 'old' })
  let afterRead = async (): Promise<void> => {}
  const slowStore: Store = Object.create(store, {
    read: {
      value: async (query: Parameters<Store['read']>[0], args: unknown) => {
        const found = await store.read(query, args)
        const run = afterRead
        afterRead = async () => {}
        await run()
        return found
      },
    },
  })
  using slow = createDirectory({
    store: slowStore,
    settings,
    hashSecret: async secret => secret,
    verifySecret: async () => false,
    trace: createRecordingTrace(),
    destroyMail: async () => {},
  })
  const change = (value: string) => async () => directory.change(root, 'turncoat', [{ action: 'set', field: 'secrets', value: [value] }])
  afterRead = change('new')
  await slow.byId(id)
  assert.deepEqual((await slow.byId(id))?.secrets, ['{PLAIN}new'])
  afterRead = change('newer')
  await slow.byName('turncoat')
  assert.deepEqual((await slow.byId(id))?.secrets, ['{PLAIN}newer'])
  assert.equal(await slow.byName('turncoat'), await slow.byId(id))
})

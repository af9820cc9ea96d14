import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { permissionIds } from '@postern/contract'
import { type Bench, callerOf, openBench, refused, root } from './testing/bench.ts'

let bench: Bench

before(async () => {
  bench = await openBench()
  const { directory } = bench
  await directory.create(root, { type: 'domain', name: 'example.org' })
  await directory.create(root, { type: 'role', name: 'base', enabledPermissions: 'authenticate' })
})

after(() => bench[Symbol.asyncDispose]())

async function rightsOf(name: string): Promise<ReadonlySet<string>> {
  const record = await bench.directory.byName(name)
  assert.ok(record)
  return bench.directory.rights(record.id)
}

const change = (name: string, action: string, field: string, value: unknown): Promise<void> =>
  bench.directory.change(root, name, [{ action, field, value }])

test('the built-in roles have 181, 144 and 93 permissions, each within the next', async () => {
  for (const role of ['admin', 'tenant-admin', 'user']) await bench.directory.create(root, { name: `has-${role}`, roles: role })
  const [admin, tenantAdmin, user] = [await rightsOf('has-admin'), await rightsOf('has-tenant-admin'), await rightsOf('has-user')]
  assert.deepEqual([admin.size, tenantAdmin.size, user.size], [181, 144, 93])
  assert.deepEqual(new Set(permissionIds), admin)
  assert.ok(user.isSubsetOf(tenantAdmin))
  for (const only of ['impersonate', 'settings-update', 'restart', 'unlimited-requests']) assert.ok(!tenantAdmin.has(only), only)
  for (const only of ['individual-create', 'message-queue-list', 'api-key-create'])
    assert.ok(tenantAdmin.has(only) && !user.has(only), only)
})

test('who has neither roles nor permissions can do nothing, unless new accounts get the role user', async () => {
  await bench.directory.create(root, { name: 'bare' })
  assert.equal((await rightsOf('bare')).size, 0)
  const put = (value: string) => bench.settings.change([{ kind: 'put', entries: [['authentication.new-accounts.user-role', value]] }])
  await put('true')
  await bench.settings.reload()
  await bench.directory.create(root, { name: 'dressed' })
  assert.deepEqual((await bench.directory.get(root, 'dressed')).roles, ['user'])
  await bench.directory.create(root, { name: 'own', enabledPermissions: 'authenticate' })
  assert.equal((await bench.directory.get(root, 'own')).roles, undefined)
  await bench.directory.create(root, { type: 'group', name: 'bare-group' })
  assert.equal((await bench.directory.get(root, 'bare-group')).roles, undefined)
  await put('false')
  await bench.settings.reload()
})

test('roles nest, also in circles, and what one of them or the account disables is gone', async () => {
  await bench.directory.create(root, { type: 'role', name: 'inner', enabledPermissions: ['authenticate', 'individual-list'] })
  await bench.directory.create(root, { type: 'role', name: 'outer', roles: 'inner', enabledPermissions: 'individual-get' })
  await bench.directory.create(root, { name: 'nested', roles: 'outer' })
  assert.deepEqual([...(await rightsOf('nested'))].sort(), ['authenticate', 'individual-get', 'individual-list'])
  await change('inner', 'addItem', 'roles', 'outer')
  assert.deepEqual([...(await rightsOf('nested'))].sort(), ['authenticate', 'individual-get', 'individual-list'])
  await change('inner', 'set', 'disabledPermissions', ['individual-get'])
  assert.ok(!(await rightsOf('nested')).has('individual-get'), 'disabled by the role within')
  await change('nested', 'addItem', 'enabledPermissions', 'individual-get')
  assert.ok(!(await rightsOf('nested')).has('individual-get'), 'enabling it once more does not help')
  await change('inner', 'set', 'disabledPermissions', [])
  await change('nested', 'addItem', 'disabledPermissions', 'authenticate')
  assert.deepEqual([...(await rightsOf('nested'))].sort(), ['individual-get', 'individual-list'])
})

test('a change acts on the next question: parents of roles, members of roles, tenants, deletion', async () => {
  await bench.directory.create(root, { type: 'role', name: 'parent', enabledPermissions: 'restart' })
  await bench.directory.create(root, { type: 'role', name: 'child' })
  await bench.directory.create(root, { name: 'holder', roles: 'child' })
  assert.equal((await rightsOf('holder')).size, 0)
  await change('child', 'addItem', 'roles', 'parent')
  assert.ok((await rightsOf('holder')).has('restart'))
  await change('parent', 'addItem', 'enabledPermissions', 'troubleshoot')
  assert.ok((await rightsOf('holder')).has('troubleshoot'))
  await bench.directory.create(root, { type: 'tenant', name: 'small', enabledPermissions: 'troubleshoot' })
  await bench.directory.create(root, { type: 'domain', name: 'small.example', tenant: 'small' })
  await change('holder', 'set', 'tenant', 'small')
  assert.deepEqual([...(await rightsOf('holder'))], ['troubleshoot'])
  await change('small', 'addItem', 'enabledPermissions', 'restart')
  assert.deepEqual([...(await rightsOf('holder'))].sort(), ['restart', 'troubleshoot'])
  await change('small', 'addItem', 'disabledPermissions', 'troubleshoot')
  assert.deepEqual([...(await rightsOf('holder'))], ['restart'], 'what the tenant disables its members do not have')
  await change('holder', 'set', 'tenant', '')
  assert.deepEqual([...(await rightsOf('holder'))].sort(), ['restart', 'troubleshoot'])
  await bench.directory.remove(root, 'parent')
  assert.equal((await rightsOf('holder')).size, 0)
})

test('the three built-in names are no names of roles, in any spelling', async () => {
  for (const name of ['admin', 'ADMIN', 'Tenant-Admin', 'user']) {
    await assert.rejects(bench.directory.create(root, { type: 'role', name }), refused('fieldAlreadyExists', { field: 'name' }))
    await assert.rejects(change('base', 'set', 'name', name), refused('fieldAlreadyExists', { field: 'name' }))
  }
  await bench.directory.create(root, { type: 'group', name: 'admin' })
  await assert.rejects(bench.directory.create(root, { name: 'sly', roles: 'ADMIN' }), refused('notFound', { item: 'ADMIN' }))
})

test('nobody touches secrets, addresses, roles or the existence of somebody who holds more', async () => {
  const { directory } = bench
  const permissions = ['individual-get', 'individual-update', 'individual-delete', 'individual-create', 'authenticate', 'role-update']
  await directory.create(root, { name: 'helper', enabledPermissions: permissions })
  await directory.create(root, { name: 'mighty', roles: 'admin', emails: 'mighty@example.org' })
  const helper = await callerOf(directory, 'helper')
  const attempts: ReadonlyArray<readonly [string, string, unknown]> = [
    ['set', 'secrets', ['x']],
    ['addItem', 'secrets', 'x'],
    ['removeItem', 'secrets', ''],
    ['set', 'emails', []],
    ['addItem', 'emails', 'other@example.org'],
    ['removeItem', 'roles', 'admin'],
    ['set', 'roles', []],
    ['addItem', 'disabledPermissions', 'authenticate'],
    ['set', 'name', 'meek'],
  ]
  for (const [action, field, value] of attempts)
    await assert.rejects(directory.change(helper, 'mighty', [{ action, field, value }]), refused('forbidden'), `${action} ${field}`)
  await assert.rejects(directory.remove(helper, 'mighty'), refused('forbidden'))
  for (const [action, value] of [
    ['addItem', 'mighty'],
    ['set', ['mighty']],
  ] as const)
    await assert.rejects(directory.change(helper, 'helper', [{ action, field: 'memberOf', value }]), refused('forbidden'), action)
  await directory.change(helper, 'mighty', [{ action: 'set', field: 'description', value: 'harmless' }])
  await assert.rejects(
    directory.change(helper, 'base', [{ action: 'addItem', field: 'enabledPermissions', value: 'restart' }]),
    refused('other', { details: 'Invalid permission' }),
  )
  await directory.change(helper, 'base', [{ action: 'addItem', field: 'disabledPermissions', value: 'restart' }])
  for (const [field, code] of [
    ['enabledPermissions', 'Invalid enabledPermissions value'],
    ['disabledPermissions', 'Invalid disabledPermissions value'],
  ] as const) {
    await assert.rejects(change('base', 'addItem', field, 'fly'), refused('other', { details: code }))
    await assert.rejects(change('base', 'removeItem', field, 'fly'), refused('other', { details: code }))
  }
})

test('a role gets no members by somebody who lacks what it grants, or what the member holds', async () => {
  const { directory } = bench
  await directory.create(root, { type: 'role', name: 'desk', enabledPermissions: ['authenticate', 'role-update', 'role-create'] })
  await directory.create(root, { type: 'role', name: 'strong', enabledPermissions: 'restart' })
  await directory.create(root, { type: 'role', name: 'strongest', roles: 'admin' })
  await directory.create(root, { name: 'clerk', roles: 'desk' })
  await directory.create(root, { name: 'chief', roles: 'admin' })
  const clerk = await callerOf(directory, 'clerk')
  for (const role of ['strong', 'strongest']) {
    for (const [action, value] of [
      ['addItem', 'desk'],
      ['set', ['desk']],
    ] as const) {
      const operations = [{ action, field: 'members', value }]
      await assert.rejects(directory.change(clerk, role, operations), refused('other', { details: 'Invalid role' }), `${action} ${role}`)
    }
  }
  assert.ok(!(await rightsOf('clerk')).has('restart'))
  await assert.rejects(directory.change(clerk, 'desk', [{ action: 'addItem', field: 'members', value: 'strong' }]), refused('forbidden'))
  await change('desk', 'set', 'members', ['strong'])
  for (const [action, value] of [
    ['removeItem', 'strong'],
    ['set', []],
  ] as const)
    await assert.rejects(directory.change(clerk, 'desk', [{ action, field: 'members', value }]), refused('forbidden'), action)
  const lock = { type: 'role', name: 'lock', disabledPermissions: 'authenticate', members: ['chief'] }
  await assert.rejects(directory.create(clerk, lock), refused('forbidden'))
  assert.ok((await rightsOf('chief')).has('authenticate'))
  await directory.create(clerk, { type: 'role', name: 'light', enabledPermissions: 'authenticate' })
  await directory.change(clerk, 'light', [{ action: 'addItem', field: 'members', value: 'desk' }])
  assert.deepEqual((await directory.get(root, 'light')).members, ['desk'])
})

test('who was made mightier between the check and the change keeps their secrets', async () => {
  let interfere = async (): Promise<void> => {}
  await using other = await openBench('sqlite', store => ({
    ...store,
    write: async (command, args, attached) => {
      const run = interfere
      interfere = async () => {}
      await run()
      return store.write(command, args, attached)
    },
  }))
  const { directory } = other
  await directory.create(root, { name: 'plain', roles: 'user' })
  await directory.create(root, { name: 'clerk', roles: 'user', enabledPermissions: ['individual-update', 'individual-delete'] })
  const clerk = await callerOf(directory, 'clerk')
  for (const [field, value] of [
    ['roles', 'admin'],
    ['enabledPermissions', 'restart'],
  ] as const) {
    interfere = () => directory.change(root, 'plain', [{ action: 'addItem', field, value }])
    await assert.rejects(directory.change(clerk, 'plain', [{ action: 'set', field: 'secrets', value: ['mine'] }]), refused('forbidden'))
    await directory.change(root, 'plain', [{ action: 'removeItem', field, value }])
  }
  interfere = () => directory.change(root, 'plain', [{ action: 'addItem', field: 'roles', value: 'admin' }])
  await assert.rejects(directory.remove(clerk, 'plain'), refused('forbidden'))
})

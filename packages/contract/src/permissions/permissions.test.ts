import assert from 'node:assert/strict'
import { test } from 'node:test'
import { permissionGroups, permissionIds, permissions, permissionsOfRole } from '../index.ts'

test('181 permissions; 93 in the role user, 144 in tenant-admin, all in admin', () => {
  assert.equal(permissionIds.length, 181)
  assert.equal(permissionsOfRole('user').length, 93)
  assert.equal(permissionsOfRole('tenant-admin').length, 144)
  assert.equal(permissionsOfRole('admin').length, 181)
})

test('numbers of permissions stay where they are', () => {
  const numbered = { impersonate: 0, authenticate: 72, 'jmap-echo': 122, 'imap-thread': 150, 'spam-filter-classify': 180 } as const
  for (const [id, number] of Object.entries(numbered)) assert.equal(permissionIds[number], id)
})

test('every heading is used and every text is a sentence', () => {
  const used = new Set(permissionIds.map(id => permissions[id].group))
  assert.deepEqual([...used].sort(), Object.keys(permissionGroups).sort())
  for (const id of permissionIds) assert.match(permissions[id].doc, /^[A-Z].*\.$/, id)
})

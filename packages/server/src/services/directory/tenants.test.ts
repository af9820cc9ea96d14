import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { appendMessages, checkInvariants, prepareAccount } from '#data/store'
import type { Caller } from './index.ts'
import { type Bench, callerOf, engines, now, openBench, refused, root } from './testing/bench.ts'

/** Two tenants with a domain each; the caller looks after the first. */
async function settle({ directory }: Bench, quota: readonly number[] = []): Promise<Caller> {
  await directory.create(root, { type: 'domain', name: 'operator.example' })
  await directory.create(root, { type: 'tenant', name: 'acme', roles: ['tenant-admin', 'user'], quota })
  await directory.create(root, { type: 'tenant', name: 'rival', roles: ['tenant-admin', 'user'] })
  await directory.create(root, { type: 'domain', name: 'acme.example', tenant: 'acme' })
  await directory.create(root, { type: 'domain', name: 'rival.example', tenant: 'rival' })
  await directory.create(root, { name: 'ann@acme.example', tenant: 'acme', roles: ['tenant-admin', 'user'] })
  return callerOf(directory, 'ann@acme.example')
}

test('a tenant makes free domains, below its own ones too, but none below those of others', async () => {
  await using bench = await openBench()
  const { directory } = bench
  const ann = await settle(bench)
  await directory.create(ann, { type: 'domain', name: 'mail.acme.example' })
  await directory.create(ann, { type: 'domain', name: 'free.test' })
  for (const name of ['mail.rival.example', 'a.b.rival.example', 'mail.operator.example']) {
    await assert.rejects(directory.create(ann, { type: 'domain', name }), refused('other', { details: 'Invalid principal name' }))
    await assert.rejects(
      directory.change(ann, 'free.test', [{ action: 'set', field: 'name', value: name }]),
      refused('other', { details: 'Invalid principal name' }),
    )
    await directory.create(root, { type: 'domain', name })
  }
  await assert.rejects(directory.create(ann, { type: 'domain', name: 'rival.example' }), refused('fieldAlreadyExists'))
})

test('a tenant sees, names and refers to its own alone', async () => {
  await using bench = await openBench()
  const { directory } = bench
  const ann = await settle(bench)
  await directory.create(root, { type: 'group', name: 'outside' })
  await directory.create(root, { type: 'role', name: 'outer-role' })
  for (const field of ['memberOf', 'members', 'lists']) {
    await assert.rejects(
      directory.create(ann, { name: 'x@acme.example', [field]: 'outside' }),
      refused('notFound', { item: 'outside' }),
      field,
    )
  }
  await assert.rejects(directory.create(ann, { name: 'x@acme.example', roles: 'outer-role' }), refused('notFound', { item: 'outer-role' }))
  await assert.rejects(directory.create(ann, { name: 'x@rival.example' }), refused('other', { details: 'Invalid principal name' }))
  const id = await directory.create(ann, { name: 'x@acme.example', tenant: 'rival' })
  assert.equal((await directory.get(root, 'x@acme.example')).tenant, 'acme', 'the tenant given in the body is ignored')
  await assert.rejects(directory.get(ann, 'acme'), refused('forbidden'), 'it is seen, but the role may not read tenants')
  for (const name of ['rival', 'outside', 'rival.example'])
    await assert.rejects(directory.get(ann, name), refused('notFound', { item: name }))
  await assert.rejects(directory.remove(ann, 'outside'), refused('notFound'))
  await assert.rejects(directory.change(ann, 'outside', []), refused('notFound'))
  assert.ok((await directory.list(ann, { types: ['individual'] })).items.some(item => item.id === id))
  assert.equal((await directory.list(ann, { types: ['group'] })).total, 0)
  assert.equal((await directory.list(root, { types: ['individual'], tenant: 'ACME' })).total, 2)
  await assert.rejects(directory.list(root, { tenant: 'nobody' }), refused('notFound', { item: 'nobody' }))
  await assert.rejects(directory.list(root, { tenant: 'outside' }), refused('notFound', { item: 'outside' }))
  await assert.rejects(directory.create(root, { name: 'y', tenant: 'outside' }), refused('notFound', { item: 'outside' }))
  await assert.rejects(directory.create(root, { name: 'y', tenant: '' }), refused('notFound', { item: '' }))
  await assert.rejects(
    directory.create(root, { type: 'tenant', name: 'y', tenant: 'acme' }),
    refused('other', { details: 'Invalid field' }),
  )
  await assert.rejects(
    directory.change(root, 'outside', [{ action: 'set', field: 'tenant', value: 'outer-role' }]),
    refused('other', { details: 'Not a tenant' }),
  )
  assert.equal(await directory.removeAll(ann, { type: 'individual', filter: 'x@' }), true)
  await directory.finishRemovals()
  assert.equal((await directory.list(ann, { types: ['individual'] })).total, 1)
})

for (const engine of engines) {
  describe(`tenants on ${engine}`, () => {
    test('the number of principals of a type stays within the slot, however many come at once', async () => {
      await using bench = await openBench(engine)
      const ann = await settle(bench, [0, 4, 1])
      const make = (n: number) => bench.directory.create(ann, { name: `p${n}@acme.example` })
      const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => make(n)))
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 3, 'one is there already')
      for (const outcome of outcomes) if (outcome.status === 'rejected') refused('tenantQuotaExceeded')(outcome.reason)
      await bench.directory.create(ann, { type: 'group', name: 'g@acme.example' })
      await assert.rejects(bench.directory.create(ann, { type: 'group', name: 'h@acme.example' }), refused('tenantQuotaExceeded'))
      await bench.directory.create(ann, { type: 'list', name: 'l@acme.example' })
      await bench.directory.create(root, { type: 'group', name: 'i@acme.example', tenant: 'acme' })
    })

    test('what an account uses counts for the tenant it belongs to', async () => {
      await using bench = await openBench(engine)
      const { directory, store } = bench
      await settle(bench)
      const id = await directory.create(root, { name: 'bob@acme.example', tenant: 'acme' })
      const acme = await directory.byName('acme')
      const folders = [{ id: 0, name: 'Inbox', role: 'inbox', sortOrder: 0, isSubscribed: true }]
      await store.write(prepareAccount, { accountId: id, folders, now, tenantId: acme?.id ?? null })
      const message = {
        blob: 0,
        mailboxIds: [0],
        flags: 0,
        keywords: [],
        received: now,
        sent: null,
        hasAttachment: false,
        messageIdKey: 1,
        bodyKey: 1,
        bareLineFeeds: 0,
        threadKeys: [],
        structure: Buffer.from([1]),
        skipsDuplicate: false,
      }
      const limits = { bytes: 0, messages: 0, tenant: { id: acme?.id ?? 0, bytes: 0 } }
      await store.write(
        appendMessages,
        { accountId: id, messages: [message], limits, now, duplicateWindow: 0 },
        { blobs: [Buffer.alloc(100)] },
      )
      const used = async (): Promise<unknown[]> => {
        const { items } = await directory.list(root, { types: ['tenant', 'individual'], fields: ['name', 'usedQuota'] })
        return items.filter(item => item.usedQuota !== undefined).map(({ name, usedQuota }) => [name, usedQuota])
      }
      assert.deepEqual(await used(), [
        ['acme', 100],
        ['bob@acme.example', 100],
      ])
      await directory.change(root, 'bob@acme.example', [{ action: 'set', field: 'tenant', value: 'rival' }])
      assert.deepEqual(await used(), [
        ['bob@acme.example', 100],
        ['rival', 100],
      ])
      assert.deepEqual(await checkInvariants(store), [])
      await directory.change(root, 'bob@acme.example', [{ action: 'set', field: 'tenant', value: '' }])
      assert.deepEqual(await used(), [['bob@acme.example', 100]])
      await directory.change(root, 'bob@acme.example', [{ action: 'set', field: 'tenant', value: 'acme' }])
      await directory.remove(root, 'bob@acme.example')
      await directory.finishRemovals()
      assert.deepEqual(await used(), [])
      assert.deepEqual(await checkInvariants(store), [])
    })

    test('domains count their addresses and tenants their people', async () => {
      await using bench = await openBench(engine)
      const { directory } = bench
      await settle(bench)
      await directory.create(root, { name: 'cem@acme.example', tenant: 'acme', emails: ['c@acme.example', 'cem@acme.example'] })
      const { items } = await directory.list(root, { types: ['domain', 'tenant'], fields: ['name', 'members'] })
      assert.deepEqual(
        items.map(({ name, members }) => [name, members]),
        [
          ['acme', 2],
          ['acme.example', 2],
          ['operator.example', 0],
          ['rival', 0],
          ['rival.example', 0],
        ],
      )
      await assert.rejects(directory.remove(root, 'acme.example'), refused('other', { details: 'Domain has members' }))
      await directory.change(root, 'cem@acme.example', [{ action: 'set', field: 'emails', value: [] }])
      await assert.rejects(directory.remove(root, 'acme.example'), refused('other', { details: 'Domain has members' }))
      await directory.remove(root, 'acme.example', { force: true })
    })
  })
}

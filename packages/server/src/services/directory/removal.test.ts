import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  accountTotals,
  appendMessages,
  askRemovals,
  checkInvariants,
  grantMailboxRights,
  openRemovals,
  prepareAccount,
  type Query,
  type Store,
  setMailboxSubscription,
} from '#data/store'
import { type Bench, callerOf, engines, now, openBench, refused, root } from './testing/bench.ts'

const folders = [{ id: 0, name: 'Inbox', role: 'inbox', sortOrder: 0, isSubscribed: true }]
const limits = { bytes: 0, messages: 0, tenant: null }

async function receive(store: Store, accountId: number, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const message = {
      blob: 0,
      mailboxIds: [0],
      flags: 0,
      keywords: ['k'],
      received: now,
      sent: null,
      hasAttachment: false,
      messageIdKey: n,
      bodyKey: n,
      bareLineFeeds: 0,
      threadKeys: [n + 1],
      structure: Buffer.from([1]),
      skipsDuplicate: false,
    }
    await store.write(
      appendMessages,
      { accountId, messages: [message], limits, now, duplicateWindow: 0 },
      { blobs: [Buffer.from(`m${n}`)] },
    )
  }
}

/** Every table with a column that may name the account, and how many rows do. */
const leftovers: Query<{ readonly id: number }, Readonly<Record<string, number>>> = {
  name: 'test.leftovers',
  run: async (reader, { id }) => {
    const places = [
      ['principals', 'id'],
      ['principal_emails', 'principal_id'],
      ['principal_values', 'principal_id'],
      ['principal_members', 'group_id'],
      ['principal_members', 'member_id'],
      ['mailbox_grants', 'grantee_id'],
      ['mailbox_subscriptions', 'principal_id'],
      ...[
        'mail_accounts',
        'mailboxes',
        'mailbox_subscriptions',
        'mailbox_grants',
        'messages',
        'placements',
        'keywords',
        'thread_refs',
        'changes',
        'deleted_messages',
        'blob_links',
        'blob_reservations',
      ].map(table => [table, 'account_id'] as const),
    ] as const
    const found: Record<string, number> = {}
    for (const [table, column] of places) {
      const count = Number((await reader.get<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table} WHERE ${column} = ?`, [id]))?.n)
      if (count > 0) found[`${table}.${column}`] = count
    }
    return found
  },
}

/** An account with everything, and a neighbour it shares with. */
async function settle({ directory, store }: Bench): Promise<{ readonly id: number; readonly neighbour: number }> {
  await directory.create(root, { type: 'domain', name: 'example.org' })
  await directory.create(root, { type: 'group', name: 'staff' })
  await directory.create(root, { type: 'list', name: 'news' })
  const neighbour = await directory.create(root, { name: 'neighbour' })
  const id = await directory.create(root, {
    name: 'leaver',
    emails: ['leaver@example.org', 'old@example.org'],
    secrets: ['one', 'two'],
    memberOf: 'staff',
    lists: 'news',
    roles: 'user',
    urls: ['https://example.org/'],
  })
  for (const accountId of [id, neighbour]) await store.write(prepareAccount, { accountId, folders, now, tenantId: null })
  await receive(store, id, 5)
  await receive(store, neighbour, 1)
  await store.write(grantMailboxRights, { accountId: id, mailboxId: 0, granteeId: neighbour, rights: 1, now })
  await store.write(grantMailboxRights, { accountId: neighbour, mailboxId: 0, granteeId: id, rights: 1, now })
  const subscription = { accountId: neighbour, mailboxIds: [0], isSubscribed: true, now }
  await store.write(setMailboxSubscription, { ...subscription, principalId: id })
  return { id, neighbour }
}

for (const engine of engines) {
  describe(`removal on ${engine}`, () => {
    test('everything that an account owned is gone, and nothing of others', async () => {
      await using bench = await openBench(engine)
      const { id, neighbour } = await settle(bench)
      assert.ok(Object.keys(await bench.store.read(leftovers, { id })).length > 12, 'the test sees what it looks for')
      await bench.directory.remove(root, 'leaver')
      await bench.directory.finishRemovals()
      assert.deepEqual(await bench.store.read(leftovers, { id }), {})
      assert.deepEqual(await checkInvariants(bench.store), [])
      assert.equal((await bench.store.read(accountTotals, { accountId: neighbour }))?.messageCount, 1)
      assert.equal((await bench.directory.get(root, 'staff')).members, undefined)
    })

    // The store fails at each write in turn, the process ends there, and the next one finishes the work.
    for (let failing = 0; failing < 9; failing++) {
      test(`a process that ends after ${failing} steps leaves the rest to the next`, async () => {
        let writesLeft = Number.POSITIVE_INFINITY
        await using bench = await openBench(engine, store => ({
          ...store,
          write: (command, args, attached) =>
            writesLeft-- > 0 ? store.write(command, args, attached) : Promise.reject(new Error('the process ends here')),
        }))
        const { id } = await settle(bench)
        writesLeft = 1 + failing
        await bench.directory.remove(root, 'leaver')
        await bench.directory.finishRemovals().catch(() => {})
        writesLeft = Number.POSITIVE_INFINITY
        await bench.reopen()
        await assert.rejects(bench.directory.get(root, 'leaver'), refused('notFound'))
        const again = await bench.directory.create(root, { name: 'leaver', emails: 'leaver@example.org' })
        assert.ok(again > id, 'the name is free and the id is not used again')
        await bench.directory.finishRemovals()
        assert.deepEqual(await bench.store.read(leftovers, { id }), {})
        assert.deepEqual(await bench.store.read(openRemovals, { limit: 10 }), [])
        assert.equal((await bench.directory.get(root, 'leaver')).id, again)
      })
    }

    test('a session that still has the account open cannot bring its mail back', async () => {
      await using bench = await openBench(engine)
      const { id } = await settle(bench)
      await bench.directory.remove(root, 'leaver')
      await bench.directory.finishRemovals()
      await assert.rejects(receive(bench.store, id, 1), refused('accountNotFound'))
      await assert.rejects(bench.store.write(prepareAccount, { accountId: id, folders, now, tenantId: null }), refused('accountNotFound'))
      assert.deepEqual(await bench.store.read(leftovers, { id }), {})
    })

    test('deleting many answers at once, spares the caller and what must stay, and is taken up again after an end', async () => {
      await using bench = await openBench(engine)
      const { directory } = bench
      for (let n = 0; n < 20; n++) await directory.create(root, { name: `bulk${n}` })
      const self = await directory.create(root, { name: 'bulk-self', roles: 'admin' })
      const caller = await callerOf(directory, 'bulk-self')
      assert.equal(await directory.removeAll(caller, { type: 'individual', filter: 'nobody' }), false)
      assert.equal(await directory.removeAll(caller, { type: 'individual', filter: 'bulk' }), true)
      await directory.finishRemovals()
      const left = await directory.list(root, { types: ['individual'] })
      assert.deepEqual(
        left.items.map(item => item.id),
        [self],
      )
      assert.equal(left.total, 1)

      await directory.create(root, { type: 'tenant', name: 'busy' })
      await directory.create(root, { type: 'tenant', name: 'idle' })
      await directory.create(root, { type: 'domain', name: 'busy.example', tenant: 'busy' })
      assert.equal(await directory.removeAll(root, { type: 'tenant' }), true)
      await directory.finishRemovals()
      assert.deepEqual(
        (await directory.list(root, { types: ['tenant'] })).items.map(item => item.name),
        ['busy'],
      )
      assert.deepEqual(await bench.store.read(openRemovals, { limit: 10 }), [])

      const asked = await directory.create(root, { name: 'asked-for' })
      await bench.store.write(askRemovals, { ids: [asked] })
      await bench.reopen()
      await bench.directory.finishRemovals()
      await assert.rejects(bench.directory.get(root, 'asked-for'), refused('notFound'))
    })

    test('a group of thousands goes, and its members know it at once', async () => {
      await using bench = await openBench(engine)
      const members = Array.from({ length: 1500 }, (_, n) => `m${n}`)
      for (let n = 0; n < members.length; n += 100)
        await Promise.all(members.slice(n, n + 100).map(name => bench.directory.create(root, { name })))
      const id = await bench.directory.create(root, { type: 'group', name: 'crowd', members })
      assert.equal((await bench.directory.byName('m7'))?.memberOf.length, 1)
      await bench.directory.remove(root, 'crowd')
      assert.deepEqual((await bench.directory.byName('m7'))?.memberOf, [])
      await bench.directory.finishRemovals()
      assert.deepEqual(await bench.store.read(leftovers, { id }), {})
    })
  })
}

// What every engine promises about mail. Run by `store.<engine>.test.ts`.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { destroyMailStep, removeOlderMessages, renumberUids } from './aggregates/account-life.ts'
import { annotationsOf, changeAnnotations, copyAnnotations, maxAnnotationBytes, wholeAccount } from './aggregates/annotations.ts'
import { collectGarbage } from './aggregates/blobs.ts'
import { changesSince, forgetChanges } from './aggregates/changes.ts'
import { mailboxHistory, objectHistory } from './aggregates/history.ts'
import { accountTree, createMailbox, noParent, prepareAccount } from './aggregates/mailboxes.ts'
import { accountTotals, appendMessages, deletedMessages, endDeletedMessages, type IncomingMessage } from './aggregates/messages.ts'
import {
  changeFlags,
  destroyMailbox,
  destroyMessages,
  mailboxContents,
  removeMessages,
  transferMessages,
  updateMessages,
} from './aggregates/placements.ts'
import { checkInvariants } from './invariants.ts'
import type { Store } from './store.ts'

const accountId = 12
const now = 1_700_000_000
const limits = { bytes: 0, messages: 0, tenant: null }
const folders = [0, 1, 2].map(id => ({
  id,
  name: `folder ${id}`,
  role: ['inbox', 'trash', 'junk'][id] ?? '',
  sortOrder: id,
  isSubscribed: true,
}))

/** `open` gives an empty store. */
export function describeMail(name: string, open: () => Promise<Store>): void {
  describe(`mail contract: ${name}`, () => {
    it('an account is prepared once, whoever comes first', async () => {
      await using store = await open()
      const made = await Promise.all(Array.from({ length: 5 }, () => prepare(store)))
      assert.equal(made.filter(Boolean).length, 1)
      const tree = await store.read(accountTree, { accountId, principalId: accountId })
      assert.deepEqual(
        tree.mailboxes.map(({ id, role }) => [id, role]),
        [
          [0, 'inbox'],
          [1, 'trash'],
          [2, 'junk'],
        ],
      )
      assert.deepEqual(tree.subscribed, [0, 1, 2])
    })

    it('deliveries side by side get UIDs and change numbers without gaps or doubles', async () => {
      await using store = await open()
      await prepare(store)
      const before = (await store.read(accountTotals, { accountId }))?.changeNumber ?? 0
      const outcomes = await Promise.all(Array.from({ length: 40 }, (_, n) => append(store, `m${n}`, [n % 2])))
      const numbers = outcomes.map(outcome => outcome.change).sort((a, b) => a - b)
      assert.deepEqual(
        numbers,
        numbers.map((_, index) => before + 1 + index),
      )
      const contents = await store.read(mailboxContents, { accountId, mailboxId: 0, afterUid: 0, limit: 100 })
      assert.deepEqual(
        contents?.rows.map(row => row[0]),
        Array.from({ length: 20 }, (_, n) => n + 1),
      )
      assert.deepEqual(await checkInvariants(store), [])
    })

    it('deliveries into many accounts side by side all succeed, while garbage is collected beside them', async () => {
      await using store = await open()
      const accounts = Array.from({ length: 8 }, (_, n) => 200 + n)
      await Promise.all(accounts.map(account => prepare(store, account)))
      const deliver = async (account: number): Promise<void> => {
        for (let n = 0; n < 12; n++) {
          const { appended } = await write(store, account, `content ${n % 5}`, message([0], [n % 3, n]), now)
          const ids = appended.map(one => one.id)
          if (n % 2 === 0)
            await store.write(destroyMessages, { accountId: account, ids, onlyFrom: null, keeping: { keptUntil: null }, now })
        }
      }
      const collect = async (): Promise<void> => {
        for (let n = 0; n < 20; n++) await store.write(collectGarbage, { after: 0, limit: 100, now })
      }
      await Promise.all([...accounts.flatMap(account => [deliver(account), deliver(account)]), collect()])
      for (const account of accounts) assert.equal((await store.read(accountTotals, { accountId: account }))?.messageCount, 12)
      assert.deepEqual(await checkInvariants(store), [])
    })

    it('the change log is ascending, complete, and forgets from its beginning', async () => {
      await using store = await open()
      await prepare(store)
      for (let n = 0; n < 5; n++) await append(store, `m${n}`, [0], now + n)
      const all = await store.read(changesSince, { accountId, since: 0, limit: 100 })
      assert.deepEqual(
        all.sets.map(set => set.number),
        [1, 2, 3, 4, 5, 6],
      )
      const { forgotten } = await store.write(forgetChanges, { accountId, before: now + 2 })
      assert.equal(forgotten, 3)
      assert.equal((await store.read(changesSince, { accountId, since: 2, limit: 100 })).isComplete, false)
      const rest = await store.read(changesSince, { accountId, since: 3, limit: 100 })
      assert.deepEqual([rest.isComplete, rest.sets.map(set => set.number)], [true, [4, 5, 6]])
      // Without history, everything that changed is told, and that removals are unknown.
      const history = await store.read(mailboxHistory, { accountId, mailboxId: 0, since: 2, maxNumbers: 100 })
      assert.deepEqual([history.isComplete, history.rows.map(row => row[0])], [false, [2, 3, 4, 5]])
      assert.equal(await store.read(objectHistory, { accountId, kind: 'message', since: 2, limit: 9 }), undefined)
      assert.deepEqual(await checkInvariants(store), [])
    })

    it('destroyed messages are kept until their time, with where they were', async () => {
      await using store = await open()
      await prepare(store)
      const { appended } = await append(store, 'precious', [0, 1])
      const id = appended[0]?.id ?? 0
      const keeping = { keptUntil: now + 100 }
      await store.write(destroyMessages, { accountId, ids: [id], onlyFrom: null, keeping, now })
      const [kept] = await store.read(deletedMessages, { accountId, now })
      assert.deepEqual([kept?.messageId, kept?.size, kept?.keptUntil], [id, 8, now + 100])
      assert.deepEqual(await checkInvariants(store), [])
      assert.equal(await store.write(endDeletedMessages, { now: now + 99, limit: 10 }), 0)
      assert.equal(await store.write(endDeletedMessages, { now: now + 100, limit: 10 }), 1)
      assert.deepEqual(await store.read(deletedMessages, { accountId, now }), [])
      assert.deepEqual(await checkInvariants(store), [])
    })

    it('notes are set together or not at all, within their limits, and go with the mailbox', async () => {
      await using store = await open()
      await prepare(store)
      const { mailbox } = await store.write(createMailbox, {
        accountId,
        parentId: noParent,
        names: ['box'],
        role: null,
        sortOrder: 0,
        now,
        maxMailboxes: 100,
      })
      const names = async (mailboxId: number, principalId = accountId): Promise<string[]> =>
        (await store.read(annotationsOf, { accountId, principalId, mailboxId })).map(
          ({ name, isPrivate }) => `${name}${isPrivate ? '!' : ''}`,
        )
      const change = (
        mailboxId: number,
        changes: readonly { name: string; isPrivate: boolean; value: Uint8Array | null }[],
      ): Promise<void> => store.write(changeAnnotations, { accountId, principalId: accountId, mailboxId, changes })
      await note(store, mailbox.id, '/b')
      await note(store, mailbox.id, '/a')
      await note(store, mailbox.id, '/a', { isPrivate: true })
      assert.deepEqual(await names(mailbox.id), ['/a', '/b', '/a!'])
      assert.deepEqual(await names(mailbox.id, 13), ['/a', '/b'])
      const value = Buffer.alloc(maxAnnotationBytes, 0)
      await assert.rejects(
        change(mailbox.id, [
          { name: '/c', isPrivate: false, value: null },
          { name: '/b', isPrivate: false, value: null },
          { name: '/d', isPrivate: false, value: Buffer.alloc(maxAnnotationBytes + 1) },
        ]),
        { code: 'annotationTooLarge', details: { limit: maxAnnotationBytes } },
      )
      assert.deepEqual(await names(mailbox.id), ['/a', '/b', '/a!'])
      await assert.rejects(note(store, 77, '/a'), { code: 'mailboxNotFound' })
      await change(mailbox.id, [{ name: '/c', isPrivate: false, value }])
      const rows = await store.read(annotationsOf, { accountId, principalId: accountId, mailboxId: mailbox.id })
      assert.deepEqual(Buffer.from(rows.find(({ name }) => name === '/c')?.value ?? []), value)

      const many = (count: number, isPrivate: boolean): { name: string; isPrivate: boolean; value: Uint8Array }[] =>
        Array.from({ length: count }, (_, n) => ({ name: `/n${n}`, isPrivate, value: Buffer.from('v') }))
      await change(0, many(100, false))
      await change(0, many(100, true))
      await assert.rejects(note(store, 0, '/one/more'), { code: 'tooManyAnnotations' })
      await note(store, 0, '/n5')
      await change(
        1,
        Array.from({ length: 14 }, (_, n) => ({ name: `/large${n}`, isPrivate: false, value })),
      )
      await assert.rejects(change(2, [{ name: '/large', isPrivate: false, value }]), { code: 'tooManyAnnotations' })
      await change(2, [{ name: '/large', isPrivate: true, value }])
      await change(1, [{ name: '/large0', isPrivate: false, value: null }])

      await store.write(copyAnnotations, { accountId, fromId: 1, toId: mailbox.id })
      assert.deepEqual(await names(mailbox.id), ['/a', '/b', '/c', '/a!'], 'what would be too much is not copied')
      await store.write(copyAnnotations, { accountId, fromId: 0, toId: mailbox.id })
      assert.equal((await names(mailbox.id)).length, 204)
      assert.deepEqual(await checkInvariants(store), [])
      await store.write(destroyMailbox, { accountId, mailboxId: mailbox.id, removesMessages: true, keeping: { keptUntil: null }, now })
      assert.deepEqual(await names(mailbox.id), [])
      assert.deepEqual(await checkInvariants(store), [])
    })

    it('a mailbox that is deleted while it gets notes leaves none', async () => {
      await using store = await open()
      await prepare(store)
      for (let round = 0; round < 5; round++) {
        const place = { accountId, parentId: noParent, names: ['box'], role: null, sortOrder: 0, now, maxMailboxes: 100 }
        const { mailbox } = await store.write(createMailbox, place)
        const goes = { accountId, mailboxId: mailbox.id, removesMessages: true, keeping: { keptUntil: null }, now }
        const [, ...noted] = await Promise.allSettled([
          store.write(destroyMailbox, goes),
          ...Array.from({ length: 6 }, (_, n) => note(store, mailbox.id, `/n${n}`)),
          store.write(copyAnnotations, { accountId, fromId: 0, toId: mailbox.id }),
        ])
        for (const outcome of noted)
          if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'mailboxNotFound', String(outcome.reason))
        assert.deepEqual(await checkInvariants(store), [])
      }
    })

    it('an account goes step by step, and leaves nothing', async () => {
      await using store = await open()
      await prepare(store)
      for (let n = 0; n < 7; n++) await append(store, `m${n % 4}`, [0, 1])
      await store.write(removeMessages, { accountId, mailboxId: 0, uids: [1], onlyDeleted: false, keeping: { keptUntil: now + 9 }, now })
      await store.write(destroyMessages, { accountId, ids: [2], onlyFrom: null, keeping: { keptUntil: now + 9 }, now })
      for (const mailboxId of [0, wholeAccount]) await note(store, mailboxId, '/x')
      await prepare(store, 99)
      await note(store, 0, '/x', { account: 99, isPrivate: true })
      assert.deepEqual(await store.write(renumberUids, { accountId, now }), { mailboxes: 3, messages: 11 })
      assert.deepEqual(await checkInvariants(store), [])
      assert.equal(await store.write(destroyMailStep, { accountId, limit: 4, now }), false)
      assert.deepEqual(await checkInvariants(store), [])
      for (let steps = 0; !(await store.write(destroyMailStep, { accountId, limit: 4, now })); steps++) assert.ok(steps < 10)
      assert.equal((await store.read(accountTree, { accountId, principalId: accountId })).exists, false)
      for (const account of [accountId, 99])
        assert.deepEqual(await store.read(annotationsOf, { accountId: account, principalId: accountId }), [], `notes in ${account}`)
      assert.equal((await store.write(collectGarbage, { after: 0, limit: 100, now })).removed.length, 4)
      assert.deepEqual(await checkInvariants(store), [])
    })

    it('whatever is done to it, everything that must hold holds', async () => {
      await using store = await open()
      let own = 100
      await fc.assert(
        fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 30, size: 'max' }), async actions => {
          own += 1
          await prepare(store, own)
          for (const run of actions) await run(store, own)
          assert.deepEqual(await checkInvariants(store), [])
        }),
        { numRuns: 25 },
      )
    })
  })
}

/** A short note of everybody's, or a private one of `accountId`. */
function note(
  store: Store,
  mailboxId: number,
  name: string,
  { account = accountId, isPrivate = false }: { readonly account?: number; readonly isPrivate?: boolean } = {},
): Promise<void> {
  const changes = [{ name, isPrivate, value: Buffer.from('v') }]
  return store.write(changeAnnotations, { accountId: account, principalId: accountId, mailboxId, changes })
}

function prepare(store: Store, account = accountId): Promise<boolean> {
  return store.write(prepareAccount, { accountId: account, folders, now, tenantId: 4 })
}

function message(
  mailboxIds: readonly number[],
  threadKeys: readonly number[],
  flags = 0,
  keywords: readonly string[] = [],
): IncomingMessage {
  return {
    blob: 0,
    mailboxIds,
    flags,
    keywords,
    received: now,
    sent: null,
    hasAttachment: false,
    messageIdKey: threadKeys[0] ?? null,
    bodyKey: 1,
    bareLineFeeds: 0,
    threadKeys,
    structure: Buffer.from([1, 2, 3]),
    skipsDuplicate: false,
  }
}

function append(store: Store, text: string, mailboxIds: readonly number[], at = now): ReturnType<typeof write> {
  return write(store, accountId, text, message(mailboxIds, []), at)
}

function write(store: Store, account: number, text: string, incoming: IncomingMessage, at: number) {
  const args = { accountId: account, messages: [incoming], limits, now: at, duplicateWindow: 60 }
  return store.write(appendMessages, args, { blobs: [Buffer.from(text)] })
}

type Action = (store: Store, accountId: number) => Promise<unknown>

const mailbox = fc.constantFrom(0, 1, 2, 16)
const uids = fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { maxLength: 5 })
const flags = fc.nat(31)
const names = fc.subarray(['a', 'b', 'C'])
const keeping = fc.constantFrom({ keptUntil: null }, { keptUntil: now + 50 })
// What refers to a mailbox that is not there is refused, and must change nothing.
const tolerant =
  (run: Action): Action =>
  (store, accountId) =>
    run(store, accountId).catch(() => undefined)

const action: fc.Arbitrary<Action> = fc
  .oneof(
    {
      weight: 4,
      arbitrary: fc
        .record({
          text: fc.constantFrom('one', 'two', 'three', 'a longer content that is seen again'),
          to: fc.uniqueArray(mailbox, { minLength: 1, maxLength: 3 }),
          keys: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
          flags,
          names,
        })
        .map(
          ({ text, to, keys, flags, names }): Action =>
            (store, accountId) =>
              write(store, accountId, text, message(to, keys, flags, names), now),
        ),
    },
    fc.record({ mailboxId: mailbox, uids, flags, names, mode: fc.constantFrom('add', 'remove', 'replace') }).map(
      ({ mailboxId, uids, flags, names, mode }): Action =>
        (store, accountId) =>
          store.write(changeFlags, { accountId, mailboxId, uids, change: { mode, flags, keywords: names }, unchangedSince: null, now }),
    ),
    fc.record({ mailboxId: mailbox, targetId: mailbox, uids, moves: fc.boolean() }).map(
      ({ mailboxId, targetId, uids, moves }): Action =>
        (store, accountId) =>
          store.write(transferMessages, { accountId, mailboxId, targetId, uids, moves, now }),
    ),
    fc.record({ mailboxId: mailbox, uids: fc.option(uids), onlyDeleted: fc.boolean(), keeping }).map(
      ({ mailboxId, uids, onlyDeleted, keeping }): Action =>
        (store, accountId) =>
          store.write(removeMessages, { accountId, mailboxId, uids, onlyDeleted, keeping, now }),
    ),
    fc
      .record({ id: fc.integer({ min: 1, max: 12 }), addTo: fc.uniqueArray(mailbox), removeFrom: fc.uniqueArray(mailbox), flags, names })
      .map(
        ({ id, addTo, removeFrom, flags, names }): Action =>
          (store, accountId) => {
            const plan = { messageId: id, flags: { mode: 'replace', flags, keywords: names }, addTo, removeFrom } as const
            return store.write(updateMessages, { accountId, plans: [plan], now })
          },
      ),
    fc.record({ ids: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 3 }), keeping }).map(
      ({ ids, keeping }): Action =>
        (store, accountId) =>
          store.write(destroyMessages, { accountId, ids, onlyFrom: null, keeping, now }),
    ),
    fc.constant<Action>((store, accountId) => store.write(renumberUids, { accountId, now })),
    fc.record({ mailboxId: mailbox, keeping }).map(
      ({ mailboxId, keeping }): Action =>
        (store, accountId) =>
          store.write(removeOlderMessages, { accountId, mailboxId, savedBefore: now + 1, limit: 2, keeping, now }),
    ),
    fc.constant<Action>((store, accountId) =>
      store.write(createMailbox, { accountId, parentId: noParent, names: ['x'], role: null, sortOrder: 0, now, maxMailboxes: 100 }),
    ),
    fc.constant<Action>((store, accountId) =>
      store.write(destroyMailbox, { accountId, mailboxId: 16, removesMessages: true, keeping: { keptUntil: null }, now }),
    ),
  )
  .map(tolerant)

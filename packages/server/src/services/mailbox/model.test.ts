// Random work on one account, beside a model that fits on a page, and beside a client that only ever hears of changes.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { type AccountMailboxes, flagBits, type KeywordChange } from './index.ts'
import { anyLetter, openBench } from './testing.ts'

const mailboxIds = [0, 1, 2] as const
const { deleted } = flagBits

interface ModelMessage {
  flags: number
  keywords: Set<string>
  /** Mailbox → UID and the flag that belongs to this placement. */
  readonly places: Map<number, { readonly uid: number; deleted: boolean }>
}

function createModel() {
  const messages = new Map<number, ModelMessage>()
  const uidNext = new Map<number, number>(mailboxIds.map(id => [id, 1]))

  const takeUid = (mailboxId: number): number => {
    const uid = uidNext.get(mailboxId) ?? 1
    uidNext.set(mailboxId, uid + 1)
    return uid
  }
  const at = (mailboxId: number, uid: number): readonly [number, ModelMessage] | undefined =>
    [...messages].find(([, message]) => message.places.get(mailboxId)?.uid === uid)
  const leave = (id: number, message: ModelMessage, mailboxId: number): void => {
    message.places.delete(mailboxId)
    if (message.places.size === 0) messages.delete(id)
  }
  const apply = (message: ModelMessage, mailboxId: number, change: KeywordChange): void => {
    const place = message.places.get(mailboxId)
    const own = message.flags | (place?.deleted ? deleted : 0)
    const flags = change.mode === 'add' ? own | change.flags : change.mode === 'remove' ? own & ~change.flags : change.flags
    message.flags = flags & ~deleted
    if (place) place.deleted = (flags & deleted) !== 0
    if (change.mode === 'replace') message.keywords.clear()
    for (const name of change.keywords) {
      if (change.mode === 'remove') message.keywords.delete(name)
      else message.keywords.add(name)
    }
  }

  return {
    messages,
    append(id: number, to: readonly number[], flags: number, keywords: readonly string[]): void {
      const places = new Map(to.map(mailboxId => [mailboxId, { uid: takeUid(mailboxId), deleted: (flags & deleted) !== 0 }]))
      messages.set(id, { flags: flags & ~deleted, keywords: new Set(keywords), places })
    },
    changeKeywords(mailboxId: number, uids: readonly number[], change: KeywordChange): void {
      for (const uid of uids) {
        const found = at(mailboxId, uid)
        if (found) apply(found[1], mailboxId, change)
      }
    },
    transfer(mailboxId: number, uids: readonly number[], targetId: number, moves: boolean): void {
      // Those that are there at the beginning: a new UID is none of the request's.
      for (const [id, message] of uids.map(uid => at(mailboxId, uid)).filter(found => found !== undefined)) {
        if (moves && mailboxId === targetId) {
          const place = message.places.get(targetId)
          if (place) message.places.set(targetId, { ...place, uid: takeUid(targetId) })
          continue
        }
        const wasDeleted = message.places.get(mailboxId)?.deleted ?? false
        if (!message.places.has(targetId)) message.places.set(targetId, { uid: takeUid(targetId), deleted: moves && wasDeleted })
        if (moves) leave(id, message, mailboxId)
      }
    },
    remove(mailboxId: number, uids: readonly number[] | undefined, onlyDeleted: boolean): void {
      for (const [id, message] of [...messages]) {
        const place = message.places.get(mailboxId)
        if (!place || (uids && !uids.includes(place.uid)) || (onlyDeleted && !place.deleted)) continue
        leave(id, message, mailboxId)
      }
    },
    destroy(ids: readonly number[]): void {
      for (const id of ids) messages.delete(id)
    },
    contents(mailboxId: number): Row[] {
      const rows: Row[] = []
      for (const [id, { flags, keywords, places }] of messages) {
        const place = places.get(mailboxId)
        if (place) rows.push([place.uid, id, flags | (place.deleted ? deleted : 0), [...keywords].sort().join()])
      }
      return rows.sort((a, b) => a[0] - b[0])
    },
    uidNext: (mailboxId: number): number => uidNext.get(mailboxId) ?? 1,
  }
}

type Row = [uid: number, id: number, flags: number, keywords: string]

/** Knows the mailbox by its changes alone. */
function createFollower(account: AccountMailboxes, mailboxId: number) {
  const rows = new Map<number, Row>()
  let since = 0
  return {
    async catchUp(): Promise<Row[]> {
      const changes = await account.changesIn(mailboxId, since)
      assert.equal(changes.isComplete, true)
      for (const uid of changes.removed) rows.delete(uid)
      for (const { uid, id, flags, keywords, change } of changes.present) {
        assert.ok(change > since && change <= changes.upTo, `change ${change} told for ${since}–${changes.upTo}`)
        rows.set(uid, [uid, id, flags, keywords.join()])
      }
      since = changes.upTo
      return [...rows.values()].sort((a, b) => a[0] - b[0])
    },
  }
}

const mailbox = fc.constantFrom(...mailboxIds)
const uids = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })
const flags = fc.nat(31)
const keywords = fc.subarray(['a', 'b', 'c'])
const action = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('append' as const), to: fc.subarray([...mailboxIds], { minLength: 1 }), flags, keywords }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('flag' as const),
      mailboxId: mailbox,
      uids,
      change: fc.record({ mode: fc.constantFrom('add' as const, 'remove' as const, 'replace' as const), flags, keywords }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('copy' as const, 'move' as const), mailboxId: mailbox, uids, targetId: mailbox }),
  },
  fc.record({ kind: fc.constant('expunge' as const), mailboxId: mailbox, uids: fc.option(uids, { nil: undefined }) }),
  fc.record({ kind: fc.constant('remove' as const), mailboxId: mailbox, uids }),
  fc.record({ kind: fc.constant('destroy' as const), ids: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 2 }) }),
)
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never

it('mailboxes behave like the model, and a client that follows changes sees the same', async () => {
  await using bench = await openBench()
  let accountId = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(action, fc.boolean()), { minLength: 5, maxLength: 40, size: 'max' }), async actions => {
      const account = await bench.mailboxes.open(++accountId)
      const model = createModel()
      const followers = mailboxIds.map(id => createFollower(account, id))
      for (const [one, looks] of actions) {
        await perform(account, model, one)
        // A client does not look after every change.
        if (!looks) continue
        for (const mailboxId of mailboxIds) assert.deepEqual(await followers[mailboxId]?.catchUp(), model.contents(mailboxId))
      }
      await compare(account, model)
    }),
    { numRuns: 100 },
  )
})

async function perform(account: AccountMailboxes, model: ReturnType<typeof createModel>, one: Action): Promise<void> {
  switch (one.kind) {
    case 'append': {
      const { id } = await account.append({ content: anyLetter(), mailboxIds: one.to, flags: one.flags, keywords: one.keywords })
      return model.append(id, one.to, one.flags, one.keywords)
    }
    case 'flag':
      await account.changeKeywords(one.mailboxId, one.uids, one.change)
      return model.changeKeywords(one.mailboxId, one.uids, one.change)
    case 'copy':
    case 'move':
      await account[one.kind](one.mailboxId, one.uids, one.targetId)
      return model.transfer(one.mailboxId, one.uids, one.targetId, one.kind === 'move')
    case 'expunge':
      await account.expunge(one.mailboxId, one.uids)
      return model.remove(one.mailboxId, one.uids, true)
    case 'remove':
      await account.remove(one.mailboxId, one.uids)
      return model.remove(one.mailboxId, one.uids, false)
    case 'destroy':
      await account.destroyMessages(one.ids)
      return model.destroy(one.ids)
  }
}

async function compare(account: AccountMailboxes, model: ReturnType<typeof createModel>): Promise<void> {
  for (const mailboxId of mailboxIds) {
    const expected = model.contents(mailboxId)
    const columns = await account.columns(mailboxId)
    const rows = Array.from({ length: columns.count }, (_, at) => [
      columns.uids[at],
      columns.ids[at],
      columns.flags[at],
      columns.keywords[at]?.join(),
    ])
    assert.deepEqual(rows, expected)
    const { total, unseen, unread, uidNext, highestChange } = await account.get(mailboxId)
    const without = (bits: number): number => expected.filter(([, , own]) => (own & bits) === 0).length
    assert.deepEqual(
      [total, unseen, unread, expected.length - without(deleted), uidNext],
      [
        expected.length,
        without(flagBits.seen),
        without(flagBits.seen | flagBits.draft),
        (await account.get(mailboxId)).deleted,
        model.uidNext(mailboxId),
      ],
    )
    assert.ok(columns.changes.every(change => change <= highestChange))
  }
  const ids = [...model.messages.keys()]
  const states = await account.states(ids)
  assert.deepEqual(
    states.map(state => [state.id, state.placements.map(({ mailboxId, uid }) => [mailboxId, uid])]),
    ids.map(id => [
      id,
      [...(model.messages.get(id)?.places ?? [])].map(([mailboxId, { uid }]) => [mailboxId, uid]).sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0)),
    ]),
  )
  assert.equal((await account.usage()).messages, ids.length)
}

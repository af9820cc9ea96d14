import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isFailure } from '@postern/contract'
import { checkInvariants } from '#data/store'
import { flagBits, rightBits } from './index.ts'
import { anyLetter, openBench } from './testing.ts'

const inbox = 0
const trash = 1

describe('an account as a whole', () => {
  it('destroyed messages can be restored as long as they are kept: same bytes, keywords and mailbox', async () => {
    await using bench = await openBench({ limits: { undeleteSeconds: 100 } })
    const account = await bench.mailboxes.open(7)
    const box = await account.create(['box'])
    const content = anyLetter()
    const { id } = await account.append({ content, mailboxIds: [box.id], flags: flagBits.seen, keywords: ['k'], received: 50 })
    await account.remove(box.id, [1])
    assert.deepEqual(
      (await account.kept()).map(kept => [kept.id, kept.mailboxId, kept.size, [...kept.keywords], kept.keptUntil - kept.deletedAt]),
      [[id, box.id, content.length, ['k'], 100]],
    )
    assert.equal((await account.usage()).bytes, 0, 'kept messages do not count')
    await bench.blobs.collectGarbage()
    const restored = await account.restore(id)
    assert.equal(restored.placements[0]?.mailboxId, box.id)
    const [message] = await account.messages([restored.id])
    assert.ok(message && content.equals(await account.content(message)))
    assert.equal(message.received, 50)
    const [state] = await account.states([restored.id])
    assert.deepEqual([state?.flags, [...(state?.keywords ?? [])]], [flagBits.seen, ['k']])
    await assert.rejects(account.restore(id), error => isFailure(error, 'messageNotFound'))

    await account.remove(box.id, [2])
    await account.destroy(box.id, { removesMessages: true })
    assert.equal((await account.restore(restored.id)).placements[0]?.mailboxId, inbox, 'its mailbox is gone')
    await account.remove(inbox, [1])
    bench.pass(100_000)
    assert.deepEqual(await account.kept(), [])
    assert.equal(await bench.mailboxes.endKept(), 1)
    assert.equal((await bench.blobs.collectGarbage()).blobs, 1)
  })

  it('trash and junk lose what has been there too long, other mailboxes keep it', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    const both = await account.append({ content: anyLetter(), mailboxIds: [inbox, trash] })
    const old = await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    bench.pass(100_000)
    // It is the move that counts, not a later change of flags.
    await account.move(inbox, [2], trash)
    await account.changeKeywords(trash, [1], { mode: 'add', flags: flagBits.seen, keywords: [] })
    assert.deepEqual(await bench.mailboxes.tidyAccount(7, { expungeAfter: 50, forgetAfter: 0 }), { expunged: 1, forgotten: 0 })
    assert.deepEqual(
      (await account.states([both.id, old.id])).map(state => state.placements.map(placement => placement.mailboxId)),
      [[inbox], [trash]],
    )
    const before = await account.newestChange()
    bench.pass(100_000)
    assert.ok((await bench.mailboxes.tidyAccount(7, { expungeAfter: 0, forgetAfter: 50 })).forgotten > 0)
    assert.equal(await account.changesOf('message', before - 1, 10), undefined)
  })

  it('renumbered UIDs have a new validity, ids stay, and followers are told to begin anew', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    const ids: number[] = []
    for (let n = 0; n < 4; n++) ids.push((await account.append({ content: anyLetter(), mailboxIds: [inbox] })).id)
    await account.remove(inbox, [1, 3])
    const before = await account.columns(inbox)
    assert.deepEqual(await bench.mailboxes.renumberUids(7), { mailboxes: 5, messages: 2 })
    const after = await account.columns(inbox)
    assert.ok(after.uidValidity > before.uidValidity)
    assert.deepEqual([...after.uids], [1, 2])
    assert.deepEqual([...after.ids], [ids[1], ids[3]])
    assert.equal(after.uidNext, 3)
    assert.equal((await account.changesIn(inbox, before.highestChange)).isComplete, false)
    await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    assert.deepEqual([...(await account.columns(inbox)).uids], [1, 2, 3])
    assert.deepEqual(await checkInvariants(bench.store), [])
  })

  it('a destroyed account leaves nothing, here or elsewhere', async () => {
    await using bench = await openBench({
      limits: { undeleteSeconds: 100 },
      quotaOf: async () => ({ bytes: 0, tenant: { id: 1, bytes: 0 } }),
    })
    const gone = await bench.mailboxes.open(7)
    const stays = await bench.mailboxes.open(8)
    const shared = anyLetter()
    for (const account of [gone, stays]) await account.append({ content: shared, mailboxIds: [inbox] })
    for (let n = 0; n < 3; n++) await gone.append({ content: anyLetter(), mailboxIds: [inbox, trash] })
    await gone.remove(inbox, [1])
    await stays.grant(inbox, 7, rightBits.read)
    await bench.mailboxes.destroyAccount(7)
    assert.deepEqual(await checkInvariants(bench.store), [])
    assert.deepEqual(await stays.grants(inbox), [])
    assert.equal((await bench.blobs.collectGarbage()).blobs, 3)
    const [message] = await stays.messages([1])
    assert.ok(message && shared.equals(await stays.content(message)))
    await bench.mailboxes.destroyAccount(7)
    const anew = await bench.mailboxes.open(7)
    assert.equal((await anew.list()).length, 5)
  })

  it('notes are read and set by who knows of the mailbox and may use it; private ones are of each principal', async () => {
    await using bench = await openBench()
    const own = await bench.mailboxes.open(7)
    const asJane = { principalId: 9, granteeIds: [9, 20] }
    const name = '/comment'
    const value = Buffer.from('v')
    const set = (isPrivate: boolean): { name: string; isPrivate: boolean; value: Uint8Array }[] => [{ name, isPrivate, value }]
    const shown = (notes: readonly { isPrivate: boolean }[] | undefined): boolean[] | undefined => notes?.map(({ isPrivate }) => isPrivate)
    await own.annotate(inbox, 7, [...set(false), ...set(true)])
    await own.annotate(trash, 7, set(false))
    await own.annotate(null, 7, set(true))
    await assert.rejects(own.annotate(null, 7, set(false)), error => isFailure(error, 'forbidden'))
    assert.deepEqual(shown(await own.annotations(null, 7)), [true])
    assert.deepEqual(shown(await own.annotations(inbox, 7)), [false, true])
    assert.deepEqual(shown(await own.annotations(inbox, 8)), [false], 'another member of a group account')

    await own.grant(inbox, 20, rightBits.read)
    const jane = await bench.mailboxes.open(7, asJane)
    await assert.rejects(jane.annotations(trash, 9), error => isFailure(error, 'mailboxNotFound'))
    await assert.rejects(jane.annotations(null, 9), error => isFailure(error, 'forbidden'))
    for (const rights of [rightBits.read, rightBits.readItems, rightBits.read | rightBits.removeItems]) {
      await own.grant(inbox, 20, rights)
      await assert.rejects(jane.annotations(inbox, 9), error => isFailure(error, 'forbidden'), `${rights}`)
      await assert.rejects(jane.annotate(inbox, 9, set(true)), error => isFailure(error, 'forbidden'), `${rights}`)
      assert.equal((await jane.mailboxAnnotations(9)).size, 0)
    }
    for (const right of ['readItems', 'modifyItems', 'addItems', 'submit'] as const) {
      await own.grant(inbox, 20, rightBits.read | rightBits[right])
      await jane.annotate(inbox, 9, set(true))
      assert.deepEqual(shown(await jane.annotations(inbox, 9)), [false, true])
      assert.deepEqual([...(await jane.mailboxAnnotations(9)).keys()], [inbox])
    }
    assert.deepEqual(shown((await own.mailboxAnnotations(7)).get(inbox)), [false, true])
  })

  it('messages go to another account as new ones, with their keywords and dates', async () => {
    await using bench = await openBench()
    const own = await bench.mailboxes.open(7)
    const other = await bench.mailboxes.open(8)
    const content = anyLetter()
    const { id } = await own.append({
      content,
      mailboxIds: [inbox],
      flags: flagBits.flagged | flagBits.deleted,
      keywords: ['x'],
      received: 9,
    })
    const copied = await own.transferTo(inbox, [1, 44], { account: other, mailboxId: trash }, false)
    assert.deepEqual(
      copied.pairs.map(({ from, to }) => [from, to]),
      [[1, 1]],
    )
    const [state] = await other.states([copied.pairs[0]?.id ?? 0])
    assert.deepEqual([state?.flags, [...(state?.keywords ?? [])]], [flagBits.flagged, ['x']])
    const [message] = await other.messages([state?.id ?? 0])
    assert.ok(message && content.equals(await other.content(message)))
    assert.equal(message.received, 9)
    await own.transferTo(inbox, [1], { account: other, mailboxId: inbox }, true)
    assert.deepEqual(await own.messages([id]), [])
    assert.equal((await other.usage()).messages, 2)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isFailure } from '@postern/contract'
import { type Criterion, flagBits, rightBits } from './index.ts'
import { anyLetter, letter, openBench } from './testing.ts'

const inbox = 0
const trash = 1

describe('folders', () => {
  it('default folders are there at first access, with their fixed ids', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    assert.deepEqual(
      (await account.list()).map(({ id, name, role, isSubscribed }) => [id, name, role, isSubscribed]),
      [
        [0, 'Inbox', 'inbox', true],
        [1, 'Deleted Items', 'trash', true],
        [2, 'Junk Mail', 'junk', true],
        [3, 'Drafts', 'drafts', true],
        [4, 'Sent Items', 'sent', true],
      ],
    )
  })

  it('an account that was never used has no UIDs to renew', async () => {
    await using bench = await openBench()
    assert.deepEqual(await bench.mailboxes.renumberUids(7), { mailboxes: 0, messages: 0 })
    assert.equal((await bench.mailboxes.open(7)).accountId, 7)
    assert.deepEqual(await bench.mailboxes.renumberUids(7), { mailboxes: 5, messages: 0 })
  })

  it('INBOX in any case and aliases of default folders are found', async () => {
    const folders = [{ role: 'trash', name: 'Deleted Items', aliases: ['Trash'], isCreated: true, isSubscribed: true }] as const
    await using bench = await openBench({ folders })
    const account = await bench.mailboxes.open(7)
    assert.equal((await account.find(['iNbOx']))?.id, inbox)
    assert.equal(await account.findRole('drafts'), undefined)
    assert.equal((await account.find(['trash']))?.id, trash)
  })

  it('missing parents are made, names are unique among siblings, paths have a depth', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    const made = await account.create(['a', 'b', 'c'])
    assert.deepEqual(made.path, ['a', 'b', 'c'])
    assert.deepEqual((await account.find(['a', 'b']))?.path, ['a', 'b'])
    await assert.rejects(account.create(['a', 'b', 'c']), error => isFailure(error, 'mailboxExists'))
    await assert.rejects(account.create(['Inbox']), error => isFailure(error, 'mailboxExists'))
    await assert.rejects(account.create(['x/y']), error => isFailure(error, 'mailboxNameInvalid'))
    await assert.rejects(account.create(Array(11).fill('d')), error => isFailure(error, 'mailboxTooDeep'))
    // Composed and decomposed spelling are one name.
    await account.create(['caf\u00e9'])
    await assert.rejects(account.create(['cafe\u0301']), error => isFailure(error, 'mailboxExists'))
  })

  it('rename keeps id, UIDVALIDITY and messages, and takes the children along', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    const child = await account.create(['old', 'child'])
    const parent = await account.find(['old'])
    assert.ok(parent)
    await account.append({ content: anyLetter(), mailboxIds: [child.id] })
    const renamed = await account.rename(parent.id, ['new', 'place'])
    assert.equal(renamed.id, parent.id)
    assert.equal(renamed.uidValidity, parent.uidValidity)
    const moved = await account.find(['new', 'place', 'child'])
    assert.equal(moved?.id, child.id)
    assert.equal(moved?.total, 1)
    await assert.rejects(account.rename(parent.id, ['new', 'place', 'child', 'x']), error => isFailure(error, 'mailboxNameInvalid'))
  })

  it('renaming the inbox moves its messages and leaves it empty', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    const made = await account.rename(inbox, ['archive of 2025'])
    assert.equal(made.total, 1)
    assert.equal((await account.get(inbox)).total, 0)
  })

  it('a mailbox goes when it has no children, and its messages only on purpose', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    const child = await account.create(['p', 'c'])
    const parent = await account.find(['p'])
    assert.ok(parent)
    const { id } = await account.append({ content: anyLetter(), mailboxIds: [child.id] })
    await assert.rejects(account.destroy(parent.id, { removesMessages: true }), error => isFailure(error, 'mailboxHasChildren'))
    await assert.rejects(account.destroy(child.id, { removesMessages: false }), error => isFailure(error, 'mailboxHasMessages'))
    await assert.rejects(account.destroy(inbox, { removesMessages: true, mayBeSystemFolder: true }), error =>
      isFailure(error, 'mailboxProtected'),
    )
    await assert.rejects(account.destroy(trash, { removesMessages: true }), error => isFailure(error, 'mailboxProtected'))
    await account.destroy(child.id, { removesMessages: true })
    assert.deepEqual(await account.messages([id]), [])
    assert.deepEqual(await account.usage(), { bytes: 0, messages: 0 })
    await account.destroy(parent.id, { removesMessages: false })
    const again = await account.create(['p'])
    assert.ok(again.uidValidity > parent.uidValidity, 'a name made anew has a larger UIDVALIDITY')
  })

  it('a role belongs to one mailbox', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    await assert.rejects(account.create(['second'], { role: 'sent' }), error => isFailure(error, 'specialUseTaken'))
    const archive = await account.create(['keep'], { role: 'archive', isSubscribed: true })
    assert.equal((await account.findRole('archive'))?.id, archive.id)
    assert.equal(archive.isSubscribed, true)
  })
})

describe('messages', () => {
  it('an appended message has a UID, a thread, its bytes and its structure', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    const content = anyLetter()
    const first = await account.append({ content, mailboxIds: [inbox], flags: flagBits.seen, keywords: ['$Label1'], received: 1000 })
    assert.deepEqual(
      first.placements.map(({ mailboxId, uid }) => [mailboxId, uid]),
      [[inbox, 1]],
    )
    assert.equal(first.threadId, first.id)
    const [message] = await account.messages([first.id])
    assert.ok(message)
    assert.equal(message.size, content.length)
    assert.equal(message.received, 1000)
    assert.ok(content.equals(await account.content(message)))
    assert.ok(content.subarray(5, 20).equals(await account.content(message, { start: 5, end: 20 })))
    const mailbox = await account.get(inbox)
    assert.deepEqual([mailbox.total, mailbox.unseen, mailbox.unread, mailbox.bytes, mailbox.uidNext], [1, 0, 0, content.length, 2])
    const columns = await account.columns(inbox)
    assert.deepEqual([...columns.uids], [1])
    assert.deepEqual(columns.keywords[0], ['$Label1'])
    assert.equal(columns.flags[0], flagBits.seen)
  })

  it('no bytes are no message, any others are; and appendAll is all or none', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    await assert.rejects(account.append({ content: Buffer.alloc(0), mailboxIds: [inbox] }), error => isFailure(error, 'messageInvalid'))
    await account.append({ content: Buffer.from('just some text\r\n'), mailboxIds: [inbox] })
    await assert.rejects(
      account.appendAll([
        { content: anyLetter(), mailboxIds: [inbox] },
        { content: anyLetter(), mailboxIds: [99] },
      ]),
      error => isFailure(error, 'mailboxNotFound'),
    )
    assert.equal((await account.get(inbox)).total, 1)
  })

  it('line feeds without their carriage return are counted as a message comes', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    for (const text of ['Subject: a\r\n\r\nx\r\n', 'Subject: b\n\nx\r\n', '\nSubject: c\r\n\r\n']) {
      await account.append({ content: Buffer.from(text), mailboxIds: [inbox] })
    }
    assert.deepEqual([...(await account.bareLineFeeds(inbox))].toSorted(), [
      [2, 2],
      [3, 1],
    ])
  })

  it('quota counts every message once, and is checked before anything is stored', async () => {
    const content = anyLetter()
    await using bench = await openBench({ quotaOf: async () => ({ bytes: content.length * 2 }) })
    const account = await bench.mailboxes.open(7)
    await account.append({ content, mailboxIds: [inbox, trash] })
    assert.deepEqual(await account.usage(), { bytes: content.length, messages: 1 })
    await account.append({ content, mailboxIds: [inbox] })
    await assert.rejects(account.append({ content, mailboxIds: [inbox] }), error => isFailure(error, 'overQuota'))
    await assert.rejects(account.assertRoom(1), error => isFailure(error, 'overQuota'))
    assert.equal((await account.get(inbox)).total, 2)
  })

  it('the tenant quota is the sum of its accounts', async () => {
    const content = anyLetter()
    await using bench = await openBench({ quotaOf: async () => ({ bytes: 0, tenant: { id: 3, bytes: content.length } }) })
    const one = await bench.mailboxes.open(1)
    const two = await bench.mailboxes.open(2)
    const { placements } = await one.append({ content, mailboxIds: [inbox] })
    await assert.rejects(two.append({ content, mailboxIds: [inbox] }), error => isFailure(error, 'tenantOverQuota'))
    await one.remove(
      inbox,
      placements.map(placement => placement.uid),
    )
    await two.append({ content, mailboxIds: [inbox] })
  })

  it('answers join the thread of their subject, others do not', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    const append = async (...lines: string[]): Promise<number> =>
      (await account.append({ content: letter(['From: a@b.c', ...lines]), mailboxIds: [inbox] })).threadId
    const first = await append('Subject: Lunch', 'Message-ID: <1@x>')
    assert.equal(await append('Subject: Re: Lunch', 'Message-ID: <2@x>', 'In-Reply-To: <1@x>'), first)
    assert.equal(await append('Subject: RE: lunch', 'Message-ID: <3@x>', 'References: <1@x> <2@x>'), first)
    assert.notEqual(await append('Subject: Dinner', 'Message-ID: <4@x>', 'In-Reply-To: <1@x>'), first)
    assert.notEqual(await append('Subject: Lunch', 'Message-ID: <5@x>'), first)
    assert.deepEqual(await account.thread(first), [1, 2, 3])
  })

  it('two threads that prove to be one keep their ids, new mail joins the larger', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    const append = async (...lines: string[]): Promise<number> =>
      (await account.append({ content: letter(['Subject: x', ...lines]), mailboxIds: [inbox] })).threadId
    const small = await append('Message-ID: <a@x>')
    const large = await append('Message-ID: <b@x>')
    assert.equal(await append('Message-ID: <c@x>', 'References: <b@x>'), large)
    assert.equal(await append('Message-ID: <d@x>', 'References: <a@x> <b@x>'), large)
    assert.deepEqual(await account.thread(small), [1])
  })

  it('a second copy of the same delivery is skipped, a forged one is not', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    const content = letter(['Subject: s', 'Message-ID: <same@x>'])
    const deliver = (bytes: Buffer) => account.append({ content: bytes, mailboxIds: [inbox], skipsDuplicate: true })
    const first = await deliver(content)
    const second = await deliver(Buffer.concat([Buffer.from('Received: by somebody else\r\n'), content]))
    assert.deepEqual([second.isDuplicate, second.id, second.placements], [true, first.id, []])
    bench.pass(3 * 24 * 3600 * 1000)
    assert.equal((await deliver(content)).isDuplicate, true)
    assert.equal((await deliver(letter(['Subject: s', 'Message-ID: <same@x>'], 'Something else entirely.\r\n'))).isDuplicate, false)
    assert.equal((await account.append({ content, mailboxIds: [inbox] })).isDuplicate, false)
    assert.equal((await account.append({ content, mailboxIds: [trash], skipsDuplicate: true })).isDuplicate, false)
  })
})

describe('keywords', () => {
  it('add, remove and replace; unchanged messages keep their change number', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    for (let n = 0; n < 3; n++) await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    const added = await account.changeKeywords(inbox, [3, 1, 9], { mode: 'add', flags: flagBits.seen, keywords: ['Work'] })
    assert.deepEqual(
      added.present.map(({ uid, flags, keywords, change }) => [uid, flags, [...keywords], change]),
      [
        [1, 1, ['Work'], added.change],
        [3, 1, ['Work'], added.change],
      ],
    )
    assert.deepEqual(added.missing, [9])
    const again = await account.changeKeywords(inbox, [1], { mode: 'add', flags: flagBits.seen, keywords: ['WORK'] })
    assert.equal(again.present[0]?.change, added.change)
    const replaced = await account.changeKeywords(inbox, [1], { mode: 'replace', flags: flagBits.flagged, keywords: [] })
    assert.deepEqual([replaced.present[0]?.flags, replaced.present[0]?.keywords], [flagBits.flagged, []])
    const removed = await account.changeKeywords(inbox, [3], { mode: 'remove', flags: flagBits.seen, keywords: ['work', 'unknown'] })
    assert.deepEqual([removed.present[0]?.flags, removed.present[0]?.keywords], [0, []])
    assert.deepEqual([(await account.get(inbox)).unseen, (await account.get(inbox)).total], [3, 3])
  })

  it('unchangedSince refuses what changed later', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    for (let n = 0; n < 2; n++) await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    const before = await account.newestChange()
    await account.changeKeywords(inbox, [1], { mode: 'add', flags: flagBits.flagged, keywords: [] })
    const outcome = await account.changeKeywords(
      inbox,
      [1, 2],
      { mode: 'add', flags: flagBits.seen, keywords: [] },
      { unchangedSince: before },
    )
    assert.deepEqual(outcome.refused, [1])
    assert.deepEqual(
      outcome.present.map(placed => placed.uid),
      [2],
    )
  })

  it('a message in two mailboxes shares its keywords, but not the deleted flag', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    await account.copy(inbox, [1], trash)
    await account.changeKeywords(inbox, [1], { mode: 'add', flags: flagBits.seen | flagBits.deleted, keywords: ['x'] })
    const inTrash = await account.columns(trash)
    assert.deepEqual([inTrash.flags[0], inTrash.keywords[0]], [flagBits.seen, ['x']])
    assert.deepEqual((await account.expunge(inbox)).removed, [1])
    assert.equal((await account.get(trash)).total, 1)
    assert.equal((await account.usage()).messages, 1)
  })
})

describe('copy and move', () => {
  it('target UIDs follow the order of the request', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    for (let n = 0; n < 4; n++) await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    const copied = await account.copy(inbox, [4, 2, 99], trash)
    assert.deepEqual(
      copied.pairs.map(({ from, to }) => [from, to]),
      [
        [4, 1],
        [2, 2],
      ],
    )
    const moved = await account.move(inbox, [1, 2], trash)
    assert.deepEqual(
      moved.pairs.map(({ from, to }) => [from, to]),
      [
        [1, 3],
        // It was there already.
        [2, 2],
      ],
    )
    assert.deepEqual([...(await account.columns(inbox)).uids], [3, 4])
    assert.equal((await account.usage()).messages, 4)
  })

  it('the id of a message survives copy, move and everything else', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    const { id } = await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    await account.move(inbox, [1], trash)
    assert.deepEqual([...(await account.columns(trash)).ids], [id])
    await account.update([{ id, addTo: [inbox], removeFrom: [trash], keywords: { mode: 'add', flags: flagBits.seen, keywords: [] } }])
    assert.deepEqual(await account.states([id]), [
      {
        id,
        threadId: id,
        placements: [{ mailboxId: inbox, uid: 2 }],
        flags: flagBits.seen,
        keywords: [],
        change: await account.newestChange(),
      },
    ])
    await assert.rejects(account.update([{ id, removeFrom: [inbox] }]), error => isFailure(error, 'invalidParameters'))
    assert.deepEqual(await account.destroyMessages([id, 55]), { missing: [55], change: await account.newestChange() })
    assert.deepEqual(await account.states([id]), [])
  })
})

describe('changes', () => {
  it('tells what was removed and what is new or changed, in one mailbox', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    for (let n = 0; n < 3; n++) await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    const since = await account.newestChange()
    await account.append({ content: anyLetter(), mailboxIds: [trash] })
    assert.deepEqual((await account.changesIn(inbox, since)).present, [])
    await account.remove(inbox, [2])
    await account.changeKeywords(inbox, [3], { mode: 'add', flags: flagBits.flagged, keywords: [] })
    await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    await account.remove(inbox, [5])
    const changes = await account.changesIn(inbox, since)
    assert.deepEqual(changes.removed, [2, 5])
    assert.deepEqual(
      changes.present.map(({ uid, flags }) => [uid, flags]),
      [
        [3, flagBits.flagged],
        [4, 0],
      ],
    )
    assert.equal(changes.isComplete, true)
    assert.equal(changes.upTo, await account.newestChange())
    assert.deepEqual((await account.changesIn(inbox, changes.upTo)).removed, [])
  })

  it('folds messages, threads and mailboxes into created, updated and destroyed', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    const one = await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    const since = await account.newestChange()
    const two = await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    const gone = await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    await account.changeKeywords(inbox, [1, 2], { mode: 'add', flags: flagBits.seen, keywords: [] })
    await account.destroyMessages([gone.id])
    const messages = await account.changesOf('message', since, 100)
    assert.deepEqual([messages?.created, messages?.updated, messages?.destroyed], [[two.id], [one.id], []])
    assert.equal(messages?.upTo, await account.stateOf('message'))
    const boxes = await account.changesOf('mailbox', since, 100)
    assert.deepEqual([boxes?.updated, boxes?.onlyCounts], [[inbox], true])
    await account.rename(trash, ['Bin'])
    const renamed = await account.changesOf('mailbox', since, 100)
    assert.deepEqual([renamed?.updated, renamed?.onlyCounts], [[inbox, trash], false])
    const threads = await account.changesOf('thread', since, 100)
    assert.deepEqual([threads?.created, threads?.destroyed], [[two.threadId], []])
    const page = await account.changesOf('message', since, 1)
    assert.deepEqual([page?.created, page?.hasMore], [[two.id], true])
    assert.equal(await account.changesOf('message', 10_000, 10), undefined)
  })

  it('a watcher hears of every commit of its account, from the moment it asked', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    const other = await bench.mailboxes.open(8)
    const stop = new AbortController()
    const watch = bench.mailboxes.watch(7, stop.signal)[Symbol.asyncIterator]()
    await other.append({ content: anyLetter(), mailboxIds: [inbox] })
    await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    const { change } = await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    assert.deepEqual(await watch.next(), { done: false, value: change })
    const next = watch.next()
    const later = await account.append({ content: anyLetter(), mailboxIds: [inbox] })
    assert.deepEqual(await next, { done: false, value: later.change })
    const last = watch.next()
    stop.abort()
    assert.equal((await last).done, true)
  })
})

describe('rights', () => {
  it('a viewer sees and may do what was granted, and nothing else', async () => {
    await using bench = await openBench()
    const owner = await bench.mailboxes.open(7)
    const shared = await owner.create(['shared'])
    const { id } = await owner.append({ content: anyLetter(), mailboxIds: [shared.id] })
    const hidden = await owner.append({ content: anyLetter(), mailboxIds: [inbox] })
    await owner.grant(shared.id, 9, rightBits.read | rightBits.readItems)
    const guest = await bench.mailboxes.open(7, { principalId: 9, granteeIds: [9, 50] })
    assert.deepEqual(
      (await guest.list()).map(mailbox => mailbox.id),
      [shared.id],
    )
    assert.equal((await guest.columns(shared.id)).count, 1)
    await assert.rejects(guest.columns(inbox), error => isFailure(error, 'mailboxNotFound'))
    assert.deepEqual(
      (await guest.messages([id, hidden.id])).map(message => message.id),
      [id],
    )
    const wish = { mode: 'add', flags: flagBits.seen, keywords: [] } as const
    await assert.rejects(guest.changeKeywords(shared.id, [1], wish), error => isFailure(error, 'forbidden'))
    await assert.rejects(guest.append({ content: anyLetter(), mailboxIds: [shared.id] }), error => isFailure(error, 'forbidden'))
    await assert.rejects(guest.create(['mine']), error => isFailure(error, 'forbidden'))
    await assert.rejects(guest.grants(shared.id), error => isFailure(error, 'forbidden'))
    await owner.grant(shared.id, 50, rightBits.modifyItems)
    await guest.changeKeywords(shared.id, [1], wish)
    await guest.subscribe(shared.id, true)
    assert.equal((await guest.get(shared.id)).isSubscribed, true)
    assert.equal((await owner.get(shared.id)).isSubscribed, false)
    await owner.grant(shared.id, 50, rightBits.addItems)
    const bare = await guest.append({ content: anyLetter(), mailboxIds: [shared.id], flags: flagBits.seen, keywords: ['x'] })
    const [state] = await owner.states([bare.id])
    assert.deepEqual([state?.flags, state?.keywords], [0, []], 'without the right to set flags it comes in bare')
    await owner.grant(shared.id, 9, 0)
    await owner.grant(shared.id, 50, 0)
    assert.deepEqual(await guest.list(), [])
  })

  it('looking at an account that has no mail does not make it', async () => {
    await using bench = await openBench()
    await assert.rejects(bench.mailboxes.open(5, { principalId: 9, granteeIds: [9] }), error => isFailure(error, 'accountNotFound'))
  })
})

describe('search', () => {
  it('finds by flags, dates, sizes, headers, bodies, and any combination', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    const add = (lines: string[], body: string, flags = 0, received = 1000) =>
      account.append({ content: letter(lines, body), mailboxIds: [inbox], flags, received })
    await add(
      ['From: Ann <ann@x.org>', 'Subject: =?utf-8?Q?Caf=C3=A9_menu?=', 'Date: Mon, 5 Jan 2026 23:30:00 -0500'],
      'Soup of the day.\r\n',
    )
    await add(['From: Bob <bob@x.org>', 'Subject: Report', 'X-Tag: urgent'], 'The zebra crosses.\r\n', flagBits.seen, 5000)
    await add(
      ['From: Cy <cy@x.org>', 'Subject: Mixed', 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=b'],
      '--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nSGlkZGVuIGdlbQ==\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner deal\r\n\r\nnested words\r\n--b--\r\n',
    )
    const search = (criterion: Parameters<typeof account.search>[1]) => account.search(inbox, criterion)
    assert.deepEqual(await search({ kind: 'all' }), [1, 2, 3])
    assert.deepEqual(await search({ kind: 'subject', text: 'CAFÉ' }), [1])
    assert.deepEqual(await search({ kind: 'from', text: 'x.org' }), [1, 2, 3])
    assert.deepEqual(await search({ kind: 'body', text: 'zebra cross' }), [2])
    assert.deepEqual(await search({ kind: 'body', text: 'hidden gem' }), [3])
    assert.deepEqual(await search({ kind: 'body', text: 'nested WORDS' }), [3])
    assert.deepEqual(await search({ kind: 'text', text: 'inner deal' }), [3])
    assert.deepEqual(await search({ kind: 'header', name: 'X-Tag', text: '' }), [2])
    assert.deepEqual(await search({ kind: 'header', name: 'X-Tag', text: 'other' }), [])
    assert.deepEqual(await search({ kind: 'flags', flags: flagBits.seen }), [2])
    assert.deepEqual(await search({ kind: 'not', of: { kind: 'flags', flags: flagBits.seen } }), [1, 3])
    assert.deepEqual(await search({ kind: 'received', from: 2000 }), [2])
    const day = Date.UTC(2026, 0, 5) / 1000
    assert.deepEqual(await search({ kind: 'sent', from: day, until: day + 86_400 }), [1])
    const both = [
      { kind: 'subject', text: 'report' },
      { kind: 'body', text: 'soup' },
    ] as const
    assert.deepEqual(await search({ kind: 'or', of: both }), [1, 2])
    assert.deepEqual(await search({ kind: 'and', of: both }), [])
    assert.deepEqual(await search({ kind: 'uids', ranges: [[2, Number.POSITIVE_INFINITY]] }), [2, 3])
    assert.deepEqual(await search({ kind: 'subject', text: '' }), [1, 2, 3])
    assert.deepEqual(await search({ kind: 'cc', text: '' }), [])
  })

  it('thousands of words against large messages stop nobody else: texts are decoded once, others get their turns', async () => {
    await using bench = await openBench()
    const account = await bench.mailboxes.open(7)
    for (let n = 0; n < 10; n++) {
      await account.append({ content: letter(['Subject: large'], 'words and words\r\n'.repeat(60_000)), mailboxIds: [inbox] })
    }
    const words = Array.from({ length: 1000 }, (_, n): Criterion => ({ kind: 'not', of: { kind: 'text', text: `absent${n}` } }))
    let turns = 0
    const counting = setInterval(() => turns++, 1)
    const found = await account.search(inbox, { kind: 'and', of: words })
    clearInterval(counting)
    assert.equal(found.length, 10)
    assert.ok(turns >= 5, `${turns} turns`)
  })
})

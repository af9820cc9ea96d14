import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure } from '@postern/contract'
import { parseSequenceSet } from '@postern/mail/imap'
import fc from 'fast-check'
import type { AccountMailboxes, Mailbox, MailboxChanges, MailboxColumns } from '#services/mailbox'
import type { Selected } from './command.ts'
import { MailboxView } from './selected.ts'
import { writeVanished } from './vanished.ts'

interface Held {
  readonly uid: number
  readonly flags: number
  readonly change: number
}

const mailbox: Mailbox = {
  id: 7,
  parentId: null,
  name: 'Box',
  path: ['Box'],
  role: null,
  sortOrder: 0,
  isSubscribed: false,
  rights: 1023,
  isShared: false,
  uidValidity: 1,
  uidNext: 1000,
  total: 0,
  unseen: 0,
  unread: 0,
  deleted: 0,
  bytes: 0,
  highestChange: 1,
}

function columnsOf(messages: readonly Held[]): MailboxColumns {
  return {
    mailboxId: mailbox.id,
    uidValidity: 1,
    uidNext: 1000,
    highestChange: Math.max(1, ...messages.map(({ change }) => change)),
    count: messages.length,
    uids: Uint32Array.from(messages, ({ uid }) => uid),
    ids: Float64Array.from(messages, ({ uid }) => uid),
    flags: Uint32Array.from(messages, ({ flags }) => flags),
    keywords: messages.map(() => []),
    changes: Float64Array.from(messages, ({ change }) => change),
    sizes: new Uint32Array(messages.length),
    received: new Float64Array(messages.length),
    saved: new Float64Array(messages.length),
  }
}

function viewOf(messages: readonly Held[], account: Partial<AccountMailboxes>): MailboxView {
  return new MailboxView({ name: 'Box', account: account as AccountMailboxes, mailbox, isOwn: true }, columnsOf(messages), false)
}

/** What a client makes of the untagged responses; UIDs it has not asked for are null. */
class ClientModel {
  messages: { uid: number | null; flags: string }[] = []

  apply(text: string): void {
    for (const line of text.split('\r\n')) {
      const [, number = '', kind = '', rest = ''] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)(.*)$/.exec(line) ?? []
      const at = Number(number) - 1
      if (kind === 'EXPUNGE') {
        assert.ok(at < this.messages.length, line)
        this.messages.splice(at, 1)
      } else if (kind === 'EXISTS') {
        assert.ok(Number(number) >= this.messages.length, `${line} with ${this.messages.length} messages`)
        while (this.messages.length < Number(number)) this.messages.push({ uid: null, flags: '?' })
      } else if (kind === 'FETCH') {
        const known = this.messages[at]
        const [, flags = '', uid = ''] = /^ \(FLAGS \(([^)]*)\) UID (\d+)\)$/.exec(rest) ?? []
        assert.ok(known, line)
        assert.ok(known.uid === null || known.uid === Number(uid), `${line} for UID ${known.uid}`)
        this.messages[at] = { uid: Number(uid), flags }
      } else assert.ok(line === '' || line.startsWith('* FLAGS'), line)
    }
  }
}

type Step = { readonly kind: 'append' | 'flag' | 'expunge'; readonly at: number } | { readonly kind: 'tell'; readonly mayExpunge: boolean }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('append' as const, 'flag' as const, 'expunge' as const), at: fc.nat(20) }),
  fc.record({ kind: fc.constant('tell' as const), mayExpunge: fc.boolean() }),
)

const telling = { withUid: true, withModSeq: false, asVanished: false, byUid: false }

test('whatever happens and whenever it is told, the client counts the same messages with the same flags', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(8), fc.array(step, { maxLength: 60 }), async (initial, steps) => {
      let change = 1
      let uid = initial
      let messages: Held[] = Array.from({ length: initial }, (_, at) => ({ uid: at + 1, flags: 0, change: 1 }))
      const view = viewOf(messages, { columns: async () => columnsOf(messages) })
      const client = new ClientModel()
      client.messages = messages.map(message => ({ uid: message.uid, flags: '' }))
      const told = (mayExpunge: boolean): void => {
        const text = view.tell({ ...telling, mayExpunge })
        assert.ok(mayExpunge || !text.includes('EXPUNGE'))
        client.apply(text)
        assert.equal(view.count, client.messages.length)
        // New messages are asked for, as clients do.
        for (const [at, message] of client.messages.entries()) {
          const shown = view.flagsResponse(at, telling)
          if (message.uid === null) client.apply(shown)
          else assert.equal(shown, `* ${at + 1} FETCH (FLAGS (${message.flags}) UID ${message.uid})\r\n`)
        }
      }
      for (const one of [...steps, { kind: 'tell' as const, mayExpunge: true }]) {
        if (one.kind === 'tell') {
          await view.refresh()
          told(one.mayExpunge)
          continue
        }
        change += 1
        const at = messages.length === 0 ? 0 : one.at % messages.length
        if (one.kind === 'append') messages = [...messages, { uid: ++uid, flags: 0, change }]
        else if (one.kind === 'flag')
          messages = messages.map((message, i) => (i === at ? { ...message, flags: message.flags ^ 1, change } : message))
        else messages = messages.filter((_, i) => i !== at)
      }
      assert.deepEqual(
        client.messages,
        messages.map(message => ({ uid: message.uid, flags: message.flags === 1 ? '\\Seen' : '' })),
      )
    }),
    { numRuns: 300 },
  )
})

test('what the client knows already is not told again, a later change is', async () => {
  let messages: Held[] = [{ uid: 5, flags: 0, change: 1 }]
  const view = viewOf(messages, { columns: async () => columnsOf(messages) })
  messages = [{ uid: 5, flags: 1, change: 2 }]
  view.expect([{ uid: 5, id: 5, flags: 1, keywords: [], change: 2 }])
  await view.refresh()
  assert.equal(view.tell({ ...telling, mayExpunge: true }), '')
  view.expect([{ uid: 5, id: 5, flags: 0, keywords: [], change: 3 }])
  messages = [{ uid: 5, flags: 4, change: 4 }]
  await view.refresh()
  assert.equal(view.tell({ ...telling, mayExpunge: true }), '* 1 FETCH (FLAGS (\\Flagged) UID 5)\r\n')
})

test('a mailbox that is gone, closed to the client or renumbered is empty', async () => {
  const held: Held[] = [
    { uid: 1, flags: 0, change: 1 },
    { uid: 9, flags: 0, change: 1 },
  ]
  for (const columns of [
    async () => Promise.reject(failure('mailboxNotFound')),
    async () => Promise.reject(failure('forbidden')),
    async () => ({ ...columnsOf(held), uidValidity: 2 }),
  ]) {
    const view = viewOf(held, { columns })
    await view.refresh()
    assert.equal(view.tell({ ...telling, mayExpunge: true, asVanished: true }), '* VANISHED 1,9\r\n* 0 EXISTS\r\n')
  }
  const view = viewOf(held, { columns: async () => Promise.reject(failure('storeUnavailable')) })
  await assert.rejects(view.refresh())
})

const vanished: ReadonlyArray<readonly [name: string, set: string | null, changes: Partial<MailboxChanges>, expected: string]> = [
  ['all that is gone since', null, { removed: [2, 3, 7], isComplete: true }, '* VANISHED (EARLIER) 2:3,7\r\n'],
  ['only what was asked for', '1:2,7:*', { removed: [2, 3, 7], isComplete: true }, '* VANISHED (EARLIER) 2,7\r\n'],
  ['nothing', '1:2', { removed: [7], isComplete: true }, ''],
  ['what is still counted is no news of earlier', null, { removed: [4, 7], isComplete: true }, '* VANISHED (EARLIER) 7\r\n'],
  ['a history too short: all that is not there', null, { removed: [], isComplete: false }, '* VANISHED (EARLIER) 2:3,5:8,10:999\r\n'],
  [
    'a history too short: of what was asked for',
    '3:4,6,9:4294967295',
    { removed: [], isComplete: false },
    '* VANISHED (EARLIER) 3,6,10:999\r\n',
  ],
]
for (const [name, set, changes, expected] of vanished) {
  test(`earlier removals: ${name}`, async () => {
    const view = viewOf(
      [1, 4, 9].map(uid => ({ uid, flags: 0, change: 1 })),
      { changesIn: async () => ({ mailboxId: 7, upTo: 9, removed: [], present: [], isComplete: true, isDestroyed: false, ...changes }) },
    )
    const written: string[] = []
    const session = { view, write: (text: string) => written.push(text) } as unknown as Selected
    await writeVanished(session, 3, set === null ? null : parseSequenceSet(set))
    assert.equal(written.join(''), expected)
  })
}

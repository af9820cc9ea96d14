// A process that writes all kinds of things at once until it is killed. One line per finished write on its output: what is on such a line
// was acknowledged, so it has to be there afterwards. Arguments: folder, number of the round.
import { systemClock, systemRandom } from '#base/clock'
import { silentTrace } from '#base/trace'
import {
  acceptQueued,
  appendMessages,
  cancelQueued,
  changeFlags,
  changeSettings,
  hashOf,
  type IncomingMessage,
  largeContentBytes,
  openStore,
  prepareAccount,
  removeMessages,
  type Store,
} from '../index.ts'
import { type Acknowledged, accountId } from './acknowledged.ts'

const now = 1_700_000_000
const keepNothing = { keptUntil: null }

function tell(line: Partial<Acknowledged> & Pick<Acknowledged, 'kind'>): void {
  process.stdout.write(`${JSON.stringify({ id: 0, value: 0, hash: '', ...line })}\n`)
}

function noise(bytes: number): Buffer {
  return systemRandom.bytes(bytes)
}

function incoming(mailboxId: number): IncomingMessage {
  const key = systemRandom.integer(2 ** 40)
  return {
    blob: 0,
    mailboxIds: [mailboxId],
    flags: 0,
    keywords: key % 3 === 0 ? ['rare'] : [],
    received: now,
    sent: null,
    hasAttachment: false,
    messageIdKey: key,
    bodyKey: key,
    bareLineFeeds: 0,
    threadKeys: [key, key % 50],
    structure: noise(60),
    skipsDuplicate: false,
  }
}

async function append(store: Store, mailboxId: number, content: Buffer): Promise<{ readonly id: number; readonly uid: number }> {
  const args = {
    accountId,
    messages: [incoming(mailboxId)],
    limits: { bytes: 0, messages: 0, tenant: null },
    now,
    duplicateWindow: 0,
  }
  const { appended } = await store.write(appendMessages, args, { blobs: [content] })
  return { id: appended[0]?.id ?? 0, uid: appended[0]?.placements[0]?.uid ?? 0 }
}

const work = {
  async deliver(store: Store): Promise<void> {
    const content = noise(200 + systemRandom.integer(9000))
    const { id, uid } = await append(store, 0, content)
    tell({ kind: 'appended', id, value: uid, hash: hashOf(content).toString('hex') })
    const flags = systemRandom.integer(32)
    tell({ kind: 'flagging', id: uid, value: flags })
    const change = { mode: 'replace', flags, keywords: [] } as const
    await store.write(changeFlags, { accountId, mailboxId: 0, uids: [uid], change, unchangedSince: null, now })
    tell({ kind: 'flagged', id: uid, value: flags })
  },
  async deliverAndRemove(store: Store): Promise<void> {
    const { id, uid } = await append(store, 1, noise(500))
    const args = { accountId, mailboxId: 1, uids: [uid], onlyDeleted: false, keeping: keepNothing, now }
    await store.write(removeMessages, args)
    tell({ kind: 'removed', id, value: uid })
  },
  async configure(store: Store, turn: number, lane: number): Promise<void> {
    await store.write(changeSettings, { operations: [{ kind: 'put', entries: [{ key: `lane.${lane}`, value: String(turn) }] }] })
    tell({ kind: 'set', id: lane, value: turn })
  },
  async queue(store: Store): Promise<void> {
    const content = noise(1000)
    const id = systemRandom.integer(2 ** 47)
    const common = { status: 'scheduled', detail: '' } as const
    const recipient = { ...common, position: 0, address: 'b@example.net', orcpt: undefined, flags: 0 }
    const times = { retryAt: now, retryCount: 0, notifyAt: undefined, notifyCount: 0, expiresAt: now + 1000 }
    const domain = { ...common, ...times, domain: 'example.net', error: 'none', recipients: [recipient] }
    const message = { id, createdAt: now, returnPath: 'a@example.org', envId: undefined, flags: 0, priority: 0, domains: [domain] }
    await store.write(acceptQueued, { messages: [message] }, { blobs: [content] })
    tell({ kind: 'queued', id, hash: hashOf(content).toString('hex') })
    if (id % 2 === 0) return
    await store.write(cancelQueued, { ids: [id] })
    tell({ kind: 'cancelled', id })
  },
  async large(store: Store, turn: number): Promise<void> {
    const content = turn % 40 === 1 ? Buffer.alloc(largeContentBytes + 1, noise(64)) : noise(20_000)
    const { id, uid } = await append(store, 0, content)
    tell({ kind: 'appended', id, value: uid, hash: hashOf(content).toString('hex') })
  },
} as const

const [, , folder = '', round = '0'] = process.argv
await using store = await openStore({ kind: 'sqlite', path: folder, clock: systemClock, trace: silentTrace })
const folders = [0, 1].map(id => ({ id, name: `f${id}`, role: id === 0 ? 'inbox' : 'trash', sortOrder: id, isSubscribed: true }))
await store.write(prepareAccount, { accountId, folders, now, tenantId: 9 })
await Promise.all(
  Object.values(work).flatMap(run =>
    [0, 1].map(async lane => {
      for (let turn = 1; ; turn++) await run(store, Number(round) * 1_000_000 + turn, lane)
    }),
  ),
)

// Changing messages: how they come, what is said of them, where they go.
import { failure } from '@postern/contract'
import { encodeBinaryParts, parseMessage } from '@postern/mail/mime'
import type { Blobs } from '#data/blobs'
import {
  accountTotals,
  appendMessages,
  changeFlags,
  deletedMessages,
  destroyMessages,
  forgetDeletedMessage,
  type IncomingMessage,
  messagesById,
  placementsByMessage,
  placementsByUid,
  removeMessages,
  type Store,
  tenantUsedBytes,
  transferMessages,
  updateMessages,
} from '#data/store'
import type { ColumnReader } from './columns.ts'
import { readFacts } from './facts.ts'
import { inboxId } from './folders.ts'
import type { AccountMailboxes } from './index.ts'
import { cleanKeywords } from './keywords.ts'
import type { AccountScope, Rules } from './scope.ts'
import type { Tree } from './tree.ts'
import { type Appended, flagBits, type MessageUpdate, type NewMessage, rightBits } from './types.ts'

type MessageMethods = Pick<
  AccountMailboxes,
  | 'append'
  | 'appendAll'
  | 'assertRoom'
  | 'changeKeywords'
  | 'copy'
  | 'move'
  | 'transferTo'
  | 'expunge'
  | 'remove'
  | 'limits'
  | 'update'
  | 'destroyMessages'
  | 'restore'
>

interface Parts {
  readonly store: Store
  readonly blobs: Blobs
  readonly columns: ColumnReader
  readonly rules: Rules
}

export function messageMethods(scope: AccountScope, { store, blobs, columns, rules }: Parts): MessageMethods {
  const { accountId, viewer, now, guard } = scope

  /** The message as it will be kept. */
  async function asKept(message: NewMessage): Promise<NewMessage> {
    if (message.isBinary !== true) return message
    const bytes = await blobs.contentOf(message.content)
    const content = encodeBinaryParts(bytes, message.structure ?? parseMessage(bytes))
    if (content === bytes) return message
    const { structure: _, ...rest } = message
    return { ...rest, content }
  }

  async function incoming(message: NewMessage, blob: number, time: number): Promise<IncomingMessage> {
    const facts = readFacts(await blobs.contentOf(message.content), message.structure)
    if (!facts) throw failure('messageInvalid')
    const { mailboxIds, flags = 0, keywords = [], received = time, skipsDuplicate = false } = message
    return { ...facts, blob, mailboxIds, flags, keywords: cleanKeywords(keywords), received, skipsDuplicate }
  }

  async function appendAll(messages: readonly NewMessage[]): Promise<readonly Appended[]> {
    if (messages.some(message => message.mailboxIds.length === 0)) throw failure('invalidParameters', { properties: ['mailboxIds'] })
    const current = viewer && (await scope.tree())
    const kept: NewMessage[] = []
    for (const message of messages) kept.push(await asKept(current ? asAllowed(current, message) : message))
    const time = now()
    // One after the other: the bytes of many messages need not be in memory at once.
    const facts: IncomingMessage[] = []
    for (const [index, message] of kept.entries()) facts.push(await incoming(message, index, time))
    const { bytes, messages: count = 0, tenant = null } = await rules.quotaOf(accountId)
    const limits = { bytes, messages: count, tenant }
    const { change, appended } = await store.write(
      appendMessages,
      { accountId, messages: facts, limits, now: time, duplicateWindow: rules.limits().duplicateWindowSeconds },
      { blobs: kept.map(message => message.content) },
    )
    return appended.map((one, index) => ({ ...one, change, size: contentSize(kept[index]) }))
  }

  async function append(message: NewMessage): Promise<Appended> {
    const [appended] = await appendAll([message])
    if (!appended) throw new Error('one message was appended, none reported')
    return appended
  }

  async function transfer(mailboxId: number, uids: readonly number[], targetId: number, moves: boolean) {
    await guard(mailboxId, 'readItems', ...(moves ? (['removeItems'] as const) : []))
    await guard(targetId, 'addItems')
    return store.write(transferMessages, { accountId, mailboxId, targetId, uids, moves, now: now() })
  }

  async function remove(mailboxId: number, uids: readonly number[] | null, onlyDeleted: boolean) {
    await guard(mailboxId, 'removeItems')
    return store.write(removeMessages, { accountId, mailboxId, uids, onlyDeleted, keeping: scope.keeping(), now: now() })
  }

  /** The messages with these UIDs as new ones for a mailbox elsewhere, in the order of the request. */
  async function asNew(mailboxId: number, uids: readonly number[], targetId: number) {
    const rows = await store.read(placementsByUid, { accountId, mailboxId, uids })
    const byUid = new Map((await columns.placed(accountId, rows)).map(placed => [placed.uid, placed]))
    const sources = [...new Set(uids)].map(uid => byUid.get(uid)).filter(placed => placed !== undefined)
    const stored = await store.read(messagesById, { accountId, ids: sources.map(placed => placed.id) })
    const byId = new Map(stored.map(row => [row.id, row]))
    const messages = sources.map(({ id, flags, keywords }): NewMessage => {
      const row = byId.get(id)
      if (!row) throw failure('expungeIssued')
      const content = { stored: true, hash: row.blobHash, size: row.size } as const
      return { content, mailboxIds: [targetId], flags: flags & ~flagBits.deleted, keywords, received: row.received }
    })
    return { uids: sources.map(placed => placed.uid), messages }
  }

  /** The viewer may make these updates: else `mailboxNotFound`, `forbidden`. */
  async function assertUpdates(updates: readonly MessageUpdate[]): Promise<void> {
    if (!viewer) return
    const current = await scope.tree()
    const rows = await store.read(placementsByMessage, { accountId, ids: updates.map(update => update.id) })
    for (const { id, keywords, addTo = [], removeFrom = [] } of updates) {
      for (const target of addTo) current.require(target, 'addItems')
      for (const source of removeFrom) current.require(source, 'removeItems')
      // Keywords show in every mailbox of the message, so one of them has to allow it.
      const rights = rows.filter(row => row.messageId === id).map(row => current.get(row.mailboxId)?.rights ?? 0)
      if (keywords && rights.length > 0 && !rights.some(own => (own & rightBits.modifyItems) !== 0)) throw failure('forbidden')
    }
  }

  return {
    append,
    appendAll,

    async limits() {
      const { bytes, messages = 0 } = await rules.quotaOf(accountId)
      return { bytes, messages }
    },
    async assertRoom(size) {
      const { bytes, tenant } = await rules.quotaOf(accountId)
      const used = (await store.read(accountTotals, { accountId }))?.usedBytes ?? 0
      if (bytes > 0 && used + size > bytes) throw failure('overQuota', { limit: bytes, used, size })
      if (!tenant || tenant.bytes === 0) return
      const ofTenant = await store.read(tenantUsedBytes, { tenantId: tenant.id })
      if (ofTenant + size > tenant.bytes) throw failure('tenantOverQuota', { limit: tenant.bytes, used: ofTenant })
    },

    async changeKeywords(mailboxId, uids, wish, { unchangedSince = null } = {}) {
      await guard(mailboxId, 'modifyItems')
      const change = { ...wish, keywords: cleanKeywords(wish.keywords) }
      const outcome = await store.write(changeFlags, { accountId, mailboxId, uids, change, unchangedSince, now: now() })
      const there = new Set([...outcome.present.map(([uid]) => uid), ...outcome.refused])
      const missing = [...new Set(uids)].filter(uid => !there.has(uid)).sort((a, b) => a - b)
      return { present: await columns.placed(accountId, outcome.present), refused: outcome.refused, missing, change: outcome.change }
    },

    copy: (mailboxId, uids, targetId) => transfer(mailboxId, uids, targetId, false),
    move: (mailboxId, uids, targetId) => transfer(mailboxId, uids, targetId, true),

    async transferTo(mailboxId, uids, target, moves) {
      await guard(mailboxId, 'readItems', ...(moves ? (['removeItems'] as const) : []))
      const { uids: from, messages } = await asNew(mailboxId, uids, target.mailboxId)
      const { uidValidity } = await target.account.get(target.mailboxId)
      const appended = messages.length > 0 ? await target.account.appendAll(messages) : []
      // They live on elsewhere, so nothing is kept here.
      const leaving = { accountId, mailboxId, uids: from, onlyDeleted: false, keeping: { keptUntil: null }, now: now() }
      if (moves) await store.write(removeMessages, leaving)
      const pairs = appended.map((one, index) => ({ from: from[index] ?? 0, to: one.placements[0]?.uid ?? 0, id: one.id }))
      return { uidValidity, pairs, change: appended[0]?.change ?? (await target.account.newestChange()) }
    },

    expunge: (mailboxId, uids) => remove(mailboxId, uids ?? null, true),
    remove: (mailboxId, uids) => remove(mailboxId, uids, false),

    async update(updates) {
      await assertUpdates(updates)
      const plans = updates.map(({ id, keywords, addTo, removeFrom }) => ({
        messageId: id,
        flags: keywords && { ...keywords, keywords: cleanKeywords(keywords.keywords) },
        addTo,
        removeFrom,
      }))
      return store.write(updateMessages, { accountId, plans, now: now() })
    },

    async destroyMessages(ids) {
      const onlyFrom = viewer ? removableFrom(await scope.tree()) : null
      return store.write(destroyMessages, { accountId, ids, onlyFrom, keeping: scope.keeping(), now: now() })
    },

    async restore(id, { received, staysKept = false } = {}) {
      if (viewer) throw failure('forbidden')
      const row = (await store.read(deletedMessages, { accountId, now: now() })).find(kept => kept.messageId === id)
      if (!row) throw failure('messageNotFound')
      const list = await columns.names(accountId, [row.keywords])
      const mailboxId = (await scope.tree()).get(row.mailboxId)?.id ?? inboxId
      const content = { stored: true, hash: row.blobHash, size: row.size } as const
      const flags = row.flags & ~(received === undefined ? flagBits.deleted : flagBits.deleted | flagBits.seen)
      const times = { received: received ?? row.received }
      const appended = await append({ content, mailboxIds: [mailboxId], flags, keywords: list(row.keywords), ...times })
      if (!staysKept) await store.write(forgetDeletedMessage, { accountId, messageId: id })
      return appended
    },
  }
}

/** RFC 4314 §4: without the right to set flags a message still comes in, bare. */
function asAllowed(current: Tree, message: NewMessage): NewMessage {
  const mailboxes = message.mailboxIds.map(id => current.require(id, 'addItems'))
  const maySetFlags = mailboxes.every(mailbox => (mailbox.rights & rightBits.modifyItems) !== 0)
  return maySetFlags ? message : { ...message, flags: 0, keywords: [] }
}

function removableFrom(current: Tree): number[] {
  return current.visible.filter(mailbox => (mailbox.rights & rightBits.removeItems) !== 0).map(mailbox => mailbox.id)
}

function contentSize(message: NewMessage | undefined): number {
  if (!message) return 0
  return message.content instanceof Uint8Array ? message.content.length : message.content.size
}

// One account as one viewer sees it: checks rights, then asks the store.
import { failure } from '@postern/contract'
import type { Clock } from '#base/clock'
import type { Blobs } from '#data/blobs'
import {
  accountTotals,
  accountTree,
  appendMessages,
  changeFlags,
  changeMailbox,
  contentLocation,
  createMailbox,
  deletedMessages,
  destroyMailbox,
  destroyMessages,
  forgetDeletedMessage,
  grantMailboxRights,
  type IncomingMessage,
  type MessageRow,
  mailboxHistory,
  messagesById,
  moveMailbox,
  noParent,
  objectHistory,
  placementsByMessage,
  placementsByUid,
  prepareAccount,
  type RoomLimits,
  removeMessages,
  type Store,
  setMailboxSubscription,
  tenantUsedBytes,
  threadMessages,
  transferMessages,
  updateMessages,
} from '#data/store'
import type { ColumnReader } from './columns.ts'
import { readFacts } from './facts.ts'
import { cleanPath, type DefaultFolder, fixedMailboxes, inboxId, isInboxName, type NameLimits, protectedIds } from './folders.ts'
import type { AccountMailboxes } from './index.ts'
import { cleanKeywords } from './keywords.ts'
import { searchMailbox } from './search.ts'
import { buildTree, type Tree } from './tree.ts'
import {
  flagBits,
  type Mailbox,
  type Message,
  type MessageState,
  type NewMessage,
  type QuotaLimits,
  rightBits,
  type Viewer,
} from './types.ts'

export interface AccountParts {
  readonly store: Store
  readonly blobs: Blobs
  readonly clock: Clock
  readonly columns: ColumnReader
  readonly folders: readonly DefaultFolder[]
  readonly limits: MailboxLimits
  readonly quotaOf: (accountId: number) => Promise<QuotaLimits>
}

export interface MailboxLimits extends NameLimits {
  readonly maxMailboxes: number
  /** A second copy that comes within so many seconds is a duplicate by its Message-ID alone. */
  readonly duplicateWindowSeconds: number
  /** How long the bytes of destroyed messages are kept; 0 keeps nothing. */
  readonly undeleteSeconds: number
}

/** How long the bytes of messages destroyed at `now` are kept. */
export function keepingAt({ limits }: Pick<AccountParts, 'limits'>, now: number): { readonly keptUntil: number | null } {
  return { keptUntil: limits.undeleteSeconds > 0 ? now + limits.undeleteSeconds : null }
}

/** More numbers of the change log are not folded for one answer. */
const foldedNumbers = 5000

export async function openAccount(parts: AccountParts, accountId: number, viewer: Viewer | undefined): Promise<AccountMailboxes> {
  const { store, blobs, clock, columns, folders, limits } = parts
  const principalId = viewer?.principalId ?? accountId
  const seconds = (): number => Math.floor(clock.now() / 1000)

  if (!(await store.read(accountTree, { accountId, principalId })).exists) {
    // Looking at somebody else's account does not make its mailboxes.
    if (viewer) throw failure('accountNotFound')
    const tenantId = (await parts.quotaOf(accountId)).tenant?.id ?? null
    await store.write(prepareAccount, { accountId, folders: fixedMailboxes(folders), now: seconds(), tenantId })
  }

  async function tree(): Promise<Tree> {
    return buildTree(await store.read(accountTree, { accountId, principalId }), viewer, folders)
  }

  async function require(mailboxId: number, ...rights: readonly (keyof typeof rightBits)[]): Promise<Mailbox> {
    return (await tree()).require(mailboxId, ...rights)
  }

  /** The parent to create below, with the names that are missing; checks the right to do so. */
  async function planPath(path: readonly string[]): Promise<{ readonly parentId: number; readonly names: readonly string[] }> {
    const current = await tree()
    const { found, rest } = current.walk(cleanPath(path, limits))
    if (rest.length === 0) throw failure('mailboxExists')
    if (viewer && !(found && (found.rights & rightBits.createChild) !== 0)) throw failure('forbidden')
    return { parentId: found?.id ?? noParent, names: rest }
  }

  async function roomLimits(): Promise<RoomLimits> {
    const { bytes, messages = 0, tenant = null } = await parts.quotaOf(accountId)
    return { bytes, messages, tenant }
  }

  const keeping = (): { keptUntil: number | null } => ({
    keptUntil: limits.undeleteSeconds > 0 ? seconds() + limits.undeleteSeconds : null,
  })

  async function incoming(message: NewMessage, blob: number, now: number): Promise<IncomingMessage> {
    const facts = readFacts(await blobs.contentOf(message.content), message.structure)
    if (!facts) throw failure('messageInvalid')
    return {
      ...facts,
      blob,
      mailboxIds: message.mailboxIds,
      flags: message.flags ?? 0,
      keywords: cleanKeywords(message.keywords ?? []),
      received: message.received ?? now,
      skipsDuplicate: message.skipsDuplicate ?? false,
    }
  }

  async function appendAll(messages: readonly NewMessage[]): ReturnType<AccountMailboxes['appendAll']> {
    const current = await tree()
    for (const { mailboxIds, flags = 0, keywords = [] } of messages) {
      if (mailboxIds.length === 0) throw failure('invalidParameters', { properties: ['mailboxIds'] })
      for (const id of mailboxIds) current.require(id, 'addItems')
      // Without the right to set flags a message may still come in, bare.
      if (flags !== 0 || keywords.length > 0) for (const id of mailboxIds) current.require(id, 'modifyItems')
    }
    const now = seconds()
    // One after the other: the bytes of many messages need not be in memory at once.
    const facts: IncomingMessage[] = []
    for (const [index, message] of messages.entries()) facts.push(await incoming(message, index, now))
    const { change, appended } = await store.write(
      appendMessages,
      { accountId, messages: facts, limits: await roomLimits(), now, duplicateWindow: limits.duplicateWindowSeconds },
      { blobs: messages.map(message => message.content) },
    )
    return appended.map((one, index) => ({ ...one, change, size: contentSize(messages[index]) }))
  }

  /** Ids of messages the viewer may read, of these. */
  async function readable(ids: readonly number[]): Promise<ReadonlySet<number>> {
    if (!viewer) return new Set(ids)
    const current = await tree()
    const rows = await store.read(placementsByMessage, { accountId, ids })
    const may = rows.filter(row => ((current.get(row.mailboxId)?.rights ?? 0) & (rightBits.readItems | rightBits.administer)) !== 0)
    return new Set(may.map(row => row.messageId))
  }

  async function messages(ids: readonly number[]): Promise<readonly Message[]> {
    if (ids.length === 0) return []
    const may = await readable(ids)
    const rows = await store.read(messagesById, { accountId, ids: ids.filter(id => may.has(id)) })
    return rows.map(toMessage)
  }

  async function states(ids: readonly number[]): Promise<readonly MessageState[]> {
    const current = await tree()
    const rows = await store.read(placementsByMessage, { accountId, ids })
    const list = await columns.names(
      accountId,
      rows.map(row => row.keywords),
    )
    const byId = new Map<number, MessageState & { placements: { mailboxId: number; uid: number }[] }>()
    for (const row of rows) {
      if (viewer && !current.get(row.mailboxId)) continue
      const known = byId.get(row.messageId)
      const placement = { mailboxId: row.mailboxId, uid: row.uid }
      if (known) {
        known.placements.push(placement)
        byId.set(row.messageId, { ...known, flags: known.flags | row.flags, change: Math.max(known.change, row.changeNumber) })
        continue
      }
      const { messageId: id, threadId, flags, changeNumber: change } = row
      byId.set(id, { id, threadId, placements: [placement], flags, keywords: list(row.keywords), change })
    }
    return ids.map(id => byId.get(id)).filter(state => state !== undefined)
  }

  return {
    accountId,

    list: async () => (await tree()).visible,
    get: mailboxId => require(mailboxId),
    async find(path) {
      const { found, rest } = (await tree()).walk(path)
      return found && rest.length === 0 && (await tree()).get(found.id) ? found : undefined
    },
    findRole: async role => (await tree()).withRole(role),

    async create(path, { role, isSubscribed = false } = {}) {
      const { parentId, names } = await planPath(path)
      const now = seconds()
      const { mailbox } = await store.write(createMailbox, {
        accountId,
        parentId,
        names,
        role: role ?? null,
        sortOrder: 0,
        now,
        maxMailboxes: limits.maxMailboxes,
      })
      if (isSubscribed) await store.write(setMailboxSubscription, { principalId, accountId, mailboxIds: [mailbox.id], isSubscribed, now })
      return require(mailbox.id)
    },

    async rename(mailboxId, path) {
      const mailbox = await require(mailboxId, 'modify')
      const now = seconds()
      if (mailboxId === inboxId) {
        // RFC 9051 §6.3.6: the messages move to a new mailbox, the inbox stays.
        const { parentId, names } = await planPath(path)
        const plan = { accountId, parentId, names, role: null, sortOrder: 0, now, maxMailboxes: limits.maxMailboxes }
        const { mailbox: made } = await store.write(createMailbox, plan)
        const inbox = await columns.columns(accountId, inboxId)
        const uids = [...(inbox?.uids ?? [])]
        await store.write(transferMessages, { accountId, mailboxId: inboxId, targetId: made.id, uids, moves: true, now })
        return require(made.id)
      }
      const parts = cleanPath(path, limits)
      if (parts.length === 1 && isInboxName(parts[0] ?? '')) throw failure('mailboxExists')
      const { found, rest } = (await tree()).walk(parts.slice(0, -1))
      if (viewer && !(found && (found.rights & rightBits.createChild) !== 0) && found?.id !== mailbox.parentId) throw failure('forbidden')
      await store.write(moveMailbox, {
        accountId,
        mailboxId,
        parentId: found?.id ?? noParent,
        names: [...rest, parts.at(-1) ?? ''],
        now,
        maxDepth: limits.maxDepth,
      })
      return require(mailboxId)
    },

    async change(mailboxId, { role, sortOrder }) {
      await require(mailboxId, 'modify')
      if (role !== undefined && protectedIds.has(mailboxId)) throw failure('mailboxProtected')
      await store.write(changeMailbox, { accountId, mailboxId, role, sortOrder, now: seconds() })
    },

    async destroy(mailboxId, { removesMessages, mayBeSystemFolder = false }) {
      await require(mailboxId, 'delete')
      if (protectedIds.has(mailboxId) && (mailboxId === inboxId || !mayBeSystemFolder)) throw failure('mailboxProtected')
      await store.write(destroyMailbox, { accountId, mailboxId, removesMessages, keeping: keeping(), now: seconds() })
    },

    async subscribe(mailboxId, isSubscribed) {
      if (isSubscribed) await require(mailboxId)
      await store.write(setMailboxSubscription, { principalId, accountId, mailboxIds: [mailboxId], isSubscribed, now: seconds() })
    },

    async grants(mailboxId) {
      await require(mailboxId, 'administer')
      const { grants } = await store.read(accountTree, { accountId, principalId })
      return grants.filter(grant => grant.mailboxId === mailboxId).map(({ granteeId, rights }) => ({ principalId: granteeId, rights }))
    },

    async grant(mailboxId, granteeId, rights) {
      await require(mailboxId, 'administer')
      await store.write(grantMailboxRights, { accountId, mailboxId, granteeId, rights, now: seconds() })
    },

    async append(message) {
      const [appended] = await appendAll([message])
      if (!appended) throw new Error('one message was appended, none reported')
      return appended
    },
    appendAll,

    async assertRoom(size) {
      const { bytes, tenant } = await roomLimits()
      const used = (await store.read(accountTotals, { accountId }))?.usedBytes ?? 0
      if (bytes > 0 && used + size > bytes) throw failure('overQuota', { limit: bytes, used, size })
      if (!tenant || tenant.bytes === 0) return
      const ofTenant = await store.read(tenantUsedBytes, { tenantId: tenant.id })
      if (ofTenant + size > tenant.bytes) throw failure('tenantOverQuota', { limit: tenant.bytes, used: ofTenant })
    },
    async usage() {
      const totals = await store.read(accountTotals, { accountId })
      return { bytes: totals?.usedBytes ?? 0, messages: totals?.messageCount ?? 0 }
    },

    async columns(mailboxId) {
      await require(mailboxId, 'readItems')
      const found = await columns.columns(accountId, mailboxId)
      if (!found) throw failure('mailboxNotFound')
      return found
    },

    async changesIn(mailboxId, since) {
      const history = await store.read(mailboxHistory, { accountId, mailboxId, since, maxNumbers: foldedNumbers })
      if (!history.isDestroyed) await require(mailboxId, 'readItems')
      const { upTo, isComplete, isDestroyed, removed, rows } = history
      return { mailboxId, upTo, removed, present: await columns.placed(accountId, rows), isComplete, isDestroyed }
    },
    newestChange: async () => (await store.read(accountTotals, { accountId }))?.changeNumber ?? 0,
    async stateOf(kind) {
      const totals = await store.read(accountTotals, { accountId })
      return totals?.[`${kind}State`] ?? 0
    },
    async changesOf(kind, since, limit) {
      const history = await store.read(objectHistory, { accountId, kind, since, limit })
      if (!history) return undefined
      const { created, updated, destroyed, updatedInFull, upTo, hasMore } = history
      return { created, updated, destroyed, upTo, hasMore, onlyCounts: kind === 'mailbox' && updatedInFull.length === 0 }
    },

    async changeKeywords(mailboxId, uids, wish, { unchangedSince } = {}) {
      await require(mailboxId, 'modifyItems')
      const outcome = await store.write(changeFlags, {
        accountId,
        mailboxId,
        uids,
        change: { ...wish, keywords: cleanKeywords(wish.keywords) },
        unchangedSince: unchangedSince ?? null,
        now: seconds(),
      })
      const there = new Set([...outcome.present.map(([uid]) => uid), ...outcome.refused])
      const missing = [...new Set(uids)].filter(uid => !there.has(uid)).sort((a, b) => a - b)
      return { present: await columns.placed(accountId, outcome.present), refused: outcome.refused, missing, change: outcome.change }
    },

    async copy(mailboxId, uids, targetId) {
      const current = await tree()
      current.require(mailboxId, 'readItems')
      current.require(targetId, 'addItems')
      return store.write(transferMessages, { accountId, mailboxId, targetId, uids, moves: false, now: seconds() })
    },
    async move(mailboxId, uids, targetId) {
      const current = await tree()
      current.require(mailboxId, 'readItems', 'removeItems')
      current.require(targetId, 'addItems')
      return store.write(transferMessages, { accountId, mailboxId, targetId, uids, moves: true, now: seconds() })
    },
    async transferTo(mailboxId, uids, target, moves) {
      await require(mailboxId, ...(moves ? (['readItems', 'removeItems'] as const) : (['readItems'] as const)))
      const rows = await store.read(placementsByUid, { accountId, mailboxId, uids })
      const byUid = new Map((await columns.placed(accountId, rows)).map(placed => [placed.uid, placed]))
      const sources = [...new Set(uids)].map(uid => byUid.get(uid)).filter(placed => placed !== undefined)
      const stored = new Map(
        (await store.read(messagesById, { accountId, ids: sources.map(placed => placed.id) })).map(row => [row.id, row]),
      )
      const messages: NewMessage[] = []
      for (const { id, flags, keywords } of sources) {
        const row = stored.get(id)
        if (!row) throw failure('expungeIssued')
        const content = { stored: true, hash: row.blobHash, size: row.size } as const
        messages.push({ content, mailboxIds: [target.mailboxId], flags: flags & ~flagBits.deleted, keywords, received: row.received })
      }
      const { uidValidity } = await target.account.get(target.mailboxId)
      const appended = messages.length > 0 ? await target.account.appendAll(messages) : []
      if (moves) {
        const own = sources.map(placed => placed.uid)
        await store.write(removeMessages, {
          accountId,
          mailboxId,
          uids: own,
          onlyDeleted: false,
          keeping: { keptUntil: null },
          now: seconds(),
        })
      }
      const pairs = appended.map((one, index) => ({ from: sources[index]?.uid ?? 0, to: one.placements[0]?.uid ?? 0, id: one.id }))
      return { uidValidity, pairs, change: appended[0]?.change ?? (await target.account.newestChange()) }
    },
    async expunge(mailboxId, uids) {
      await require(mailboxId, 'removeItems')
      return store.write(removeMessages, {
        accountId,
        mailboxId,
        uids: uids ?? null,
        onlyDeleted: true,
        keeping: keeping(),
        now: seconds(),
      })
    },
    async remove(mailboxId, uids) {
      await require(mailboxId, 'removeItems')
      return store.write(removeMessages, { accountId, mailboxId, uids, onlyDeleted: false, keeping: keeping(), now: seconds() })
    },

    async update(updates) {
      const current = await tree()
      const rows = viewer ? await store.read(placementsByMessage, { accountId, ids: updates.map(update => update.id) }) : []
      for (const { id, keywords, addTo = [], removeFrom = [] } of updates) {
        for (const target of addTo) current.require(target, 'addItems')
        for (const source of removeFrom) current.require(source, 'removeItems')
        // Keywords show in every mailbox of the message, so one of them has to allow it.
        const own = rows.filter(row => row.messageId === id).map(row => current.get(row.mailboxId)?.rights ?? 0)
        if (viewer && keywords && own.length > 0 && !own.some(rights => (rights & rightBits.modifyItems) !== 0)) throw failure('forbidden')
      }
      const plans = updates.map(({ id, keywords, addTo, removeFrom }) => ({
        messageId: id,
        flags: keywords && { ...keywords, keywords: cleanKeywords(keywords.keywords) },
        addTo,
        removeFrom,
      }))
      return store.write(updateMessages, { accountId, plans, now: seconds() })
    },
    async destroyMessages(ids) {
      const current = await tree()
      const removable = current.visible.filter(mailbox => (mailbox.rights & rightBits.removeItems) !== 0).map(mailbox => mailbox.id)
      const onlyFrom = viewer ? removable : null
      return store.write(destroyMessages, { accountId, ids, onlyFrom, keeping: keeping(), now: seconds() })
    },

    messages,
    states,
    async thread(threadId) {
      const [thread] = await store.read(threadMessages, { accountId, threadIds: [threadId] })
      const ids = thread?.[1] ?? []
      const may = await readable(ids)
      return ids.filter(id => may.has(id))
    },
    content: ({ location }, range) => blobs.readAt(location, range),
    async kept() {
      if (viewer) throw failure('forbidden')
      const rows = await store.read(deletedMessages, { accountId, now: seconds() })
      const list = await columns.names(
        accountId,
        rows.map(row => row.keywords),
      )
      return rows.map(({ messageId, blobHash, size, received, deletedAt, keptUntil, mailboxId, flags, keywords, structure }) => {
        const times = { received, deletedAt, keptUntil }
        return { id: messageId, blobHash, size, ...times, mailboxId, flags, keywords: list(keywords), structure }
      })
    },
    async restore(id) {
      if (viewer) throw failure('forbidden')
      const row = (await store.read(deletedMessages, { accountId, now: seconds() })).find(kept => kept.messageId === id)
      if (!row) throw failure('messageNotFound')
      const list = await columns.names(accountId, [row.keywords])
      const mailboxId = (await tree()).get(row.mailboxId)?.id ?? inboxId
      const content = { stored: true, hash: row.blobHash, size: row.size } as const
      const flags = row.flags & ~flagBits.deleted
      const [appended] = await appendAll([
        { content, mailboxIds: [mailboxId], flags, keywords: list(row.keywords), received: row.received },
      ])
      if (!appended) throw new Error('one message was appended, none reported')
      await store.write(forgetDeletedMessage, { accountId, messageId: id })
      return appended
    },
    async search(mailboxId, criterion) {
      await require(mailboxId, 'readItems')
      const found = await columns.columns(accountId, mailboxId)
      if (!found) throw failure('mailboxNotFound')
      const rows = (ids: readonly number[]): Promise<readonly MessageRow[]> => store.read(messagesById, { accountId, ids })
      return searchMailbox(found, criterion, { messages: rows, content: row => blobs.readAt(contentLocation(row)) })
    },
  }
}

function contentSize(message: NewMessage | undefined): number {
  if (!message) return 0
  return message.content instanceof Uint8Array ? message.content.length : message.content.size
}

function toMessage(row: MessageRow): Message {
  const { id, threadId, blobHash, size, received, sent, hasAttachment, structure } = row
  return { id, threadId, blobHash, size, received, sent, hasAttachment: hasAttachment !== 0, structure, location: contentLocation(row) }
}

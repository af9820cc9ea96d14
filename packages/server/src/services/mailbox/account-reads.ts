// Reading: contents of mailboxes, what changed, messages and their bytes, searching.

import { failure } from '@postern/contract'
import { createTurns } from '#base/limits'
import type { Blobs } from '#data/blobs'
import {
  accountTotals,
  bareLineFeedsIn,
  contentLocation,
  deletedMessages,
  type MessageRow,
  mailboxHistory,
  messagesById,
  objectHistory,
  placementsByMessage,
  type Store,
  threadMessages,
} from '#data/store'
import type { ColumnReader } from './columns.ts'
import type { AccountMailboxes } from './index.ts'
import type { AccountScope } from './scope.ts'
import { searchMailbox } from './search.ts'
import { type MailboxColumns, type Message, type MessageState, rightBits } from './types.ts'

type ReadMethods = Pick<
  AccountMailboxes,
  | 'usage'
  | 'bareLineFeeds'
  | 'columns'
  | 'changesIn'
  | 'newestChange'
  | 'stateOf'
  | 'changesOf'
  | 'messages'
  | 'states'
  | 'thread'
  | 'content'
  | 'kept'
  | 'search'
>

/** More numbers of the change log are not folded for one answer. */
const foldedNumbers = 5000

export function readMethods(
  scope: AccountScope,
  { store, blobs, columns }: { readonly store: Store; readonly blobs: Blobs; readonly columns: ColumnReader },
): ReadMethods {
  const { accountId, viewer, guard } = scope

  async function contents(mailboxId: number): Promise<MailboxColumns> {
    await guard(mailboxId, 'readItems')
    const found = await columns.columns(accountId, mailboxId)
    if (!found) throw failure('mailboxNotFound')
    return found
  }

  /** Of these messages, those the viewer may read. */
  async function readable(ids: readonly number[]): Promise<readonly number[]> {
    if (!viewer || ids.length === 0) return ids
    const current = await scope.tree()
    const rows = await store.read(placementsByMessage, { accountId, ids })
    const may = new Set(
      rows.filter(row => ((current.get(row.mailboxId)?.rights ?? 0) & rightBits.readItems) !== 0).map(row => row.messageId),
    )
    return ids.filter(id => may.has(id))
  }

  const rowsOf = (ids: readonly number[]): Promise<readonly MessageRow[]> => store.read(messagesById, { accountId, ids })

  return {
    async usage() {
      const totals = await store.read(accountTotals, { accountId })
      return { bytes: totals?.usedBytes ?? 0, messages: totals?.messageCount ?? 0 }
    },

    columns: contents,
    async bareLineFeeds(mailboxId) {
      await guard(mailboxId, 'readItems')
      const rows = await store.read(bareLineFeedsIn, { accountId, mailboxId })
      return new Map(rows.map(([id, count]) => [id, count ?? undefined]))
    },

    async changesIn(mailboxId, since) {
      const history = await store.read(mailboxHistory, { accountId, mailboxId, since, maxNumbers: foldedNumbers })
      const { upTo, isComplete, isDestroyed, removed, rows } = history
      if (!isDestroyed) await guard(mailboxId, 'readItems')
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

    async messages(ids) {
      const may = await readable(ids)
      return may.length === 0 ? [] : (await rowsOf(may)).map(toMessage)
    },

    async states(ids) {
      const rows = await store.read(placementsByMessage, { accountId, ids })
      const current = viewer && (await scope.tree())
      const list = await columns.names(
        accountId,
        rows.map(row => row.keywords),
      )
      const byId = new Map<number, MessageState>()
      for (const { messageId: id, threadId, mailboxId, uid, flags, keywords, changeNumber } of rows) {
        if (current && !current.get(mailboxId)) continue
        const known = byId.get(id)
        byId.set(id, {
          id,
          threadId,
          placements: [...(known?.placements ?? []), { mailboxId, uid }],
          flags: (known?.flags ?? 0) | flags,
          keywords: list(keywords),
          change: Math.max(known?.change ?? 0, changeNumber),
        })
      }
      return ids.map(id => byId.get(id)).filter(state => state !== undefined)
    },

    async thread(threadId) {
      const [thread] = await store.read(threadMessages, { accountId, threadIds: [threadId] })
      return readable(thread?.[1] ?? [])
    },

    content: ({ location }, range) => blobs.readAt(location, range),

    async kept() {
      if (viewer) throw failure('forbidden')
      const rows = await store.read(deletedMessages, { accountId, now: scope.now() })
      const list = await columns.names(
        accountId,
        rows.map(row => row.keywords),
      )
      return rows.map(({ messageId, blobHash, size, received, deletedAt, keptUntil, mailboxId, flags, keywords, structure }) => {
        const times = { received, deletedAt, keptUntil }
        return { id: messageId, blobHash, size, ...times, mailboxId, flags, keywords: list(keywords), structure }
      })
    },

    search: async (mailboxId, criterion, progress) =>
      searchMailbox(await contents(mailboxId), criterion, {
        messages: rowsOf,
        content: row => blobs.readAt(contentLocation(row)),
        turn: createTurns(scope),
        progress,
      }),
  }
}

function toMessage(row: MessageRow): Message {
  const { id, threadId, blobHash, size, received, sent, hasAttachment, structure } = row
  return { id, threadId, blobHash, size, received, sent, hasAttachment: hasAttachment !== 0, structure, location: contentLocation(row) }
}

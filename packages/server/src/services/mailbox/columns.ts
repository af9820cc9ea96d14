// A mailbox as columns: built from rows, brought forward by changes, kept within a bound of bytes.

import { LRUCache } from 'lru-cache'
import { nextTurn } from '#base/limits'
import {
  keywordNames,
  mailboxContents,
  mailboxHistory,
  type PlacementTuple,
  placementsByUid,
  type Store,
  unpackKeywords,
} from '#data/store'
import type { MailboxColumns, Placed } from './types.ts'

export interface ColumnReader {
  /** The mailbox now; undefined when it is gone. */
  columns(accountId: number, mailboxId: number): Promise<MailboxColumns | undefined>
  placed(accountId: number, rows: readonly PlacementTuple[]): Promise<Placed[]>
  /** Names of keyword numbers. */
  names(accountId: number, packed: readonly (Uint8Array | null)[]): Promise<(packed: Uint8Array | null) => readonly string[]>
}

const none: readonly string[] = Object.freeze([])
/** Rows read at once; between such steps other work of the thread runs. */
const rowsPerStep = 2000
/** Beyond so many changes reading anew is cheaper. */
const worthwhileChanges = 500
const bytesPerMessage = 48

export function createColumnReader(store: Store, { maxBytes, maxAccounts }: { maxBytes: number; maxAccounts: number }): ColumnReader {
  const kept = new LRUCache<string, MailboxColumns>({
    maxSize: maxBytes,
    sizeCalculation: columns => 256 + columns.count * bytesPerMessage,
  })
  const keywords = new LRUCache<number, KeywordTable>({ max: maxAccounts })

  async function names(
    accountId: number,
    packed: readonly (Uint8Array | null)[],
  ): Promise<(packed: Uint8Array | null) => readonly string[]> {
    let table = keywords.get(accountId)
    // Numbers are never used twice, so only an unknown one makes the table old.
    if (packed.some(bytes => bytes !== null && !table?.knows(bytes))) {
      table = createKeywordTable(await store.read(keywordNames, { accountId }))
      keywords.set(accountId, table)
    }
    return bytes => (bytes === null ? none : (table?.list(bytes) ?? none))
  }

  async function readAll(accountId: number, mailboxId: number): Promise<MailboxColumns | undefined> {
    const rows: PlacementTuple[] = []
    // The change number of the first step: what happens between the steps is told again by the changes after it.
    let change: number | undefined
    for (let afterUid = 0; ; ) {
      const contents = await store.read(mailboxContents, { accountId, mailboxId, afterUid, limit: rowsPerStep })
      if (!contents) return undefined
      change ??= contents.changeNumber
      for (const row of contents.rows) rows.push(row)
      if (contents.rows.length < rowsPerStep) {
        const list = await names(
          accountId,
          rows.map(row => row[3]),
        )
        const { uidValidity, uidNext } = contents
        return { ...fill(rows, list), mailboxId, uidValidity, uidNext, highestChange: Math.max(1, change) }
      }
      afterUid = rows.at(-1)?.[0] ?? 0
      await nextTurn()
    }
  }

  /** Undefined when the steps in between are not known or too many. */
  async function bringForward(accountId: number, old: MailboxColumns, now: MailboxHead): Promise<MailboxColumns | undefined> {
    if (old.uidValidity !== now.uidValidity) return undefined
    const { mailboxId, highestChange: since } = old
    const history = await store.read(mailboxHistory, { accountId, mailboxId, since, maxNumbers: worthwhileChanges })
    if (!history.isComplete || history.isDestroyed) return undefined
    const list = await names(
      accountId,
      history.rows.map(row => row[3]),
    )
    const merged = merge(old, history.removed, fill(history.rows, list))
    const uidNext = Math.max(now.uidNext, (merged.uids.at(-1) ?? 0) + 1)
    return { ...merged, mailboxId, ...now, uidNext }
  }

  async function columns(accountId: number, mailboxId: number): Promise<MailboxColumns | undefined> {
    const key = `${accountId}/${mailboxId}`
    const head = await store.read(mailboxContents, { accountId, mailboxId, afterUid: Number.MAX_SAFE_INTEGER, limit: 0 })
    if (!head) {
      kept.delete(key)
      return undefined
    }
    const now: MailboxHead = { uidValidity: head.uidValidity, uidNext: head.uidNext, highestChange: Math.max(1, head.changeNumber) }
    const old = kept.get(key)
    if (old && old.highestChange === now.highestChange && old.uidValidity === now.uidValidity) return old
    const fresh = (old && (await bringForward(accountId, old, now))) ?? (await readAll(accountId, mailboxId))
    if (fresh) kept.set(key, fresh)
    return fresh
  }

  return {
    columns,
    names,
    async placed(accountId, rows) {
      const list = await names(
        accountId,
        rows.map(row => row[3]),
      )
      return rows.map(([uid, id, flags, packed, change]) => ({ uid, id, flags, keywords: list(packed), change }))
    },
  }
}

interface MailboxHead {
  readonly uidValidity: number
  readonly uidNext: number
  readonly highestChange: number
}

type Filled = Omit<MailboxColumns, 'mailboxId' | keyof MailboxHead>

function emptyColumns(count: number): Filled & { keywords: (readonly string[])[] } {
  return {
    count,
    uids: new Uint32Array(count),
    ids: new Float64Array(count),
    flags: new Uint32Array(count),
    keywords: new Array<readonly string[]>(count).fill(none),
    changes: new Float64Array(count),
    sizes: new Uint32Array(count),
    received: new Float64Array(count),
    saved: new Float64Array(count),
  }
}

function fill(rows: readonly PlacementTuple[], list: (packed: Uint8Array | null) => readonly string[]): Filled {
  const columns = emptyColumns(rows.length)
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as PlacementTuple
    columns.uids[i] = row[0]
    columns.ids[i] = row[1]
    columns.flags[i] = row[2]
    if (row[3] !== null) columns.keywords[i] = list(row[3])
    columns.changes[i] = row[4]
    columns.sizes[i] = row[5]
    columns.received[i] = row[6]
    columns.saved[i] = row[7]
  }
  return columns
}

/** Both sides ascend by UID; a row of `news` replaces the one with its UID. Untouched stretches are copied as a whole. */
function merge(old: Filled, removed: readonly number[], news: Filled): Filled {
  const stretches: Stretch[] = []
  let at = 0
  const keepUntil = (end: number): void => {
    if (end > at) stretches.push({ from: old, start: at, end })
    at = Math.max(at, end)
  }
  let gone = 0
  for (let next = 0; next <= news.count; next++) {
    const uid = news.uids[next] ?? Number.POSITIVE_INFINITY
    for (let out = removed[gone]; out !== undefined && out < uid; out = removed[++gone]) {
      const index = firstAtLeast(old.uids, out)
      keepUntil(index)
      if (old.uids[index] === out) at = index + 1
    }
    if (next === news.count) break
    const index = firstAtLeast(old.uids, uid)
    keepUntil(index)
    stretches.push({ from: news, start: next, end: next + 1 })
    if (old.uids[index] === uid) at = index + 1
  }
  keepUntil(old.count)
  return join(stretches)
}

interface Stretch {
  readonly from: Filled
  readonly start: number
  readonly end: number
}

function join(stretches: readonly Stretch[]): Filled {
  const joined = emptyColumns(stretches.reduce((sum, { start, end }) => sum + end - start, 0))
  let to = 0
  for (const { from, start, end } of stretches) {
    for (const name of numberColumns) joined[name].set(from[name].subarray(start, end), to)
    for (let at = start; at < end; at++) joined.keywords[to + at - start] = from.keywords[at] ?? none
    to += end - start
  }
  return joined
}

const numberColumns = ['uids', 'ids', 'flags', 'changes', 'sizes', 'received', 'saved'] as const

/** Index of the first UID that is not below `uid`. */
function firstAtLeast(uids: Uint32Array, uid: number): number {
  let low = 0
  let high = uids.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((uids[middle] ?? 0) < uid) low = middle + 1
    else high = middle
  }
  return low
}

interface KeywordTable {
  knows(packed: Uint8Array): boolean
  list(packed: Uint8Array): readonly string[]
}

function createKeywordTable(rows: readonly (readonly [id: number, name: string])[]): KeywordTable {
  const byId = new Map(rows)
  const lists = new Map<string, readonly string[]>()
  return {
    knows: packed => unpackKeywords(packed).every(id => byId.has(id)),
    list(packed) {
      const key = packed.join()
      const known = lists.get(key)
      if (known) return known
      const list = Object.freeze(
        unpackKeywords(packed)
          .map(id => byId.get(id))
          .filter(name => name !== undefined)
          .sort(),
      )
      lists.set(key, list)
      return list
    },
  }
}

export async function readPlaced(
  store: Store,
  accountId: number,
  mailboxId: number,
  uids: readonly number[],
): Promise<readonly PlacementTuple[]> {
  return await store.read(placementsByUid, { accountId, mailboxId, uids })
}

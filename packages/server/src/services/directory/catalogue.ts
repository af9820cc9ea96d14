// All principals in order of their names, remembered by this process, so that any page of any list is found without reading those before
// it and the number of matches is exact. Kept current by the number of the last change: every question first reads what came since.
import { LRUCache } from 'lru-cache'
import { nextTurn } from '#base/limits'
import {
  lastPrincipalChange,
  listPrincipalIds,
  type PrincipalEntry,
  type PrincipalFilter,
  principalEntries,
  principalsChangedSince,
  principalTypes,
  type Store,
} from '#data/store'

export interface Catalogue {
  /** Ids of all matching principals in order of their names. */
  matching(filter: PrincipalFilter): Promise<readonly number[]>
}

interface Entry {
  readonly id: number
  readonly type: number
  readonly name: string
  readonly tenantId: number | null
  /** Searched by filters; empty when the texts together are too long to be remembered. */
  readonly text: string
}

/** Principals read at a time, so that others get their turn between. */
const slice = 1000
/** Changes that are read at once; after more of them everything is read anew. */
const mostChanges = 5000
/** Changes that are put in place one by one; more of them are merged in one pass. */
const fewChanges = 32
/** Characters of searched text; beyond it filters read the store. */
const defaultMaxText = 64 * 1024 * 1024
/** Answers that are remembered until the next change, by the number of their ids. */
const rememberedIds = 2_000_000

export function createCatalogue(store: Store, maxText: number = defaultMaxText): Catalogue {
  /** In order of the names. */
  let entries: Entry[] = []
  let byId = new Map<number, Entry>()
  let number: number | undefined
  let remembersText = true
  let textLength = 0
  let syncing: Promise<void> | undefined
  const answers = new LRUCache<string, readonly number[]>({ maxSize: rememberedIds, sizeCalculation: ids => ids.length + 1 })

  /** Reads everything in slices; what changes meanwhile is caught up with by `number`, taken before. */
  async function load(): Promise<number> {
    const before = await store.read(lastPrincipalChange, null)
    const loaded = new Map<number, Entry>()
    let length = 0
    let after = ''
    for (;;) {
      const rows = await store.read(principalEntries, { after, limit: slice })
      for (const row of rows) {
        length += row[4].length
        loaded.set(row[0], toEntry(row, length <= maxText))
      }
      if (rows.length < slice) break
      after = rows.at(-1)?.[2] ?? after
      await nextTurn()
    }
    remembersText = length <= maxText
    textLength = length
    byId = loaded
    entries = [...loaded.values()].sort(byName)
    number = before
    return before
  }

  async function catchUp(): Promise<void> {
    if (number !== undefined) {
      const news = await store.read(principalsChangedSince, { number, limit: mostChanges })
      if (news !== undefined) return apply(news)
    }
    const since = await load()
    answers.clear()
    const news = await store.read(principalsChangedSince, { number: since, limit: Number.MAX_SAFE_INTEGER })
    if (news !== undefined) apply(news)
  }

  function apply(news: {
    readonly number: number
    readonly changed: readonly PrincipalEntry[]
    readonly removed: readonly number[]
  }): void {
    if (news.number === number) return
    const gone = new Set(news.removed)
    for (const [id] of news.changed) gone.add(id)
    const added = news.changed.map(row => toEntry(row, remembersText)).sort(byName)
    const old = [...gone].flatMap(id => byId.get(id) ?? [])
    if (gone.size <= fewChanges) {
      for (const entry of old) entries.splice(placeOf(entries, entry), 1)
      for (const entry of added) entries.splice(placeOf(entries, entry), 0, entry)
    } else {
      const kept = entries.filter(entry => !gone.has(entry.id))
      entries = merge(kept, added)
    }
    for (const { id, text } of old) {
      byId.delete(id)
      textLength -= text.length
    }
    for (const entry of added) {
      byId.set(entry.id, entry)
      textLength += entry.text.length
    }
    // Grown too long: the next question reads everything anew, without the texts.
    number = remembersText && textLength > maxText ? undefined : news.number
    answers.clear()
  }

  /** One at a time; who asks while one runs needs a new one, as its answer may be older than the question. */
  async function sync(): Promise<void> {
    while (syncing !== undefined) await syncing.catch(() => {})
    syncing = catchUp().finally(() => {
      syncing = undefined
    })
    await syncing
  }

  return {
    async matching(filter) {
      await sync()
      const { types, words, tenantId } = filter
      const key = JSON.stringify([types, words, tenantId])
      const known = answers.get(key)
      if (known !== undefined) return known
      if (words.length > 0 && !remembersText) return store.read(listPrincipalIds, { filter })
      const wanted = new Set<number>(types.map(type => principalTypes[type]))
      const found: number[] = []
      for (const { id, type, tenantId: owner, text } of entries) {
        if (wanted.size > 0 && !wanted.has(type)) continue
        if (tenantId !== undefined && owner !== tenantId && id !== tenantId) continue
        if (words.every(word => text.includes(word))) found.push(id)
      }
      answers.set(key, found)
      return found
    },
  }
}

function toEntry([id, type, name, tenantId, text]: PrincipalEntry, withText: boolean): Entry {
  return { id, type, name, tenantId, text: withText ? text : '' }
}

function byName(a: Entry, b: Entry): number {
  return compareBytes(a.name, b.name)
}

/** Where an entry stands, or would have to stand. */
function placeOf(entries: readonly Entry[], entry: Entry): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const other = entries[middle]
    if (other !== undefined && byName(other, entry) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** By UTF-8 bytes, as the store orders names: by UTF-16 units but for surrogates, which stand for the highest code points. */
function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return codeRank(x) - codeRank(y)
  }
  return a.length - b.length
}

function codeRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

/** Two lists in order become one. */
function merge(kept: readonly Entry[], added: readonly Entry[]): Entry[] {
  const merged: Entry[] = []
  let next = 0
  for (const entry of added) {
    for (let old = kept[next]; old !== undefined && byName(old, entry) < 0; old = kept[++next]) merged.push(old)
    merged.push(entry)
  }
  for (; next < kept.length; next++) merged.push(kept[next] as Entry)
  return merged
}

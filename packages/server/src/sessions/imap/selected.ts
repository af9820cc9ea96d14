// The selected mailbox as the client knows it. Sequence numbers are positions in what the client was told, so what others do shows only
// when it is told: between commands, by rules of when (RFC 9051 §5.2, §7.5.1).
import { isFailure } from '@postern/contract'
import { compactSet, indexesInRanges, resolveRanges, type SequenceSet } from '@postern/mail/imap'
import { type AccountMailboxes, type Mailbox, type MailboxColumns, type Placed, rightBits } from '#services/mailbox'
import type { Context } from './contexts.ts'
import { shownFlags, shownKeywordBits } from './flags.ts'
import type { Place } from './folders.ts'
import { mailboxKey, type Recency } from './recency.ts'

/** Messages by position; one less than the sequence number. */
export type Rows = Pick<MailboxColumns, 'count' | 'uids' | 'ids' | 'flags' | 'keywords' | 'changes' | 'sizes' | 'received' | 'saved'>

export interface Telling {
  /** EXPUNGE would change the meaning of numbers in the command that is running. */
  readonly mayExpunge: boolean
  readonly withUid: boolean
  readonly withModSeq: boolean
  /** VANISHED instead of EXPUNGE (RFC 7162 §3.2.10). */
  readonly asVanished: boolean
  /** UIDFETCH instead of FETCH (RFC 9586 §3.3). */
  readonly byUid: boolean
}

/** UIDs of what happened since the client was told last; those that are gone only when it may be told. */
export interface News {
  readonly gone: readonly number[]
  readonly changed: readonly number[]
  readonly arrived: readonly number[]
}

const noRows: Rows = {
  count: 0,
  uids: new Uint32Array(0),
  ids: new Float64Array(0),
  flags: new Uint32Array(0),
  keywords: [],
  changes: new Float64Array(0),
  sizes: new Uint32Array(0),
  received: new Float64Array(0),
  saved: new Float64Array(0),
}

const noUids: ReadonlySet<number> = new Set()

export class MailboxView {
  readonly account: AccountMailboxes
  /** As it was when it was selected. */
  readonly mailbox: Mailbox
  readonly isOwn: boolean
  readonly isReadOnly: boolean
  /** UIDs of the saved search result (RFC 5182). */
  saved: readonly number[] = []
  /** Results that are kept current (RFC 5267). */
  contexts: readonly Context[] = []
  private told: Rows
  private latest: Rows
  private highestChange: number
  /** UIDs the client still counts although they are gone. */
  private ghosts: ReadonlySet<number> = noUids
  /** Change numbers of messages whose new flags the client knows already. */
  private readonly known = new Map<number, number>()
  private readonly announced = new Set<string>()
  private readonly recency: Recency | null
  /** Ranges of UIDs this session was the first to hear of, ascending. */
  private readonly recent: { readonly from: number; readonly to: number }[] = []

  /** Without `recency` no message is recent, as in IMAP4rev2. */
  constructor({ account, mailbox, isOwn }: Place, columns: MailboxColumns, isReadOnly: boolean, recency: Recency | null = null) {
    this.account = account
    this.mailbox = mailbox
    this.isOwn = isOwn
    this.isReadOnly = isReadOnly
    this.told = columns
    this.latest = columns
    this.highestChange = columns.highestChange
    this.recency = recency
    this.announce(columns, 0)
    this.hear(columns)
  }

  get rows(): Rows {
    return this.told
  }

  get count(): number {
    return this.told.count
  }

  /** The newest change the client was or is about to be told of. */
  get recentCount(): number {
    const { uids, count } = this.told
    let recent = 0
    for (let at = 0; at < count; at++) if (this.isRecent(uids[at] ?? 0)) recent += 1
    return recent
  }

  get highestModSeq(): number {
    return this.highestChange
  }

  /** Flags and keywords that are or were in use here. */
  get keywordNames(): readonly string[] {
    return [...this.announced]
  }

  mayUse(right: keyof typeof rightBits): boolean {
    return (this.mailbox.rights & rightBits[right]) !== 0
  }

  isGone(index: number): boolean {
    return this.ghosts.has(this.told.uids[index] ?? 0)
  }

  /**
   * Positions of the messages of a set, ascending. Numbers without a message are passed over: clients ask for ranges that reach beyond
   * the end, and for everything in an empty mailbox.
   */
  resolve(set: SequenceSet, isUid: boolean): number[] {
    const { uids, count } = this.told
    if (set.savedResult) {
      const found = this.saved.map(uid => this.indexOf(uid)).filter(index => index >= 0)
      return found.sort((a, b) => a - b)
    }
    if (isUid) return [...indexesInRanges(resolveRanges(set.ranges, uids[count - 1] ?? 0), uids)]
    const found: number[] = []
    for (const { from, to } of resolveRanges(set.ranges, count)) {
      for (let number = from; number <= Math.min(to, count); number++) found.push(number - 1)
    }
    return found
  }

  isRecent(uid: number): boolean {
    return this.recent.some(({ from, to }) => uid >= from && uid <= to)
  }

  /** UIDs of recent messages, as ranges. */
  get recentRanges(): readonly (readonly [number, number])[] {
    return this.recent.map(({ from, to }) => [from, to])
  }

  /** The client hears of these messages. */
  private hear(rows: Rows): void {
    if (this.recency === null) return
    const last = rows.uids[rows.count - 1] ?? 0
    const known = this.recent.at(-1)?.to ?? 0
    const first = this.recency.firstOf(mailboxKey(this.account.accountId, this.mailbox), rows, !this.isReadOnly)
    const from = Math.max(first, known + 1)
    if (from <= last) this.recent.push({ from, to: last })
  }

  /** The position of a UID, or −1. */
  indexOf(uid: number): number {
    const { uids } = this.told
    let low = 0
    let high = uids.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const value = uids[middle] ?? 0
      if (value === uid) return middle
      if (value < uid) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  uidsAt(indexes: readonly number[]): number[] {
    return indexes.map(index => this.told.uids[index] ?? 0)
  }

  /** The client learns the new flags of these messages otherwise, or asked not to be told. */
  expect(placed: Iterable<Placed>): void {
    for (const { uid, change } of placed) this.known.set(uid, change)
  }

  /** Looks at the mailbox as it is now; the client is told by `tell`. */
  async refresh(): Promise<void> {
    try {
      const columns = await this.account.columns(this.mailbox.id)
      // UIDs that were given anew are none the client knows.
      this.latest = columns.uidValidity === this.mailbox.uidValidity ? columns : noRows
      this.highestChange = columns.highestChange
    } catch (error) {
      // RFC 2180 §3.3: a mailbox that was deleted, or may no longer be read, goes on as an empty one.
      if (!isFailure(error, 'mailboxNotFound') && !isFailure(error, 'forbidden')) throw error
      this.latest = noRows
    }
  }

  /** What `tell` is about to tell. */
  news(mayExpunge: boolean): News {
    const before = this.told
    const now = this.latest
    if (before === now) return { gone: [], changed: [], arrived: [] }
    const { gone, changed } = this.compare(before, now)
    const last = before.uids[before.count - 1] ?? 0
    return {
      gone: mayExpunge ? gone.map(index => before.uids[index] ?? 0) : [],
      changed: changed.map(at => now.uids[at] ?? 0),
      arrived: [...now.uids].filter(uid => uid > last),
    }
  }

  /** Untagged responses for everything that happened since the client was last told, as far as it may be told now. */
  tell(options: Telling): string {
    const before = this.told
    const now = this.latest
    if (before === now) {
      this.known.clear()
      return ''
    }
    const { gone, changed } = this.compare(before, now)
    let text = ''
    if (gone.length > 0 && options.mayExpunge) text += expunges(before, gone, options.asVanished)
    this.told = gone.length === 0 || options.mayExpunge ? now : withGhosts(before, gone, now)
    this.ghosts = this.told === now ? noUids : new Set(gone.map(index => before.uids[index] ?? 0))
    const arrivals = now.count + (this.told === now ? gone.length : 0) + this.ghosts.size - before.count
    if (arrivals !== 0 || (gone.length > 0 && options.mayExpunge)) text += this.counts(now)
    text += this.announceNew(before, now, changed)
    for (const at of changed) {
      const uid = now.uids[at] ?? 0
      if (this.known.get(uid) === now.changes[at]) continue
      text += this.flagsResponse(this.told === now ? at : this.indexOf(uid), options)
    }
    this.known.clear()
    return text
  }

  private counts(now: Rows): string {
    const heard = this.recent.length
    this.hear(now)
    return `* ${this.told.count} EXISTS\r\n${this.recent.length > heard ? `* ${this.recentCount} RECENT\r\n` : ''}`
  }

  /** Flags of the message at a position; `known` are newer than what the client was told. */
  shownFlags(index: number, known?: Pick<Placed, 'flags' | 'keywords'>): string {
    const { flags, keywords, uids } = this.told
    const shown = shownFlags(known?.flags ?? flags[index] ?? 0, known?.keywords ?? keywords[index] ?? [])
    if (this.recent.length === 0 || !this.isRecent(uids[index] ?? 0)) return shown
    return shown === '()' ? '(\\Recent)' : `(\\Recent ${shown.slice(1)}`
  }

  /** `* n FETCH (FLAGS …)` for the message at a position. */
  flagsResponse(index: number, { withUid, withModSeq, byUid }: Pick<Telling, 'withUid' | 'withModSeq' | 'byUid'>): string {
    const { uids, changes } = this.told
    const start = byUid ? `* ${uids[index] ?? 0} UIDFETCH` : `* ${index + 1} FETCH`
    const uid = withUid && !byUid ? ` UID ${uids[index] ?? 0}` : ''
    const modSeq = withModSeq ? ` MODSEQ (${changes[index] ?? 0})` : ''
    return `${start} (FLAGS ${this.shownFlags(index)}${uid}${modSeq})\r\n`
  }

  flagsLine(): string {
    const names = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft', ...this.announced]
    return `* FLAGS (${names.join(' ')})\r\n`
  }

  /** Positions of what is gone (in `before`) and of what has other flags than before (in `now`). */
  private compare(before: Rows, now: Rows): { readonly gone: readonly number[]; readonly changed: readonly number[] } {
    const gone: number[] = []
    const changed: number[] = []
    let at = 0
    for (let i = 0; i < before.count; i++) {
      const uid = before.uids[i] ?? 0
      while (at < now.count && (now.uids[at] ?? 0) < uid) at++
      if (at >= now.count || now.uids[at] !== uid) gone.push(i)
      else if (now.changes[at] !== before.changes[i]) changed.push(at)
    }
    return { gone, changed }
  }

  /** RFC 9051 §7.3.5: keywords are listed in FLAGS before they are used. */
  private announceNew(before: Rows, now: Rows, changed: readonly number[]): string {
    const size = this.announced.size
    const lastKnown = before.uids[before.count - 1] ?? 0
    let first = now.count
    while (first > 0 && (now.uids[first - 1] ?? 0) > lastKnown) first--
    this.announce(now, first)
    for (const at of changed) this.announceOne(now.flags[at] ?? 0, now.keywords[at] ?? [])
    return this.announced.size > size ? this.flagsLine() : ''
  }

  private announce(rows: Rows, from: number): void {
    let bits = 0
    let previous: readonly string[] | undefined
    for (let at = from; at < rows.count; at++) {
      bits |= rows.flags[at] ?? 0
      const keywords = rows.keywords[at]
      // Equal lists mostly are one object.
      if (keywords === undefined || keywords === previous || keywords.length === 0) continue
      previous = keywords
      for (const keyword of keywords) this.announced.add(keyword)
    }
    this.announceOne(bits, [])
  }

  private announceOne(flags: number, keywords: readonly string[]): void {
    for (const keyword of keywords) this.announced.add(keyword)
    const bits = shownKeywordBits(flags)
    if (bits !== '') for (const name of bits.split(' ')) this.announced.add(name)
  }
}

function expunges(before: Rows, gone: readonly number[], asVanished: boolean): string {
  if (asVanished) return `* VANISHED ${compactSet(gone.map(index => before.uids[index] ?? 0))}\r\n`
  // Each EXPUNGE moves the numbers behind it down by one.
  return gone.map((index, told) => `* ${index + 1 - told} EXPUNGE\r\n`).join('')
}

/** Now, with the messages that are gone still at their places. */
function withGhosts(before: Rows, gone: readonly number[], now: Rows): Rows {
  const count = now.count + gone.length
  const rows = {
    count,
    uids: new Uint32Array(count),
    ids: new Float64Array(count),
    flags: new Uint32Array(count),
    keywords: new Array<readonly string[]>(count),
    changes: new Float64Array(count),
    sizes: new Uint32Array(count),
    received: new Float64Array(count),
    saved: new Float64Array(count),
  }
  let ghost = 0
  let at = 0
  for (let to = 0; to < count; to++) {
    const goneUid = before.uids[gone[ghost] ?? before.count] ?? Number.POSITIVE_INFINITY
    const isGhost = goneUid < (now.uids[at] ?? Number.POSITIVE_INFINITY)
    const source = isGhost ? before : now
    const from = isGhost ? (gone[ghost++] ?? 0) : at++
    rows.uids[to] = source.uids[from] ?? 0
    rows.ids[to] = source.ids[from] ?? 0
    rows.flags[to] = source.flags[from] ?? 0
    rows.keywords[to] = source.keywords[from] ?? []
    rows.changes[to] = source.changes[from] ?? 0
    rows.sizes[to] = source.sizes[from] ?? 0
    rows.received[to] = source.received[from] ?? 0
    rows.saved[to] = source.saved[from] ?? 0
  }
  return rows
}

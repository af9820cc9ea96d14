// The queue: every message that was accepted and is not yet delivered, durable before its acceptance is told to anybody. Owns
// schedules, expiry, notices to senders and the run state. Workers take from it and record outcomes; it calls nobody.
import { Failure } from '@postern/contract'
import type { Clock, Random } from '#base/clock'
import { durationMs, type Trace, timestamp } from '#base/trace'
import type { Blobs } from '#data/blobs'
import type { Settings } from '#data/settings'
import {
  acceptQueued,
  cancelQueued,
  cancelRecipients,
  countQueued,
  forgetLeases,
  getManyQueued,
  getQueued,
  leaseQueued,
  listQueued,
  listQueuedIds,
  type NewQueuedMessage,
  nextQueued,
  type QueuedMessage,
  type QueueFilter,
  recordQueued,
  releaseQueued,
  rescheduleQueued,
  type SpooledContent,
  type Store,
} from '#data/store'
import { type Envelope, newMessage } from './envelope.ts'
import { createHandover } from './handover.ts'
import { createNotices } from './notices.ts'
import { type DomainOutcome, nextState, readSchedule } from './schedule.ts'

export type { QueuedDomain, QueuedMessage, QueuedRecipient, QueueFilter, QueueStatus } from '#data/store'
export { type Envelope, type EnvelopeRecipient, isFlagged, messageFlags, recipientFlags } from './envelope.ts'
export { type DomainOutcome, queueVariables, type RecipientOutcome, summarize } from './schedule.ts'

export interface Queue {
  /** The id of a message that is about to be accepted. */
  nextId(): number
  /**
   * Takes responsibility for a message: resolves with its id when it is on disk. Failures: `storageFull`, `storeUnavailable`.
   * @param content the message with our own headers in front
   */
  accept(envelope: Envelope, content: Uint8Array | SpooledContent): Promise<number>
  /** Due messages to work on, at most `limit`; nobody else gets them until they are recorded, released, or the lease ends. */
  take(limit: number): Promise<readonly QueuedMessage[]>
  /** The bytes of a message that was taken. */
  contentOf(message: QueuedMessage): Promise<Buffer>
  /** Writes what came of the work on a message, plans the next attempt, and tells the sender what it wants to know. */
  record(message: QueuedMessage, outcomes: readonly DomainOutcome[]): Promise<void>
  /** Gives messages back undone, to be taken again after `delayMs`. */
  release(messages: readonly QueuedMessage[], delayMs: number): Promise<void>
  /** Resolves when there may be work: something became due, was accepted, or the queue was resumed. Rejects when aborted. */
  untilDue(signal: AbortSignal): Promise<void>

  /** Whether deliveries are started; not kept over a restart. */
  isRunning(): boolean
  /** @returns the state before */
  setRunning(isRunning: boolean): boolean

  list(page: {
    readonly filter: QueueFilter
    readonly offset: number
    readonly limit: number
    readonly maxTotal: number
  }): Promise<{ readonly ids: readonly number[]; readonly total: number }>
  get(id: number): Promise<QueuedMessage | undefined>
  getMany(ids: readonly number[]): Promise<readonly QueuedMessage[]>
  /** Makes a message due at `at` (Unix ms; past = now). @returns whether any of its domains was waiting */
  reschedule(id: number, at: number, domainText?: string): Promise<boolean>
  /** The same for all matches. @returns whether there were any */
  rescheduleAll(filter: QueueFilter, at: number): Promise<boolean>
  /** Removes a message without telling the sender. */
  cancel(id: number): Promise<boolean>
  cancelAll(filter: QueueFilter): Promise<boolean>
  /** Fails the recipients whose address contains the text. */
  cancelRecipients(id: number, addressText: string): Promise<boolean>
  count(): Promise<number>
  /** Gives back what an earlier run of this process held; call once before work starts, when no other node uses the store. */
  recover(): Promise<void>
}

export interface QueueParts {
  readonly store: Store
  readonly blobs: Blobs
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly trace: Trace
  readonly nextId: () => number
}

/** How long a message stays with a worker that says nothing: longer than the longest attempt. */
const leaseMs = 60 * 60 * 1000
const longestSleepMs = 300_000
/** What waits in memory at most. */
const handoverMessages = 2000
const handoverBytes = 32 * 1024 * 1024
/** How often what is due on disk gets its share while messages keep coming in. */
const lookEveryMs = 1000
const batch = 500
const cancelledDetail = 'Code: 0, Enhanced code: 0.0.0, Message: Delivery canceled.'

export function createQueue({ store, blobs, settings, clock, random, trace, nextId }: QueueParts): Queue & Disposable {
  const notices = createNotices({ blobs, settings, clock, random, nextId })
  const waiting = new Set<() => void>()
  // Messages this process works on, with the end of their lease.
  const held = new Map<number, number>()
  const handover = createHandover({ maxMessages: handoverMessages, maxBytes: handoverBytes })
  // A lease that a dead process left ends with the start of its only node; among several it would hold up the message.
  const isOnlyNode = store.kind === 'sqlite'
  // Due messages wait on disk: they get half of what is taken.
  let hasBacklog = true
  let nextLookMs = 0
  let running = true
  // Counts what may have made something due, so that news between a look and a wait is not missed.
  let news = 0

  function wake(): void {
    news++
    for (const resume of waiting) resume()
    waiting.clear()
  }

  const stop = store.onCommit(({ topic }) => {
    if (topic === 'queue') wake()
  })

  async function everyMatch(filter: QueueFilter, work: (ids: readonly number[]) => Promise<void>): Promise<boolean> {
    let afterId = 0
    for (;;) {
      const ids = await store.read(listQueuedIds, { filter, afterId, limit: batch })
      const last = ids.at(-1)
      if (last === undefined) return afterId > 0
      await work(ids)
      afterId = last
    }
  }

  /** Stores a message; when it is due and there is room, work on it begins from memory. */
  async function insert(message: NewQueuedMessage, content: Uint8Array | SpooledContent): Promise<void> {
    const now = clock.now()
    const bytes = content instanceof Uint8Array ? content.byteLength : 0
    const isDue = message.domains.every(({ retryAt }) => retryAt <= now)
    if (!(isDue && running && isOnlyNode && handover.reserve(bytes))) {
      hasBacklog ||= isDue
      await store.write(acceptQueued, { messages: [message] }, { blobs: [content] })
      return
    }
    const leaseUntil = now + leaseMs
    let blob: { readonly hash: string; readonly size: number } | undefined
    try {
      blob = (await store.write(acceptQueued, { messages: [message], leaseUntil }, { blobs: [content] }))[0]
    } catch (error) {
      handover.giveUp(bytes)
      throw error
    }
    if (blob === undefined) throw new Error('a queued message without its blob')
    held.set(message.id, leaseUntil)
    handover.add(
      { ...message, size: blob.size, blobHash: Buffer.from(blob.hash, 'hex') },
      content instanceof Uint8Array ? content : undefined,
    )
    // The queue may have been stopped meanwhile.
    if (running) wake()
    else await giveBack()
  }

  /** Messages that nobody has begun to work on go back to where everybody sees what becomes of them. */
  async function giveBack(ids?: readonly number[]): Promise<void> {
    const withdrawn = handover.withdraw(ids).map(({ id }) => id)
    if (withdrawn.length === 0) return
    for (const id of withdrawn) held.delete(id)
    hasBacklog = true
    await store.write(releaseQueued, { ids: withdrawn, at: clock.now() })
  }

  async function lease(limit: number): Promise<readonly QueuedMessage[]> {
    const now = clock.now()
    const leaseUntil = now + leaseMs
    // What is held under a lease that has not ended is nobody's to take anyway.
    const except = [...held].flatMap(([id, until]) => (until <= now ? [id] : []))
    const leased = await store.write(leaseQueued, { now, leaseUntil, limit, except })
    for (const { id } of leased) held.set(id, leaseUntil)
    hasBacklog = leased.length === limit
    nextLookMs = clock.monotonic() + lookEveryMs
    return leased
  }

  function letGo(id: number): void {
    held.delete(id)
    handover.forget(id)
  }

  return {
    nextId,
    async accept(envelope, content) {
      const message = await newMessage(envelope, { settings, now: clock.now(), id: envelope.id ?? nextId() })
      await insert(message, content)
      const isGenerated = envelope.isGenerated === true
      const event = isGenerated
        ? 'queue.queue-autogenerated'
        : envelope.isAuthenticated
          ? 'queue.queue-message-authenticated'
          : 'queue.queue-message'
      trace.emit(event, {
        queueId: message.id,
        from: message.returnPath,
        to: envelope.recipients.map(({ address }) => address),
        size: content instanceof Uint8Array ? content.byteLength : content.size,
      })
      return message.id
    },

    take: async limit => {
      if (!running) return []
      // What came back from earlier attempts must not starve behind what comes in.
      const looks = hasBacklog || clock.monotonic() >= nextLookMs
      const handed = handover.take(looks ? Math.ceil(limit / 2) : limit)
      const room = limit - handed.length
      if (room === 0 || !(looks || handed.length === 0)) return handed
      const leased = await lease(room)
      return [...handed, ...leased, ...handover.take(room - leased.length)]
    },

    contentOf: async message => handover.contentOf(message.id) ?? (await blobs.read(message.blobHash)),

    async record(message, outcomes) {
      const now = clock.now()
      const updates = []
      for (const domain of message.domains) {
        const outcome = outcomes.find(({ domain: name }) => name === domain.domain)
        updates.push(nextState(domain, outcome, await readSchedule(settings, message, domain), { now, random }))
      }
      const generated = await notices.forOutcome(message, updates)
      const state = await store.write(
        recordQueued,
        {
          id: message.id,
          leaseUntil: held.get(message.id) ?? 0,
          domains: updates.map(({ update }) => update),
          generated: generated.map(notice => notice.message),
        },
        { blobs: generated.map(notice => notice.content) },
      )
      letGo(message.id)
      if (state === 'lost') return trace.emit('queue.locked', { queueId: message.id })
      for (const notice of generated) trace.emit(notice.event, { queueId: message.id, to: message.returnPath })
      if (state === 'waits') {
        const retryAt = Math.min(...updates.map(({ update }) => update.retryAt))
        trace.emit('queue.rescheduled', { queueId: message.id, nextRetry: timestamp(retryAt) })
      } else trace.emit('delivery.completed', { queueId: message.id, elapsed: durationMs(now - message.createdAt) })
    },

    release: async (messages, delayMs) => {
      for (const { id } of messages) letGo(id)
      await store.write(releaseQueued, { ids: messages.map(({ id }) => id), at: clock.now() + delayMs })
    },

    async untilDue(signal) {
      for (;;) {
        if (running && handover.waiting > 0) return
        const seen = news
        const now = clock.now()
        const at = running ? await store.read(nextQueued, { now }) : undefined
        if (at !== undefined && at <= now) return
        if (seen !== news) continue
        const sleepMs = Math.min(at === undefined ? longestSleepMs : at - now, longestSleepMs)
        await sleepOrNews(clock, sleepMs, waiting, signal)
      }
    },

    isRunning: () => running,
    setRunning(isRunning) {
      const before = running
      running = isRunning
      if (isRunning && !before) wake()
      if (!isRunning) void giveBack().catch(error => trace.emit('store.unexpected-error', { reason: String(error) }))
      return before
    },

    list: page => store.read(listQueued, page),
    get: id => store.read(getQueued, { id }),
    getMany: ids => store.read(getManyQueued, { ids }),
    async reschedule(id, at, domainText) {
      await giveBack([id])
      return store.write(rescheduleQueued, { id, at: Math.max(at, clock.now()), ...(domainText !== undefined && { domainText }) })
    },
    rescheduleAll: (filter, at) =>
      everyMatch(filter, async ids => {
        await giveBack(ids)
        for (const id of ids) await store.write(rescheduleQueued, { id, at: Math.max(at, clock.now()) })
      }),
    async cancel(id) {
      await giveBack([id])
      return (await store.write(cancelQueued, { ids: [id] })) > 0
    },
    cancelAll: filter =>
      everyMatch(filter, async ids => {
        await giveBack(ids)
        await store.write(cancelQueued, { ids })
      }),
    async cancelRecipients(id, addressText) {
      await giveBack([id])
      return store.write(cancelRecipients, { id, addressText: addressText.toLowerCase(), detail: cancelledDetail })
    },
    count: () => store.read(countQueued, {}),
    recover: () => store.write(forgetLeases, {}),
    [Symbol.dispose]: stop,
  }
}

/** Sleeps until the time is over, news arrives, or the signal is aborted (then rejects). */
function sleepOrNews(clock: Clock, ms: number, waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const finish = (): void => {
      timer.cancel()
      waiting.delete(finish)
      signal.removeEventListener('abort', abort)
      resolve()
    }
    const abort = (): void => {
      timer.cancel()
      waiting.delete(finish)
      reject(signal.reason)
    }
    const timer = clock.after(ms, finish)
    waiting.add(finish)
    signal.addEventListener('abort', abort, { once: true })
  })
}

/** Whether what a store refused may succeed later. */
export function isTemporary(error: unknown): boolean {
  return error instanceof Failure && ['storageFull', 'storeUnavailable', 'serverBusy', 'overQuota'].includes(error.code)
}

// Relay: works through the queue. Decides where each domain of a message goes (local delivery, a configured next hop, the MX hosts),
// holds the conversations, and hands every outcome back to the queue. Never loses a message: what it cannot explain is tried again.
import { settings as declared } from '@postern/contract'
import type { Clock } from '#base/clock'
import type { Trace } from '#base/trace'
import type { Blobs } from '#data/blobs'
import type { Settings } from '#data/settings'
import type { Delivery } from '#services/delivery'
import { type DomainOutcome, type Queue, type QueuedDomain, type QueuedMessage, queueVariables } from '#services/queue'
import type { Transport } from './transport.ts'

export { createTransport, type Transport } from './transport.ts'

export interface Relay {
  /** Takes due messages until it is disposed of; disposing lets the attempts under way finish, for some seconds. */
  start(): AsyncDisposable
}

export interface RelayParts {
  readonly queue: Queue
  readonly delivery: Delivery
  readonly transport: Transport
  readonly blobs: Blobs
  readonly settings: Settings
  readonly clock: Clock
  readonly trace: Trace
}

const stopPatienceMs = 5_000
const retryAfterFaultMs = 60_000
const batch = 50

export function createRelay({ queue, delivery, transport, blobs, settings, clock, trace }: RelayParts): Relay {
  async function routeOf(message: QueuedMessage, domain: QueuedDomain): Promise<string | undefined> {
    return settings.evaluate(declared.queue.outboundNextHop, queueVariables(message, domain, clock.now()))
  }

  async function attempt(
    message: QueuedMessage,
    domain: QueuedDomain,
    content: Buffer,
    span: Trace,
    signal: AbortSignal,
  ): Promise<DomainOutcome> {
    const route = await routeOf(message, domain)
    span.emit('delivery.domain-delivery-start', { domain: domain.domain })
    if (route === 'local') return delivery.deliver(message, domain, content)
    return transport.send({ message, domain, content, route: route === '' ? undefined : route, trace: span, signal })
  }

  async function work(message: QueuedMessage, signal: AbortSignal): Promise<void> {
    const span = trace.span('delivery.attempt-start', {
      queueId: message.id,
      from: message.returnPath,
      to: message.domains.flatMap(({ recipients }) => recipients.map(({ address }) => address)),
      size: message.size,
      total: message.domains.length,
    })
    try {
      const now = clock.now()
      const due = message.domains.filter(({ status, retryAt, expiresAt }) => isOpen(status) && retryAt <= now && expiresAt > now)
      const content = due.length === 0 ? Buffer.alloc(0) : await blobs.read(message.blobHash)
      const outcomes: DomainOutcome[] = []
      for (const domain of due) outcomes.push(await attempt(message, domain, content, span, signal))
      await queue.record(message, outcomes)
    } catch (error) {
      // A defect, or a store that does not answer: nothing is known of the outcome, so the message stays as it was.
      span.emit('queue.rescheduled', {
        queueId: message.id,
        reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
      })
      await queue.release([message], retryAfterFaultMs)
    } finally {
      span.end('delivery.attempt-end')
    }
  }

  async function run(underWay: Set<Promise<void>>, stopping: AbortSignal, cutting: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      try {
        await queue.untilDue(stopping)
        const free = settings.read(declared.queue.outboundConcurrency) - underWay.size
        if (free <= 0) {
          await Promise.race([...underWay, aborted(stopping)])
          continue
        }
        for (const message of await queue.take(Math.min(free, batch))) {
          const working = work(message, cutting)
            .catch(error => trace.emit('queue.rescheduled', { queueId: message.id, reason: String(error) }))
            .finally(() => underWay.delete(working))
          underWay.add(working)
        }
      } catch (error) {
        if (stopping.aborted) return
        // The store does not answer; it is asked again soon.
        trace.emit('store.unexpected-error', { reason: String(error) })
        await clock.sleep(1000, stopping).catch(() => {})
      }
    }
  }

  return {
    start() {
      const underWay = new Set<Promise<void>>()
      const stopping = new AbortController()
      const cutting = new AbortController()
      const running = run(underWay, stopping.signal, cutting.signal)
      return {
        async [Symbol.asyncDispose]() {
          stopping.abort(new Error('the server stops'))
          await running
          const timer = clock.after(stopPatienceMs, () => cutting.abort(new Error('the server stops')))
          await Promise.all(underWay)
          timer.cancel()
        },
      }
    },
  }
}

function isOpen(status: QueuedDomain['status']): boolean {
  return status === 'scheduled' || status === 'tempFail'
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

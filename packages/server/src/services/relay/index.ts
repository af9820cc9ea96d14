// Relay: works through the queue. Decides where each domain of a message goes (local delivery, a configured next hop, the MX hosts),
// holds the conversations, and hands every outcome back to the queue. Never loses a message: what it cannot explain is tried again.

import { settings as declared } from '@postern/contract'
import type { Clock } from '#base/clock'
import type { Trace } from '#base/trace'
import type { Settings } from '#data/settings'
import { isPending } from '#data/store'
import type { Delivery } from '#services/delivery'
import { type DomainOutcome, type Queue, type QueuedDomain, type QueuedMessage, queueVariables } from '#services/queue'
import { createLanes } from './lanes.ts'
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
  readonly settings: Settings
  readonly clock: Clock
  readonly trace: Trace
}

const stopPatienceMs = 5_000
const retryAfterFaultMs = 60_000
const batch = 50
/** Deliveries to mailboxes here wait for nobody, so they do not count as connections to other hosts do. */
const localMessages = 200
const localBytes = 64 * 1024 * 1024

/** A domain that is due, and where it goes: `local`, the id of a route, or undefined for the MX hosts. */
interface Leg {
  readonly domain: QueuedDomain
  readonly route: string | undefined
}

export function createRelay({ queue, delivery, transport, settings, clock, trace }: RelayParts): Relay {
  async function plan(message: QueuedMessage): Promise<readonly Leg[]> {
    const now = clock.now()
    const due = message.domains.filter(({ status, retryAt, expiresAt }) => isPending({ status }) && retryAt <= now && expiresAt > now)
    const legs: Leg[] = []
    for (const domain of due) {
      const route = await settings.evaluate(declared.queue.outboundNextHop, queueVariables(message, domain, now))
      legs.push({ domain, route: route === '' ? undefined : route })
    }
    return legs
  }

  function attempt(message: QueuedMessage, leg: Leg, content: Buffer, span: Trace, signal: AbortSignal): Promise<DomainOutcome> {
    const { domain, route } = leg
    span.emit('delivery.domain-delivery-start', { domain: domain.domain })
    if (route === 'local') return delivery.deliver(message, domain, content)
    return transport.send({ message, domain, content, route, trace: span, signal })
  }

  /** @param onLocal told when no part of the work waits for another host */
  async function work(message: QueuedMessage, onLocal: () => void, signal: AbortSignal): Promise<void> {
    const span = trace.span('delivery.attempt-start', {
      queueId: message.id,
      from: message.returnPath,
      to: message.domains.flatMap(({ recipients }) => recipients.map(({ address }) => address)),
      size: message.size,
      total: message.domains.length,
    })
    try {
      const legs = await plan(message)
      if (legs.every(({ route }) => route === 'local')) onLocal()
      const content = legs.length === 0 ? Buffer.alloc(0) : await queue.contentOf(message)
      const outcomes: DomainOutcome[] = []
      for (const leg of legs) outcomes.push(await attempt(message, leg, content, span, signal))
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

  return {
    start() {
      const lanes = createLanes({ mostAtHome: { messages: localMessages, bytes: localBytes } })
      const stopping = new AbortController()
      const cutting = new AbortController()

      function begin(message: QueuedMessage): void {
        const place = lanes.enter(message.size)
        void work(message, place.stayAtHome, cutting.signal)
          .catch(error => trace.emit('queue.rescheduled', { queueId: message.id, reason: String(error) }))
          .finally(place.leave)
      }

      async function run(): Promise<void> {
        while (!stopping.signal.aborted) {
          try {
            await queue.untilDue(stopping.signal)
            const free = lanes.free(settings.read(declared.queue.outboundConcurrency))
            if (free > 0) for (const message of await queue.take(Math.min(free, batch))) begin(message)
            else await lanes.untilLeft(stopping.signal)
          } catch (error) {
            if (stopping.signal.aborted) return
            // The store does not answer; it is asked again soon.
            trace.emit('store.unexpected-error', { reason: String(error) })
            await clock.sleep(1000, stopping.signal).catch(() => {})
          }
        }
      }

      const running = run()
      return {
        async [Symbol.asyncDispose]() {
          stopping.abort(new Error('the server stops'))
          await running
          const timer = clock.after(stopPatienceMs, () => cutting.abort(new Error('the server stops')))
          await lanes.untilEmpty()
          timer.cancel()
        },
      }
    },
  }
}

// Limits an administrator sets on what clients may do: sessions at once and events per period, by client, sender or recipient.
import { settings as declared, type Failure, failure } from '@postern/contract'
import { createConcurrencyLimit, type Rate } from '#base/limits'
import type { Ephemeral } from '#data/ephemeral'
import type { Settings } from '#data/settings'
import type { Session } from './command.ts'
import { domainOf } from './transaction.ts'

type Stage = 'connect' | 'mail' | 'rcpt'

export interface Throttles extends Disposable {
  /** `rateLimited` when a throttle of the stage is spent; else what it counts is counted. */
  refuse(stage: Stage, session: Session): Promise<Failure | null>
}

interface Throttle {
  readonly id: string
  readonly stage: Stage
  readonly keys: readonly string[]
  readonly rate: Rate | undefined
  readonly concurrency: number | undefined
}

const { session: declaredSession } = declared

/** What the buckets are told apart by. */
const values: Readonly<Record<string, (session: Session) => string>> = {
  listener: ({ listenerId }) => listenerId,
  remote_ip: ({ connection }) => connection.remoteIp,
  local_ip: ({ connection }) => connection.localIp,
  authenticated_as: ({ login }) => login?.name ?? '',
  helo_domain: ({ hello }) => hello?.name.toLowerCase() ?? '',
  sender: ({ transaction }) => transaction?.sender.toLowerCase() || '<>',
  sender_domain: ({ transaction }) => domainOf(transaction?.sender ?? '') || '<>',
  rcpt: ({ transaction }) => transaction?.latest ?? '',
  rcpt_domain: ({ transaction }) => domainOf(transaction?.latest ?? ''),
}

const rcptWords = /\b(rcpt|rcpt_domain|recipients)\b/
const mailWords = /\b(sender|sender_domain|helo_domain|authenticated_as)\b/

export function createThrottles({ settings, ephemeral }: { settings: Settings; ephemeral: Ephemeral }): Throttles {
  const slots = createConcurrencyLimit()
  let throttles = readThrottles(settings)
  const stop = settings.onReload(() => {
    throttles = readThrottles(settings)
  })

  async function isSpent({ id, keys, rate, concurrency }: Throttle, session: Session): Promise<boolean> {
    const applies = await session.rule(declaredSession.throttleMatch, { id })
    if (applies === false) return false
    const bucket = JSON.stringify([id, rate, concurrency, ...keys.map(key => values[key]?.(session) ?? '')])
    // Once per domain and transaction, however many recipients it has there.
    const isPerDomain = keys.includes('rcpt_domain') && !keys.includes('rcpt')
    if (isPerDomain && session.transaction?.throttled.has(bucket)) return false
    if (concurrency !== undefined && !session.slots.has(bucket)) {
      const slot = slots.enter(bucket, concurrency)
      if (slot === undefined) {
        session.trace.emit('smtp.concurrency-limit-exceeded', { id, limit: concurrency })
        return true
      }
      session.slots.set(bucket, slot)
    }
    if (rate !== undefined) {
      const { events } = await ephemeral.count(`throttle:${bucket}`, rate.periodMs)
      if (events > rate.count) {
        session.trace.emit('smtp.rate-limit-exceeded', { id, limit: [rate.count, { ms: rate.periodMs }] })
        return true
      }
    }
    if (isPerDomain) session.transaction?.throttled.add(bucket)
    return false
  }

  return {
    async refuse(stage, session) {
      for (const throttle of throttles) {
        if (throttle.stage === stage && (await isSpent(throttle, session))) return failure('rateLimited')
      }
      return null
    },
    [Symbol.dispose]: stop,
  }
}

function readThrottles(settings: Settings): readonly Throttle[] {
  const { throttleEnable, throttleKey, throttleMatch, throttleRate, throttleConcurrency } = declaredSession
  const ids = new Set([throttleEnable, throttleKey, throttleMatch, throttleRate, throttleConcurrency].flatMap(settings.idsOf))
  return [...ids].sort().flatMap(id => {
    const rate = settings.read(throttleRate, { id })
    const concurrency = settings.read(throttleConcurrency, { id })
    if (!settings.read(throttleEnable, { id }) || (rate === undefined && concurrency === undefined)) return []
    const keys = settings.read(throttleKey, { id })
    return [{ id, stage: stageOf(keys, matchText(settings, id)), keys, rate, concurrency }]
  })
}

/** The earliest moment at which everything the throttle wants to know is known. */
function stageOf(keys: readonly string[], match: string): Stage {
  const words = `${keys.join(' ')} ${match}`
  return rcptWords.test(words) ? 'rcpt' : mailWords.test(words) ? 'mail' : 'connect'
}

/** The condition without its texts: what is left are names. */
function matchText(settings: Settings, id: string): string {
  const prefix = declaredSession.throttleMatch.pattern.replace('<id>', id)
  const stored = settings.stored()
  return [stored.get(prefix) ?? '', ...stored.withPrefix(`${prefix}.`).map(([, value]) => value)].join(' ').replace(/'[^']*'|"[^"]*"/g, '')
}

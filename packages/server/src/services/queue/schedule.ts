import { settings as declared } from '@postern/contract'
import type { Random } from '#base/clock'
import type { Settings, Variables } from '#data/settings'
import { type DomainUpdate, isPending, type QueuedDomain, type QueuedMessage } from '#data/store'
import { messageFlags } from './envelope.ts'

/** What came of one recipient; recipients that are not named stay as they are. */
export interface RecipientOutcome {
  readonly position: number
  readonly status: 'completed' | 'tempFail' | 'permFail'
  /** Reply of the other side, or our own words. */
  readonly detail: string
}

/** What came of the work on one domain of a message. */
export interface DomainOutcome {
  readonly domain: string
  /** `completed` when every recipient has a final state; `tempFail` is tried again until it expires. */
  readonly status: 'completed' | 'tempFail' | 'permFail'
  readonly detail: string
  /** Value of the expression variable `last_error`. */
  readonly error?: string
  readonly recipients: readonly RecipientOutcome[]
  /** Not before this time (Unix ms), instead of the schedule; it does not count as an attempt. */
  readonly retryAt?: number
}

/** A domain is open as long as one of its recipients is. */
export function summarize(domain: string, recipients: readonly RecipientOutcome[]): DomainOutcome {
  const waiting = recipients.find(({ status }) => status === 'tempFail')
  if (waiting !== undefined) return { domain, status: 'tempFail', detail: waiting.detail, error: 'unexpected-reply', recipients }
  const allFailed = recipients.length > 0 && recipients.every(({ status }) => status === 'permFail')
  if (allFailed) return { domain, status: 'permFail', detail: recipients[0]?.detail ?? '', error: 'unexpected-reply', recipients }
  return { domain, status: 'completed', detail: '', recipients }
}

interface Schedule {
  readonly retryMs: readonly number[]
  readonly notifyMs: readonly number[]
  readonly expireMs: number
}

const defaults: Schedule = {
  retryMs: [2, 5, 10, 15, 30, 60, 120].map(minutes => minutes * 60_000),
  notifyMs: [1, 3].map(days => days * 86_400_000),
  expireMs: 5 * 86_400_000,
}

type Described = Pick<QueuedMessage, 'returnPath' | 'priority'>

/** Variables of queue expressions (contexts `qsender` and `qrcpt`). */
export function queueVariables(message: Described, domain: Partial<QueuedDomain> & { readonly domain: string }, now: number): Variables {
  return {
    sender: message.returnPath.toLowerCase(),
    sender_domain: message.returnPath.slice(message.returnPath.lastIndexOf('@') + 1).toLowerCase(),
    priority: message.priority,
    rcpt_domain: domain.domain,
    recipients: (domain.recipients ?? []).map(({ address }) => address.toLowerCase()),
    retry_num: domain.retryCount ?? 0,
    notify_num: domain.notifyCount ?? 0,
    expires_in: Math.max(0, Math.floor(((domain.expiresAt ?? now) - now) / 1000)),
    last_status: domain.detail ?? '',
    last_error: domain.error ?? 'none',
  }
}

async function evaluateSchedule(settings: Settings, variables: Variables): Promise<Schedule> {
  const retry = await settings.evaluate(declared.queue.scheduleRetry, variables)
  const notify = await settings.evaluate(declared.queue.scheduleNotify, variables)
  const expire = await settings.evaluate(declared.queue.scheduleExpire, variables)
  return {
    retryMs: retry !== undefined && retry.length > 0 ? retry : defaults.retryMs,
    notifyMs: notify ?? defaults.notifyMs,
    expireMs: expire ?? defaults.expireMs,
  }
}

export function readSchedule(settings: Settings, message: QueuedMessage, domain: QueuedDomain): Promise<Schedule> {
  return evaluateSchedule(settings, queueVariables(message, domain, message.createdAt))
}

export async function firstSchedule(
  settings: Settings,
  given: Described & { readonly domain: string; readonly start: number; readonly flags: number },
): Promise<Omit<DomainUpdate, 'recipients' | 'domain'>> {
  const { notifyMs, expireMs } = await evaluateSchedule(settings, queueVariables(given, given, given.start))
  const isGenerated = (given.flags & messageFlags.generated) !== 0
  const [firstNotice] = notifyMs
  return {
    status: 'scheduled',
    detail: '',
    error: 'none',
    retryAt: given.start,
    retryCount: 0,
    notifyAt: isGenerated || firstNotice === undefined ? undefined : given.start + firstNotice,
    notifyCount: 0,
    expiresAt: given.start + expireMs,
  }
}

/** The state of a domain after work, and what the sender may have to be told about. */
export interface NextState {
  readonly before: QueuedDomain
  readonly update: DomainUpdate
  /** A delay notice is due. */
  readonly isDelayed: boolean
}

const jitter = 0.1

export function nextState(
  domain: QueuedDomain,
  outcome: DomainOutcome | undefined,
  { retryMs, notifyMs }: Schedule,
  { now, random }: { readonly now: number; readonly random: Random },
): NextState {
  if (!isPending(domain)) return { before: domain, update: { ...domain, recipients: [] }, isDelayed: false }
  const tried = outcome === undefined ? domain : attempted(domain, outcome, retryMs, now, random)
  const changed = outcome?.recipients ?? []
  const stillOpen = isPending(tried)
  if (stillOpen && now >= domain.expiresAt) return { before: domain, update: expired(domain, tried, changed), isDelayed: false }
  if (!stillOpen || domain.notifyAt === undefined || now < domain.notifyAt) {
    return { before: domain, update: { ...tried, recipients: changed }, isDelayed: false }
  }
  const notifyCount = domain.notifyCount + 1
  const wait = notifyMs[notifyCount]
  const notifyAt = wait === undefined ? undefined : now + wait
  return { before: domain, update: { ...tried, notifyCount, notifyAt, recipients: changed }, isDelayed: true }
}

type Tried = Omit<DomainUpdate, 'recipients'>

function attempted(domain: QueuedDomain, outcome: DomainOutcome, retryMs: readonly number[], now: number, random: Random): Tried {
  const { status, detail, error = 'none' } = outcome
  if (status !== 'tempFail') return { ...domain, status, detail, error }
  if (outcome.retryAt !== undefined) return { ...domain, status, detail, error, retryAt: Math.max(now, outcome.retryAt) }
  const base = retryMs[Math.min(domain.retryCount, retryMs.length - 1)] ?? 0
  // Spread, so that what failed together is not tried together for ever.
  const spread = Math.round(base * jitter)
  const wait = base + (spread > 0 ? random.integer(2 * spread + 1) - spread : 0)
  return { ...domain, status, detail, error, retryCount: domain.retryCount + 1, retryAt: now + wait }
}

function expired(domain: QueuedDomain, tried: Tried, changed: readonly RecipientOutcome[]): DomainUpdate {
  const neverTried = domain.retryCount === 0 && domain.status === 'scheduled' && changed.length === 0
  const detail = neverTried ? 'Queue rate limit exceeded.' : tried.detail
  const recipients = domain.recipients
    .filter(isPending)
    .map(
      ({ position, detail: last }) =>
        changed.find(item => item.position === position) ?? { position, status: 'permFail' as const, detail: last || detail },
    )
    .map(item => (item.status === 'tempFail' ? { ...item, status: 'permFail' as const } : item))
  return { ...tried, status: 'permFail', detail, recipients }
}

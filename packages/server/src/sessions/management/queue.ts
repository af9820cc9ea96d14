import { failure } from '@postern/contract'
import { endpoints, type Output } from '@postern/contract/endpoints'
import type { Clock } from '#base/clock'
import type { Caller, Directory } from '#services/directory'
import type { Queue, QueuedDomain, QueuedMessage, QueueFilter, QueueStatus } from '#services/queue'
import { type BoundEndpoint, bind } from './handlers.ts'
import { timestampOf } from './timestamp.ts'

const {
  cancelMessage,
  cancelMessages,
  getQueuedMessage,
  getQueueStatus,
  listQueuedMessages,
  rescheduleMessage,
  rescheduleMessages,
  setQueueStatus,
} = endpoints.queue

type MessageOutput = Output<typeof getQueuedMessage>
type StatusOutput = MessageOutput['domains'][number]['status']

/** Parameters that select messages, as every queue endpoint has them. */
interface Selection {
  readonly text?: string
  readonly filter?: string
  readonly from?: string
  readonly to?: string
  readonly before?: number
  readonly after?: number
  readonly 'range-start'?: number
  readonly 'range-end'?: number
}

const maxPageSize = 10_000

export function queueHandlers(queue: Queue, { directory, clock }: { directory: Directory; clock: Clock }): readonly BoundEndpoint[] {
  async function filterOf(caller: Caller, selection: Selection): Promise<QueueFilter> {
    const last = selection['range-end']
    return {
      text: selection.text ?? selection.filter,
      from: selection.from,
      to: selection.to,
      before: selection.before,
      after: selection.after,
      firstId: selection['range-start'],
      lastId: last === undefined ? undefined : last - 1,
      domains: await domainsOf(caller),
    }
  }

  /** What the caller may see: everything, or the domains of its tenant. */
  async function domainsOf(caller: Caller): Promise<readonly string[] | undefined> {
    if (caller.tenantId === undefined) return undefined
    const domains: string[] = []
    for (const name of await directory.domains()) {
      if ((await directory.byName(name))?.tenant?.id === caller.tenantId) domains.push(name)
    }
    return domains
  }

  async function visible(caller: Caller, id: number): Promise<QueuedMessage> {
    const message = await queue.get(id)
    const domains = await domainsOf(caller)
    if (message === undefined || (domains !== undefined && !concerns(message, domains))) throw failure('resourceNotFound')
    return message
  }

  return [
    bind(listQueuedMessages, async (caller, { values, page = 1, limit = 0, 'max-total': maxTotal = 0, ...selection }) => {
      const size = limit === 0 ? 0 : Math.min(limit, maxPageSize)
      const offset = size === 0 ? 0 : (Math.max(1, page) - 1) * size
      const { ids, total } = await queue.list({ filter: await filterOf(caller, selection), offset, limit: size, maxTotal })
      const items = values ? (await queue.getMany(ids)).map(show) : [...ids]
      return { items, total, status: queue.isRunning() } as Output<typeof listQueuedMessages>
    }),
    bind(getQueuedMessage, async (caller, { id }) => show(await visible(caller, id))),
    bind(rescheduleMessages, async (caller, { at, ...selection }) =>
      queue.rescheduleAll(await filterOf(caller, selection), at ?? clock.now()),
    ),
    bind(rescheduleMessage, async (caller, { id, at, filter }) => {
      await visible(caller, id)
      return queue.reschedule(id, at ?? clock.now(), filter)
    }),
    bind(cancelMessages, async (caller, selection) => queue.cancelAll(await filterOf(caller, selection))),
    bind(cancelMessage, async (caller, { id, filter }) => {
      await visible(caller, id)
      return filter === undefined ? queue.cancel(id) : queue.cancelRecipients(id, filter)
    }),
    bind(getQueueStatus, async () => queue.isRunning()),
    bind(setQueueStatus, async (caller, { action }) => {
      // The queue is the whole server's, so no tenant may stop it.
      if (caller.tenantId !== undefined) throw failure('forbidden', { permission: 'message-queue-update' })
      return queue.setRunning(action !== 'stop')
    }),
  ]
}

function concerns(message: QueuedMessage, domains: readonly string[]): boolean {
  const senderDomain = message.returnPath.slice(message.returnPath.lastIndexOf('@') + 1).toLowerCase()
  return domains.includes(senderDomain) || message.domains.some(({ domain }) => domains.includes(domain))
}

function show(message: QueuedMessage): MessageOutput {
  return {
    id: message.id,
    return_path: message.returnPath,
    domains: message.domains.map(showDomain),
    created: timestampOf(message.createdAt),
    size: message.size,
    ...(message.priority !== 0 && { priority: message.priority }),
    ...(message.envId !== undefined && { env_id: message.envId }),
    blob_hash: Buffer.from(message.blobHash).toString('base64url'),
  }
}

function showDomain(domain: QueuedDomain): MessageOutput['domains'][number] {
  const { notifyAt } = domain
  return {
    name: domain.domain,
    status: showStatus(domain.status, domain.detail),
    recipients: domain.recipients.map(({ address, status, detail, orcpt }) => ({
      address,
      status: showStatus(status, detail),
      ...(orcpt !== undefined && { orcpt }),
    })),
    retry_num: domain.retryCount,
    next_retry: timestampOf(domain.retryAt),
    next_notify: notifyAt === undefined || notifyAt >= domain.expiresAt ? null : timestampOf(notifyAt),
    expires: timestampOf(domain.expiresAt),
  }
}

function showStatus(status: QueueStatus, detail: string): StatusOutput {
  if (status === 'scheduled') return 'scheduled'
  if (status === 'completed') return { completed: detail }
  return status === 'tempFail' ? { temp_fail: detail } : { perm_fail: detail }
}

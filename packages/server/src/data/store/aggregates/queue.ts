// Messages on their way: envelope, state by domain and by recipient, when what is due, and who works on it.
import type { Command, Query, Reader, SqlValue, Transaction } from '../command.ts'
import { linkBlob, unlinkBlob } from './blobs.ts'

export const queueStatuses = { scheduled: 0, completed: 1, tempFail: 2, permFail: 3 } as const
export type QueueStatus = keyof typeof queueStatuses
const statusNames = Object.keys(queueStatuses) as QueueStatus[]

export interface QueuedRecipient {
  readonly position: number
  readonly address: string
  readonly orcpt: string | undefined
  /** Bits of the queue service: what the sender wants to be told. */
  readonly flags: number
  readonly status: QueueStatus
  readonly detail: string
}

export interface QueuedDomain {
  readonly domain: string
  readonly status: QueueStatus
  readonly detail: string
  /** Kind of the last error, `none` without one. */
  readonly error: string
  /** Unix milliseconds, as all times here. */
  readonly retryAt: number
  readonly retryCount: number
  /** Undefined when no further notice is due. */
  readonly notifyAt: number | undefined
  readonly notifyCount: number
  readonly expiresAt: number
  readonly recipients: readonly QueuedRecipient[]
}

export interface QueuedMessage {
  readonly id: number
  readonly createdAt: number
  readonly returnPath: string
  readonly envId: string | undefined
  readonly flags: number
  readonly priority: number
  readonly size: number
  readonly blobHash: Uint8Array
  readonly domains: readonly QueuedDomain[]
}

export type NewQueuedMessage = Omit<QueuedMessage, 'blobHash' | 'size'>

/**
 * Accepts messages, one attached blob each, in order.
 * @param leaseUntil given when the caller works on them at once: then nobody else hears of them
 * @returns the contents, in order, hashes in hexadecimal: they cross threads more cheaply
 */
export const acceptQueued: Command<
  { readonly messages: readonly NewQueuedMessage[]; readonly leaseUntil?: number },
  ReadonlyArray<{ readonly hash: string; readonly size: number }>
> = {
  name: 'queue.accept',
  run: async (tx, { messages, leaseUntil = 0 }) => {
    for (const [index, message] of messages.entries()) await insertMessage(tx, message, index, leaseUntil)
    return tx.blobs.map(({ hash, size }) => ({ hash: Buffer.from(hash).toString('hex'), size }))
  },
}

async function insertMessage(tx: Transaction, message: NewQueuedMessage, blobIndex: number, leaseUntil = 0): Promise<void> {
  const blob = tx.blobs[blobIndex]
  if (blob === undefined) throw new Error('a queued message without its blob')
  const { id, createdAt, returnPath, envId, flags, priority, domains } = message
  const dueAt = dueOf(domains)
  await tx.run(
    `INSERT INTO queue_messages (id, created_at, due_at, lease_until, return_path, env_id, flags, priority, size, blob_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [id, createdAt, dueAt, leaseUntil, returnPath, envId ?? null, flags, priority, blob.size, blob.id],
  )
  await linkBlob(tx, blob.id, 'queue', 0, id)
  for (const domain of domains) {
    await writeDomain(tx, id, domain)
    for (const recipient of domain.recipients) {
      await tx.run(
        'INSERT INTO queue_recipients (message_id, position, domain, address, orcpt, flags, status, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        [
          id,
          recipient.position,
          domain.domain,
          recipient.address,
          recipient.orcpt ?? null,
          recipient.flags,
          queueStatuses[recipient.status],
          recipient.detail,
        ],
      )
    }
  }
  if (leaseUntil === 0) tx.announce({ topic: 'queue', key: id, value: dueAt })
}

/** Whether a delivery is still to be tried. */
export function isPending({ status }: { readonly status: QueueStatus }): boolean {
  return status === 'scheduled' || status === 'tempFail'
}

/** The earliest time at which an open domain wants something. */
function dueOf(domains: readonly Omit<QueuedDomain, 'recipients'>[]): number {
  const times = domains.filter(isPending).flatMap(({ retryAt, notifyAt, expiresAt }) => [retryAt, notifyAt ?? expiresAt, expiresAt])
  return Math.min(...times, Number.MAX_SAFE_INTEGER)
}

async function writeDomain(tx: Transaction, id: number, d: Omit<QueuedDomain, 'recipients'>): Promise<void> {
  await tx.run(
    `INSERT INTO queue_domains (message_id, domain, status, detail, error, retry_at, retry_count, notify_at, notify_count, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (message_id, domain) DO UPDATE SET status = excluded.status, detail = excluded.detail, error = excluded.error,
       retry_at = excluded.retry_at, retry_count = excluded.retry_count, notify_at = excluded.notify_at,
       notify_count = excluded.notify_count, expires_at = excluded.expires_at`,
    [id, d.domain, queueStatuses[d.status], d.detail, d.error, d.retryAt, d.retryCount, d.notifyAt ?? null, d.notifyCount, d.expiresAt],
  )
}

export interface LeaseArgs {
  readonly now: number
  readonly leaseUntil: number
  readonly limit: number
  /** Messages that the caller still works on. */
  readonly except: readonly number[]
}

/**
 * Takes due messages for work until `leaseUntil`: nobody else gets them before that. The highest priority first, then the longest due.
 */
export const leaseQueued: Command<LeaseArgs, readonly QueuedMessage[]> = {
  name: 'queue.lease',
  run: async (tx, { now, leaseUntil, limit, except }) => {
    const due = await tx.all<{ id: number }>(
      'SELECT id FROM queue_messages WHERE due_at <= ? AND lease_until <= ? ORDER BY due_at, id LIMIT ?',
      [now, now, limit + except.length],
    )
    const leased: number[] = []
    for (const { id } of due) {
      if (leased.length === limit || except.includes(id)) continue
      // The condition is repeated: another node may have been faster.
      const { changes } = await tx.run('UPDATE queue_messages SET lease_until = ? WHERE id = ? AND lease_until <= ?', [leaseUntil, id, now])
      if (changes > 0) leased.push(id)
    }
    const messages = await loadMessages(tx, leased)
    return [...messages].sort((a, b) => b.priority - a.priority)
  },
}

/** New state of a domain after work on it; recipients that are not named keep theirs. */
export interface DomainUpdate extends Omit<QueuedDomain, 'recipients'> {
  readonly recipients: ReadonlyArray<Pick<QueuedRecipient, 'position' | 'status' | 'detail'>>
}

export interface RecordArgs {
  readonly id: number
  /** End of the lease under which the work was done. */
  readonly leaseUntil: number
  readonly domains: readonly DomainUpdate[]
  /** Messages that follow from the outcome (notices to the sender), one attached blob each. */
  readonly generated: readonly NewQueuedMessage[]
}

/**
 * Writes the outcome of work and gives the lease back. A message without open domains is removed. When the lease went to somebody else
 * meanwhile, nothing is written: the outcome that counts is theirs.
 * @returns whether the message stays in the queue, is done with, or was somebody else's
 */
export const recordQueued: Command<RecordArgs, 'waits' | 'done' | 'lost'> = {
  name: 'queue.record',
  isPatient: true,
  run: async (tx, { id, leaseUntil, domains, generated }) => {
    const row = await tx.get<{ lease_until: number }>('SELECT lease_until FROM queue_messages WHERE id = ?', [id])
    if (row === undefined || row.lease_until !== leaseUntil) return 'lost'
    for (const [index, message] of generated.entries()) await insertMessage(tx, message, index)
    const current = await tx.all<{ domain: string; status: number }>('SELECT domain, status FROM queue_domains WHERE message_id = ?', [id])
    // A domain that was cancelled meanwhile stays as it is.
    const open = new Set(current.filter(({ status }) => isPending({ status: statusName(status) })).map(({ domain }) => domain))
    const updates = domains.filter(({ domain }) => open.has(domain))
    for (const update of updates) if (!isPending(update)) open.delete(update.domain)
    if (open.size === 0) {
      await removeMessage(tx, id)
      return 'done'
    }
    for (const domain of updates) {
      await writeDomain(tx, id, domain)
      for (const { position, status, detail } of domain.recipients) {
        await tx.run('UPDATE queue_recipients SET status = ?, detail = ? WHERE message_id = ? AND position = ?', [
          queueStatuses[status],
          detail,
          id,
          position,
        ])
      }
    }
    return (await settle(tx, id, true)) ? 'waits' : 'done'
  },
}

/** Computes when the message is due next, or removes it when it has nothing to do any more. */
async function settle(tx: Transaction, id: number, givesLeaseBack: boolean): Promise<boolean> {
  const [message] = await loadMessages(tx, [id])
  if (message === undefined) return false
  if (!message.domains.some(isPending)) {
    await removeMessage(tx, id)
    return false
  }
  const dueAt = dueOf(message.domains)
  const lease = givesLeaseBack ? ', lease_until = 0' : ''
  await tx.run(`UPDATE queue_messages SET due_at = ?${lease} WHERE id = ?`, [dueAt, id])
  tx.announce({ topic: 'queue', key: id, value: dueAt })
  return true
}

async function removeMessage(tx: Transaction, id: number): Promise<boolean> {
  await tx.run('DELETE FROM queue_recipients WHERE message_id = ?', [id])
  await tx.run('DELETE FROM queue_domains WHERE message_id = ?', [id])
  const row = await tx.get<{ blob_id: number }>('DELETE FROM queue_messages WHERE id = ? RETURNING blob_id', [id])
  if (row === undefined) return false
  await unlinkBlob(tx, row.blob_id, 'queue', 0, id)
  return true
}

/** Gives messages back without any change, to be taken again at `at`. */
export const releaseQueued: Command<{ readonly ids: readonly number[]; readonly at: number }, void> = {
  name: 'queue.release',
  run: async (tx, { ids, at }) => {
    for (const id of ids) {
      await tx.run('UPDATE queue_messages SET lease_until = 0, due_at = CASE WHEN due_at < ? THEN ? ELSE due_at END WHERE id = ?', [
        at,
        at,
        id,
      ])
      tx.announce({ topic: 'queue', key: id, value: at })
    }
  },
}

/** At a start no work of an earlier run is under way any more; only for a store that one process owns. */
export const forgetLeases: Command<Record<string, never>, void> = {
  name: 'queue.forget-leases',
  run: async tx => {
    await tx.run('UPDATE queue_messages SET lease_until = 0 WHERE lease_until > 0')
  },
}

/**
 * Makes the open domains of a message due at `at`. Their expiry is only ever extended: one that would come first moves to
 * `at` plus what the domain had from its creation.
 * @returns whether there was such a domain
 */
export const rescheduleQueued: Command<{ readonly id: number; readonly at: number; readonly domainText?: string }, boolean> = {
  name: 'queue.reschedule',
  run: async (tx, { id, at, domainText = '' }) => {
    const [message] = await loadMessages(tx, [id])
    let changed = false
    for (const domain of message?.domains ?? []) {
      if (!isPending(domain) || !domain.domain.includes(domainText)) continue
      const lifetime = domain.expiresAt - (message?.createdAt ?? domain.expiresAt)
      const expiresAt = domain.expiresAt <= at ? at + lifetime : domain.expiresAt
      await writeDomain(tx, id, { ...domain, retryAt: at, expiresAt })
      changed = true
    }
    if (changed) {
      const [now] = await loadMessages(tx, [id])
      const dueAt = dueOf(now?.domains ?? [])
      await tx.run('UPDATE queue_messages SET due_at = ? WHERE id = ?', [dueAt, id])
      tx.announce({ topic: 'queue', key: id, value: dueAt })
    }
    return changed
  },
}

/** Removes messages whole. @returns how many there were */
export const cancelQueued: Command<{ readonly ids: readonly number[] }, number> = {
  name: 'queue.cancel',
  run: async (tx, { ids }) => {
    let removed = 0
    for (const id of ids) if (await removeMessage(tx, id)) removed++
    return removed
  },
}

/** Fails the recipients whose address contains the text. @returns whether there were any */
export const cancelRecipients: Command<{ readonly id: number; readonly addressText: string; readonly detail: string }, boolean> = {
  name: 'queue.cancel-recipients',
  run: async (tx, { id, addressText, detail }) => {
    const [message] = await loadMessages(tx, [id])
    let changed = false
    for (const domain of message?.domains ?? []) {
      const hit = domain.recipients.filter(recipient => isPending(recipient) && recipient.address.toLowerCase().includes(addressText))
      for (const { position } of hit) {
        await tx.run('UPDATE queue_recipients SET status = ?, detail = ? WHERE message_id = ? AND position = ?', [
          queueStatuses.permFail,
          detail,
          id,
          position,
        ])
      }
      if (hit.length === 0) continue
      changed = true
      const hasPending = domain.recipients.some(recipient => isPending(recipient) && !hit.includes(recipient))
      if (!hasPending) await writeDomain(tx, id, { ...domain, status: 'completed', detail: '' })
    }
    // Whoever works on the message keeps it.
    if (changed) await settle(tx, id, false)
    return changed
  },
}

function statusName(code: number): QueueStatus {
  return statusNames[code] ?? 'scheduled'
}

const batch = 400

export async function loadMessages(reader: Reader, ids: readonly number[]): Promise<QueuedMessage[]> {
  const messages: QueuedMessage[] = []
  for (let start = 0; start < ids.length; start += batch) messages.push(...(await loadBatch(reader, ids.slice(start, start + batch))))
  return messages
}

interface MessageRow {
  id: number
  created_at: number
  return_path: string
  env_id: string | null
  flags: number
  priority: number
  size: number
  hash: Uint8Array
}

interface DomainRow {
  id: number
  domain: string
  status: number
  detail: string
  error: string
  retry_at: number
  retry_count: number
  notify_at: number | null
  notify_count: number
  expires_at: number
}

interface RecipientRow {
  id: number
  position: number
  domain: string
  address: string
  orcpt: string | null
  flags: number
  status: number
  detail: string
}

async function loadBatch(reader: Reader, ids: readonly number[]): Promise<QueuedMessage[]> {
  if (ids.length === 0) return []
  const marks = ids.map(() => '?').join(', ')
  const messages = await reader.all<MessageRow>(
    `SELECT m.id, m.created_at, m.return_path, m.env_id, m.flags, m.priority, m.size, b.hash
     FROM queue_messages m JOIN blobs b ON b.id = m.blob_id WHERE m.id IN (${marks})`,
    ids,
  )
  const domains = Map.groupBy(
    await reader.all<DomainRow>(
      `SELECT message_id AS id, d.* FROM queue_domains d WHERE message_id IN (${marks}) ORDER BY message_id, domain`,
      ids,
    ),
    row => row.id,
  )
  const recipients = Map.groupBy(
    await reader.all<RecipientRow>(
      `SELECT message_id AS id, r.* FROM queue_recipients r WHERE message_id IN (${marks}) ORDER BY message_id, position`,
      ids,
    ),
    row => row.id,
  )
  const byId = new Map(
    messages.map(row => {
      const byDomain = Map.groupBy(recipients.get(row.id) ?? [], recipient => recipient.domain)
      return [row.id, messageOf(row, domains.get(row.id) ?? [], byDomain)]
    }),
  )
  return ids.flatMap(id => byId.get(id) ?? [])
}

function messageOf(
  row: MessageRow,
  domains: readonly DomainRow[],
  recipients: ReadonlyMap<string, readonly RecipientRow[]>,
): QueuedMessage {
  return {
    id: row.id,
    createdAt: row.created_at,
    returnPath: row.return_path,
    envId: row.env_id ?? undefined,
    flags: row.flags,
    priority: row.priority,
    size: row.size,
    blobHash: row.hash,
    domains: domains.map(domain => ({
      domain: domain.domain,
      status: statusName(domain.status),
      detail: domain.detail,
      error: domain.error,
      retryAt: domain.retry_at,
      retryCount: domain.retry_count,
      notifyAt: domain.notify_at ?? undefined,
      notifyCount: domain.notify_count,
      expiresAt: domain.expires_at,
      recipients: (recipients.get(domain.domain) ?? []).map(recipient => ({
        position: recipient.position,
        address: recipient.address,
        orcpt: recipient.orcpt ?? undefined,
        flags: recipient.flags,
        status: statusName(recipient.status),
        detail: recipient.detail,
      })),
    })),
  }
}

export const getQueued: Query<{ readonly id: number }, QueuedMessage | undefined> = {
  name: 'queue.get',
  consistent: true,
  run: async (reader, { id }) => (await loadMessages(reader, [id]))[0],
}

/** When the next message that nobody works on is due; undefined for an empty queue. */
export const nextQueued: Query<{ readonly now: number }, number | undefined> = {
  name: 'queue.next',
  run: async (reader, { now }) => {
    // A leased message comes back by its release or, after a crash, with the end of its lease.
    const free = await reader.get<{ at: number }>(
      'SELECT due_at AS at FROM queue_messages WHERE lease_until <= ? ORDER BY due_at LIMIT 1',
      [now],
    )
    const leased = await reader.get<{ at: number | null }>('SELECT MIN(lease_until) AS at FROM queue_messages WHERE lease_until > ?', [now])
    const times = [free?.at, leased?.at].filter(at => at !== undefined && at !== null)
    return times.length === 0 ? undefined : Math.min(...times)
  },
}

export interface QueueFilter {
  /** Substring of the return path or of any recipient; then `from` and `to` are ignored. Recipients compare in lower case. */
  readonly text?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** Earliest pending retry before or after, exclusive. */
  readonly before?: number | undefined
  readonly after?: number | undefined
  readonly firstId?: number | undefined
  readonly lastId?: number | undefined
  /** Only messages with a recipient or return path in one of these domains. */
  readonly domains?: readonly string[] | undefined
}

function conditions(filter: QueueFilter): { where: string; params: SqlValue[] } {
  const parts: string[] = []
  const params: SqlValue[] = []
  const add = (sql: string, ...values: SqlValue[]): void => {
    parts.push(sql)
    params.push(...values)
  }
  // LIKE minds case in one engine and not in the other; this does in both.
  const holds = (column: string): string => `REPLACE(${column}, ?, '') <> ${column}`
  const toHolds = `EXISTS (SELECT 1 FROM queue_recipients r WHERE r.message_id = m.id AND ${holds('LOWER(r.address)')})`
  const fromHolds = holds('m.return_path')
  if (filter.text !== undefined) add(`(${fromHolds} OR ${toHolds})`, filter.text, filter.text)
  else {
    if (filter.from !== undefined) add(fromHolds, filter.from)
    if (filter.to !== undefined) add(toHolds, filter.to)
  }
  const retry = '(SELECT MIN(d.retry_at) FROM queue_domains d WHERE d.message_id = m.id AND d.status IN (0, 2))'
  if (filter.before !== undefined) add(`${retry} < ?`, filter.before)
  if (filter.after !== undefined) add(`${retry} > ?`, filter.after)
  if (filter.firstId !== undefined) add('m.id >= ?', filter.firstId)
  if (filter.lastId !== undefined) add('m.id <= ?', filter.lastId)
  if (filter.domains !== undefined) {
    const own = filter.domains.map(domain => [domain, `%@${domain.replace(/[\\%_]/g, '\\$&')}`] as const)
    const either = own.map(
      () => `EXISTS (SELECT 1 FROM queue_domains d WHERE d.message_id = m.id AND d.domain = ?) OR LOWER(m.return_path) LIKE ? ESCAPE '\\'`,
    )
    add(own.length === 0 ? '1 = 0' : `(${either.join(' OR ')})`, ...own.flat())
  }
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, params }
}

/** Ids of matching messages after `afterId`, oldest first, at most `limit`. */
export const listQueuedIds: Query<{ readonly filter: QueueFilter; readonly afterId: number; readonly limit: number }, readonly number[]> = {
  name: 'queue.ids',
  run: async (reader, { filter, afterId, limit }) => {
    const { where, params } = conditions({ ...filter, firstId: Math.max(filter.firstId ?? 0, afterId + 1) })
    return (await reader.all<{ id: number }>(`SELECT m.id FROM queue_messages m ${where} ORDER BY m.id LIMIT ?`, [...params, limit])).map(
      row => row.id,
    )
  },
}

/** One page and the number of matches, counted up to `maxTotal`; limit 0 = all. */
export const listQueued: Query<
  { readonly filter: QueueFilter; readonly offset: number; readonly limit: number; readonly maxTotal: number },
  { readonly ids: readonly number[]; readonly total: number }
> = {
  name: 'queue.list',
  consistent: true,
  run: async (reader, { filter, offset, limit, maxTotal }) => {
    const { where, params } = conditions(filter)
    const bounded = maxTotal > 0 ? `SELECT m.id FROM queue_messages m ${where} LIMIT ?` : `SELECT m.id FROM queue_messages m ${where}`
    const counted = await reader.get<{ n: number }>(
      `SELECT COUNT(*) AS n FROM (${bounded}) matches`,
      maxTotal > 0 ? [...params, maxTotal] : params,
    )
    const total = Number(counted?.n ?? 0)
    const size = Math.min(limit === 0 ? total : limit, Math.max(0, total - offset))
    if (size === 0) return { ids: [], total }
    const rows = await reader.all<{ id: number }>(`SELECT m.id FROM queue_messages m ${where} ORDER BY m.id LIMIT ? OFFSET ?`, [
      ...params,
      size,
      offset,
    ])
    return { ids: rows.map(row => row.id), total }
  },
}

export const getManyQueued: Query<{ readonly ids: readonly number[] }, readonly QueuedMessage[]> = {
  name: 'queue.get-many',
  consistent: true,
  run: (reader, { ids }) => loadMessages(reader, ids),
}

export const countQueued: Query<Record<string, never>, number> = {
  name: 'queue.count',
  run: async reader => Number((await reader.get<{ n: number }>('SELECT COUNT(*) AS n FROM queue_messages'))?.n ?? 0),
}

export const queueCommands = [
  acceptQueued,
  leaseQueued,
  recordQueued,
  releaseQueued,
  forgetLeases,
  rescheduleQueued,
  cancelQueued,
  cancelRecipients,
] as const

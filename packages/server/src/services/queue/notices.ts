import { settings as declared, type EventId } from '@postern/contract'
import { buildDsn, type DsnRecipient } from '@postern/mail/dsn'
import type { Clock, Random } from '#base/clock'
import type { Blobs } from '#data/blobs'
import type { Settings } from '#data/settings'
import { isPending, type NewQueuedMessage, type QueuedMessage, type QueuedRecipient, type QueueStatus } from '#data/store'
import { isFlagged, messageFlags, newMessage, recipientFlags } from './envelope.ts'
import type { NextState } from './schedule.ts'

interface Parts {
  readonly blobs: Blobs
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly nextId: () => number
}

/** A message to the sender, ready to be queued with the outcome it reports. */
export interface Notice {
  readonly message: NewQueuedMessage
  readonly content: Buffer
  readonly event: EventId
}

export interface Notices {
  /** At most one notice, about everything the sender wants to know of these states. */
  forOutcome(message: QueuedMessage, states: readonly NextState[]): Promise<readonly Notice[]>
}

/** RFC 3461 §6.2: what is larger than this comes back as its header alone. */
const maxReturnedBytes = 1024 * 1024

export function createNotices({ blobs, settings, clock, random, nextId }: Parts): Notices {
  async function ownHost(): Promise<string> {
    return (await settings.evaluate(declared.report.submitter, {})) || 'localhost'
  }

  async function original(message: QueuedMessage, hasFailed: boolean): Promise<{ header: Buffer; message: Buffer | null }> {
    const content = await blobs.read(message.blobHash)
    const end = content.indexOf('\r\n\r\n')
    const header = end < 0 ? content.subarray(0, 64 * 1024) : content.subarray(0, end + 4)
    const isWanted = hasFailed && !isFlagged(message.flags, messageFlags.returnHeaders)
    return { header, message: isWanted && content.length <= maxReturnedBytes ? content : null }
  }

  return {
    async forOutcome(message, states) {
      // Nobody is told about what nobody sent (RFC 3461 §5.2.1 and double bounces).
      if (message.returnPath === '') return []
      const recipients = states.flatMap(state => reportable(state, clock.now()))
      if (recipients.length === 0) return []
      const host = await ownHost()
      const hasFailed = recipients.some(({ action }) => action === 'failed')
      const id = nextId()
      const variables = {
        sender: '',
        sender_domain: '',
        priority: 0,
        retry_num: 0,
        notify_num: 0,
        expires_in: 0,
        last_status: '',
        last_error: 'none',
      }
      const content = buildDsn({
        from: {
          name: (await settings.evaluate(declared.report.dsnFromName, variables)) ?? 'Mail Delivery Subsystem',
          address: complete(await settings.evaluate(declared.report.dsnFromAddress, variables)) ?? `MAILER-DAEMON@${host}`,
        },
        to: message.returnPath,
        messageId: `${id.toString(16)}.${random.bytes(6).toString('hex')}@${host}`,
        time: clock.now(),
        reportingHost: host,
        envelopeId: message.envId ?? null,
        arrival: message.createdAt,
        recipients,
        original: await original(message, hasFailed),
      })
      const envelope = { returnPath: '', recipients: [{ address: message.returnPath }], isGenerated: true }
      return [{ message: await newMessage(envelope, { settings, now: clock.now(), id }), content, event: 'queue.queue-dsn' }]
    },
  }
}

/** The recipients of a domain that the sender wants to hear about now. */
function reportable({ before, update, isDelayed }: NextState, now: number): DsnRecipient[] {
  return before.recipients.flatMap((recipient): DsnRecipient[] => {
    if (!isPending(recipient)) return []
    const changed = update.recipients.find(({ position }) => position === recipient.position)
    const status = changed?.status ?? (update.status === 'permFail' ? 'permFail' : recipient.status)
    const detail = changed?.detail || update.detail || recipient.detail
    const action = actionFor(recipient, status, isDelayed)
    if (action === undefined) return []
    const { code, enhanced, text } = readDetail(detail)
    return [
      {
        finalRecipient: recipient.address,
        originalRecipient: originalOf(recipient),
        action,
        status: statusCode(action, enhanced, update.error),
        diagnostic: code === undefined ? text || null : [code, enhanced, text].filter(Boolean).join(' '),
        remoteHost: null,
        lastAttempt: now,
        willRetryUntil: action === 'delayed' ? before.expiresAt : null,
      },
    ]
  })
}

function actionFor({ flags }: QueuedRecipient, status: QueueStatus, isDelayed: boolean): DsnRecipient['action'] | undefined {
  if (isFlagged(flags, recipientFlags.notifyNever)) return undefined
  // RFC 3461 §4.1: without NOTIFY the sender hears of failures, and by custom of delays.
  const wants = (flag: number): boolean => flags === 0 || isFlagged(flags, flag)
  if (status === 'permFail') return wants(recipientFlags.notifyFailure) ? 'failed' : undefined
  if (status === 'completed') return isFlagged(flags, recipientFlags.notifySuccess) ? 'delivered' : undefined
  return isDelayed && wants(recipientFlags.notifyDelay) ? 'delayed' : undefined
}

function originalOf({ orcpt }: QueuedRecipient): DsnRecipient['originalRecipient'] {
  const semicolon = orcpt?.indexOf(';') ?? -1
  return orcpt === undefined || semicolon < 0 ? null : { type: orcpt.slice(0, semicolon), address: orcpt.slice(semicolon + 1) }
}

/** Takes apart what `Code: 550, Enhanced code: 5.1.1, Message: …` holds; other texts stand for themselves. */
function readDetail(detail: string): { code: string | undefined; enhanced: string | undefined; text: string } {
  const found = /^Code: (\d+), Enhanced code: (\d+\.\d+\.\d+), Message: ([\s\S]*)$/.exec(detail)
  if (found === null) return { code: undefined, enhanced: undefined, text: detail }
  const [, code, enhanced, text = ''] = found
  return { code, enhanced: enhanced === '0.0.0' ? undefined : enhanced, text }
}

/** RFC 3463 codes for what no host said. */
const statusByError: Readonly<Record<string, string>> = {
  dns: '4.4',
  connection: '4.1',
  tls: '7.10',
  'unexpected-reply': '0.0',
  io: '3.0',
  rate: '4.5',
}

function statusCode(action: DsnRecipient['action'], enhanced: string | undefined, error: string): string {
  const digit = action === 'failed' ? '5' : action === 'delayed' ? '4' : '2'
  if (enhanced?.startsWith(digit)) return enhanced
  if (digit === '2') return '2.0.0'
  // A temporary reply that outlived the message: RFC 3463 §3.5, delivery time expired.
  if (action === 'failed' && enhanced?.startsWith('4')) return '5.4.7'
  return `${digit}.${statusByError[error] ?? '0.0'}`
}

/** The default takes its domain from a setting that may be empty. */
function complete(address: string | undefined): string | undefined {
  return address === undefined || address.endsWith('@') ? undefined : address
}

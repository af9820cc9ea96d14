// Local delivery: queued messages into mailboxes. Decides per recipient what the outcome is; the queue keeps it. Never plans a
// retry and never writes to the sender.

import { Failure } from '@postern/contract'
import { formatDeliveredTo, formatReturnPath } from '@postern/mail/message'
import type { Clock } from '#base/clock'
import { durationMs, type Trace } from '#base/trace'
import { isPending } from '#data/store'
import type { Directory } from '#services/directory'
import { inboxId, type Mailboxes } from '#services/mailbox'
import {
  type DomainOutcome,
  type QueuedDomain,
  type QueuedMessage,
  type QueuedRecipient,
  type RecipientOutcome,
  summarize,
} from '#services/queue'

export interface Delivery {
  /**
   * Delivers to the open recipients of a domain. A recipient whose account has its copy already (from this or an earlier attempt)
   * counts as delivered.
   * @param content the queued bytes
   */
  deliver(message: QueuedMessage, domain: QueuedDomain, content: Buffer): Promise<DomainOutcome>
}

export interface DeliveryParts {
  readonly directory: Directory
  readonly mailboxes: Mailboxes
  readonly clock: Clock
  readonly trace: Trace
}

const delivered = 'Code: 250, Enhanced code: 2.1.5, Message: OK'

export function createDelivery({ directory, mailboxes, clock, trace }: DeliveryParts): Delivery {
  async function deliverTo(accountId: number, address: string, returnPath: string, content: Buffer): Promise<void> {
    const account = await mailboxes.open(accountId)
    const started = clock.monotonic()
    const appended = await account.append({
      content: Buffer.concat([Buffer.from(formatDeliveredTo(address) + formatReturnPath(returnPath)), content]),
      mailboxIds: [inboxId],
      skipsDuplicate: true,
    })
    const event = appended.isDuplicate ? 'message-ingest.duplicate' : 'message-ingest.ham'
    trace.emit(event, { accountId, size: appended.size, to: address, elapsed: durationMs(clock.monotonic() - started) })
  }

  async function outcomeFor(
    { position, address }: Pick<QueuedRecipient, 'position' | 'address'>,
    { returnPath, content, served }: { returnPath: string; content: Buffer; served: Map<number, RecipientOutcome> },
  ): Promise<RecipientOutcome> {
    const found = await directory.resolve(address)
    if (found.kind !== 'mailbox') return refused(position, '550', '5.1.1', 'Mailbox not found.')
    const known = served.get(found.accountId)
    if (known !== undefined) return { ...known, position }
    if (!(await directory.rights(found.accountId)).has('email-receive')) {
      return refused(position, '550', '5.7.1', 'This account is not authorized to receive email.')
    }
    await deliverTo(found.accountId, address, returnPath, content)
    const outcome: RecipientOutcome = { position, status: 'completed', detail: delivered }
    served.set(found.accountId, outcome)
    return outcome
  }

  return {
    async deliver(message, domain, content) {
      // Recipients that lead to one account share one copy.
      const served = new Map<number, RecipientOutcome>()
      const recipients: RecipientOutcome[] = []
      for (const { position, address, status } of domain.recipients) {
        if (!isPending({ status })) continue
        try {
          recipients.push(await outcomeFor({ position, address }, { returnPath: message.returnPath, content, served }))
        } catch (error) {
          recipients.push(failed(position, error))
          const isExpected = error instanceof Failure
          trace.emit('message-ingest.error', { queueId: message.id, to: address, reason: isExpected ? error.code : String(error) })
        }
      }
      return summarize(domain.domain, recipients)
    },
  }
}

function refused(position: number, code: string, enhanced: string, text: string): RecipientOutcome {
  return { position, status: 'permFail', detail: `Code: ${code}, Enhanced code: ${enhanced}, Message: ${text}` }
}

/** Whatever goes wrong inside may go right later; the message waits for it until it expires. */
function failed(position: number, error: unknown): RecipientOutcome {
  const isFull = error instanceof Failure && (error.code === 'overQuota' || error.code === 'tenantOverQuota')
  const [enhanced, text] = isFull ? ['4.2.2', 'Mailbox is over its quota.'] : ['4.3.0', 'Temporary failure of the mail store.']
  return { position, status: 'tempFail', detail: `Code: 451, Enhanced code: ${enhanced}, Message: ${text}` }
}

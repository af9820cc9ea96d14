import type { Settings } from '#data/settings'
import type { NewQueuedMessage, QueuedDomain } from '#data/store'
import { firstSchedule } from './schedule.ts'

/** Bits of a message; stored. */
export const messageFlags = {
  returnFull: 1,
  returnHeaders: 2,
  eightBit: 4,
  binary: 8,
  smtpUtf8: 16,
  requireTls: 32,
  generated: 64,
  authenticated: 128,
} as const

/** Bits of a recipient: what the sender wants to be told; none = the default of RFC 3461 (delay and failure). Stored. */
export const recipientFlags = { notifySuccess: 1, notifyFailure: 2, notifyDelay: 4, notifyNever: 8 } as const

export function isFlagged(flags: number, flag: number): boolean {
  return (flags & flag) !== 0
}

export interface EnvelopeRecipient {
  readonly address: string
  /** RFC 3461 §4.2, decoded, with its type in front: `rfc822;jane@example.org`. */
  readonly orcpt?: string | undefined
  /** Bits of `recipientFlags`. */
  readonly flags?: number
}

export interface Envelope {
  /** From `Queue.nextId`, for who has to name the message before it is accepted; else the queue takes one. */
  readonly id?: number
  /** Empty for the null sender. */
  readonly returnPath: string
  readonly recipients: readonly EnvelopeRecipient[]
  readonly envId?: string | undefined
  /** Bits of `messageFlags`. */
  readonly flags?: number
  /** MT-PRIORITY; higher goes first. */
  readonly priority?: number
  /** Unix ms before which nothing is tried (RFC 4865). */
  readonly holdUntil?: number | undefined
  /** Made by the server itself: no delay notices. */
  readonly isGenerated?: boolean
  readonly isAuthenticated?: boolean
}

interface Parts {
  readonly settings: Settings
  readonly now: number
  readonly id: number
}

/** Groups recipients by domain and plans the first attempt of each. */
export async function newMessage(envelope: Envelope, { settings, now, id }: Parts): Promise<NewQueuedMessage> {
  const numbered = envelope.recipients.map((recipient, position) => ({ recipient, position }))
  const byDomain = Map.groupBy(numbered, ({ recipient }) => domainOf(recipient.address))
  const start = Math.max(now, envelope.holdUntil ?? now)
  let flags = envelope.flags ?? 0
  if (envelope.isGenerated) flags |= messageFlags.generated
  if (envelope.isAuthenticated) flags |= messageFlags.authenticated
  const base = { id, createdAt: now, returnPath: envelope.returnPath, envId: envelope.envId, flags, priority: envelope.priority ?? 0 }
  const domains: QueuedDomain[] = []
  for (const domain of [...byDomain.keys()].sort()) {
    const recipients = (byDomain.get(domain) ?? []).map(({ recipient, position }) => ({
      position,
      address: recipient.address,
      orcpt: recipient.orcpt,
      flags: recipient.flags ?? 0,
      status: 'scheduled' as const,
      detail: '',
    }))
    domains.push({ ...(await firstSchedule(settings, { ...base, domain, start })), domain, recipients })
  }
  return { ...base, domains }
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase()
}

import type { Reply } from '@postern/mail/smtp'
import { isPending } from '#data/store'
import type { DomainOutcome, QueuedDomain, RecipientOutcome } from '#services/queue'

/** The same outcome for every open recipient of a domain. */
export function allRecipients(domain: QueuedDomain, status: RecipientOutcome['status'], detail: string, error: string): DomainOutcome {
  const open = domain.recipients.filter(isPending)
  return { domain: domain.domain, status, detail, error, recipients: open.map(({ position }) => ({ position, status, detail })) }
}

export function isPositive({ code }: Reply): boolean {
  return code >= 200 && code < 300
}

export function isPermanent({ code }: Reply): boolean {
  return code >= 500
}

/** A reply as it is kept with a recipient. */
export function describeReply({ code, enhanced, lines }: Reply): string {
  return `Code: ${code}, Enhanced code: ${enhanced ?? '0.0.0'}, Message: ${lines.join(' ')}`
}

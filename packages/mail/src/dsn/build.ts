import type { Mailbox } from '#address'
import { type Entity, formatAddressField, formatDate, formatField, formatTextField, writeMessage } from '#message'

/** What became of one recipient (RFC 3464 §2.3). */
export interface DsnRecipient {
  readonly finalRecipient: string
  /** ORCPT of the sender: type and decoded address. */
  readonly originalRecipient: { readonly type: string; readonly address: string } | null
  readonly action: 'delivered' | 'failed' | 'delayed' | 'relayed' | 'expanded'
  /** X.Y.Z (RFC 3463). */
  readonly status: string
  /** Reply of the other host (`550 5.1.1 No such user`), or null. */
  readonly diagnostic: string | null
  /** Host that gave it. */
  readonly remoteHost: string | null
  /** Unix milliseconds. */
  readonly lastAttempt: number | null
  /** Unix milliseconds; only for delays. */
  readonly willRetryUntil: number | null
}

export interface Dsn {
  readonly from: Mailbox
  /** Return path of the message reported on. */
  readonly to: string
  /** Message-ID of the report, without brackets. */
  readonly messageId: string
  /** Unix milliseconds. */
  readonly time: number
  /** Our host name. */
  readonly reportingHost: string
  /** ENVID of the sender, decoded. */
  readonly envelopeId: string | null
  /** When the message came in; Unix milliseconds. */
  readonly arrival: number
  readonly recipients: readonly DsnRecipient[]
  readonly original: {
    /** The header block with its empty line. */
    readonly header: Buffer
    /** The whole message; null to return the header alone (RET=HDRS, or too large). */
    readonly message: Buffer | null
  }
}

const ascii = /^[\x20-\x7e]*$/

function subjectOf(recipients: readonly DsnRecipient[]): string {
  const failed = recipients.some(recipient => recipient.action === 'failed')
  const delayed = recipients.some(recipient => recipient.action === 'delayed')
  const succeeded = recipients.some(recipient => recipient.action !== 'failed' && recipient.action !== 'delayed')
  if (failed && delayed) return 'Warning: Temporary and permanent failures during message delivery'
  if (failed) return succeeded ? 'Partially delivered message' : 'Failed to deliver message'
  return delayed ? 'Warning: Delay in message delivery' : 'Successfully delivered message'
}

const introductions: Readonly<Record<DsnRecipient['action'], string>> = {
  delivered: 'Your message was delivered to:',
  relayed: 'Your message was passed on to a host that does not report deliveries, for:',
  expanded: 'Your message was delivered to this list and went on to its members:',
  delayed: 'Your message could not be delivered yet. Nothing needs to be done, further attempts will be made, for:',
  failed: 'Your message could not be delivered. No further attempts will be made, for:',
}

function textOf(dsn: Dsn): string {
  const paragraphs: string[] = []
  for (const action of ['failed', 'delayed', 'delivered', 'relayed', 'expanded'] as const) {
    const recipients = dsn.recipients.filter(recipient => recipient.action === action)
    if (recipients.length === 0) continue
    const lines = recipients.map(recipient => {
      const reply =
        recipient.diagnostic === null ? '' : `\n    ${recipient.remoteHost ?? 'The other host'} said: ${oneLine(recipient.diagnostic)}`
      const until = recipient.willRetryUntil === null ? '' : `\n    Attempts go on until ${formatDate(recipient.willRetryUntil)}.`
      return `  <${recipient.finalRecipient}> (${recipient.status})${reply}${until}`
    })
    paragraphs.push(`${introductions[action]}\n\n${lines.join('\n')}`)
  }
  return `This is the mail system at ${dsn.reportingHost}.\n\n${paragraphs.join('\n\n')}\n`
}

function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim()
}

/** RFC 3464 §2.3.1–2, RFC 6533 §3: the address with its type. */
function typedAddress(type: string, address: string): string {
  return `${ascii.test(address) ? type : 'utf-8'};${oneLine(address)}`
}

function statusText(dsn: Dsn): string {
  let text = formatField('Reporting-MTA', [`dns;${dsn.reportingHost}`])
  if (dsn.envelopeId !== null) text += formatField('Original-Envelope-Id', [oneLine(dsn.envelopeId)])
  text += formatField('Arrival-Date', [formatDate(dsn.arrival)])
  for (const recipient of dsn.recipients) {
    text += '\r\n'
    const original = recipient.originalRecipient
    if (original !== null) text += formatField('Original-Recipient', [typedAddress(original.type, original.address)])
    text += formatField('Final-Recipient', [typedAddress('rfc822', recipient.finalRecipient)])
    text += formatField('Action', [recipient.action])
    text += formatField('Status', [recipient.status])
    if (recipient.remoteHost !== null) text += formatField('Remote-MTA', [`dns;${recipient.remoteHost}`])
    // RFC 3464 §2.3.6: only what another host said.
    if (recipient.diagnostic !== null) text += formatField('Diagnostic-Code', ['smtp;', ...oneLine(recipient.diagnostic).split(' ')])
    if (recipient.lastAttempt !== null) text += formatField('Last-Attempt-Date', [formatDate(recipient.lastAttempt)])
    if (recipient.willRetryUntil !== null) text += formatField('Will-Retry-Until', [formatDate(recipient.willRetryUntil)])
  }
  return text
}

/** RFC 3461 §6.2: the whole message only for failures. */
function originalPart(dsn: Dsn): Entity {
  const { header, message } = dsn.original
  const isAscii = header.every(byte => byte < 0x80)
  if (message !== null && dsn.recipients.some(recipient => recipient.action === 'failed')) {
    return { type: isAscii ? 'message/rfc822' : 'message/global', content: message, isVerbatim: true }
  }
  // RFC 6533 §6: headers in UTF-8 have a type of their own.
  return { type: isAscii ? 'text/rfc822-headers' : 'message/global-headers', content: header }
}

/** A delivery status notification (RFC 3464) as complete message. It has to be sent from the null reverse path. */
export function buildDsn(dsn: Dsn): Buffer {
  const status = statusText(dsn)
  const isAscii = ascii.test(status.replaceAll('\r\n', ''))
  return writeMessage(
    [
      formatAddressField('From', [dsn.from]),
      formatAddressField('To', [{ name: null, address: dsn.to }], { utf8: true }),
      formatTextField('Subject', subjectOf(dsn.recipients)),
      formatField('Date', [formatDate(dsn.time)]),
      formatField('Message-ID', [`<${dsn.messageId}>`]),
      // RFC 3834 §5: nobody should answer it.
      formatField('Auto-Submitted', ['auto-generated']),
    ],
    {
      type: 'multipart/report',
      parameters: [['report-type', 'delivery-status']],
      parts: [
        { type: 'text/plain', content: textOf(dsn) },
        isAscii
          ? { type: 'message/delivery-status', content: Buffer.from(status), isVerbatim: true }
          : { type: 'message/global-delivery-status', content: Buffer.from(status) },
        originalPart(dsn),
      ],
    },
  )
}

// The fields a server owes: Received in front (RFC 5321 §4.4), and what a mail program forgot (RFC 6409 §8).
import { settings as declared } from '@postern/contract'
import { formatDate, formatField, formatReceived, hasField, receivedProtocol } from '@postern/mail/message'
import type { Random } from '#base/clock'
import type { Envelope, Message, Stage } from './stage.ts'

const product = 'Postern SMTP'

export function ownFields(random: Random): Stage {
  return async (message, envelope, verdict) => {
    const { rule, hostname, login } = envelope.session
    const { id, head, receivedAt } = message
    const added: string[] = []
    if (await rule(declared.session.dataAddHeadersDate)) if (!hasField(head, 'Date')) added.push(`Date: ${formatDate(receivedAt)}\r\n`)
    if (await rule(declared.session.dataAddHeadersMessageId)) {
      if (!hasField(head, 'Message-ID'))
        added.push(formatField('Message-ID', [`<${id.toString(16)}.${random.bytes(8).toString('hex')}@${hostname}>`]))
    }
    const received = (await rule(declared.session.dataAddHeadersReceived)) ? [await receivedField(message, envelope)] : []
    // RFC 5322 §3.6.3: who is in Bcc is nobody's business. What another server relays has lost it, or has it for a reason.
    const removed = login === null ? verdict.removed : [...verdict.removed, 'bcc']
    return { ...verdict, fields: [...received, ...verdict.fields, ...added], removed }
  }
}

async function receivedField({ id, receivedAt }: Message, { session, recipients, parameters, needsUtf8 }: Envelope): Promise<string> {
  const { connection, hello, login, isLmtp, hostname } = session
  const isHidden = login !== null && (await session.rule(declared.session.dataAddHeadersHideClient))
  const [only] = recipients
  return formatReceived({
    helo: isHidden ? hostname : (hello?.name ?? 'unknown'),
    reverseName: isHidden ? hostname : session.reverseName,
    remoteIp: isHidden ? connection.localIp : connection.remoteIp,
    network: null,
    tls: connection.tls ?? null,
    by: hostname,
    product,
    protocol: receivedProtocol({
      isLmtp,
      isExtended: hello?.isExtended ?? false,
      hasTls: connection.tls !== undefined,
      isAuthenticated: login !== null,
      isUtf8: parameters.smtpUtf8 || needsUtf8,
    }),
    id: id.toString(16).toUpperCase(),
    // A member of a list was not addressed.
    recipient: recipients.length === 1 && only !== undefined && !only.orcpt ? only.address : null,
    time: receivedAt,
  })
}

import { type AddressGroup, parseAddressList } from '#address'
import type { Envelope } from './structure.ts'

/** Unfolded values by lower-case field name. */
export type EnvelopeFields = Readonly<Record<string, string>>

function addresses(value: string | undefined): AddressGroup[] {
  return value === undefined || value === '' ? [] : parseAddressList(value, { decode: false })
}

export function readEnvelope(fields: EnvelopeFields): Envelope {
  const from = addresses(fields['from'])
  const sender = addresses(fields['sender'])
  const replyTo = addresses(fields['reply-to'])
  return {
    date: fields['date'] || null,
    subject: fields['subject'] ?? null,
    from,
    // RFC 9051 §7.5.2: absent or empty, they are the same as From.
    sender: sender.length > 0 ? sender : from,
    replyTo: replyTo.length > 0 ? replyTo : from,
    to: addresses(fields['to']),
    cc: addresses(fields['cc']),
    bcc: addresses(fields['bcc']),
    inReplyTo: fields['in-reply-to'] || null,
    messageId: fields['message-id'] || null,
  }
}

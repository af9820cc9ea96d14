import { isIPv6 } from '#address'
import { formatDate } from './fields.ts'

/** What a Received field tells (RFC 5321 §4.4). */
export interface ReceivedField {
  /** Name given with EHLO. */
  readonly helo: string
  /** Name found for the address, if any. */
  readonly reverseName: string | null
  readonly remoteIp: string
  /** `AS64500 Example Net, DE`, if known. */
  readonly network: string | null
  readonly tls: { readonly version: string; readonly cipher: string } | null
  /** Our host name. */
  readonly by: string
  /** Name of the software. */
  readonly product: string
  readonly protocol: string
  readonly id: string
  /** The recipient, only when there is exactly one: others must not learn of each other. */
  readonly recipient: string | null
  /** Unix milliseconds. */
  readonly time: number
}

/** Text that cannot break out of its place in the field. */
function safe(text: string): string {
  return text.replace(/[\u0000-\u0020\u007f()<>;\\"]+/g, '_').slice(0, 255)
}

function safeComment(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f()\\]+/g, ' ').slice(0, 255)
}

/** The Received field a server puts in front of what it accepts, folded with tabs, line end included. */
export function formatReceived(field: ReceivedField): string {
  const ip = isIPv6(field.remoteIp) ? `IPv6:${field.remoteIp}` : field.remoteIp
  const network = field.network === null ? '' : ` (${safeComment(field.network)})`
  const lines = [`Received: from ${safe(field.helo)} (${safe(field.reverseName ?? 'unknown')} [${ip}]${network})`]
  if (field.tls !== null) lines.push(`(using ${safe(field.tls.version)} with cipher ${safe(field.tls.cipher)})`)
  lines.push(
    `by ${safe(field.by)} (${safeComment(field.product)}) with ${field.protocol} id ${safe(field.id)}${field.recipient === null ? ';' : ''}`,
  )
  if (field.recipient !== null) lines.push(`for <${field.recipient.replace(/[\u0000-\u001f\u007f<>]+/g, '_')}>;`)
  lines.push(formatDate(field.time))
  return `${lines.join('\r\n\t')}\r\n`
}

/** The `with` word of Received (RFC 3848, RFC 6531 §4.3). */
export function receivedProtocol(session: {
  readonly isLmtp: boolean
  /** Greeted with EHLO or LHLO, not HELO. */
  readonly isExtended: boolean
  readonly hasTls: boolean
  readonly isAuthenticated: boolean
  readonly isUtf8: boolean
}): string {
  if (!session.isLmtp && !session.isExtended) return 'SMTP'
  const secured = `${session.hasTls ? 'S' : ''}${session.isAuthenticated ? 'A' : ''}`
  if (session.isUtf8) return `UTF8${session.isLmtp ? 'LMTP' : 'SMTP'}${secured}`
  return `${session.isLmtp ? 'LMTP' : 'ESMTP'}${secured}`
}

/** The Return-Path field of final delivery (RFC 5321 §4.4); the empty address makes `<>`. */
export function formatReturnPath(address: string): string {
  return `Return-Path: <${address.replace(/[\u0000-\u001f\u007f]+/g, '_')}>\r\n`
}

/** The Delivered-To field (RFC 9228), which shows loops. */
export function formatDeliveredTo(address: string): string {
  return `Delivered-To: ${address.replace(/[\u0000-\u001f\u007f]+/g, '_')}\r\n`
}

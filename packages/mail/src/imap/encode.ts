import { splitAddress } from '#address'
import { type Envelope, type MessageStructure, type Parameter, type Part, rootPart } from '#mime'
import { decodeEncodedWords, encodeUnstructured, percentEncoded } from '#text'
import { encodeUtf7 } from './mailbox-names.ts'

/** How texts leave: `utf8` after ENABLE UTF8=ACCEPT or IMAP4rev2 (RFC 6855 §3), else ASCII with the encoded words of the message. */
export interface TextOptions {
  readonly utf8: boolean
}

/** Longest text sent between quotes; longer ones go as literals. */
const maxQuoted = 1000

const printableAscii = /^[\x20-\x7e\t]*$/

/** A string as quoted text, or as a literal when quotes cannot hold it; to be written as UTF-8. NUL, which no string may hold, becomes U+FFFD. */
export function encodeString(text: string): string {
  const clean = text.replaceAll('\u0000', '\uFFFD')
  if (clean.length <= maxQuoted && !/[\r\n]/.test(clean)) return /["\\]/.test(clean) ? `"${clean.replace(/["\\]/g, '\\$&')}"` : `"${clean}"`
  return `{${Buffer.byteLength(clean)}}\r\n${clean}`
}

export function encodeNString(text: string | null): string {
  return text === null ? 'NIL' : encodeString(text)
}

/** Header text: decoded for those who read UTF-8, else the words of the message, or words made of raw 8-bit text. */
function headerText(text: string | null, options: TextOptions): string {
  if (text === null) return 'NIL'
  if (options.utf8) return encodeString(decodeEncodedWords(text))
  return encodeString(printableAscii.test(text) ? text : encodeUnstructured(decodeEncodedWords(text)))
}

/** A mailbox name, always between quotes or as a literal. */
export function encodeMailboxName(name: string, options: TextOptions): string {
  return encodeString(options.utf8 ? name : encodeUtf7(name))
}

function unquoted(local: string): string {
  // RFC 3501 §7.4.2: the local part without its RFC 5322 quoting.
  return local.length > 1 && local.startsWith('"') && local.endsWith('"') ? local.slice(1, -1).replace(/\\(.)/g, '$1') : local
}

/** ASCII sessions get non-ASCII local parts as they are not able to see them otherwise: raw UTF-8 is not allowed there. */
function addressText(text: string, options: TextOptions): string {
  return encodeString(options.utf8 || printableAscii.test(text) ? text : encodeUnstructured(text))
}

function encodeAddresses(groups: Envelope['from'], options: TextOptions): string {
  const out: string[] = []
  for (const group of groups) {
    if (group.name !== null) out.push(`(NIL NIL ${headerText(group.name, options)} NIL)`)
    for (const mailbox of group.mailboxes) {
      const { local, domain } = splitAddress(mailbox.address)
      const route = mailbox.route === undefined ? 'NIL' : encodeString(mailbox.route)
      // A host of NIL would start a group.
      const host = domain === '' ? '"MISSING_DOMAIN"' : addressText(domain, options)
      out.push(`(${headerText(mailbox.name, options)} ${route} ${addressText(unquoted(local), options)} ${host})`)
    }
    if (group.name !== null) out.push('(NIL NIL NIL NIL)')
  }
  return out.length === 0 ? 'NIL' : `(${out.join('')})`
}

/** ENVELOPE (RFC 9051 §7.5.2), with its parentheses. */
export function encodeEnvelope(envelope: Envelope, options: TextOptions): string {
  const from = encodeAddresses(envelope.from, options)
  const fields = [
    headerText(envelope.date, options),
    headerText(envelope.subject, options),
    from,
    envelope.sender === envelope.from ? from : encodeAddresses(envelope.sender, options),
    envelope.replyTo === envelope.from ? from : encodeAddresses(envelope.replyTo, options),
    encodeAddresses(envelope.to, options),
    encodeAddresses(envelope.cc, options),
    encodeAddresses(envelope.bcc, options),
    headerText(envelope.inReplyTo, options),
    headerText(envelope.messageId, options),
  ]
  return `(${fields.join(' ')})`
}

function encodeParameters(parameters: readonly Parameter[], options: TextOptions): string {
  if (parameters.length === 0) return 'NIL'
  const pairs = parameters.map(({ name, value }) => {
    if (options.utf8 || printableAscii.test(value)) return `${headerName(name)} ${encodeString(value)}`
    // ASCII sessions get the RFC 2231 form, which every client that shows names can read.
    return `${headerName(`${name}*`)} ${encodeString(`utf-8''${percentEncoded(value)}`)}`
  })
  return `(${pairs.join(' ')})`
}

function headerName(name: string): string {
  return encodeString(printableAscii.test(name) ? name : percentEncoded(name))
}

function ascii(text: string): string {
  return encodeString(printableAscii.test(text) ? text : encodeUnstructured(text))
}

function encodeExtension(part: Part, options: TextOptions): string {
  const disposition =
    part.disposition === null ? 'NIL' : `(${ascii(part.disposition.type)} ${encodeParameters(part.disposition.parameters, options)})`
  const [only] = part.language
  const language = part.language.length > 1 ? `(${part.language.map(ascii).join(' ')})` : only === undefined ? 'NIL' : ascii(only)
  return `${disposition} ${language} ${part.location === null ? 'NIL' : ascii(part.location)}`
}

/** BODYSTRUCTURE, or BODY when `extended` is false (RFC 9051 §7.5.2), with its parentheses. */
export function encodeBodyStructure(structure: MessageStructure, options: TextOptions & { readonly extended: boolean }): string {
  return encodePart(structure, rootPart(structure), options)
}

function encodePart(structure: MessageStructure, part: Part, options: TextOptions & { readonly extended: boolean }): string {
  if (part.kind === 'multipart') {
    const children = part.children.flatMap(index => structure.parts[index] ?? []).map(child => encodePart(structure, child, options))
    const tail = options.extended ? ` ${encodeParameters(part.parameters, options)} ${encodeExtension(part, options)}` : ''
    return `(${children.join('')} ${ascii(part.subtype)}${tail})`
  }
  const fields = [
    ascii(part.type),
    ascii(part.subtype),
    encodeParameters(part.type === 'text' ? withCharset(part.parameters) : part.parameters, options),
    part.id === null ? 'NIL' : headerText(part.id, options),
    headerText(part.description, options),
    ascii(part.encoding),
    String(part.end - part.bodyStart),
  ]
  if (part.message !== null)
    fields.push(encodeEnvelope(part.message.envelope, options), encodeBodyStructure(part.message, options), String(part.lines))
  else if (part.type === 'text') fields.push(String(part.lines))
  if (options.extended) fields.push(part.md5 === null ? 'NIL' : ascii(part.md5), encodeExtension(part, options))
  return `(${fields.join(' ')})`
}

/** RFC 2045 §5.2: text without a charset is US-ASCII. */
function withCharset(parameters: readonly Parameter[]): readonly Parameter[] {
  return parameters.some(({ name }) => name === 'charset') ? parameters : [{ name: 'charset', value: 'us-ascii' }, ...parameters]
}

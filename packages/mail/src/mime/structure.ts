import type { AddressGroup } from '#address'

export interface Parameter {
  /** Lower case. */
  readonly name: string
  /** RFC 2231 and RFC 2047 forms decoded. */
  readonly value: string
}

/** What a part is for whoever shows it; the types as declared stand beside it. */
export type PartKind = 'text' | 'html' | 'binary' | 'message' | 'multipart'

/** One body part. Offsets count octets of the message bytes; for a message inside an encoded part, of the decoded bytes. */
export interface Part {
  /** Position in document order; the root is 0. JMAP partId is this number. */
  readonly index: number
  /** Index of the enclosing multipart, −1 for the root. */
  readonly parent: number
  readonly children: readonly number[]
  readonly kind: PartKind
  /** Lower case; defaults of RFC 2045 §5.2 filled in. */
  readonly type: string
  readonly subtype: string
  readonly parameters: readonly Parameter[]
  /** Content-Transfer-Encoding, lower case; `7bit` when missing. */
  readonly encoding: string
  readonly disposition: { readonly type: string; readonly parameters: readonly Parameter[] } | null
  /** Content-ID as written, with its brackets. */
  readonly id: string | null
  /** Content-Description unfolded, encoded words as written. */
  readonly description: string | null
  readonly language: readonly string[]
  readonly location: string | null
  /** Content-MD5 (RFC 1864). */
  readonly md5: string | null
  readonly headerStart: number
  /** First octet behind the header's empty line. */
  readonly bodyStart: number
  /** Behind the last octet of the body; the line break before a delimiter belongs to the delimiter (RFC 2046 §5.1.1). */
  readonly end: number
  /** Line feeds in the body; counted for text and messages only. */
  readonly lines: number
  /** The structure was repaired here: missing delimiter, limit reached, unusable boundary. */
  readonly isDamaged: boolean
  /** The message a message/rfc822 or message/global part holds. */
  readonly message: MessageStructure | null
}

/** The fields IMAP ENVELOPE shows (RFC 9051 §7.5.2): text unfolded but otherwise as written, encoded words included. */
export interface Envelope {
  readonly date: string | null
  readonly subject: string | null
  readonly from: readonly AddressGroup[]
  readonly sender: readonly AddressGroup[]
  readonly replyTo: readonly AddressGroup[]
  readonly to: readonly AddressGroup[]
  readonly cc: readonly AddressGroup[]
  readonly bcc: readonly AddressGroup[]
  readonly inReplyTo: string | null
  readonly messageId: string | null
}

export interface MessageStructure {
  /** In document order; parts of nested messages are not among them. Never empty. */
  readonly parts: readonly Part[]
  readonly envelope: Envelope
  /** Offsets count decoded bytes because the enclosing part has a transfer encoding (illegal by RFC 2046 §5.2.1, but sent). */
  readonly isDecoded: boolean
  /** At least one header field is one that messages have; without any, these bytes are no message. */
  readonly hasKnownField: boolean
}

export interface ParseLimits {
  /** Nesting of multiparts and messages; deeper ones are shown as one binary part. */
  readonly maxDepth: number
  /** Parts of the message and the messages in it; the rest becomes one binary part. */
  readonly maxParts: number
  /** Octets of one header block that are read; later fields are passed over. */
  readonly maxHeaderBytes: number
  /** Fields of one header block that are read. */
  readonly maxFields: number
}

export const defaultParseLimits: ParseLimits = { maxDepth: 50, maxParts: 1000, maxHeaderBytes: 1024 * 1024, maxFields: 5000 }

/** The root part; every structure has one. */
export function rootPart(structure: MessageStructure): Part {
  const [root] = structure.parts
  if (root === undefined) throw new RangeError('a message structure without parts')
  return root
}

/** Value of a parameter, or null. */
export function parameter(parameters: readonly Parameter[], name: string): string | null {
  return parameters.find(candidate => candidate.name === name)?.value ?? null
}

/** The name under which a part is offered: disposition filename, else Content-Type name, without folders and control characters. */
export function partName(part: Part): string | null {
  const raw = (part.disposition && parameter(part.disposition.parameters, 'filename')) ?? parameter(part.parameters, 'name')
  if (raw === null) return null
  const name = (raw.split(/[/\\]/).at(-1) ?? '').replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '').trim()
  return name === '' ? null : name
}

import { type DecodedBytes, type DecodedText, decodeBase64, decodeQuotedPrintable, decodeText, decodeUnlabelled, htmlCharset } from '#text'
import { type Part, parameter } from './structure.ts'

/** The octets of a part behind its transfer encoding; unknown encodings are left as they are (RFC 2049 §2). A view, no copy, when in clear. */
export function partContent(bytes: Buffer, part: Part): DecodedBytes {
  return decodeContent(bytes.subarray(part.bodyStart, part.end), part)
}

/** Like `partContent`, for who holds the part's body octets alone. */
export function decodeContent(body: Buffer, part: Pick<Part, 'encoding' | 'kind'>): DecodedBytes {
  // RFC 2045 §6.4: the encoding of a multipart is ignored.
  if (part.kind === 'multipart') return { bytes: body, problem: false }
  if (part.encoding === 'base64') return decodeBase64(body)
  if (part.encoding === 'quoted-printable') return decodeQuotedPrintable(body)
  return { bytes: body, problem: false }
}

/** The charset label of a text part, or null. */
export function partCharset(part: Part): string | null {
  return parameter(part.parameters, 'charset')
}

/** The characters of a text part: transfer encoding and charset undone, line ends as LF, a byte order mark dropped. */
export function partText(bytes: Buffer, part: Part): DecodedText {
  const content = partContent(bytes, part)
  const label = partCharset(part) ?? (part.kind === 'html' ? htmlCharset(content.bytes) : null)
  const { text, problem } = label === null ? decodeUnlabelled(content.bytes) : decodeText(content.bytes, label)
  return { text: text.replaceAll('\r', ''), problem: problem || content.problem }
}

import { createHash } from 'node:crypto'
import { encodeBase64Lines, encodeQuotedPrintable } from '#text'
import { formatField, parameterWords } from './fields.ts'

/** A body part to be written. Fields other than Content-* come as lines made by the field writers. */
export type Entity = LeafEntity | MultipartEntity

export interface LeafEntity {
  /** `text/plain` */
  readonly type: string
  readonly parameters?: readonly (readonly [string, string])[]
  /** Text in characters, or octets. */
  readonly content: string | Buffer
  readonly disposition?: { readonly type: 'inline' | 'attachment'; readonly parameters?: readonly (readonly [string, string])[] }
  /** Content-ID without brackets. */
  readonly id?: string
  readonly description?: string
  /** Send the octets as they are: messages and what must not be encoded (RFC 2046 §5.2.1). */
  readonly isVerbatim?: boolean
}

export interface MultipartEntity {
  /** `multipart/mixed` */
  readonly type: string
  readonly parameters?: readonly (readonly [string, string])[]
  readonly parts: readonly Entity[]
}

/** RFC 5322 §2.1.1, without the line end. */
const maxLine = 998

interface Encoded {
  readonly encoding: '7bit' | '8bit' | 'quoted-printable' | 'base64'
  readonly body: Buffer
}

function fitsLines(bytes: Buffer): boolean {
  let length = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === 0x0a) {
      if (bytes[i - 1] !== 0x0d) return false
      length = 0
    } else if (byte === 0x0d) {
      if (bytes[i + 1] !== 0x0a) return false
    } else if (byte === 0 || ++length > maxLine) return false
  }
  return true
}

/** 7bit when it may go as it is, quoted-printable for text with few odd octets, else base64. */
function encode(content: string | Buffer): Encoded {
  const bytes = typeof content === 'string' ? Buffer.from(content.replace(/\r\n|\r|\n/g, '\r\n'), 'utf8') : content
  let odd = 0
  for (const byte of bytes) if (byte >= 0x7f || (byte < 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) odd++
  if (odd === 0 && fitsLines(bytes)) return { encoding: '7bit', body: bytes }
  const isText = typeof content === 'string' || fitsLines(bytes)
  if (isText && odd * 6 < bytes.length) return { encoding: 'quoted-printable', body: encodeQuotedPrintable(bytes) }
  return { encoding: 'base64', body: encodeBase64Lines(bytes) }
}

function verbatim(content: string | Buffer): Encoded {
  const body = typeof content === 'string' ? Buffer.from(content, 'utf8') : content
  return { encoding: body.every(byte => byte < 0x80) ? '7bit' : '8bit', body }
}

function isMultipart(entity: Entity): entity is MultipartEntity {
  return 'parts' in entity
}

/** A delimiter that does not occur in what it delimits: made from its hash, and `=_` occurs in no encoded text (RFC 2046 §5.1.1). */
function boundaryFor(parts: readonly Buffer[]): string {
  for (let attempt = 0; ; attempt++) {
    const hash = createHash('sha256').update(String(attempt))
    for (const part of parts) hash.update(part)
    const boundary = `=_${hash.digest('hex').slice(0, 32)}`
    if (!parts.some(part => part.includes(boundary))) return boundary
  }
}

function contentType(type: string, parameters: readonly (readonly [string, string])[]): string {
  const words = parameterWords(parameters)
  return formatField('Content-Type', [words.length === 0 ? type : `${type};`, ...words])
}

/** Header (Content fields and the empty line) and body of an entity, CRLF throughout. The same input gives the same octets. */
export function writeEntity(entity: Entity): Buffer {
  if (isMultipart(entity)) {
    const parts = entity.parts.map(writeEntity)
    const boundary = boundaryFor(parts)
    const pieces: Buffer[] = [Buffer.from(`${contentType(entity.type, [...(entity.parameters ?? []), ['boundary', boundary]])}\r\n`)]
    for (const part of parts) pieces.push(Buffer.from(`--${boundary}\r\n`), part, Buffer.from('\r\n'))
    pieces.push(Buffer.from(`--${boundary}--\r\n`))
    return Buffer.concat(pieces)
  }
  const { encoding, body } = entity.isVerbatim ? verbatim(entity.content) : encode(entity.content)
  const isText = typeof entity.content === 'string' && entity.type.startsWith('text/')
  const parameters: (readonly [string, string])[] = [...(entity.parameters ?? [])]
  if (isText && !parameters.some(([name]) => name === 'charset')) parameters.unshift(['charset', 'utf-8'])
  let header = contentType(entity.type, parameters)
  if (encoding !== '7bit') header += `Content-Transfer-Encoding: ${encoding}\r\n`
  if (entity.disposition !== undefined) {
    const words = parameterWords(entity.disposition.parameters ?? [])
    header += formatField('Content-Disposition', [words.length === 0 ? entity.disposition.type : `${entity.disposition.type};`, ...words])
  }
  if (entity.id !== undefined) header += formatField('Content-ID', [`<${entity.id}>`])
  if (entity.description !== undefined) header += formatField('Content-Description', entity.description.split(' '))
  return Buffer.concat([Buffer.from(`${header}\r\n`), body])
}

/** A whole message: the fields given (each a complete line), MIME-Version, then the entity. */
export function writeMessage(fields: readonly string[], entity: Entity): Buffer {
  return Buffer.concat([Buffer.from(`${fields.join('')}MIME-Version: 1.0\r\n`), writeEntity(entity)])
}

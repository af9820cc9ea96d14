// MIME: the structure of a message as byte offsets, its decoded headers and bodies, and the packed form that is stored with it. Owns the
// tolerant parser every protocol relies on. Never changes a byte of the message and never throws on what a stranger sent.
export { type BodyLists, hasAttachment, previewText, selectBodies } from './bodies.ts'
export { decodeContent, partCharset, partContent, partText } from './content.ts'
export { type Field, fieldValue, rawFieldValue, readFields } from './fields.ts'
export { packStructure, unpackEnvelope, unpackStructure } from './pack.ts'
export { type ParameterizedValue, parseParameterized } from './parameters.ts'
export { isEncoded, isKnownEncoding, parseMessage } from './parse.ts'
export {
  defaultParseLimits,
  type Envelope,
  type MessageStructure,
  type Parameter,
  type ParseLimits,
  type Part,
  type PartKind,
  parameter,
  partName,
  rootPart,
} from './structure.ts'
export { encodeBinaryParts } from './transfer.ts'
export { formatRfc3339, type MailDate, parseCommaList, parseDate, parseMessageIds } from './values.ts'

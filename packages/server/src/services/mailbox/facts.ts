// What is stored about a message, taken from its bytes once.
import { hash } from 'node:crypto'
import {
  fieldValue,
  hasAttachment,
  type MessageStructure,
  packStructure,
  parseDate,
  parseMessage,
  parseMessageIds,
  readFields,
  rootPart,
} from '@postern/mail/mime'
import { threadSubject } from '@postern/mail/text'
import type { IncomingMessage } from '#data/store'

export type MessageFacts = Pick<
  IncomingMessage,
  'sent' | 'hasAttachment' | 'messageIdKey' | 'bodyKey' | 'threadKeys' | 'structure' | 'bareLineFeeds'
>

const lineFeed = 0x0a
const carriageReturn = 0x0d
/** Longer ids are no ids that answers would repeat. */
const longestReferenceBytes = 99
const mostReferences = 100
const referenceFields: ReadonlySet<string> = new Set(['message-id', 'in-reply-to', 'references', 'resent-message-id'])

/**
 * Undefined when there is nothing. Anything else is a message, however odd: what others keep for their users has to find a place here
 * (RFC 9051 §6.3.12 asks for no form).
 */
export function readFacts(bytes: Buffer, parsed?: MessageStructure): MessageFacts | undefined {
  if (bytes.length === 0) return undefined
  const structure = parsed ?? parseMessage(bytes)
  const root = rootPart(structure)
  const { date, subject } = structure.envelope
  const references = new Set<string>()
  let own: string | undefined
  for (const field of readFields(bytes, root.headerStart, root.bodyStart)) {
    if (!referenceFields.has(field.name)) continue
    for (const id of parseMessageIds(fieldValue(bytes, field))) {
      if (Buffer.byteLength(id) > longestReferenceBytes || references.size >= mostReferences) continue
      references.add(id)
      if (field.name === 'message-id') own ??= id
    }
  }
  const base = threadSubject(subject ?? '')
  const sent = date === null ? null : parseDate(date)
  return {
    sent: sent === null ? null : Math.floor(sent.time / 1000),
    hasAttachment: hasAttachment(structure),
    messageIdKey: own === undefined ? null : keyOf(own),
    bodyKey: keyOf(bytes.subarray(root.bodyStart)),
    threadKeys: [...references].map(id => keyOf(`${base}\0${id}`)),
    structure: packStructure(structure),
    bareLineFeeds: countBareLineFeeds(bytes),
  }
}

/** 52 bits of a hash: enough for all ids of an account, small enough to be a plain number. */
function keyOf(data: string | Uint8Array): number {
  const digest = hash('sha256', data, 'buffer')
  return digest.readUIntBE(0, 6) * 16 + ((digest[6] ?? 0) & 15)
}

function countBareLineFeeds(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) if (bytes[at - 1] !== carriageReturn) count++
  return count
}

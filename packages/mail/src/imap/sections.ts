import { isKnownEncoding, type MessageStructure, type Part, partContent, readFields, rootPart } from '#mime'
import type { Arguments } from './arguments.ts'
import { GrammarError } from './grammar-error.ts'

export type SectionText = 'all' | 'header' | 'fields' | 'fieldsNot' | 'text' | 'mime'

/** `BODY[1.2.HEADER.FIELDS (Subject)]` (RFC 9051 §6.4.5.1). */
export interface Section {
  readonly part: readonly number[]
  readonly text: SectionText
  /** As asked for; only with `fields` and `fieldsNot`. */
  readonly fields: readonly string[]
}

/** `<start.length>`; without a length (in responses) only start. */
export interface Partial {
  readonly start: number
  readonly length: number
}

const maxPartDepth = 100
const maxFieldNames = 500

/** Dotted part numbers, which end in front of a letter or bracket. */
function readPartNumbers(args: Arguments): number[] {
  const numbers: number[] = []
  while (args.isAtDigit) {
    const number = args.number()
    if (number === 0 || numbers.length === maxPartDepth) throw new GrammarError('Invalid part number')
    numbers.push(number)
    if (!args.take('.')) break
    if (args.peek() === 0x5d) throw new GrammarError('Invalid section')
  }
  return numbers
}

/** A section with its brackets; the cursor stands on `[`. */
export function readSection(args: Arguments): Section {
  args.expect('[')
  const part = readPartNumbers(args)
  if (args.take(']')) return { part, text: 'all', fields: [] }
  const word = args.keyword()
  const section = readSectionText(args, part, word)
  args.expect(']')
  return section
}

function readSectionText(args: Arguments, part: readonly number[], word: string): Section {
  switch (word) {
    case 'HEADER':
      return { part, text: 'header', fields: [] }
    case 'TEXT':
      return { part, text: 'text', fields: [] }
    case 'MIME':
      if (part.length === 0) throw new GrammarError('MIME needs a part number')
      return { part, text: 'mime', fields: [] }
    case 'HEADER.FIELDS':
    case 'HEADER.FIELDS.NOT': {
      args.skipSpaces()
      const fields = args.list(() => args.astring())
      if (fields.length === 0) throw new GrammarError('A list of field names must not be empty')
      if (fields.length > maxFieldNames) throw new GrammarError('Too many field names')
      return { part, text: word === 'HEADER.FIELDS' ? 'fields' : 'fieldsNot', fields }
    }
    default:
      throw new GrammarError(`Invalid section "${word.slice(0, 30)}"`)
  }
}

/** The part numbers of BINARY, with their brackets. */
export function readBinaryPart(args: Arguments): number[] {
  args.expect('[')
  const part = readPartNumbers(args)
  args.expect(']')
  return part
}

export function readPartial(args: Arguments): Partial | null {
  if (!args.take('<')) return null
  const start = args.number64()
  args.expect('.')
  const length = args.number64()
  if (length === 0) throw new GrammarError('A partial length must not be 0')
  args.expect('>')
  return { start, length }
}

/** Where a section's octets lie. */
export interface SectionPlace {
  /** Parts whose bodies have to be decoded one inside the other to get to the octets; mostly none. */
  readonly within: readonly Part[]
  readonly start: number
  /** Infinity: to the end of the octets. */
  readonly end: number
  readonly part: Part
}

/** One message on the way to a part: its structure, where its octets begin and end, what had to be decoded. */
interface Level {
  readonly structure: MessageStructure
  readonly within: readonly Part[]
  readonly start: number
  readonly end: number
}

interface Found {
  readonly level: Level
  readonly part: Part
  /** Set when the path leads to the message as a whole or to its body, not to a part of a multipart. */
  readonly isMessage: boolean
}

function openMessage(level: Level, part: Part): Level | null {
  if (part.message === null) return null
  if (part.message.isDecoded) return { structure: part.message, within: [...level.within, part], start: 0, end: Number.POSITIVE_INFINITY }
  return { structure: part.message, within: level.within, start: part.bodyStart, end: part.end }
}

/** Follows part numbers; null when there is no such part. */
function follow(structure: MessageStructure, numbers: readonly number[]): Found | null {
  let level: Level = { structure, within: [], start: 0, end: Number.POSITIVE_INFINITY }
  let part = rootPart(structure)
  let isMessage = true
  for (const number of numbers) {
    // Below a part that holds a message, numbers count the parts of that message.
    const inner: Level | null = isMessage ? null : openMessage(level, part)
    if (inner !== null) {
      level = inner
      part = rootPart(inner.structure)
      isMessage = true
    }
    if (part.kind === 'multipart') {
      const child = level.structure.parts[part.children[number - 1] ?? -1]
      if (child === undefined) return null
      part = child
    } else if (number !== 1) return null
    // `1` of a message that is no multipart is its body; a further `.1` on a leaf stays there.
    isMessage = false
  }
  return { level, part, isMessage }
}

/** Finds a section by structure alone. Null when the message has no such part. */
export function locateSection(structure: MessageStructure, section: Section): SectionPlace | null {
  const found = follow(structure, section.part)
  if (found === null) return null
  const { level, part } = found
  const within = level.within
  if (section.text === 'all') {
    if (found.isMessage) return { within, start: level.start, end: level.end, part }
    return { within, start: part.bodyStart, end: part.end, part }
  }
  if (section.text === 'mime') return { within, start: part.headerStart, end: part.bodyStart, part }
  const message = found.isMessage ? level : openMessage(level, part)
  // HEADER and TEXT exist for messages only.
  if (message === null) return null
  const root = rootPart(message.structure)
  if (section.text === 'text') return { within: message.within, start: root.bodyStart, end: message.end, part: root }
  return { within: message.within, start: message.start, end: root.bodyStart, part: root }
}

/** The octets of a section, or null when there is no such part. `bytes` is the whole message. */
export function extractSection(bytes: Buffer, structure: MessageStructure, section: Section): Buffer | null {
  const place = locateSection(structure, section)
  if (place === null) return null
  const octets = decodedWithin(bytes, place.within).subarray(place.start, Math.min(place.end, Number.MAX_SAFE_INTEGER))
  if (section.text === 'fields' || section.text === 'fieldsNot') return selectFields(octets, section.fields, section.text === 'fields')
  return octets
}

function decodedWithin(bytes: Buffer, within: readonly Part[]): Buffer {
  let octets = bytes
  for (const part of within) octets = partContent(octets, part).bytes
  return octets
}

/** The fields of a header block that are (or are not) named, in their order and as they stand, and the empty line. */
export function selectFields(header: Buffer, names: readonly string[], wanted: boolean): Buffer {
  const named = new Set(names.map(name => name.toLowerCase()))
  const pieces: Buffer[] = []
  for (const field of readFields(header)) {
    if (named.has(field.name) === wanted) pieces.push(header.subarray(field.start, field.end))
  }
  pieces.push(Buffer.from('\r\n'))
  return Buffer.concat(pieces)
}

/** What BINARY shows of a part: its octets with the transfer encoding undone; null without such a part; `unknownEncoding` as RFC 9051 §6.4.5 says. */
export function extractBinary(bytes: Buffer, structure: MessageStructure, path: readonly number[]): Buffer | 'unknownEncoding' | null {
  const found = follow(structure, path)
  if (found === null) return null
  const octets = decodedWithin(bytes, found.level.within)
  if (found.isMessage) return octets.subarray(found.level.start, Math.min(found.level.end, Number.MAX_SAFE_INTEGER))
  if (!isKnownEncoding(found.part.encoding) && found.part.kind !== 'multipart') return 'unknownEncoding'
  return partContent(octets, found.part).bytes
}

/** Cuts the asked-for piece out of a section; beyond its end it is empty. */
export function cutPartial(octets: Buffer, partial: Partial | null): Buffer {
  return partial === null ? octets : octets.subarray(partial.start, Math.min(octets.length, partial.start + partial.length))
}

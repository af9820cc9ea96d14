// Searching one mailbox: what columns can decide is decided at once, then the stored structure, then the bytes.

import type { AddressGroup } from '@postern/mail/address'
import {
  type Envelope,
  type Field,
  type MessageStructure,
  type Part,
  parseDate,
  partContent,
  partText,
  readFields,
  rootPart,
  unpackEnvelope,
  unpackStructure,
} from '@postern/mail/mime'
import { decodeEncodedWords, decodeUnstructured } from '@postern/mail/text'
import type { MessageRow } from '#data/store'
import { nextTurn } from './columns.ts'
import type { Criterion, MailboxColumns } from './types.ts'

export interface SearchSources {
  messages(ids: readonly number[]): Promise<readonly MessageRow[]>
  content(row: MessageRow): Promise<Buffer>
}

const rowsPerStep = 100

/** UIDs of matching messages, ascending. */
export async function searchMailbox(columns: MailboxColumns, criterion: Criterion, sources: SearchSources): Promise<readonly number[]> {
  const matches = new Uint8Array(columns.count)
  const open: number[] = []
  const decide = compile(criterion)
  for (let at = 0; at < columns.count; at++) {
    const verdict = decide({ columns, at })
    if (verdict === undefined) open.push(at)
    else if (verdict) matches[at] = 1
  }
  for (let from = 0; from < open.length; from += rowsPerStep) {
    const step = open.slice(from, from + rowsPerStep)
    const rows = new Map((await sources.messages(step.map(at => columns.ids[at] ?? 0))).map(row => [row.id, row]))
    for (const at of step) {
      const row = rows.get(columns.ids[at] ?? 0)
      // Removed since the columns were read.
      if (!row) continue
      const packed = Buffer.from(row.structure.buffer, row.structure.byteOffset, row.structure.length)
      const envelope = unpackEnvelope(packed)
      let verdict = decide({ columns, at, row, envelope })
      if (verdict === undefined) {
        verdict = decide({ columns, at, row, envelope, structure: unpackStructure(packed), bytes: await sources.content(row) })
      }
      if (verdict) matches[at] = 1
    }
    await nextTurn()
  }
  const uids: number[] = []
  for (let at = 0; at < columns.count; at++) if (matches[at] === 1) uids.push(columns.uids[at] ?? 0)
  return uids
}

/** What is known about a message so far. */
interface Known {
  readonly columns: MailboxColumns
  readonly at: number
  readonly row?: MessageRow
  readonly envelope?: Envelope
  readonly structure?: MessageStructure
  readonly bytes?: Buffer
}

/** Undefined when more has to be known. */
type Decide = (known: Known) => boolean | undefined

function compile(criterion: Criterion): Decide {
  switch (criterion.kind) {
    case 'all':
      return () => true
    case 'and':
      return every(criterion.of.map(compile))
    case 'or':
      return some(criterion.of.map(compile))
    case 'not': {
      const inner = compile(criterion.of)
      return known => {
        const verdict = inner(known)
        return verdict === undefined ? undefined : !verdict
      }
    }
    case 'flags':
      return ({ columns, at }) => ((columns.flags[at] ?? 0) & criterion.flags) === criterion.flags
    case 'keyword': {
      const wanted = criterion.name.toLowerCase()
      return ({ columns, at }) => (columns.keywords[at] ?? []).some(name => name.toLowerCase() === wanted)
    }
    case 'uids':
      return ({ columns, at }) => inRanges(columns.uids[at] ?? 0, criterion.ranges)
    case 'ids': {
      const ids = new Set(criterion.ids)
      return ({ columns, at }) => ids.has(columns.ids[at] ?? 0)
    }
    case 'changedSince':
      return ({ columns, at }) => (columns.changes[at] ?? 0) > criterion.change
    case 'larger':
      return ({ columns, at }) => (columns.sizes[at] ?? 0) > criterion.bytes
    case 'smaller':
      return ({ columns, at }) => (columns.sizes[at] ?? 0) < criterion.bytes
    case 'received':
    case 'saved': {
      const { kind, from = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = criterion
      return ({ columns, at }) => {
        const time = columns[kind][at] ?? 0
        return time >= from && time < until
      }
    }
    case 'thread':
      return ({ row }) => row && row.threadId === criterion.threadId
    case 'hasAttachment':
      return ({ row }) => row && row.hasAttachment !== 0
    case 'sent': {
      const { from = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = criterion
      return ({ envelope, row }) => {
        if (!envelope || !row) return undefined
        // A message without a readable date is taken by its arrival (RFC 8621 §4.1.2.3 gives no other).
        const day = sentDay(envelope) ?? row.received
        return day >= from && day < until
      }
    }
    case 'from':
    case 'to':
    case 'cc':
    case 'bcc': {
      // RFC 9051 §6.4.4: the envelope structure's field.
      const { kind } = criterion
      const wanted = fold(criterion.text)
      return ({ envelope }) => envelope?.[kind].some(group => groupContains(group, wanted))
    }
    case 'subject': {
      const wanted = fold(criterion.text)
      return ({ envelope }) => envelope && envelope.subject !== null && fold(decodeEncodedWords(envelope.subject)).includes(wanted)
    }
    case 'header':
      return headerContains(criterion.name.toLowerCase(), criterion.text)
    case 'body': {
      const wanted = fold(criterion.text)
      return ({ bytes, structure }) => bytes && structure && bodyContains(bytes, structure, wanted)
    }
    case 'text': {
      const wanted = fold(criterion.text)
      return ({ bytes, structure }) =>
        bytes && structure && (headersContain(bytes, structure, wanted) || bodyContains(bytes, structure, wanted))
    }
  }
}

function every(parts: readonly Decide[]): Decide {
  return known => {
    let open = false
    for (const part of parts) {
      const verdict = part(known)
      if (verdict === false) return false
      if (verdict === undefined) open = true
    }
    return open ? undefined : true
  }
}

function some(parts: readonly Decide[]): Decide {
  return known => {
    let open = false
    for (const part of parts) {
      const verdict = part(known)
      if (verdict === true) return true
      if (verdict === undefined) open = true
    }
    return open ? undefined : false
  }
}

function inRanges(uid: number, ranges: readonly (readonly [number, number])[]): boolean {
  return ranges.some(([first, last]) => uid >= first && uid <= last)
}

/** RFC 9051 §6.4.4 SENTBEFORE and its kin disregard time and zone: midnight UTC of the day as written, Unix seconds. */
function sentDay(envelope: Envelope): number | undefined {
  const date = envelope.date === null ? null : parseDate(envelope.date)
  if (!date) return undefined
  const local = date.time + date.offsetMinutes * 60_000
  return Math.floor(local / 86_400_000) * 86_400
}

function groupContains({ name, mailboxes }: AddressGroup, wanted: string): boolean {
  if (name !== null && fold(decodeEncodedWords(name)).includes(wanted)) return true
  return mailboxes.some(mailbox => {
    const display = mailbox.name === null ? '' : `${decodeEncodedWords(mailbox.name)} `
    return fold(`${display}<${mailbox.address}>`).includes(wanted)
  })
}

function headerContains(name: string, text: string): Decide {
  const wanted = fold(text)
  return ({ bytes, structure }) => {
    if (!bytes || !structure) return undefined
    const fields = headerFields(bytes, structure).filter(field => field.name === name)
    return fields.some(field => wanted === '' || fold(decodeUnstructured(bytes.subarray(field.valueStart, field.end))).includes(wanted))
  }
}

function headerFields(bytes: Buffer, structure: MessageStructure): Field[] {
  const { headerStart, bodyStart } = rootPart(structure)
  return readFields(bytes, headerStart, bodyStart)
}

function headersContain(bytes: Buffer, structure: MessageStructure, wanted: string): boolean {
  const fields = headerFields(bytes, structure)
  return fields.some(field => {
    const value = decodeUnstructured(bytes.subarray(field.valueStart, field.end))
    return fold(`${field.name}: ${value}`).includes(wanted) || fold(value).includes(wanted)
  })
}

function bodyContains(bytes: Buffer, structure: MessageStructure, wanted: string): boolean {
  return structure.parts.some(part => partContains(bytes, part, wanted))
}

function partContains(bytes: Buffer, part: Part, wanted: string): boolean {
  if (part.kind === 'text' || part.kind === 'html') return fold(partText(bytes, part).text).includes(wanted)
  const { message } = part
  if (!message) return false
  // Offsets of a message inside a transfer encoding count its decoded bytes.
  const inner = message.isDecoded ? Buffer.from(partContent(bytes, part).bytes) : bytes
  return headersContain(inner, message, wanted) || bodyContains(inner, message, wanted)
}

/** i;unicode-casemap (RFC 5051) in effect: compatibility forms and case do not count. */
function fold(text: string): string {
  const lower = text.toLowerCase()
  return /^[\u0000-\u007f]*$/.test(lower) ? lower : text.normalize('NFKD').toUpperCase().toLowerCase()
}

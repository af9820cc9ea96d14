// Searching one mailbox: what columns can decide is decided at once, then the stored structure, then the bytes.

import type { AddressGroup } from '@postern/mail/address'
import {
  type Envelope,
  type MessageStructure,
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
import type { Criterion, MailboxColumns, Progress } from './types.ts'

export interface SearchSources {
  messages(ids: readonly number[]): Promise<readonly MessageRow[]>
  content(row: MessageRow): Promise<Buffer>
  /** Called between messages, so that others get their turns. */
  turn(): Promise<unknown>
  readonly progress?: Progress | undefined
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
    if (at % rowsPerStep === 0) await sources.turn()
  }
  for (let from = 0; from < open.length; from += rowsPerStep) {
    const step = open.slice(from, from + rowsPerStep)
    let done = columns.count - open.length + from
    const rows = new Map((await sources.messages(step.map(at => columns.ids[at] ?? 0))).map(row => [row.id, row]))
    for (const at of step) {
      const row = rows.get(columns.ids[at] ?? 0)
      // Removed since the columns were read.
      if (!row) continue
      const packed = Buffer.from(row.structure.buffer, row.structure.byteOffset, row.structure.length)
      const envelope = new EnvelopeTexts(unpackEnvelope(packed))
      let verdict = decide({ columns, at, row, envelope })
      if (verdict === undefined) {
        verdict = decide({ columns, at, row, envelope, texts: new MessageTexts(await sources.content(row), unpackStructure(packed)) })
      }
      if (verdict) matches[at] = 1
      done += 1
      await sources.turn()
      await sources.progress?.(done, columns.count)
    }
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
  readonly envelope?: EnvelopeTexts
  readonly texts?: MessageTexts
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
        const day = envelope.sentDay ?? row.received
        return day >= from && day < until
      }
    }
    case 'from':
    case 'to':
    case 'cc':
    case 'bcc':
    case 'subject': {
      // RFC 9051 §6.4.4: the envelope structure's field.
      const { kind } = criterion
      const wanted = fold(criterion.text)
      return ({ envelope }) => envelope && (envelope.field(kind)?.includes(wanted) ?? false)
    }
    case 'header': {
      const name = criterion.name.toLowerCase()
      const wanted = fold(criterion.text)
      return ({ texts }) => texts && (texts.fields.get(name)?.includes(wanted) ?? false)
    }
    case 'body': {
      const wanted = fold(criterion.text)
      return ({ texts }) => texts?.body.includes(wanted)
    }
    case 'text': {
      const wanted = fold(criterion.text)
      return ({ texts }) => texts && (texts.header.includes(wanted) || texts.body.includes(wanted))
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

type EnvelopeField = 'from' | 'to' | 'cc' | 'bcc' | 'subject'

/** Between texts that were joined to be searched at once. */
const separator = '\0'
/** No header that a person would search is longer. */
const maxHeaderBytes = 1024 * 1024

/** The texts of one envelope, folded; decoded at most once however many criteria look at them, and only when one does. */
class EnvelopeTexts {
  private readonly envelope: Envelope
  private readonly known: { [field in EnvelopeField]?: string | null } = {}

  constructor(envelope: Envelope) {
    this.envelope = envelope
  }

  /** Null when the message has no such field. */
  field(name: EnvelopeField): string | null {
    const known = this.known[name]
    if (known !== undefined) return known
    const text = this.read(name)
    this.known[name] = text === null ? null : fold(text)
    return this.known[name]
  }

  private read(name: EnvelopeField): string | null {
    if (name === 'subject') return this.envelope.subject === null ? null : decodeEncodedWords(this.envelope.subject)
    const groups = this.envelope[name]
    return groups.length === 0 ? null : groups.flatMap(addressTexts).join(separator)
  }

  /** RFC 9051 §6.4.4 SENTBEFORE and its kin disregard time and zone: midnight UTC of the day as written, Unix seconds. */
  get sentDay(): number | undefined {
    const date = this.envelope.date === null ? null : parseDate(this.envelope.date)
    if (!date) return undefined
    const local = date.time + date.offsetMinutes * 60_000
    return Math.floor(local / 86_400_000) * 86_400
  }
}

function addressTexts({ name, mailboxes }: AddressGroup): string[] {
  const texts = mailboxes.map(mailbox => {
    const display = mailbox.name === null ? '' : `${decodeEncodedWords(mailbox.name)} `
    return `${display}<${mailbox.address}>`
  })
  return name === null ? texts : [decodeEncodedWords(name), ...texts]
}

/** The texts of one message, in the same way. */
class MessageTexts {
  private readonly bytes: Buffer
  private readonly structure: MessageStructure
  private knownFields: ReadonlyMap<string, string> | undefined
  private knownHeader: string | undefined
  private knownBody: string | undefined

  constructor(bytes: Buffer, structure: MessageStructure) {
    this.bytes = bytes
    this.structure = structure
  }

  /** By field name in lower case, the values of all its fields. */
  get fields(): ReadonlyMap<string, string> {
    if (this.knownFields) return this.knownFields
    const values = new Map<string, string[]>()
    for (const { name, value } of headerFields(this.bytes, this.structure)) {
      const known = values.get(name)
      if (known) known.push(value)
      else values.set(name, [value])
    }
    this.knownFields = new Map([...values].map(([name, all]) => [name, fold(all.join(separator))]))
    return this.knownFields
  }

  get header(): string {
    this.knownHeader ??= fold(headerFields(this.bytes, this.structure).map(line).join(separator))
    return this.knownHeader
  }

  get body(): string {
    this.knownBody ??= fold([...bodyTexts(this.bytes, this.structure)].join(separator))
    return this.knownBody
  }
}

interface TextField {
  /** Lower case. */
  readonly name: string
  readonly value: string
}

function line({ name, value }: TextField): string {
  return `${name}: ${value}`
}

function headerFields(bytes: Buffer, structure: MessageStructure): TextField[] {
  const { headerStart, bodyStart } = rootPart(structure)
  return readFields(bytes, headerStart, Math.min(bodyStart, headerStart + maxHeaderBytes)).map(({ name, valueStart, end }) => ({
    name,
    value: decodeUnstructured(bytes.subarray(valueStart, end)),
  }))
}

/** The text parts, and of messages inside also the header fields. */
function* bodyTexts(bytes: Buffer, structure: MessageStructure): Generator<string> {
  for (const part of structure.parts) {
    if (part.kind === 'text' || part.kind === 'html') yield partText(bytes, part).text
    const { message } = part
    if (!message) continue
    // Offsets of a message inside a transfer encoding count its decoded bytes.
    const inner = message.isDecoded ? Buffer.from(partContent(bytes, part).bytes) : bytes
    yield* headerFields(inner, message).map(line)
    yield* bodyTexts(inner, message)
  }
}

/** i;unicode-casemap (RFC 5051) in effect: compatibility forms and case do not count. */
function fold(text: string): string {
  const lower = text.toLowerCase()
  return /^[\u0000-\u007f]*$/.test(lower) ? lower : text.normalize('NFKD').toUpperCase().toLowerCase()
}

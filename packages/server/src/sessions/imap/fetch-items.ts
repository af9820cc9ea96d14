// One message in a FETCH response: items that need its stored structure or its octets.
import {
  cutPartial,
  encodeBodyStructure,
  encodeEnvelope,
  encodeLiteral,
  extractBinary,
  extractSection,
  type FetchItem,
  itemName,
  locateSection,
  type Partial,
  type Section,
  selectFields,
  type TextOptions,
} from '@postern/mail/imap'
import { type MessageStructure, previewText, selectBodies, unpackEnvelope, unpackStructure } from '@postern/mail/mime'
import type { AccountMailboxes, Message } from '#services/mailbox'
import type { Selected } from './command.ts'
import { fetchStart } from './numbers.ts'
import { objectIdOf } from './object-ids.ts'

/** Larger pieces of a message are passed on without being held as a whole. */
const largeBytes = 256 * 1024
/** RFC 8970 §3.2 */
const maxPreviewCharacters = 200
const previewSourceBytes = 64 * 1024

type LineSession = Pick<Selected, 'write' | 'flush' | 'enabled' | 'view'>

/** A response line that is written when it is complete, or in pieces once it is large. */
export class FetchLine {
  unknownEncoding = false
  /** Part of it is on its way, so that it can only be completed. */
  isSent = false
  private readonly session: LineSession
  private pieces: (string | Buffer)[] = []
  private text: string
  private isEmpty = true

  constructor(session: LineSession, index: number) {
    this.session = session
    this.text = fetchStart(session, index)
  }

  /** An item with its value; nothing for an empty one. */
  add(item: string): void {
    if (item === '') return
    this.text += this.isEmpty ? item : ` ${item}`
    this.isEmpty = false
  }

  addOctets(name: string, octets: Buffer | null, allowBinary = false): void {
    if (octets === null) return this.add(`${name} NIL`)
    const [head, body] = encodeLiteral(octets, allowBinary)
    this.add(`${name} ${String(head)}`)
    if (body !== undefined) this.push(body)
  }

  async addLarge(name: string, length: number, pieces: AsyncIterable<Buffer>): Promise<void> {
    this.add(`${name} {${length}}\r\n`)
    for await (const piece of pieces) {
      this.push(piece)
      this.send()
      await this.session.flush()
    }
  }

  finish(): void {
    this.text += ')\r\n'
    this.send()
  }

  private push(octets: string | Buffer): void {
    this.pieces.push(this.text, octets)
    this.text = ''
  }

  private send(): void {
    this.pieces.push(this.text)
    this.text = ''
    for (const piece of this.pieces) if (piece.length > 0) this.session.write(piece)
    this.pieces = []
    this.isSent = true
  }
}

/** What is stored of a message; each thing is read at most once. */
export class MessageSource {
  readonly message: Message
  private readonly account: AccountMailboxes
  private readonly readsWhole: boolean
  private unpacked: MessageStructure | undefined
  private octets: Buffer | undefined

  /** `readsWhole`: several parts of the octets will be wanted. */
  constructor(account: AccountMailboxes, message: Message, readsWhole: boolean) {
    this.account = account
    this.message = message
    this.readsWhole = readsWhole && message.size <= largeBytes
  }

  get packed(): Buffer {
    const { buffer, byteOffset, length } = this.message.structure
    return Buffer.from(buffer, byteOffset, length)
  }

  get structure(): MessageStructure {
    this.unpacked ??= unpackStructure(this.packed)
    return this.unpacked
  }

  async whole(): Promise<Buffer> {
    this.octets ??= await this.account.content(this.message)
    return this.octets
  }

  async range(start: number, end: number): Promise<Buffer> {
    if (start >= end) return Buffer.alloc(0)
    if (this.octets === undefined && !this.readsWhole) return this.account.content(this.message, { start, end })
    return (await this.whole()).subarray(start, end)
  }

  async *pieces(start: number, end: number): AsyncGenerator<Buffer, void, void> {
    for (let at = start; at < end; at += largeBytes) yield await this.range(at, Math.min(end, at + largeBytes))
  }
}

const wholeMessage: Section = { part: [], text: 'all', fields: [] }
const headerOnly: Section = { part: [], text: 'header', fields: [] }
const textOnly: Section = { part: [], text: 'text', fields: [] }

export async function addItem(
  line: FetchLine,
  item: FetchItem,
  source: MessageSource,
  { view, text }: Pick<Selected, 'view'> & { readonly text: TextOptions },
): Promise<void> {
  const { message } = source
  switch (item.name) {
    case 'ENVELOPE':
      return line.add(`ENVELOPE ${encodeEnvelope(unpackEnvelope(source.packed), text)}`)
    case 'BODY':
      return line.add(`BODY ${encodeBodyStructure(source.structure, { ...text, extended: false })}`)
    case 'BODYSTRUCTURE':
      return line.add(`BODYSTRUCTURE ${encodeBodyStructure(source.structure, { ...text, extended: true })}`)
    case 'THREADID':
      return line.add(`THREADID (${objectIdOf(view, message.threadId)})`)
    case 'RFC822':
      return addSection(line, item.name, wholeMessage, null, source)
    case 'RFC822.HEADER':
      return addSection(line, item.name, headerOnly, null, source)
    case 'RFC822.TEXT':
      return addSection(line, item.name, textOnly, null, source)
    case 'BODY[]':
      return addSection(line, itemName(item), item.section, item.partial, source)
    case 'BINARY[]': {
      const octets = extractBinary(await source.whole(), source.structure, item.part)
      if (octets === 'unknownEncoding') line.unknownEncoding = true
      else line.addOctets(itemName(item), octets && cutPartial(octets, item.partial), true)
      return
    }
    case 'BINARY.SIZE[]': {
      const octets = extractBinary(await source.whole(), source.structure, item.part)
      if (octets === 'unknownEncoding') line.unknownEncoding = true
      else line.add(`${itemName(item)} ${octets?.length ?? 0}`)
      return
    }
    case 'PREVIEW':
      return line.addOctets('PREVIEW', await preview(source))
    default:
      throw new Error(`${item.name} is known without the message`)
  }
}

async function addSection(line: FetchLine, name: string, section: Section, partial: Partial | null, source: MessageSource): Promise<void> {
  const place = locateSection(source.structure, section)
  if (place === null) return line.add(`${name} NIL`)
  if (place.within.length > 0) {
    const octets = extractSection(await source.whole(), source.structure, section)
    return line.addOctets(name, octets && cutPartial(octets, partial))
  }
  const sectionEnd = Math.min(place.end, source.message.size)
  if (section.text === 'fields' || section.text === 'fieldsNot') {
    const header = await source.range(place.start, sectionEnd)
    return line.addOctets(name, cutPartial(selectFields(header, section.fields, section.text === 'fields'), partial))
  }
  const start = Math.min(place.start + (partial?.start ?? 0), sectionEnd)
  const end = Math.min(start + (partial?.length ?? Number.POSITIVE_INFINITY), sectionEnd)
  if (end - start > largeBytes) return line.addLarge(name, end - start, source.pieces(start, end))
  line.addOctets(name, await source.range(start, end))
}

/** As a literal: quoted text must be ASCII for clients that did not ask for more. */
async function preview(source: MessageSource): Promise<Buffer> {
  const { textBody, htmlBody } = selectBodies(source.structure)
  const [part] = [...textBody, ...htmlBody].filter(({ kind }) => kind === 'text' || kind === 'html')
  const end = part === undefined ? 0 : Math.min(part.end, part.bodyStart + previewSourceBytes, source.message.size)
  return Buffer.from(previewText(await source.range(0, end), source.structure, maxPreviewCharacters))
}

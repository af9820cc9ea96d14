import type { AddressGroup, Mailbox } from '#address'
import type { Envelope, MessageStructure, Parameter, Part, PartKind } from './structure.ts'

// Layout, all numbers base-128 varints:
//   message  = version? flags, length of envelope, envelope, count of parts, parts      (version only in front of the outermost one)
//   part     = kind and flags, parent + 1, header start (from the last header start), header length, body length, lines, strings, lists, message?
//   string   = 0 (null) | 2·index + 1 (a frequent word) | 2·(length + 1), UTF-8
const version = 1

const kinds: readonly PartKind[] = ['text', 'html', 'binary', 'message', 'multipart']

// Only ever append: stored messages refer to positions.
const words: readonly string[] = (
  'text plain html charset utf-8 UTF-8 us-ascii iso-8859-1 ISO-8859-1 windows-1252 7bit 8bit binary base64 quoted-printable multipart mixed ' +
  'alternative related boundary name filename attachment inline format flowed delsp yes image png jpeg gif application pdf octet-stream ' +
  'message rfc822 size report delivery-status report-type signed protocol micalg type text/html text/plain encrypted digest calendar method ' +
  'pkcs7-signature pgp-signature pgp-sha256 sha-256 en zip creation-date modification-date rfc822-headers csv US-ASCII reply-type original start'
).split(' ')
const wordIndex: ReadonlyMap<string, number> = new Map(words.map((word, index) => [word, index]))

class Writer {
  #bytes = Buffer.allocUnsafe(512)
  #length = 0

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + count))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }

  number(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#length++] = rest
  }

  string(value: string | null): void {
    if (value === null) return this.number(0)
    const index = wordIndex.get(value)
    if (index !== undefined) return this.number(index * 2 + 1)
    const length = Buffer.byteLength(value)
    this.number((length + 1) * 2)
    this.#reserve(length)
    this.#length += this.#bytes.write(value, this.#length, 'utf8')
  }

  bytes(value: Buffer): void {
    this.number(value.length)
    this.#reserve(value.length)
    value.copy(this.#bytes, this.#length)
    this.#length += value.length
  }

  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length))
  }
}

class Reader {
  readonly #bytes: Buffer
  #position: number

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#position = 0
  }

  number(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.#bytes[this.#position++]
      if (byte === undefined || scale > 2 ** 49) throw new RangeError('packed message structure is cut short')
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
  }

  nullable(): string | null {
    const code = this.number()
    if (code === 0) return null
    if (code % 2 === 1) return words[(code - 1) / 2] ?? ''
    return this.slice(code / 2 - 1).toString('utf8')
  }

  string(): string {
    return this.nullable() ?? ''
  }

  slice(length: number): Buffer {
    const end = this.#position + length
    if (end > this.#bytes.length) throw new RangeError('packed message structure is cut short')
    const slice = this.#bytes.subarray(this.#position, end)
    this.#position = end
    return slice
  }

  list<T>(read: (index: number) => T): T[] {
    const count = this.number()
    if (count > this.#bytes.length) throw new RangeError('packed message structure is damaged')
    const items: T[] = []
    for (let i = 0; i < count; i++) items.push(read(i))
    return items
  }
}

/** The compact form stored with a message: enough for ENVELOPE, BODYSTRUCTURE and the offsets of every part. */
export function packStructure(structure: MessageStructure): Buffer {
  const writer = new Writer()
  writer.number(version)
  writeMessage(writer, structure)
  return writer.finish()
}

/** Undoes `packStructure`. Throws RangeError on bytes it did not make. */
export function unpackStructure(bytes: Buffer): MessageStructure {
  return readMessage(openReader(bytes))
}

/** The envelope alone, without building the parts. Throws RangeError like `unpackStructure`. */
export function unpackEnvelope(bytes: Buffer): Envelope {
  const reader = openReader(bytes)
  reader.number()
  return readEnvelope(new Reader(reader.slice(reader.number())))
}

function openReader(bytes: Buffer): Reader {
  const reader = new Reader(bytes)
  if (reader.number() !== version) throw new RangeError('unknown version of a packed message structure')
  return reader
}

function writeMessage(writer: Writer, structure: MessageStructure): void {
  writer.number((structure.isDecoded ? 1 : 0) + (structure.hasKnownField ? 2 : 0))
  const envelope = new Writer()
  writeEnvelope(envelope, structure.envelope)
  writer.bytes(envelope.finish())
  writer.number(structure.parts.length)
  let lastHeader = 0
  for (const part of structure.parts) {
    writePart(writer, part, lastHeader)
    lastHeader = part.headerStart
  }
}

function readMessage(reader: Reader): MessageStructure {
  const flags = reader.number()
  const envelope = readEnvelope(new Reader(reader.slice(reader.number())))
  const children: number[][] = []
  let lastHeader = 0
  const parts = reader.list(index => {
    const own: number[] = []
    children.push(own)
    const part = readPart(reader, index, lastHeader, own)
    children[part.parent]?.push(index)
    lastHeader = part.headerStart
    return part
  })
  return { parts, envelope, isDecoded: (flags & 1) !== 0, hasKnownField: (flags & 2) !== 0 }
}

function writeEnvelope(writer: Writer, envelope: Envelope): void {
  for (const text of [envelope.date, envelope.subject, envelope.inReplyTo, envelope.messageId]) writer.string(text)
  writeGroups(writer, envelope.from)
  // Mostly the same as From: then 0 stands for them, else 1 and the list.
  for (const groups of [envelope.sender, envelope.replyTo]) {
    writer.number(groups === envelope.from ? 0 : 1)
    if (groups !== envelope.from) writeGroups(writer, groups)
  }
  for (const groups of [envelope.to, envelope.cc, envelope.bcc]) writeGroups(writer, groups)
}

function readEnvelope(reader: Reader): Envelope {
  const date = reader.nullable()
  const subject = reader.nullable()
  const inReplyTo = reader.nullable()
  const messageId = reader.nullable()
  const from = readGroups(reader)
  const sender = reader.number() === 0 ? from : readGroups(reader)
  const replyTo = reader.number() === 0 ? from : readGroups(reader)
  return {
    date,
    subject,
    from,
    sender,
    replyTo,
    to: readGroups(reader),
    cc: readGroups(reader),
    bcc: readGroups(reader),
    inReplyTo,
    messageId,
  }
}

function writeGroups(writer: Writer, groups: readonly AddressGroup[]): void {
  writer.number(groups.length)
  for (const group of groups) {
    writer.string(group.name)
    writer.number(group.mailboxes.length)
    for (const mailbox of group.mailboxes) {
      writer.string(mailbox.name)
      writer.string(mailbox.address)
      writer.string(mailbox.route ?? null)
    }
  }
}

function readGroups(reader: Reader): AddressGroup[] {
  return reader.list(() => ({ name: reader.nullable(), mailboxes: reader.list(() => readMailbox(reader)) }))
}

function readMailbox(reader: Reader): Mailbox {
  const name = reader.nullable()
  const address = reader.string()
  const route = reader.nullable()
  return route === null ? { name, address } : { name, address, route }
}

function writeParameters(writer: Writer, parameters: readonly Parameter[]): void {
  writer.number(parameters.length)
  for (const { name, value } of parameters) {
    writer.string(name)
    writer.string(value)
  }
}

function readParameters(reader: Reader): Parameter[] {
  return reader.list(() => ({ name: reader.string(), value: reader.string() }))
}

const flag = { damaged: 8, disposition: 16, extras: 32, message: 64 } as const

function writePart(writer: Writer, part: Part, lastHeader: number): void {
  const hasExtras = part.id !== null || part.description !== null || part.language.length > 0 || part.location !== null || part.md5 !== null
  writer.number(
    kinds.indexOf(part.kind) +
      (part.isDamaged ? flag.damaged : 0) +
      (part.disposition === null ? 0 : flag.disposition) +
      (hasExtras ? flag.extras : 0) +
      (part.message === null ? 0 : flag.message),
  )
  writer.number(part.parent + 1)
  writer.number(part.headerStart - lastHeader)
  writer.number(part.bodyStart - part.headerStart)
  writer.number(part.end - part.bodyStart)
  writer.number(part.lines)
  writer.string(part.type)
  writer.string(part.subtype)
  writer.string(part.encoding)
  writeParameters(writer, part.parameters)
  if (part.disposition !== null) {
    writer.string(part.disposition.type)
    writeParameters(writer, part.disposition.parameters)
  }
  if (hasExtras) {
    for (const text of [part.id, part.description, part.location, part.md5]) writer.string(text)
    writer.number(part.language.length)
    for (const language of part.language) writer.string(language)
  }
  if (part.message !== null) writeMessage(writer, part.message)
}

function readPart(reader: Reader, index: number, lastHeader: number, children: number[]): Part {
  const flags = reader.number()
  const parent = reader.number() - 1
  const headerStart = lastHeader + reader.number()
  const bodyStart = headerStart + reader.number()
  const end = bodyStart + reader.number()
  const lines = reader.number()
  const type = reader.string()
  const subtype = reader.string()
  const encoding = reader.string()
  const parameters = readParameters(reader)
  const disposition = flags & flag.disposition ? { type: reader.string(), parameters: readParameters(reader) } : null
  const extras = (flags & flag.extras) !== 0
  const id = extras ? reader.nullable() : null
  const description = extras ? reader.nullable() : null
  const location = extras ? reader.nullable() : null
  const md5 = extras ? reader.nullable() : null
  const language = extras ? reader.list(() => reader.string()) : []
  const message = flags & flag.message ? readMessage(reader) : null
  const kind = kinds[flags & 7] ?? 'binary'
  const isDamaged = (flags & flag.damaged) !== 0
  return {
    index,
    parent,
    children,
    kind,
    type,
    subtype,
    parameters,
    encoding,
    disposition,
    id,
    description,
    language,
    location,
    md5,
    headerStart,
    bodyStart,
    end,
    lines,
    isDamaged,
    message,
  }
}

// What most of five independent parsers agree on, message by message.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AddressGroup } from '@postern/mail/address'
import { type MessageStructure, parseDate, parseMessage, parseMessageIds, partContent, partName, partText } from '@postern/mail/mime'
import { decodeEncodedWords } from '@postern/mail/text'
import { testdata } from '@postern/testkit'

const { path: folder, skip } = testdata('mime')

type Values = Readonly<Record<string, unknown>>

/** Share of all values that has to agree. */
const leastAgreement = 0.995

test('the parser agrees with the others on 99.5 % of all values', { skip }, () => {
  const { messages } = JSON.parse(readFileSync(join(folder, 'consensus.json'), 'utf8')) as { messages: Readonly<Record<string, Values>> }
  let values = 0
  const different: string[] = []
  for (const [name, expected] of Object.entries(messages)) {
    const found = valuesOf(withoutMboxLine(readFileSync(join(folder, name))))
    for (const [field, value] of Object.entries(expected)) {
      values += 1
      const own = JSON.stringify(found[field])
      if (own !== JSON.stringify(value))
        different.push(`${name} ${field}: ${own.slice(0, 150)} instead of ${JSON.stringify(value).slice(0, 150)}`)
    }
  }
  const agreement = (values - different.length) / values
  assert.ok(agreement >= leastAgreement, `${(agreement * 100).toFixed(2)} % of ${values}\n${different.join('\n')}`)
})

function withoutMboxLine(bytes: Buffer): Buffer {
  return bytes.subarray(0, 5).toString() === 'From ' ? bytes.subarray(bytes.indexOf('\n') + 1) : bytes
}

function valuesOf(bytes: Buffer): Values {
  const structure = parseMessage(bytes)
  const { envelope } = structure
  const date = envelope.date === null ? null : parseDate(envelope.date)
  const part = firstText(structure)
  // Nothing but blanks is no text there.
  const text = part === undefined ? '' : collapsed(partText(bytes, part).text)
  return {
    subject: collapsed(decodeEncodedWords(envelope.subject ?? '')) || null,
    from: addresses(envelope.from),
    to: addresses(envelope.to),
    cc: addresses(envelope.cc),
    messageId: envelope.messageId === null ? null : (parseMessageIds(envelope.messageId)[0] ?? null),
    date: date === null ? null : Math.floor(date.time / 1000),
    att: attachments(bytes, structure).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    text: text === '' ? null : digest(text),
  }
}

function collapsed(text: string): string {
  return text.normalize('NFC').replace(/\s+/g, ' ').trim()
}

function addresses(groups: readonly AddressGroup[]): string[] {
  // What has no domain is no address there.
  const all = groups.flatMap(({ mailboxes }) => mailboxes.map(({ address }) => address.toLowerCase()))
  return all.filter(address => address.includes('@')).toSorted()
}

function attachments(bytes: Buffer, structure: MessageStructure): [string, string][] {
  return structure.parts.flatMap((part): [string, string][] => {
    const name = partName(part)
    return name === null || part.kind === 'multipart' ? [] : [[name, digest(partContent(bytes, part).bytes)]]
  })
}

/** A text in an unknown encoding as it stands. A multipart whose delimiters are missing is shown as text here, and nowhere else. */
function firstText(structure: MessageStructure) {
  return structure.parts.find(part => {
    const isText = part.kind !== 'multipart' && part.type === 'text' && part.subtype === 'plain'
    return isText && part.disposition?.type !== 'attachment' && !part.isDamaged
  })
}

function digest(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

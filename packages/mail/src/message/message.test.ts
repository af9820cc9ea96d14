import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Mailbox, parseMailboxes } from '#address'
import {
  fieldValue,
  parameter,
  parseDate,
  parseMessage,
  parseParameterized,
  partContent,
  partName,
  partText,
  readFields,
  rootPart,
} from '#mime'
import { decodeEncodedWords } from '#text'
import {
  type Entity,
  formatAddressField,
  formatDate,
  formatDeliveredTo,
  formatField,
  formatReceived,
  formatReturnPath,
  formatTextField,
  parameterWords,
  type ReceivedField,
  receivedProtocol,
  writeEntity,
  writeMessage,
} from './index.ts'

/** The value of the only field in `text`, unfolded. */
function valueIn(text: string): string {
  const bytes = Buffer.from(text)
  const fields = readFields(bytes)
  assert.equal(fields.length, 1, text)
  return fields[0] === undefined ? '' : fieldValue(bytes, fields[0])
}

function checkLines(bytes: Buffer | string): void {
  const text = bytes.toString('latin1')
  assert.ok(!/\r(?!\n)|(?<!\r)\n/.test(text), 'only CRLF')
  for (const line of text.split('\r\n')) assert.ok(line.length <= 998)
}

const words = fc.string({
  unit: fc.constantFrom('a', 'B', ' ', 'é', '日', '"', '\\', ',', '=?', '?=', '<', '@', '(', 'x'.repeat(30), '\u{1f600}'),
  maxLength: 40,
})

test('dates', () => {
  assert.equal(formatDate(Date.UTC(2025, 0, 6, 10, 0, 0)), 'Mon, 6 Jan 2025 10:00:00 +0000')
  assert.equal(formatDate(Date.UTC(2025, 0, 6, 23, 30, 0), 90), 'Tue, 7 Jan 2025 01:00:00 +0130')
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000_000_000 }), fc.integer({ min: -900, max: 900 }), (seconds, offset) => {
      assert.deepEqual(parseDate(formatDate(seconds * 1000, offset)), { time: seconds * 1000, offsetMinutes: offset })
    }),
  )
})

test('text fields come back, whatever they hold', () => {
  fc.assert(
    fc.property(words, fc.boolean(), (text, utf8) => {
      const field = formatTextField('Subject', text, { utf8 })
      checkLines(field)
      if (!utf8) assert.match(field, /^[\x20-\x7e\r\n]*$/)
      // Folding may double no blank and lose none.
      assert.equal(decodeEncodedWords(valueIn(field)).replace(/ +/g, ' '), text.trim().replace(/ +/g, ' '))
    }),
    { numRuns: 500 },
  )
  assert.equal(formatTextField('Subject', 'a\r\nBcc: evil@x'), 'Subject: a Bcc: evil@x\r\n')
  for (const line of formatTextField('Subject', 'word '.repeat(100)).split('\r\n')) assert.ok(line.length <= 78)
})

test('address fields come back', () => {
  const name = fc.oneof(
    fc.constant(null),
    words.map(text => text.trim().replace(/ +/g, ' ')).map(text => (text === '' ? null : text)),
  )
  fc.assert(
    fc.property(
      fc.array(fc.record({ name, address: fc.constantFrom('a@b.example', '"x y"@b.example', 'ü@x.example') }), { maxLength: 5 }),
      fc.boolean(),
      (mailboxes: Mailbox[], utf8) => {
        const field = formatAddressField('To', mailboxes, { utf8 })
        checkLines(field)
        assert.deepEqual(
          parseMailboxes(valueIn(field)),
          mailboxes.map(mailbox => ({ ...mailbox })),
        )
      },
    ),
    { numRuns: 500 },
  )
})

test('parameters come back, and names of files have a plain form too', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 120 }).filter(text => !/[\u0000-\u001f\u007f]/.test(text) && !text.includes('=?')),
      value => {
        const field = formatField('Content-Disposition', [
          'attachment;',
          ...parameterWords([
            ['filename', value],
            ['size', '5'],
          ]),
        ])
        checkLines(field)
        const { value: disposition, parameters } = parseParameterized(valueIn(field))
        assert.deepEqual([disposition, parameter(parameters, 'filename'), parameter(parameters, 'size')], ['attachment', value, '5'])
      },
    ),
  )
  assert.deepEqual(parameterWords([['filename', 'Übersicht.pdf']]), ['filename=Ubersicht.pdf;', "filename*=utf-8''%C3%9Cbersicht.pdf"])
})

const received: ReceivedField = {
  helo: 'client.example',
  reverseName: 'host.client.example',
  remoteIp: '192.0.2.1',
  network: null,
  tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
  by: 'mx.example.org',
  product: 'Postern',
  protocol: 'ESMTPS',
  id: '1A2B',
  recipient: 'jane@example.org',
  time: Date.UTC(2025, 0, 6, 10, 0, 0),
}

test('trace fields', () => {
  assert.equal(
    formatReceived(received),
    'Received: from client.example (host.client.example [192.0.2.1])\r\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)\r\n\tby mx.example.org (Postern) with ESMTPS id 1A2B\r\n\tfor <jane@example.org>;\r\n\tMon, 6 Jan 2025 10:00:00 +0000\r\n',
  )
  assert.equal(
    formatReceived({ ...received, remoteIp: '2001:db8::1', reverseName: null, tls: null, recipient: null, network: 'AS64500 Example, DE' }),
    'Received: from client.example (unknown [IPv6:2001:db8::1] (AS64500 Example, DE))\r\n\tby mx.example.org (Postern) with ESMTPS id 1A2B;\r\n\tMon, 6 Jan 2025 10:00:00 +0000\r\n',
  )
  const hostile = 'x\r\nSubject: evil (;<>'
  const field = formatReceived({
    ...received,
    helo: hostile,
    reverseName: hostile,
    network: hostile,
    by: hostile,
    recipient: hostile,
    id: hostile,
  })
  assert.equal(readFields(Buffer.from(field)).length, 1)
  checkLines(field)
  assert.equal(formatReturnPath(''), 'Return-Path: <>\r\n')
  assert.equal(formatDeliveredTo('a@b\r\nX: y'), 'Delivered-To: a@b_X: y\r\n')
})

test('the protocol of a session', () => {
  const session = { isLmtp: false, isExtended: true, hasTls: false, isAuthenticated: false, isUtf8: false }
  assert.equal(receivedProtocol({ ...session, isExtended: false }), 'SMTP')
  assert.equal(receivedProtocol(session), 'ESMTP')
  assert.equal(receivedProtocol({ ...session, hasTls: true, isAuthenticated: true }), 'ESMTPSA')
  assert.equal(receivedProtocol({ ...session, hasTls: true, isUtf8: true }), 'UTF8SMTPS')
  assert.equal(receivedProtocol({ ...session, isLmtp: true, isAuthenticated: true }), 'LMTPA')
})

test('entities come back with their octets and names', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ' ', '\n', 'é', '.', 'From ', '=', '\t', 'x'.repeat(200)), maxLength: 60 })
  fc.assert(
    fc.property(text, fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'grapheme', maxLength: 40 }), (content, octets, name) => {
      const entity: Entity = {
        type: 'multipart/mixed',
        parts: [
          { type: 'text/plain', content },
          {
            type: 'application/octet-stream',
            content: Buffer.from(octets),
            disposition: { type: 'attachment', parameters: [['filename', name]] },
            id: 'x@y',
          },
        ],
      }
      const bytes = writeMessage([formatTextField('Subject', 's')], entity)
      checkLines(bytes)
      assert.deepEqual(writeMessage([formatTextField('Subject', 's')], entity), bytes, 'the same input, the same octets')
      const { parts } = parseMessage(bytes)
      assert.equal(parts.length, 3)
      const [, first, second] = parts
      assert.ok(first !== undefined && second !== undefined)
      assert.equal(partText(bytes, first).text, content)
      assert.deepEqual(partContent(bytes, second).bytes, Buffer.from(octets))
      const plain = name.replace(/[\u0000-\u001f\u007f]+/g, ' ')
      if (!plain.includes('=?') && !/[/\\]/.test(plain) && !/[\u0080-\u009f\u2028-\u202e\u2066-\u2069]/.test(plain))
        assert.equal(partName(second), plain.trim() || null)
      assert.equal(second.id, '<x@y>')
    }),
    { numRuns: 300 },
  )
})

test('the encoding is the plainest that does', () => {
  const encodingOf = (content: string | Buffer): string => rootPart(parseMessage(writeEntity({ type: 'text/plain', content }))).encoding
  assert.equal(encodingOf('plain\n'), '7bit')
  assert.equal(encodingOf(`${'x'.repeat(999)}\n`), 'quoted-printable')
  assert.equal(encodingOf('mostly plain text with é'), 'quoted-printable')
  assert.equal(encodingOf('日本語'), 'base64')
  assert.equal(encodingOf(Buffer.from([0, 1, 2, 3])), 'base64')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseMessage } from '#mime'
import { Arguments, cutPartial, extractBinary, extractSection, type FetchItem, locateSection, readFetch } from './index.ts'

function crlf(...lines: string[]): string {
  return lines.map(line => `${line}\r\n`).join('')
}

function itemOf(text: string): FetchItem | undefined {
  return readFetch(Arguments.of(` 1 ${text}`)).items[0]
}

function fetch(source: string, text: string): string | null {
  const bytes = Buffer.from(source)
  const item = itemOf(text)
  if (item?.name !== 'BODY[]') throw new TypeError(`no section: ${text}`)
  const octets = extractSection(bytes, parseMessage(bytes), item.section)
  return octets === null ? null : cutPartial(octets, item.partial).toString()
}

const simple = crlf('Subject: s', 'To: a@b', '', 'body')
const inner = crlf(
  'Subject: in',
  'Content-Type: multipart/alternative; boundary=i',
  '',
  '--i',
  '',
  'A',
  '--i',
  'Content-Type: text/html',
  '',
  'B',
  '--i--',
)
const nested = crlf(
  'Subject: out',
  'Content-Type: multipart/mixed; boundary=o',
  '',
  'pre',
  '--o',
  '',
  'text',
  '--o',
  'Content-Type: message/rfc822',
  'Content-ID: <m>',
  '',
  `${inner}--o--`,
)

test('a simple message', () => {
  assert.equal(fetch(simple, 'BODY[]'), simple)
  assert.equal(fetch(simple, 'BODY[HEADER]'), crlf('Subject: s', 'To: a@b', ''))
  assert.equal(fetch(simple, 'BODY[TEXT]'), crlf('body'))
  assert.equal(fetch(simple, 'BODY[1]'), crlf('body'))
  assert.equal(fetch(simple, 'BODY[1.1]'), crlf('body'), 'a further .1 on a leaf is the leaf')
  assert.equal(fetch(simple, 'BODY[1.MIME]'), crlf('Subject: s', 'To: a@b', ''))
  for (const none of ['BODY[2]', 'BODY[1.2]', 'BODY[1.HEADER]', 'BODY[1.TEXT]', 'BODY[99.MIME]'])
    assert.equal(fetch(simple, none), null, none)
})

test('selected fields keep their order and octets and end with an empty line', () => {
  const source = crlf('To: a', '\tb', 'X-Y: 1', 'subject:  s', 'To: c', '', 'x')
  assert.equal(fetch(source, 'BODY[HEADER.FIELDS (SUBJECT TO)]'), crlf('To: a', '\tb', 'subject:  s', 'To: c', ''))
  assert.equal(fetch(source, 'BODY[HEADER.FIELDS.NOT (To)]'), crlf('X-Y: 1', 'subject:  s', ''))
  assert.equal(fetch(source, 'BODY[HEADER.FIELDS (Absent)]'), '\r\n')
})

test('parts of a multipart and of a message in it', () => {
  assert.equal(fetch(nested, 'BODY[1]'), 'text')
  assert.equal(fetch(nested, 'BODY[2.MIME]'), crlf('Content-Type: message/rfc822', 'Content-ID: <m>', ''))
  assert.equal(fetch(nested, 'BODY[2]'), inner.slice(0, -2))
  assert.equal(fetch(nested, 'BODY[2.HEADER]'), crlf('Subject: in', 'Content-Type: multipart/alternative; boundary=i', ''))
  assert.equal(fetch(nested, 'BODY[2.HEADER.FIELDS (Subject)]'), crlf('Subject: in', ''))
  assert.equal(fetch(nested, 'BODY[2.TEXT]'), crlf('--i', '', 'A', '--i', 'Content-Type: text/html', '', 'B', '--i--').slice(0, -2))
  assert.equal(fetch(nested, 'BODY[2.1]'), 'A')
  assert.equal(fetch(nested, 'BODY[2.2]'), 'B')
  assert.equal(fetch(nested, 'BODY[2.2.MIME]'), crlf('Content-Type: text/html', ''))
  assert.equal(fetch(nested, 'BODY[2.3]'), null)
})

test('a message that is a message that is a message', () => {
  const third = crlf('Subject: third', '', 'end')
  const second = crlf('Content-Type: message/rfc822', '') + third
  const first = crlf('Content-Type: message/rfc822', '') + second
  assert.equal(fetch(first, 'BODY[1]'), second)
  assert.equal(fetch(first, 'BODY[1.1]'), third)
  assert.equal(fetch(first, 'BODY[1.1.1]'), crlf('end'))
  assert.equal(fetch(first, 'BODY[1.HEADER]'), crlf('Content-Type: message/rfc822', ''))
  assert.equal(fetch(first, 'BODY[1.1.HEADER]'), crlf('Subject: third', ''))
})

test('inside an encoded message sections come from the decoded octets, the part itself stays encoded', () => {
  const encoded = Buffer.from(inner).toString('base64')
  const source = crlf(
    'Content-Type: multipart/mixed; boundary=o',
    '',
    '--o',
    'Content-Type: message/rfc822',
    'Content-Transfer-Encoding: base64',
    '',
    encoded,
    '--o--',
  )
  assert.equal(fetch(source, 'BODY[1]'), encoded)
  assert.equal(fetch(source, 'BODY[1.2]'), 'B')
  assert.equal(fetch(source, 'BODY[1.HEADER.FIELDS (subject)]'), crlf('Subject: in', ''))
  assert.equal(fetch(source, 'BODY[1.TEXT]'), inner.slice(inner.indexOf('--i')))
})

test('partial fetches, also beyond the end', () => {
  assert.equal(fetch(simple, 'BODY[TEXT]<1.2>'), 'od')
  assert.equal(fetch(simple, 'BODY[TEXT]<4.100>'), '\r\n')
  assert.equal(fetch(simple, 'BODY[]<100000.20>'), '')
})

test('BINARY undoes the transfer encoding', () => {
  const source = Buffer.from(
    crlf(
      'Content-Type: multipart/mixed; boundary=o',
      '',
      '--o',
      'Content-Transfer-Encoding: base64',
      '',
      'YQBi',
      '--o',
      'Content-Transfer-Encoding: x-odd',
      '',
      'x',
      '--o--',
    ),
  )
  const structure = parseMessage(source)
  assert.equal(extractBinary(source, structure, [1])?.toString(), 'a\u0000b')
  assert.equal(extractBinary(source, structure, [2]), 'unknownEncoding')
  assert.equal(extractBinary(source, structure, [3]), null)
  assert.equal(extractBinary(source, structure, [])?.toString(), source.toString())
})

test('header and text of any message make the whole; every part is its MIME header and its octets', () => {
  const piece = fc.constantFrom(
    'Content-Type: multipart/mixed; boundary=x\r\n',
    'Content-Type: message/rfc822\r\n',
    'Content-Transfer-Encoding: base64\r\n',
    'Subject: a\r\n b\n',
    '\r\n',
    '--x\r\n',
    '--x--\n',
    'text\n',
    ' \r\n',
    'From me\n',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), pieces => {
      const bytes = Buffer.from(pieces.join(''))
      const structure = parseMessage(bytes)
      const section = (part: readonly number[], text: 'all' | 'header' | 'text' | 'mime'): Buffer | null =>
        extractSection(bytes, structure, { part, text, fields: [] })
      assert.deepEqual(Buffer.concat([section([], 'header') ?? Buffer.alloc(0), section([], 'text') ?? Buffer.alloc(0)]), bytes)
      for (const path of [[1], [2], [1, 1], [1, 2], [2, 1], [1, 1, 1]]) {
        const place = locateSection(structure, { part: path, text: 'all', fields: [] })
        if (place === null) continue
        assert.equal(section(path, 'all')?.length, place.part.end - place.part.bodyStart)
        assert.equal(section(path, 'mime')?.length, place.part.bodyStart - place.part.headerStart)
      }
    }),
    { numRuns: 2000 },
  )
})

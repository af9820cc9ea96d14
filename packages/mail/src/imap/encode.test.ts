import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseMessage } from '#mime'
import {
  Arguments,
  encodeBodyStructure,
  encodeEnvelope,
  encodeEsearch,
  encodeMailboxName,
  encodeOldSearch,
  encodeString,
  encodeThreads,
  FetchResponse,
  formatInternalDate,
  itemName,
  readDateTime,
  readFetch,
  slicePartial,
  type ThreadNode,
} from './index.ts'

const rev1 = { utf8: false } as const
const rev2 = { utf8: true } as const

function message(...lines: string[]): Buffer {
  return Buffer.from(lines.map(line => `${line}\r\n`).join(''))
}

test('strings: quoted, escaped, or a literal', () => {
  assert.equal(encodeString('a b'), '"a b"')
  assert.equal(encodeString('a"\\'), '"a\\"\\\\"')
  assert.equal(encodeString('a\r\nb'), '{4}\r\na\r\nb')
  assert.equal(encodeString('é\n'), '{3}\r\né\n')
  assert.equal(encodeString('a\u0000'), '"a\uFFFD"')
  assert.equal(encodeString('x'.repeat(2000)), `{2000}\r\n${'x'.repeat(2000)}`)
  assert.equal(encodeMailboxName('Entwürfe', rev1), '"Entw&APw-rfe"')
  assert.equal(encodeMailboxName('Entwürfe', rev2), '"Entwürfe"')
})

test('ENVELOPE: words as sent for ASCII sessions, decoded for UTF-8 ones', () => {
  const { envelope } = parseMessage(
    message(
      'Date: Mon, 6 Jan 2025 10:00:00 +0000',
      'Subject: =?utf-8?q?Caf=C3=A9?= "x"',
      'From: =?utf-8?q?J=C3=B6rg?= <"j b"@x.example>',
      'To: grp: a@b, "C, D" <c@d>;, nobody, <@r1:u@d>',
      'Cc: ü@bücher.example',
      'Message-ID: <m@x>',
      '',
      '',
    ),
  )
  const from = '(("=?utf-8?q?J=C3=B6rg?=" NIL "j b" "x.example"))'
  assert.equal(
    encodeEnvelope(envelope, rev1),
    `("Mon, 6 Jan 2025 10:00:00 +0000" "=?utf-8?q?Caf=C3=A9?= \\"x\\"" ${from} ${from} ${from} ((NIL NIL "grp" NIL)(NIL NIL "a" "b")("C, D" NIL "c" "d")(NIL NIL NIL NIL)("nobody" NIL "" "MISSING_DOMAIN")(NIL "@r1" "u" "d")) ((NIL NIL "=?utf-8?B?w7w=?=" "=?utf-8?B?YsO8Y2hlci5leGFtcGxl?=")) NIL NIL "<m@x>")`,
  )
  const decoded = encodeEnvelope(envelope, rev2)
  assert.ok(decoded.includes('"Café \\"x\\"" (("Jörg" NIL "j b" "x.example"))') && decoded.includes('"ü" "bücher.example"'))
  assert.equal(encodeEnvelope(parseMessage(message('X: y', '', '')).envelope, rev1), '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)')
  assert.match(
    encodeEnvelope(parseMessage(Buffer.from('Subject: caf\xe9\r\n\r\n', 'latin1')).envelope, rev1),
    /^\(NIL "=\?utf-8\?[QB]\?[!-~]+\?=" NIL/,
  )
})

test('BODYSTRUCTURE and BODY', () => {
  const bytes = message(
    'Content-Type: multipart/mixed; boundary="x"',
    'Content-Language: de, en',
    '',
    '--x',
    '',
    'one',
    'two',
    '--x',
    'Content-Type: Image/PNG; name="ü.png"',
    'Content-Transfer-Encoding: BASE64',
    'Content-ID: <i@x>',
    'Content-Description: a picture',
    'Content-Disposition: inline; filename=p.png',
    'Content-MD5: Q2hlY2s=',
    'Content-Location: http://x/y',
    '',
    'AAAA',
    '--x',
    'Content-Type: message/rfc822',
    '',
    'Subject: in',
    '',
    'body',
    'more',
    '--x--',
  )
  const structure = parseMessage(bytes)
  const image = '"image" "png" ("name*" "utf-8\'\'%C3%BC.png") "<i@x>" "a picture" "base64" 4'
  const inner = '(NIL "in" NIL NIL NIL NIL NIL NIL NIL NIL)'
  assert.equal(
    encodeBodyStructure(structure, { ...rev1, extended: true }),
    `(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 8 1 NIL NIL NIL NIL)(${image} "Q2hlY2s=" ("inline" ("filename" "p.png")) NIL "http://x/y")("message" "rfc822" NIL NIL NIL "7bit" 25 ${inner} ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 1 NIL NIL NIL NIL) 3 NIL NIL NIL NIL) "mixed" ("boundary" "x") NIL ("de" "en") NIL)`,
  )
  assert.equal(
    encodeBodyStructure(structure, { ...rev1, extended: false }),
    `(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 8 1)(${image})("message" "rfc822" NIL NIL NIL "7bit" 25 ${inner} ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 1) 3) "mixed")`,
  )
  assert.ok(encodeBodyStructure(structure, { ...rev2, extended: true }).includes('("name" "ü.png")'))
})

/** Reads what an encoder wrote with the grammar of a client: nested lists of strings, numbers and NIL. */
function readValue(text: string): unknown {
  const bytes = Buffer.from(text)
  let at = 0
  const read = (): unknown => {
    const char = String.fromCharCode(bytes[at] ?? 0)
    if (char === '(') {
      at++
      const items: unknown[] = []
      while (bytes[at] !== 0x29) {
        if (bytes[at] === 0x20) at++
        items.push(read())
      }
      at++
      return items
    }
    if (char === '"') {
      let value = ''
      for (at++; bytes[at] !== 0x22; at++) {
        if (bytes[at] === 0x5c) at++
        assert.ok(at < bytes.length && bytes[at] !== 0x0a && bytes[at] !== 0x0d)
        value += String.fromCharCode(bytes[at] ?? 0)
      }
      at++
      return value
    }
    const literal = /^\{(\d+)\}\r\n/.exec(bytes.toString('latin1', at, at + 20))
    if (literal !== null) {
      at += literal[0].length + Number(literal[1])
      return 'literal'
    }
    const word = /^(?:NIL|\d+)/.exec(bytes.toString('latin1', at, at + 20))?.[0]
    assert.ok(word !== undefined, `value expected at ${bytes.toString('latin1', at, at + 40)}`)
    at += word.length
    return word
  }
  const value = read()
  assert.equal(at, bytes.length)
  return value
}

test('whatever the message, ENVELOPE and BODYSTRUCTURE follow the grammar, in ASCII when asked', () => {
  const piece = fc.constantFrom(
    'Content-Type: multipart/mixed; boundary=x\r\n',
    'Content-Type: message/rfc822\r\n',
    'Content-Type: a"b/c\\d; n="é\\"\u0000"; e*=utf-8\'\'%0d%0a\r\n',
    'Content-Transfer-Encoding: é"\r\n',
    'Content-ID: <\u0001>\r\n',
    'Subject: "\\ é =?utf-8?q?=00=0D=0A?=\r\n',
    'From: "é\\"" <"a\\"b"@x>, grp: ;, name\r\n',
    'To: \u0000\r\n',
    'Content-Language: é, "\r\n',
    'Content-Disposition: é"; x="\\"\r\n',
    'Content-MD5: "\r\n',
    'Content-Location: \\\r\n',
    'Content-Description: (\r\n',
    'Date: é\r\n',
    'Message-ID: "<\r\n',
    '\r\n',
    '--x\r\n',
    '--x--\r\n',
    'text\r\n',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), fc.boolean(), fc.boolean(), (pieces, utf8, extended) => {
      const structure = parseMessage(Buffer.from(pieces.join('')))
      const body = encodeBodyStructure(structure, { utf8, extended })
      const envelope = encodeEnvelope(structure.envelope, { utf8 })
      assert.ok(Array.isArray(readValue(body)))
      const fields = readValue(envelope)
      assert.ok(Array.isArray(fields) && fields.length === 10)
      for (const text of [body, envelope]) assert.ok(!text.includes('\u0000') && (utf8 || /^[\x01-\x7f]*$/.test(text)), text)
    }),
    { numRuns: 3000 },
  )
})

test('FETCH responses', () => {
  const items = readFetch(
    Arguments.of(' 1 (BODY.PEEK[1.HEADER.FIELDS (Subject "a b")]<5.10> BODY[] BINARY[1]<0.5> BINARY.SIZE[2] BODY[2.MIME] UID)'),
  ).items
  assert.deepEqual(items.map(itemName), [
    'BODY[1.HEADER.FIELDS (Subject "a b")]<5>',
    'BODY[]',
    'BINARY[1]<0>',
    'BINARY.SIZE[2]',
    'BODY[2.MIME]',
    'UID',
  ])
  const body = Buffer.from('a\u0000b')
  const out = new FetchResponse(3)
    .add('UID', '7')
    .addOctets('BODY[]', Buffer.from('x'))
    .addOctets('BODY[9]', null)
    .addOctets('BINARY[1]', body, true)
    .addOctets('BODY[2]', body)
    .addOctets('BODY[3]', Buffer.alloc(0))
    .finish()
  assert.equal(
    out.map(String).join(''),
    '* 3 FETCH (UID 7 BODY[] {1}\r\nx BODY[9] NIL BINARY[1] ~{3}\r\na\u0000b BODY[2] {3}\r\na\u0000b BODY[3] {0}\r\n)\r\n',
  )
  assert.ok(out.includes(body), 'octets are passed on, not copied')
})

test('search responses', () => {
  const wanted = { min: true, max: true, all: true, count: true, save: false, update: false, context: false, partial: null }
  assert.equal(
    encodeEsearch('a2', false, wanted, { numbers: [7, 1, 2, 3], modSeq: 12 }),
    '* ESEARCH (TAG "a2") COUNT 4 MIN 1 MAX 7 ALL 7,1:3 MODSEQ 12\r\n',
  )
  assert.equal(encodeEsearch('a2', true, wanted, { numbers: [], modSeq: 12 }), '* ESEARCH (TAG "a2") UID COUNT 0\r\n')
  assert.equal(
    encodeEsearch(
      'a',
      true,
      { ...wanted, min: false, max: false, all: false, count: false, partial: { from: -1, to: -2 } },
      { numbers: [3, 5, 9], modSeq: null },
    ),
    '* ESEARCH (TAG "a") UID PARTIAL (-1:-2 5,9)\r\n',
  )
  assert.equal(
    encodeEsearch(
      'a',
      true,
      { ...wanted, min: false, max: false, all: false, count: false, partial: { from: 10, to: 20 } },
      { numbers: [3], modSeq: null },
    ),
    '* ESEARCH (TAG "a") UID PARTIAL (10:20 NIL)\r\n',
  )
  assert.deepEqual(slicePartial([1, 2, 3, 4], 2, 3), [2, 3])
  assert.deepEqual(slicePartial([1, 2, 3, 4], -1, -3), [2, 3, 4])
  assert.equal(encodeOldSearch('SEARCH', { numbers: [], modSeq: null }), '* SEARCH\r\n')
  assert.equal(encodeOldSearch('SEARCH', { numbers: [2, 3], modSeq: 9 }), '* SEARCH 2 3 (MODSEQ 9)\r\n')
})

test('thread responses: the examples of RFC 5256 §4', () => {
  const node = (number: number | null, ...children: ThreadNode[]): ThreadNode => ({ number, children })
  assert.equal(
    encodeThreads([node(2), node(3, node(6, node(4, node(23)), node(44, node(7, node(96)))))]),
    '* THREAD (2)(3 6 (4 23)(44 7 96))\r\n',
  )
  assert.equal(encodeThreads([node(null, node(3), node(5))]), '* THREAD ((3)(5))\r\n')
  assert.equal(encodeThreads([]), '* THREAD\r\n')
  let deep = node(1)
  for (let i = 0; i < 100_000; i++) deep = node(i, deep)
  assert.ok(encodeThreads([deep]).startsWith('* THREAD (99999 99998'))
})

test('dates go out in UTC and come back', () => {
  assert.equal(formatInternalDate(Date.UTC(2025, 0, 6, 10, 0, 5)), '06-Jan-2025 10:00:05 +0000')
  fc.assert(
    fc.property(fc.integer({ min: -60_000_000_000, max: 250_000_000_000 }), seconds =>
      assert.equal(readDateTime(Arguments.of(`"${formatInternalDate(seconds * 1000)}"`)), seconds * 1000),
    ),
  )
})

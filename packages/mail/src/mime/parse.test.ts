import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MessageStructure, type Part, parameter, parseMessage, partContent, partText, readFields, rootPart } from './index.ts'

/** A message from lines, by default ended by CRLF. */
function lines(text: readonly string[], ending = '\r\n'): Buffer {
  return Buffer.from(text.map(line => line + ending).join(''), 'latin1')
}

/** `type/subtype "body"` per part, nested messages in braces. */
function shape(bytes: Buffer, structure: MessageStructure): string {
  const show = (part: Part): string => {
    const name = `${part.type}/${part.subtype}${part.isDamaged ? '!' : ''}`
    if (part.kind === 'multipart') return `${name}(${part.children.map(index => show(structure.parts[index] as Part)).join(' ')})`
    if (part.message !== null) return `${name}{${shape(part.message.isDecoded ? partContent(bytes, part).bytes : bytes, part.message)}}`
    return `${name} ${JSON.stringify(partContent(bytes, part).bytes.toString('latin1'))}`
  }
  return show(rootPart(structure))
}

function shapeOf(text: readonly string[], ending?: string): string {
  const bytes = lines(text, ending)
  return shape(bytes, parseMessage(bytes))
}

const mixed = [
  'From: a@b',
  'Content-Type: multipart/mixed; boundary=x',
  '',
  'preamble',
  '--x',
  '',
  'one',
  '--x',
  'Content-Type: text/html',
  '',
  '<p>two',
  '--x--',
  'epilogue',
]

const shapes: readonly (readonly [string, readonly string[], string])[] = [
  ['a simple message', ['Subject: s', '', 'body'], 'text/plain "body\\r\\n"'],
  ['only headers', ['Subject: s'], 'text/plain ""'],
  ['parts without the line break before their delimiter', mixed, 'multipart/mixed(text/plain "one" text/html "<p>two")'],
  [
    'RFC 2046 §5.1.5: a digest holds messages by default',
    [
      'Content-Type: multipart/digest; boundary=x',
      '',
      '--x',
      '',
      'Subject: a',
      '',
      'A',
      '--x',
      'Content-Type: text/plain',
      '',
      'B',
      '--x--',
    ],
    'multipart/digest(message/rfc822{text/plain "A"} text/plain "B")',
  ],
  ['a broken Content-Type is text', ['Content-Type: text', '', 'x'], 'text/plain "x\\r\\n"'],
  ['a Content-Type without a subtype is text', ['Content-Type: text/', '', 'x'], 'text/plain "x\\r\\n"'],
  ['parameters without a type are text', ['Content-Type: ; charset=x', '', 'x'], 'text/plain "x\\r\\n"'],
  ['of two Content-Types the first counts', ['Content-Type: text/html', 'Content-Type: text/plain', '', 'x'], 'text/html "x\\r\\n"'],
  [
    'a boundary only at a line start',
    ['Content-Type: multipart/mixed; boundary=x', '', '--x', '', 'text--x', '--x--'],
    'multipart/mixed(text/plain "text--x")',
  ],
  [
    'a boundary is a whole line',
    ['Content-Type: multipart/mixed; boundary=a', '', '--a', '', '--ab', '--a  \t', '', 'two', '--a--'],
    'multipart/mixed(text/plain "--ab" text/plain "two")',
  ],
  [
    'a folded, quoted boundary with blanks',
    ['Content-Type: multipart/mixed; boundary="foo', ' bar"', '', '--foo bar', '', 'hello', '--foo bar--'],
    'multipart/mixed(text/plain "hello")',
  ],
  [
    'a boundary of special characters',
    ['Content-Type: multipart/mixed; boundary="*+?.()[a]|$^"', '', '--*+?.()[a]|$^', '', 'x', '--*+?.()[a]|$^--'],
    'multipart/mixed(text/plain "x")',
  ],
  [
    'a missing close delimiter',
    ['Content-Type: multipart/mixed; boundary=x', '', '--x', '', 'one', '--x', '', 'cut'],
    'multipart/mixed!(text/plain "one" text/plain! "cut\\r\\n")',
  ],
  [
    'the outer delimiter closes inner multiparts',
    [
      'Content-Type: multipart/mixed; boundary=o',
      '',
      '--o',
      'Content-Type: multipart/alternative; boundary=i',
      '',
      '--i',
      '',
      'in',
      '--o',
      '',
      'out',
      '--o--',
    ],
    'multipart/mixed(multipart/alternative!(text/plain! "in") text/plain "out")',
  ],
  [
    'a multipart without boundary parameter',
    ['Content-Type: multipart/mixed', '', '--guess', 'Content-Type: text/html', '', 'x', '--guess--'],
    'multipart/mixed!(text/html "x")',
  ],
  ['a multipart without boundary at all', ['Content-Type: multipart/mixed', '', 'just text'], 'text/plain! "just text\\r\\n"'],
  ['a boundary that never occurs', ['Content-Type: multipart/mixed; boundary=x', '', 'just text'], 'text/plain! "just text\\r\\n"'],
  ['an empty multipart has one empty text', ['Content-Type: multipart/mixed; boundary=x', '', '--x--'], 'multipart/mixed(text/plain "")'],
  [
    'a delimiter right behind the header',
    ['Content-Type: multipart/mixed; boundary=x', '', '--x', 'Content-Type: text/html', '--x', '', 'b', '--x--'],
    'multipart/mixed(text/html "" text/plain "b")',
  ],
  [
    'an encoded multipart is read in clear',
    ['Content-Type: multipart/mixed; boundary=x', 'Content-Transfer-Encoding: base64', '', '--x', '', 'a', '--x--'],
    'multipart/mixed(text/plain "a")',
  ],
  [
    'a message in a message in a message',
    ['Content-Type: message/rfc822', '', 'Content-Type: message/rfc822', '', 'Subject: inner', '', 'x'],
    'message/rfc822{message/rfc822{text/plain "x\\r\\n"}}',
  ],
  [
    'an encoded message is opened',
    ['Content-Type: message/rfc822', 'Content-Transfer-Encoding: base64', '', 'U3ViamVjdDogaQ0KDQpib2R5'],
    'message/rfc822{text/plain "body"}',
  ],
  ['an encoding with comment and parameter', ['Content-Transfer-Encoding: (c) BASE64 ; x=y', '', 'YWI='], 'text/plain "ab"'],
  ['an unknown encoding is shown raw', ['Content-Transfer-Encoding: x-uue', '', 'YWI='], 'text/plain "YWI=\\r\\n"'],
  ['leading blank lines', ['', ' \t', 'Subject: s', '', 'x'], 'text/plain "x\\r\\n"'],
  ['an mbox line', ['From me@x Mon Jan  1 00:00:00 2024', 'Subject: s', '', 'x'], 'text/plain "x\\r\\n"'],
  ['one stray line among the fields', ['Subject: s', 'stray', 'Content-Type: text/html', '', 'x'], 'text/html "x\\r\\n"'],
  [
    'text without an empty line before it',
    ['Subject: s', 'Dear all,', 'second line', '', 'x'],
    'text/plain "Dear all,\\r\\nsecond line\\r\\n\\r\\nx\\r\\n"',
  ],
  ['a blank before the colon', ['Content-Type : text/html', '', 'x'], 'text/html "x\\r\\n"'],
]

test('shapes', async t => {
  for (const [name, text, want] of shapes) {
    await t.test(name, () => {
      assert.equal(shapeOf(text), want)
      assert.equal(shapeOf(text, '\n'), want.replaceAll('\\r', ''), 'with LF alone')
    })
  }
})

test('offsets: header, body and end of every part', () => {
  const bytes = lines(mixed)
  const { parts } = parseMessage(bytes)
  const slices = parts.map(part => [
    bytes.toString('latin1', part.headerStart, part.bodyStart),
    bytes.toString('latin1', part.bodyStart, part.end),
  ])
  assert.deepEqual(slices[1], ['\r\n', 'one'])
  assert.deepEqual(slices[2], ['Content-Type: text/html\r\n\r\n', '<p>two'])
  assert.equal(slices[0]?.[1]?.endsWith('--x--\r\nepilogue\r\n'), true)
  assert.deepEqual(
    parts.map(part => [part.index, part.parent]),
    [
      [0, -1],
      [1, 0],
      [2, 0],
    ],
  )
})

test('a header that runs into a delimiter keeps its line break, and so do the parts around it', () => {
  const ends = (text: readonly string[]): number[] => {
    const [root, outer] = parseMessage(lines(text)).parts
    const inner = outer?.message?.parts[0] ?? parseMessage(lines(text)).parts[2]
    return [root?.end ?? -1, outer?.end ?? -1, inner?.end ?? -1]
  }
  const inMultipart = [
    'Content-Type: multipart/mixed; boundary=x',
    '',
    '--x',
    'Content-Type: multipart/mixed; boundary=y',
    '',
    '--y',
    'A: b',
    '--x--',
  ]
  const inMessage = ['Content-Type: multipart/digest; boundary=x', '', '--x', '', 'A: b', '--x--']
  for (const text of [inMultipart, inMessage]) {
    const [root = -1, outer, inner] = ends(text)
    assert.equal(outer, inner)
    assert.equal(inner, root - '--x--\r\n'.length)
  }
})

test('line counts of texts and messages', () => {
  const inner = ['Subject: i', '', 'a', 'b']
  const bytes = lines([
    'Content-Type: multipart/mixed; boundary=x',
    '',
    '--x',
    'Content-Type: message/rfc822',
    '',
    ...inner,
    '--x',
    '',
    'c',
    'd',
    'e',
    '--x--',
  ])
  const { parts } = parseMessage(bytes)
  assert.deepEqual(
    parts.map(part => part.lines),
    [0, 3, 2],
  )
  assert.equal(parts[1]?.message?.parts[0]?.lines, 1)
})

test('whether bytes are a message at all', () => {
  assert.equal(parseMessage(Buffer.from('Subject: x\r\n\r\n')).hasKnownField, true)
  for (const text of ['', 'just text', 'X-Odd: 1\r\n\r\n', '\r\n\r\nSubject\r\n'])
    assert.equal(parseMessage(Buffer.from(text)).hasKnownField, false, text)
})

test('parts beyond the limit become one binary part', () => {
  const bytes = lines([
    'Content-Type: multipart/mixed; boundary=x',
    '',
    ...Array.from({ length: 50 }, (_, i) => ['--x', '', `p${i}`]).flat(),
    '--x--',
  ])
  const { parts } = parseMessage(bytes, { maxDepth: 50, maxParts: 10, maxHeaderBytes: 1000, maxFields: 100 })
  assert.equal(parts.length, 10)
  const last = parts.at(-1) as Part
  assert.deepEqual([last.kind, last.end, last.isDamaged], ['binary', bytes.length, true])
  assert.match(bytes.toString('latin1', last.bodyStart, last.end), /^\r\np8\r\n--x/)
})

test('nesting beyond the limit becomes one binary part', () => {
  const bytes = Buffer.from(
    Array.from({ length: 1000 }, (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`).join(''),
  )
  const { parts } = parseMessage(bytes)
  assert.equal(parts.length, 51)
  assert.equal(parts.at(-1)?.kind, 'binary')
  const messages = Buffer.from('Content-Type: message/rfc822\r\n\r\n'.repeat(1000))
  let depth = 0
  for (let at: MessageStructure | null = parseMessage(messages); at !== null; at = rootPart(at).message) depth++
  assert.equal(depth, 51)
})

test('fields beyond the limits are passed over but the body is found', () => {
  const limits = { maxDepth: 50, maxParts: 10, maxHeaderBytes: 200, maxFields: 3 }
  const many = lines(['A: 1', 'A: 2', 'A: 3', 'Content-Type: text/html', '', 'x'])
  assert.equal(shape(many, parseMessage(many, limits)), 'text/plain "x\\r\\n"')
  const long = lines([`A: ${'y'.repeat(300)}`, 'Content-Type: text/html', '', 'x'])
  assert.equal(shape(long, parseMessage(long, limits)), 'text/plain "x\\r\\n"')
})

test('the envelope keeps what was written', () => {
  const { envelope } = parseMessage(
    lines([
      'Date: Mon, 6 Jan 2025',
      ' 10:00:00 +0000 (x)',
      'Subject: =?utf-8?q?J=C3=B6?=',
      'Subject: second',
      'From: =?utf-8?q?J=C3=B6rg?= <j@x>',
      'Reply-To:',
      'To: grp: a@b;, "C, D" <c@d>',
      'In-Reply-To: <a@b> <c@d>',
      'Message-ID: <m@x>',
      '',
      '',
    ]),
  )
  assert.equal(envelope.date, 'Mon, 6 Jan 2025 10:00:00 +0000 (x)')
  assert.equal(envelope.subject, 'second')
  assert.deepEqual(envelope.from, [{ name: null, mailboxes: [{ name: '=?utf-8?q?J=C3=B6rg?=', address: 'j@x' }] }])
  assert.equal(envelope.sender, envelope.from)
  assert.equal(envelope.replyTo, envelope.from)
  assert.deepEqual(
    envelope.to.map(group => [group.name, group.mailboxes.map(box => box.address)]),
    [
      ['grp', ['a@b']],
      [null, ['c@d']],
    ],
  )
  assert.deepEqual([envelope.cc, envelope.inReplyTo, envelope.messageId], [[], '<a@b> <c@d>', '<m@x>'])
})

test('what a part says about itself', () => {
  const part = rootPart(
    parseMessage(
      lines([
        'Content-Type: Text/Plain; Charset="KOI8-R"; name*0*=utf-8\'\'a%20; name*1="b.txt"',
        "Content-Disposition: ATTACHMENT; filename=x.txt; filename*=iso-8859-1''%E9.txt",
        'Content-ID: <c@d>',
        'Content-Description: =?utf-8?q?x?=',
        'Content-Language: de, en',
        'Content-Location: http://x/',
        ' y',
        'Content-MD5: abc==',
        '',
        'x',
      ]),
    ),
  )
  assert.deepEqual(
    [part.type, part.subtype, parameter(part.parameters, 'charset'), parameter(part.parameters, 'name')],
    ['text', 'plain', 'KOI8-R', 'a b.txt'],
  )
  assert.deepEqual([part.disposition?.type, parameter(part.disposition?.parameters ?? [], 'filename')], ['attachment', 'é.txt'])
  assert.deepEqual(
    [part.id, part.description, part.language, part.location, part.md5],
    ['<c@d>', '=?utf-8?q?x?=', ['de', 'en'], 'http://x/y', 'abc=='],
  )
})

test('text of a part: encodings undone, CR dropped, unlabelled latin-1 and HTML charsets found', () => {
  const text = (source: readonly string[]): string => {
    const bytes = lines(source)
    const found = partText(bytes, rootPart(parseMessage(bytes)))
    return `${found.problem ? '!' : ''}${found.text}`
  }
  assert.equal(
    text(['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable', '', 'J=C3=B6', 'x']),
    'Jö\nx\n',
  )
  assert.equal(text(['Subject: x', '', 'caf\xe9']), '!café\n')
  assert.equal(text(['Content-Type: text/html', '', '<meta charset=koi8-r>\xf0']), '<meta charset=koi8-r>П\n')
  assert.equal(text(['Content-Type: text/plain; charset=x-none', '', 'a']), '!a\n')
})

test('a header of millions of fields does not fill the memory', () => {
  const bytes = Buffer.concat([Buffer.from('From: a@b\r\n'), Buffer.alloc(12_000_000, 'X:\r\n'), Buffer.from('\r\nbody')])
  assert.equal(readFields(bytes).length, 100_000)
  const root = rootPart(parseMessage(bytes))
  assert.equal(root.bodyStart, bytes.length - 4, 'the body is found all the same')
  assert.equal(readFields(bytes, 0, 4_000)[0]?.name, 'from')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import * as imap from './index.ts'
import { type ArgumentSource, Arguments, GrammarError } from './index.ts'

const rev1 = { utf8: false } as const

/** Arguments from text in which `{…}` in braces is the content of a literal and `~{…}` of a binary one. */
function args(text: string): Arguments {
  const literals: ArgumentSource['literals'][number][] = []
  let plain = ''
  for (const piece of text.split(/(~?\{[^}]*\})/)) {
    const match = /^(~?)\{([^}]*)\}$/.exec(piece)
    if (match === null) plain += piece
    else {
      const bytes = Buffer.from(match[2] ?? '')
      literals.push({ at: Buffer.byteLength(plain), literal: { size: bytes.length, isBinary: match[1] === '~', bytes } })
    }
  }
  return new Arguments({ text: Buffer.from(plain), literals })
}

function fails(read: () => unknown, problem = 'invalid'): void {
  assert.throws(read, error => error instanceof GrammarError && error.problem === problem)
}

test('FETCH', () => {
  const read = (text: string): unknown => imap.readFetch(args(text)).items
  assert.deepEqual(read(' 1 FLAGS'), [{ name: 'FLAGS' }])
  assert.deepEqual(read(' 1:* (uid  rfc822.size Body BODYSTRUCTURE)'), [
    { name: 'UID' },
    { name: 'RFC822.SIZE' },
    { name: 'BODY' },
    { name: 'BODYSTRUCTURE' },
  ])
  assert.deepEqual(read(' 1 all'), [{ name: 'FLAGS' }, { name: 'INTERNALDATE' }, { name: 'RFC822.SIZE' }, { name: 'ENVELOPE' }])
  assert.deepEqual(read(' 1 BODY[]'), [{ name: 'BODY[]', section: { part: [], text: 'all', fields: [] }, peek: false, partial: null }])
  assert.deepEqual(read(' 1 body.peek[1.2.header.fields (Subject "x y" {z})]<10.20>'), [
    {
      name: 'BODY[]',
      section: { part: [1, 2], text: 'fields', fields: ['Subject', 'x y', 'z'] },
      peek: true,
      partial: { start: 10, length: 20 },
    },
  ])
  assert.deepEqual(read(' 1 (BINARY.PEEK[1.2]<0.5> BINARY.SIZE[2] BINARY[])'), [
    { name: 'BINARY[]', part: [1, 2], peek: true, partial: { start: 0, length: 5 } },
    { name: 'BINARY.SIZE[]', part: [2] },
    { name: 'BINARY[]', part: [], peek: false, partial: null },
  ])
  assert.deepEqual(read(' 1 (PREVIEW PREVIEW (LAZY) BODY[2.MIME])'), [
    { name: 'PREVIEW', lazy: false },
    { name: 'PREVIEW', lazy: true },
    { name: 'BODY[]', section: { part: [2], text: 'mime', fields: [] }, peek: false, partial: null },
  ])
  assert.deepEqual(imap.readFetch(args(' 1:3 FLAGS (CHANGEDSINCE 12 VANISHED)')), {
    set: { savedResult: false, ranges: [{ from: 1, to: 3 }] },
    items: [{ name: 'FLAGS' }],
    changedSince: 12,
    vanished: true,
    partial: null,
  })
  assert.deepEqual(imap.readFetch(args(' 1:* PREVIEW (PARTIAL -1:-30)')).partial, { from: -1, to: -30 })
  assert.deepEqual(read(' 1 (FLAGS'), [{ name: 'FLAGS' }])
  for (const bad of [
    ' x FLAGS',
    ' 1 FOO',
    ' 1 ()',
    ' 1 BODY[',
    ' 1 BODY[1.]',
    ' 1 BODY[0]',
    ' 1 BODY[MIME]',
    ' 1 BODY[X]',
    ' 1 BODY[HEADER.FIELDS ()]',
    ' 1 BODY[]<1>',
    ' 1 BODY[]<1.0>',
    ' 1 FLAGS x',
    ' 1 FLAGS (VANISHED)',
    ' 1 FLAGS (X 1)',
    ' 1 FLAGS[1]',
    ' 99999999999 FLAGS',
  ]) {
    assert.throws(() => imap.readFetch(args(bad)), GrammarError, bad)
  }
  fails(() => imap.readFetch(args(' 1')), 'missing')
})

test('which items set \\Seen and need octets', () => {
  const items = imap.readFetch(
    args(' 1 (BODY[] BODY.PEEK[] BODY[HEADER] RFC822 RFC822.HEADER RFC822.TEXT RFC822.SIZE BINARY[1] BINARY.SIZE[1] FLAGS BODY)'),
  ).items
  assert.deepEqual(items.map(imap.setsSeen), [true, false, true, true, false, true, false, true, false, false, false])
  assert.deepEqual(items.map(imap.needsOctets), [true, true, true, true, true, true, false, true, true, false, false])
})

test('SEARCH', () => {
  const read = (text: string): unknown => imap.readSearch(args(text)).criteria
  assert.deepEqual(read(' ALL'), { key: 'all' })
  assert.deepEqual(read(' unseen 1:3'), {
    key: 'and',
    operands: [
      { key: 'flag', flag: '\\Seen', isSet: false },
      { key: 'sequence', set: { savedResult: false, ranges: [{ from: 1, to: 3 }] } },
    ],
  })
  assert.deepEqual(read(' OR (FROM a SUBJECT "b c") NOT HEADER X-Y {z}'), {
    key: 'or',
    operands: [
      {
        key: 'and',
        operands: [
          { key: 'match', field: 'from', value: 'a' },
          { key: 'match', field: 'subject', value: 'b c' },
        ],
      },
      { key: 'not', operand: { key: 'header', name: 'X-Y', value: 'z' } },
    ],
  })
  assert.deepEqual(read(' SENTSINCE 1-Feb-1994'), { key: 'date', of: 'sent', when: 'since', day: 8797 })
  assert.deepEqual(read(' LARGER 5000000000 YOUNGER 60'), {
    key: 'and',
    operands: [
      { key: 'larger', octets: 5_000_000_000 },
      { key: 'younger', seconds: 60 },
    ],
  })
  assert.deepEqual(read(' UID $ KEYWORD $Junk'), {
    key: 'and',
    operands: [
      { key: 'uid', set: { savedResult: true } },
      { key: 'flag', flag: '$Junk', isSet: true },
    ],
  })
  assert.deepEqual(read(' MODSEQ "/flags/\\\\draft" all 620162338'), { key: 'modSeq', modSeq: 620162338 })
  assert.deepEqual(read(' FUZZY SUBJECT x EMAILID M1'), {
    key: 'and',
    operands: [
      { key: 'fuzzy', operand: { key: 'match', field: 'subject', value: 'x' } },
      { key: 'emailId', id: 'M1' },
    ],
  })
  assert.deepEqual(read(' CHARSET UTF-8 SUBJECT {Café}'), { key: 'match', field: 'subject', value: 'Café' })
  const latin = new Arguments({
    text: Buffer.from(' CHARSET iso-8859-1 SUBJECT '),
    literals: [{ at: 28, literal: { size: 1, isBinary: false, bytes: Buffer.from([0xe9]) } }],
  })
  assert.deepEqual(imap.readSearch(latin).criteria, { key: 'match', field: 'subject', value: 'é' })
  fails(() => read(' CHARSET KOI99 SUBJECT x'), 'charset')
  fails(() => read(''), 'missing')
  fails(() => read(' OR SEEN'), 'missing')
  for (const bad of [
    ' FOO',
    ' BEFORE yesterday',
    ' BEFORE 31-Feb-2020',
    ' ()',
    ' (SEEN',
    ' LARGER x',
    ` ${'('.repeat(11)}ALL${')'.repeat(11)}`,
    ` ${'NOT '.repeat(2000)}ALL`,
    ` ${'ALL '.repeat(6000)}`,
  ]) {
    assert.throws(() => read(bad), GrammarError, bad.slice(0, 30))
  }
  assert.ok(read(` ${'('.repeat(10)}ALL${')'.repeat(10)}`))
  assert.ok(read(` ${'OR SEEN '.repeat(200)}ALL`))
})

test('SEARCH RETURN', () => {
  const none = { min: false, max: false, all: false, count: false, save: false, update: false, context: false, partial: null }
  const read = (text: string): unknown => imap.readSearch(args(text)).results
  assert.equal(read(' ALL'), null)
  assert.deepEqual(read(' RETURN () ALL'), { ...none, all: true })
  assert.deepEqual(read(' return (min MAX count) ALL'), { ...none, min: true, max: true, count: true })
  assert.deepEqual(read(' RETURN (SAVE) CHARSET UTF-8 ALL'), { ...none, save: true })
  assert.deepEqual(read(' RETURN (PARTIAL 1:50) ALL'), { ...none, partial: { from: 1, to: 50 } })
  for (const bad of [' RETURN (FOO) ALL', ' RETURN (PARTIAL 1:-2) ALL', ' RETURN (PARTIAL 1:2 ALL) ALL', ' RETURN (PARTIAL 0:2) ALL'])
    assert.throws(() => read(bad), GrammarError)
})

test('SORT and THREAD', () => {
  assert.deepEqual(imap.readSort(args(' (REVERSE DATE SUBJECT) UTF-8 ALL')), {
    results: null,
    order: [
      { by: 'DATE', reverse: true },
      { by: 'SUBJECT', reverse: false },
    ],
    criteria: { key: 'all' },
  })
  assert.equal(imap.readSort(args(' RETURN (COUNT) (SIZE) us-ascii SEEN')).results?.count, true)
  assert.deepEqual(imap.readThread(args(' references UTF-8 SEEN')), {
    algorithm: 'REFERENCES',
    criteria: { key: 'flag', flag: '\\Seen', isSet: true },
  })
  for (const bad of [' (FOO) UTF-8 ALL', ' () UTF-8 ALL', ' (REVERSE) UTF-8 ALL'])
    assert.throws(() => imap.readSort(args(bad)), GrammarError)
  fails(() => imap.readSort(args(' (DATE) x-none ALL')), 'charset')
  assert.throws(() => imap.readThread(args(' FOO UTF-8 ALL')), GrammarError)
})

test('STORE', () => {
  const set = { savedResult: false, ranges: [{ from: 1, to: 1 }] }
  assert.deepEqual(imap.readStore(args(' 1 +FLAGS.SILENT (\\seen $Junk \\SEEN)')), {
    set,
    change: 'add',
    silent: true,
    flags: ['\\Seen', '$Junk'],
    unchangedSince: null,
  })
  assert.deepEqual(imap.readStore(args(' 1 (UNCHANGEDSINCE 18446744073709551615) -FLAGS \\Seen a')), {
    set,
    change: 'remove',
    silent: false,
    flags: ['\\Seen', 'a'],
    unchangedSince: Number.MAX_SAFE_INTEGER,
  })
  assert.deepEqual(imap.readStore(args(' 1 FLAGS ()')).flags, [])
  assert.deepEqual(imap.readStore(args(' 1 +FLAGS NIL')).flags, ['NIL'])
  for (const bad of [
    ' 1 FOO (\\Seen)',
    ' x FLAGS ()',
    ' 1 FLAGS (\\*)',
    ' 1 FLAGS (a',
    ' 1 (X 1) FLAGS ()',
    ` 1 FLAGS (${'k'.repeat(300)})`,
  ])
    assert.throws(() => imap.readStore(args(bad)), GrammarError, bad)
  fails(() => imap.readStore(args(' 1')), 'missing')
  assert.deepEqual(['\\Foo', '\\Seen', 'x'].map(imap.isUnknownSystemFlag), [true, false, false])
})

test('APPEND', () => {
  const one = imap.readAppend(args(' inbox (\\Seen) " 6-Jan-2025 10:00:05 +0100" {x}'), rev1)
  assert.deepEqual(
    [one.mailbox, one.messages[0]?.flags, one.messages[0]?.internalDate],
    ['INBOX', ['\\Seen'], Date.UTC(2025, 0, 6, 9, 0, 5)],
  )
  assert.deepEqual(
    imap
      .readAppend(args(' a {x} (\\Draft) ~{y} UTF8 (~{z})'), rev1)
      .messages.map(({ flags, parts, isUtf8 }) => [
        flags,
        ...parts.map(part => ('url' in part ? part.url : part.literal.bytes?.toString())),
        isUtf8,
      ]),
    [
      [[], 'x', false],
      [['\\Draft'], 'y', false],
      [[], 'z', true],
    ],
  )
  const joined = imap.readAppend(args(' a (\\Seen) CATENATE (URL "/b/;uid=1" TEXT {x} url c) {y}'), rev1).messages
  assert.deepEqual(
    joined.map(({ parts }) => parts.map(part => ('url' in part ? part.url : part.literal.bytes?.toString()))),
    [['/b/;uid=1', 'x', 'c'], ['y']],
  )
  for (const bad of [
    ' a CATENATE {x}',
    ' a CATENATE (TEXT x)',
    ' a CATENATE (FILE {x})',
    ' a CATENATE ()',
    ' a "yesterday" {x}',
    ' a "32-Jan-2025 10:00:05 +0100" {x}',
    ' a "6-Jan-2025 25:00:05 +0100" {x}',
    ' a x',
    ' a UTF8 ({x})',
  ])
    assert.throws(() => imap.readAppend(args(bad), rev1), GrammarError, bad)
  fails(() => imap.readAppend(args(' a'), rev1), 'missing')
})

test('LIST, LSUB, STATUS', () => {
  const plain = imap.readList(args(' "" "*"'), rev1)
  assert.deepEqual([plain.reference, plain.patterns, plain.isExtended], ['', ['*'], false])
  const full = imap.readList(
    args(' (SUBSCRIBED RECURSIVEMATCH) "" (INBOX "Sent*") RETURN (SUBSCRIBED CHILDREN SPECIAL-USE STATUS (MESSAGES UNSEEN))'),
    rev1,
  )
  assert.deepEqual(full.select, { subscribed: true, remote: false, recursiveMatch: true, specialUse: false })
  assert.deepEqual(
    [full.patterns, full.results.status, full.results.children, full.isExtended],
    [['INBOX', 'Sent*'], ['MESSAGES', 'UNSEEN'], true, true],
  )
  assert.deepEqual(imap.readLsub(args(' x %'), rev1), { reference: 'x', pattern: '%' })
  assert.deepEqual(imap.readStatus(args(' {a} (messages SIZE)'), rev1), { mailbox: 'a', items: ['MESSAGES', 'SIZE'] })
  for (const bad of [' (FOO) "" *', ' "" * RETURN (FOO)', ' "" * X']) assert.throws(() => imap.readList(args(bad), rev1), GrammarError, bad)
  fails(() => imap.readStatus(args(' a'), rev1), 'missing')
  fails(() => imap.readStatus(args(' a ()'), rev1), 'missing')
  fails(() => imap.readStatus(args(' a (MESSAGES'), rev1), 'missing')
  fails(() => imap.readStatus(args(' a (FOO)'), rev1))
})

test('SELECT with CONDSTORE and QRESYNC', () => {
  assert.deepEqual(imap.readSelect(args(' inbox'), rev1), { mailbox: 'INBOX', condstore: false, qresync: null })
  assert.equal(imap.readSelect(args(' a (CONDSTORE)'), rev1).condstore, true)
  const known = {
    savedResult: false,
    ranges: [
      { from: 41, to: 41 },
      { from: 43, to: 211 },
    ],
  }
  assert.deepEqual(imap.readSelect(args(' a (QRESYNC (67890007 90060115194045000 41,43:211 (1,2 10,20)))'), rev1).qresync, {
    uidValidity: 67890007,
    modSeq: Number.MAX_SAFE_INTEGER,
    knownUids: known,
    match: {
      numbers: {
        savedResult: false,
        ranges: [
          { from: 1, to: 1 },
          { from: 2, to: 2 },
        ],
      },
      uids: {
        savedResult: false,
        ranges: [
          { from: 10, to: 10 },
          { from: 20, to: 20 },
        ],
      },
    },
  })
  for (const bad of [' a (FOO)', ' a x y', ' a (QRESYNC (1))', ' a (QRESYNC (1 2 1:*))'])
    assert.throws(() => imap.readSelect(args(bad), rev1), GrammarError, bad)
})

test('the small commands', () => {
  assert.deepEqual(imap.readCreate(args(' a (USE (\\Archive))'), rev1), { mailbox: 'a', use: ['\\Archive'] })
  assert.deepEqual(imap.readRename(args(' a "b c"'), rev1), { from: 'a', to: 'b c' })
  assert.deepEqual(imap.readCopy(args(' $ inbox/x'), rev1), { set: { savedResult: true }, mailbox: 'INBOX/x' })
  assert.equal(imap.readMailbox(args(' "Entw&APw-rfe"'), rev1), 'Entwürfe')
  assert.equal(imap.readMailbox(args(' "Entw&APw-rfe"'), { utf8: true }), 'Entw&APw-rfe')
  assert.equal(imap.readMailbox(args(' Entwürfe'), rev1), 'Entwürfe')
  assert.deepEqual(imap.readLogin(args(' "pa\\"ss\\\\word" {\u0001x}')), {
    user: Buffer.from('pa"ss\\word'),
    password: Buffer.from('\u0001x'),
  })
  assert.deepEqual(imap.readAuthenticate(args(' plain =')), { mechanism: 'PLAIN', initialResponse: '=' })
  assert.deepEqual(imap.readAuthenticate(args(' PLAIN')), { mechanism: 'PLAIN', initialResponse: null })
  assert.deepEqual(imap.readEnable(args(' condstore UTF8=ACCEPT CONDSTORE')), ['CONDSTORE', 'UTF8=ACCEPT'])
  assert.equal(imap.readId(args(' NIL')), null)
  assert.deepEqual(
    [...(imap.readId(args(' ("Name" "x" "v" NIL)')) ?? [])],
    [
      ['name', 'x'],
      ['v', null],
    ],
  )
  assert.deepEqual(imap.readUidSet(args(' 2,4:5')), {
    savedResult: false,
    ranges: [
      { from: 2, to: 2 },
      { from: 4, to: 5 },
    ],
  })
  fails(() => imap.readMailbox(args(''), rev1), 'missing')
  fails(() => imap.readMailbox(args(' "INBOX'), rev1), 'lexical')
  fails(() => imap.readMailbox(args(` "${'x'.repeat(1025)}"`), rev1), 'lexical')
  fails(() => imap.readMailbox(args(' {a\u0000}'), rev1), 'lexical')
  fails(() => imap.readMailbox(args(' a b'), rev1))
})

test('ACL, METADATA and QUOTA', () => {
  assert.deepEqual(imap.readSetAcl(args(' a bob +rw'), rev1), { mailbox: 'a', identifier: 'bob', change: 'add', rights: 'rw' })
  assert.deepEqual(imap.readSetAcl(args(' a bob lrs'), rev1), { mailbox: 'a', identifier: 'bob', change: 'replace', rights: 'lrs' })
  assert.throws(() => imap.readSetAcl(args(' a bob z'), rev1), GrammarError)
  assert.deepEqual(imap.readMailboxAndIdentifier(args(' a -bob'), rev1), { mailbox: 'a', identifier: '-bob' })
  assert.deepEqual(imap.readGetMetadata(args(' (MAXSIZE 1024 DEPTH infinity) "" (/shared/comment /private/X)'), rev1), {
    mailbox: '',
    entries: ['/shared/comment', '/private/x'],
    maxSize: 1024,
    depth: 'infinity',
  })
  assert.equal(imap.readGetMetadata(args(' a (DEPTH 1) /private/x'), rev1).depth, 1)
  assert.deepEqual(imap.readSetMetadata(args(' a (/private/x {v} /private/y NIL)'), rev1).entries, [
    { name: '/private/x', value: Buffer.from('v') },
    { name: '/private/y', value: null },
  ])
  assert.deepEqual(imap.readSetMetadata(args(' a (/private/x ~{v\u0000})'), rev1).entries, [
    { name: '/private/x', value: Buffer.from('v\0') },
  ])
  for (const entries of [
    'private NIL',
    '/private NIL',
    '/other/x NIL',
    '/private/x/ NIL',
    '/private/x%y NIL',
    `/private/${'x'.repeat(248)} NIL`,
  ])
    assert.throws(() => imap.readSetMetadata(args(` a (${entries})`), rev1), GrammarError, entries)
  assert.deepEqual(imap.readGetMetadata(args(' a (DEPTH infinity) /private'), rev1).entries, ['/private'])
  assert.throws(() => imap.readGetMetadata(args(` a (${'/private/x '.repeat(101)})`), rev1), GrammarError)
  assert.deepEqual([...imap.readSetQuota(args(' "" (STORAGE 512)')).limits], [['STORAGE', 512]])
  assert.equal(imap.readQuotaRoot(args(' ""')), '')
})

test('what METADATA shows reads back as what was set, whatever its octets', () => {
  const name = fc.stringMatching(/^\/(private|shared)(\/[!-$&-)+-.0-~]{1,9}){1,3}$/)
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.option(fc.uint8Array({ maxLength: 1100 }))), { minLength: 1, maxLength: 5 }), pairs => {
      const entries = pairs.map(([name, value]) => ({ name: name.toLowerCase(), value }))
      const text: Buffer[] = []
      const literals: { at: number; literal: { size: number; isBinary: boolean; bytes: Buffer } }[] = []
      let announced: { isBinary: boolean } | null = null
      for (const part of imap.encodeMetadata('a', entries, { utf8: false })) {
        if (typeof part !== 'string' && announced !== null) {
          literals.push({ at: Buffer.concat(text).length, literal: { size: part.length, isBinary: announced.isBinary, bytes: part } })
          continue
        }
        const shown = Buffer.from(part).toString('latin1')
        const empty = shown === '{0}\r\n'
        const literal = /^(~?)\{\d+\}\r\n$/.exec(shown)
        announced = literal === null || empty ? null : { isBinary: literal[1] === '~' }
        if (literal === null) text.push(Buffer.from(shown, 'latin1'))
        else if (empty) text.push(Buffer.from('""'))
      }
      const line = Buffer.concat(text).subarray('* METADATA'.length, -2)
      const offset = '* METADATA'.length
      const source = { text: line, literals: literals.map(({ at, literal }) => ({ at: at - offset, literal })) }
      assert.deepEqual(
        imap.readSetMetadata(new Arguments(source), rev1).entries.map(({ name, value }) => ({ name, value: value && [...value] })),
        entries.map(({ name, value }) => ({ name, value: value && [...value] })),
      )
    }),
  )
})

test('no reader throws anything but GrammarError', () => {
  const readers = [
    imap.readFetch,
    imap.readSearch,
    imap.readSort,
    imap.readThread,
    imap.readStore,
    imap.readUidSet,
    imap.readLogin,
    imap.readAuthenticate,
    imap.readEnable,
    imap.readId,
    imap.readSetQuota,
    imap.readQuotaRoot,
    ...[
      imap.readAppend,
      imap.readStatus,
      imap.readList,
      imap.readLsub,
      imap.readSelect,
      imap.readCreate,
      imap.readMailbox,
      imap.readRename,
      imap.readCopy,
      imap.readSetAcl,
      imap.readMailboxAndIdentifier,
      imap.readGetMetadata,
      imap.readSetMetadata,
      imap.readNotify,
      imap.readReplace,
    ].map(read => (source: Arguments) => read(source, rev1)),
  ] as const
  const piece = fc.constantFrom(
    ' ',
    '(',
    ')',
    '[',
    ']',
    '<',
    '>',
    '.',
    '"',
    '\\',
    '*',
    '%',
    '$',
    ':',
    ',',
    '1',
    '42',
    '4294967296',
    '-1',
    '+',
    '{x}',
    '~{y}',
    '{}',
    'a',
    'INBOX',
    'BODY',
    'BODY.PEEK[',
    'HEADER.FIELDS (',
    'FLAGS',
    'NOT',
    'OR',
    'SUBJECT',
    'RETURN (',
    'CHARSET',
    'UTF8',
    'QRESYNC (',
    'USE (',
    'CHANGEDSINCE',
    '1-Feb-1994',
    '"06-Jan-2025 10:00:05 +0000"',
    '&',
    '&-',
    '&AOk-',
    'é',
    '\u0001',
    'NIL',
    '/x',
  )
  fc.assert(
    fc.property(fc.constantFrom(...readers), fc.array(piece, { maxLength: 20 }), (read, pieces) => {
      try {
        read(args(` ${pieces.join('')}`))
      } catch (error) {
        assert.ok(error instanceof GrammarError, String(error))
      }
    }),
    { numRuns: 20_000 },
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decodeUtf8Address,
  decodeXtext,
  encodeUtf8AddressXtext,
  encodeXtext,
  formatRcptParameters,
  isQualifiedHello,
  parseAuth,
  parseBdat,
  parseCommandLine,
  parseEhloKeywords,
  parseHello,
  parseMail,
  parseRcpt,
  SmtpSyntaxError,
} from './index.ts'

/** The code a refused command gets. */
function refusal(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (error instanceof SmtpSyntaxError) return `${error.code} ${error.enhanced}`
    throw error
  }
  return 'accepted'
}

test('command lines', () => {
  assert.deepEqual(parseCommandLine(Buffer.from('  mail FROM:<a@b> ')), { verb: 'MAIL', args: 'FROM:<a@b>' })
  assert.deepEqual(parseCommandLine(Buffer.from('QUIT')), { verb: 'QUIT', args: '' })
  assert.deepEqual(parseCommandLine(Buffer.from('RCPT TO:<ü@x>')), { verb: 'RCPT', args: 'TO:<ü@x>' })
  assert.deepEqual(parseCommandLine(Buffer.from('RCPT TO:<\xfc@x>', 'latin1')).args, 'TO:<ü@x>')
  for (const odd of ['', ' ', '\u0001\u0002', '\u0016\u0003\u0001', '.x']) assert.equal(parseCommandLine(Buffer.from(odd)).verb, '', odd)
})

test('MAIL and RCPT paths', () => {
  assert.equal(parseMail('FROM:<>').reversePath.address, '')
  assert.equal(parseMail('from : <A@b.example>  SIZE=5').reversePath.address, 'A@b.example')
  assert.equal(parseMail('FROM:<"a b"@x.example>').reversePath.address, '"a b"@x.example')
  assert.equal(parseMail('FROM:<@r:a@x.example>').reversePath.address, 'a@x.example')
  assert.equal(parseMail('FROM:<jörg@x.example>').reversePath.needsUtf8, true)
  assert.equal(parseRcpt('TO:<Postmaster>').forwardPath.domain, '')
  const refused: readonly (readonly [string, string])[] = [
    ['', '501 5.5.2'],
    ['FROM <a@b>', '501 5.5.2'],
    ['FROM:a@b', '501 5.5.2'],
    ['TO:<a@b>', '501 5.5.2'],
    ['FROM:<a@b@c.example>', '501 5.1.8'],
    ['FROM:<a>', '501 5.1.8'],
    ['FROM:<a@b', '501 5.1.8'],
    ['FROM:<a\u0000@b>', '501 5.1.8'],
    ['FROM:<a@b>SIZE=1', '501 5.1.8'],
    ['FROM:<postmaster>', '501 5.1.8'],
  ]
  for (const [args, want] of refused)
    assert.equal(
      refusal(() => parseMail(args)),
      want,
      args,
    )
  for (const args of ['TO:<>', 'TO:<a>', 'TO:<.a@b>', 'TO:<a@[1.2.3]>'])
    assert.equal(
      refusal(() => parseRcpt(args)),
      '501 5.1.3',
      args,
    )
})

test('MAIL parameters', () => {
  const read = (text: string) => parseMail(`FROM:<a@b> ${text}`).parameters
  assert.deepEqual(
    read('SIZE=100 BODY=8bitmime SMTPUTF8 REQUIRETLS RET=hdrs ENVID=a+2Bb BY=120;rt HOLDFOR=60 MT-PRIORITY=-3 AUTH=<> SOLICIT=x MTRK=y'),
    {
      size: 100,
      body: '8BITMIME',
      smtpUtf8: true,
      requireTls: true,
      ret: 'HDRS',
      envId: 'a+b',
      deliverBy: { seconds: 120, mode: 'R', trace: true },
      holdForSeconds: 60,
      holdUntil: null,
      priority: -3,
      auth: '',
      repeated: [],
    },
  )
  assert.equal(read('HOLDUNTIL=2099-01-01T00:00:00Z').holdUntil, Date.UTC(2099, 0, 1))
  assert.equal(read('HOLDUNTIL=4070908800').holdUntil, 4070908800000)
  assert.deepEqual([read('SIZE=5 SIZE=6').size, read('SIZE=5 SIZE=6').repeated], [5, ['SIZE']])
  assert.equal(read('AUTH=e+3Dmc2@x').auth, 'e=mc2@x')
  assert.deepEqual(read('BY=-10;N').deliverBy, { seconds: -10, mode: 'N', trace: false })
  for (const bad of [
    'SIZE',
    'SIZE=',
    'SIZE=x',
    'SIZE=-1',
    'BODY=FOO',
    'SMTPUTF8=1',
    'RET=X',
    'ENVID=',
    `ENVID=${'x'.repeat(101)}`,
    'ENVID=a=b',
    'ENVID=+0',
    'BY=x',
    'BY=0;R',
    'BY=-5;R',
    'HOLDFOR=x',
    'HOLDUNTIL=soon',
    'HOLDUNTIL=2099-13-01T00:00:00Z',
    'HOLDFOR=1 HOLDUNTIL=2',
    'MT-PRIORITY=10',
    'AUTH=+',
  ]) {
    assert.equal(
      refusal(() => read(bad)),
      '501 5.5.4',
      bad,
    )
  }
  for (const unknown of ['FOO=BAR', 'NOTIFY=NEVER', 'constructor=1', '='])
    assert.equal(
      refusal(() => read(unknown)),
      '555 5.5.4',
      unknown,
    )
  assert.equal(
    refusal(() => read('X '.repeat(60))),
    '501 5.5.4',
  )
})

test('RCPT parameters', () => {
  const read = (text: string) => parseRcpt(`TO:<a@b> ${text}`).parameters
  assert.deepEqual(read('NOTIFY=success,DELAY ORCPT=rfc822;u+2Bx@y').notify, { success: true, failure: false, delay: true })
  assert.deepEqual(read('ORCPT=RFC822;u+2Bx@y').originalRecipient, { type: 'rfc822', address: 'u+x@y' })
  assert.deepEqual(read('ORCPT=utf-8;\\x{FC}@x').originalRecipient, { type: 'utf-8', address: 'ü@x' })
  assert.deepEqual(read('ORCPT=utf-8;ü@x').originalRecipient, { type: 'utf-8', address: 'ü@x' })
  assert.deepEqual(read('NOTIFY=NEVER').notify, { success: false, failure: false, delay: false })
  assert.equal(read('RRVS=2014-04-03T23:01:00Z;C').validSince, Date.UTC(2014, 3, 3, 23, 1))
  for (const bad of [
    'NOTIFY=NEVER,FAILURE',
    'NOTIFY=',
    'NOTIFY=FOO',
    'ORCPT=foo',
    'ORCPT=x400;a',
    'ORCPT=rfc822;',
    'ORCPT=rfc822;+0A',
    'RRVS=x',
  ])
    assert.equal(
      refusal(() => read(bad)),
      '501 5.5.4',
      bad,
    )
  assert.equal(
    refusal(() => read('SIZE=1')),
    '555 5.5.4',
  )
})

test('DSN parameters survive sending on', () => {
  fc.assert(
    fc.property(
      fc.record({ success: fc.boolean(), failure: fc.boolean(), delay: fc.boolean() }),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).filter(text => !/[\u0000-\u001f\u007f]/.test(text)),
      fc.boolean(),
      (notify, address, utf8) => {
        const text = formatRcptParameters({ notify, originalRecipient: { type: 'rfc822', address } }, utf8)
        if (!utf8) assert.match(text, /^[\x20-\x7e]*$/)
        const back = parseRcpt(`TO:<a@b>${text}`).parameters
        assert.deepEqual([back.notify, back.originalRecipient?.address], [{ ...notify }, address])
      },
    ),
  )
  assert.equal(formatRcptParameters({ notify: null, originalRecipient: null }, true), '')
})

test('xtext and its UTF-8 form undo themselves', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), text => {
      assert.match(encodeXtext(text), /^[\x21-\x7e]*$/)
      assert.equal(decodeXtext(encodeXtext(text)), text)
    }),
  )
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }).filter(text => !text.includes('\u0000')),
      text => {
        assert.match(encodeUtf8AddressXtext(text), /^[\x21-\x7e]*$/)
        assert.equal(decodeUtf8Address(encodeUtf8AddressXtext(text)), text)
      },
    ),
  )
  for (const bad of ['a b', 'a=b', '+4', '+XY', 'é']) assert.equal(decodeXtext(bad), null, bad)
  for (const bad of ['\\', '\\x{}', '\\x{D800}', '\\x{110000}', 'a b', 'a=b']) assert.equal(decodeUtf8Address(bad), null, bad)
})

test('EHLO names', () => {
  assert.equal(parseHello('host.example extra'), 'host.example')
  assert.equal(
    refusal(() => parseHello('')),
    '501 5.5.4',
  )
  assert.equal(
    refusal(() => parseHello('x'.repeat(256))),
    '501 5.5.4',
  )
  for (const good of ['host.example', '[192.0.2.1]', '[IPv6:2001:db8::1]', 'bücher.example', 'a.b.'])
    assert.ok(isQualifiedHello(good), good)
  for (const bad of ['localhost', '[x]', '..', `${'x'.repeat(64)}.example`, '']) assert.equal(isQualifiedHello(bad), false, bad)
})

test('BDAT, AUTH, EHLO answers', () => {
  assert.deepEqual(parseBdat('86 last'), { size: 86, isLast: true })
  assert.deepEqual(parseBdat('0'), { size: 0, isLast: false })
  for (const bad of ['', '-1', 'x', '1 FIRST', '1LAST', '9999999999999999'])
    assert.equal(
      refusal(() => parseBdat(bad)),
      '501 5.5.2',
      bad,
    )
  assert.deepEqual(parseAuth('plain AGE='), { mechanism: 'PLAIN', initialResponse: 'AGE=' })
  assert.deepEqual(parseAuth('SCRAM-SHA-256'), { mechanism: 'SCRAM-SHA-256', initialResponse: null })
  for (const bad of ['', 'A B C', '!'])
    assert.equal(
      refusal(() => parseAuth(bad)),
      '501 5.5.2',
      bad,
    )
  const keywords = parseEhloKeywords(['mx.example greets', 'SIZE 1000', 'auth=PLAIN LOGIN', 'AUTH SCRAM-SHA-256', '8BITMIME ', '!odd'])
  assert.deepEqual(
    [...keywords],
    [
      ['SIZE', ['1000']],
      ['AUTH', ['PLAIN', 'LOGIN']],
      ['8BITMIME', []],
    ],
  )
})

test('commands of strangers throw nothing but SmtpSyntaxError', () => {
  const piece = fc.constantFrom(
    'FROM:',
    'TO:',
    '<',
    '>',
    'a@b.example',
    '"',
    '\\',
    ' ',
    'SIZE=',
    '1',
    'ENVID=',
    'ORCPT=',
    'rfc822;',
    'utf-8;',
    '+',
    '\\x{',
    'NOTIFY=',
    'NEVER',
    ',',
    'BY=',
    ';R',
    'HOLDUNTIL=',
    '2020-01-01T00:00:00Z',
    'é',
    '\u0000',
    '[1.2.3.4]',
  )
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 15 }),
      fc.constantFrom(parseMail, parseRcpt, parseBdat, parseAuth, parseHello),
      (pieces, read) => {
        assert.equal(typeof refusal(() => read(pieces.join(''))), 'string')
      },
    ),
    { numRuns: 5000 },
  )
})

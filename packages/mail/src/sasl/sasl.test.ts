import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bearerError, decodeResponse, parseOauthBearer, parsePlain, parseXoauth2 } from './index.ts'

test('responses are Base64 of whole groups, and = is empty', () => {
  assert.deepEqual(decodeResponse('YWI='), Buffer.from('ab'))
  assert.deepEqual(decodeResponse(''), Buffer.alloc(0))
  assert.deepEqual(decodeResponse('='), Buffer.alloc(0))
  for (const wrong of ['YWI', 'YWI==', 'YW I=', '=YWI', 'Y===', '*', 'YWI\u00fc', 'YWI=YWI='])
    assert.equal(decodeResponse(wrong), null, wrong)
})

test('PLAIN: three parts, name and secret not empty', () => {
  assert.deepEqual(parsePlain(Buffer.from('boss\0jane\0p\u00e4ss')), { actAs: 'boss', login: 'jane', secret: 'p\u00e4ss' })
  assert.deepEqual(parsePlain(Buffer.from('\0jane\0x')), { actAs: '', login: 'jane', secret: 'x' })
  for (const wrong of ['', 'jane', '\0jane', '\0\0x', '\0jane\0', '\0jane\0x\0', 'a\0b\0c\0d'])
    assert.equal(parsePlain(Buffer.from(wrong)), null, JSON.stringify(wrong))
})

const oauthCases: ReadonlyArray<readonly [string, ReturnType<typeof parseOauthBearer>]> = [
  [
    'n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmT\x01\x01',
    { actAs: 'user@example.com', token: 'vF9dft4qmT' },
  ],
  ['n,,\x01auth=bearer  a.b-c_d~e+f/g==\x01\x01', { actAs: '', token: 'a.b-c_d~e+f/g==' }],
  ['y,,\x01auth=Bearer x\x01\x01', { actAs: '', token: 'x' }],
  ['n,a=a=2Cb=3Dc,\x01auth=Bearer x\x01\x01', { actAs: 'a,b=c', token: 'x' }],
  ['n,a=a=20b,\x01auth=Bearer x\x01\x01', null],
  ['p=tls-unique,,\x01auth=Bearer x\x01\x01', null],
  ['n,,\x01auth=Bearer x\x01', null],
  ['n,,\x01auth=Bearer x\x01\x01\x01', null],
  ['n,,\x01auth=Basic x\x01\x01', null],
  ['n,,\x01auth=Bearer \x01\x01', null],
  ['n,,\x01xauth=Bearer x\x01\x01', null],
  ['n,,\x01auth=Bearer x y\x01\x01', null],
  ['n,,\x01\x01', null],
  ['\x01', null],
  ['', null],
]

for (const [message, wanted] of oauthCases)
  test(`OAUTHBEARER ${JSON.stringify(message)}`, () => assert.deepEqual(parseOauthBearer(Buffer.from(message)), wanted))

test('XOAUTH2', () => {
  const read = (text: string): unknown => parseXoauth2(Buffer.from(text))
  assert.deepEqual(read('user=jane@example.org\x01auth=Bearer x\x01\x01'), { actAs: 'jane@example.org', token: 'x' })
  assert.deepEqual(read('user=\x01auth=Bearer x\x01\x01'), { actAs: '', token: 'x' })
  for (const wrong of ['', 'auth=Bearer x\x01\x01', 'user=jane\x01\x01', 'user=jane\x01auth=x\x01\x01', 'user=jane\x01auth=Bearer x\x01'])
    assert.equal(read(wrong), null, JSON.stringify(wrong))
})

test('the refusal of a token is JSON that names a status', () => {
  assert.equal(JSON.parse(Buffer.from(bearerError(), 'base64').toString()).status, 'invalid_token')
})

test('no message makes them throw or take long', () => {
  const texts = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(fc.constantFrom('n,', 'a=', ',', '\x01', 'auth=Bearer ', 'user=', 'x', '\0', '=')).map(parts => Buffer.from(parts.join(''))),
  )
  fc.assert(
    fc.property(texts, bytes => {
      for (const read of [parsePlain, parseOauthBearer, parseXoauth2]) read(Buffer.from(bytes))
    }),
    { numRuns: 2000 },
  )
  // Patterns that could be tried in very many ways would not come back from this.
  const pairs = Buffer.from(`n,,\x01${'a=b\x01'.repeat(50_000)}x`)
  assert.equal(parseOauthBearer(pairs), null)
})

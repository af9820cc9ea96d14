import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseMessageUrl } from './index.ts'

const whole = { part: [], text: 'all', fields: [] }
const urls: ReadonlyArray<readonly [url: string, found: unknown]> = [
  ['/INBOX/;UID=20', { mailbox: 'INBOX', uidValidity: null, uid: 20, section: whole, partial: null }],
  [
    '/INBOX;UIDVALIDITY=7/;UID=20/;SECTION=1.2',
    { mailbox: 'INBOX', uidValidity: 7, uid: 20, section: { part: [1, 2], text: 'all', fields: [] }, partial: null },
  ],
  [
    '/a/b%20%C3%A4/;uid=1/;section=HEADER/;partial=3.4',
    { mailbox: 'a/b ä', uidValidity: null, uid: 1, section: { part: [], text: 'header', fields: [] }, partial: { start: 3, length: 4 } },
  ],
  [
    '/a/;uid=1/;section=header.fields%20(subject)',
    { mailbox: 'a', uidValidity: null, uid: 1, section: { part: [], text: 'fields', fields: ['subject'] }, partial: null },
  ],
  ['imap://host/a/;uid=1', null],
  ['/a', null],
  ['/a/;uid=x', null],
  ['/a/;uid=1/;section=99nonsense', null],
  ['/%zz/;uid=1', null],
]
for (const [url, found] of urls) test(`the URL ${url}`, () => assert.deepEqual(parseMessageUrl(url), found))

test('no text makes the reader of URLs throw, or take long', () => {
  const pieces = fc
    .array(fc.constantFrom('/', ';', 'uid=', '1', 'section=', 'partial=', '%', 'a', '(', '.'), { maxLength: 300 })
    .map(parts => parts.join(''))
  fc.assert(fc.property(fc.oneof(fc.string(), pieces), text => void parseMessageUrl(text)))
  assert.equal(parseMessageUrl(`/${'/;'.repeat(100_000)}`), null)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCodes, errors, Failure, failure, isFailure } from '../index.ts'

const entries = errorCodes.map(code => [code, errors[code]] as const)

test('SMTP renderings: the class of both codes agrees and matches whether a retry makes sense', () => {
  for (const [code, { smtp, temporary }] of entries) {
    assert.match(smtp.enhanced, /^[245]\.\d{1,3}\.\d{1,3}$/, code)
    if (smtp.code === 221) continue
    assert.equal(String(smtp.code)[0], smtp.enhanced[0], code)
    if (temporary) assert.equal(String(smtp.code)[0], '4', code)
  }
})

test('IMAP response codes are atoms, POP3 and ManageSieve ones the registered spelling', () => {
  for (const [code, { imap, pop3, managesieve }] of entries) {
    if (imap.code !== undefined) assert.match(imap.code, /^[A-Z-]+$/, code)
    if (pop3 !== undefined) assert.ok(['AUTH', 'IN-USE', 'LOGIN-DELAY', 'SYS/TEMP', 'SYS/PERM'].includes(pop3), code)
    if (managesieve !== undefined) assert.match(managesieve, /^[A-Z]+([/-][A-Z]+)*$/, code)
  }
})

test('problem documents carry an error status, management answers a name', () => {
  for (const [code, { http }] of entries) {
    if (http.kind === 'problem') assert.ok(http.status >= 400 && http.status < 600, code)
    else assert.match(http.error, /^[a-zA-Z]+$/, code)
  }
})

test('the management API has exactly these named answers', () => {
  const names = entries.flatMap(([, { http }]) => (http.kind === 'management' ? [http.error] : []))
  assert.deepEqual([...new Set(names)].sort(), ['assertFailed', 'fieldAlreadyExists', 'fieldMissing', 'notFound', 'other', 'unsupported'])
})

test('JMAP types are those of the registries', () => {
  const methods = new Set([
    'serverUnavailable',
    'serverFail',
    'rateLimit',
    'forbidden',
    'accountNotFound',
    'accountReadOnly',
    'invalidArguments',
    'requestTooLarge',
    'stateMismatch',
    'cannotCalculateChanges',
  ])
  for (const [code, { jmap }] of entries) {
    if (jmap.request !== undefined) assert.match(jmap.request, /^urn:ietf:params:jmap:error:\w+$/, code)
    if (jmap.method !== undefined) assert.ok(methods.has(jmap.method), code)
    if (jmap.set !== undefined) assert.match(jmap.set, /^[a-z][A-Za-z]+$/, code)
  }
})

test('texts are one sentence for people, without control characters', () => {
  for (const [code, { text, meaning }] of entries) {
    assert.match(text, /^[A-Z][ -~]+\.$/, code)
    assert.match(meaning, /^[A-Z][ -~]+\.$/, code)
  }
})

test('a failure keeps code, details and cause', () => {
  const cause = new Error('disk on fire')
  const error = failure('fieldAlreadyExists', { field: 'name', value: 'jane' }, { cause })
  assert.ok(error instanceof Failure && error instanceof Error)
  assert.equal(error.code, 'fieldAlreadyExists')
  assert.equal(error.details.value, 'jane')
  assert.equal(error.cause, cause)
  assert.ok(isFailure(error, 'fieldAlreadyExists'))
  assert.ok(!isFailure(error, 'notFound'))
  assert.ok(!isFailure(cause, 'notFound'))
})

test('details that a rendering needs are demanded by the types', () => {
  assert.deepEqual(failure('forbidden').details, {})
  assert.equal(failure('overQuota', { limit: 10, mailbox: 'INBOX' }).details.limit, 10)
  // @ts-expect-error the name of the field is needed
  assert.equal(failure('fieldMissing', {}).code, 'fieldMissing')
})

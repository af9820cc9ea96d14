import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldValue, parseMessage, partContent, partText, readFields, rootPart } from '#mime'
import { buildDsn, type Dsn, type DsnRecipient } from './index.ts'

const failed: DsnRecipient = {
  finalRecipient: 'nobody@remote.example',
  originalRecipient: { type: 'rfc822', address: 'alias@remote.example' },
  action: 'failed',
  status: '5.1.1',
  diagnostic: '550 5.1.1 No such user',
  remoteHost: 'mx.remote.example',
  lastAttempt: Date.UTC(2025, 0, 6, 10, 0, 0),
  willRetryUntil: null,
}
const delayed: DsnRecipient = {
  ...failed,
  action: 'delayed',
  status: '4.4.1',
  diagnostic: null,
  remoteHost: null,
  willRetryUntil: Date.UTC(2025, 0, 11),
}
const header = Buffer.from('Subject: lost\r\nFrom: a@b.example\r\n\r\n')
const report: Dsn = {
  from: { name: 'Mail Delivery Subsystem', address: 'MAILER-DAEMON@example.org' },
  to: 'sender@b.example',
  messageId: 'm1@mx.example.org',
  time: Date.UTC(2025, 0, 6, 12, 0, 0),
  reportingHost: 'mx.example.org',
  envelopeId: 'env+1',
  arrival: Date.UTC(2025, 0, 6, 9, 0, 0),
  recipients: [failed],
  original: { header, message: null },
}

/** The delivery-status part as blocks of `name: value` lines. */
function statusBlocks(bytes: Buffer): string[][] {
  const status = parseMessage(bytes).parts[2]
  assert.ok(status !== undefined)
  const content = partContent(bytes, status).bytes
  return content
    .toString('utf8')
    .split('\r\n\r\n')
    .map(block => {
      const octets = Buffer.from(`${block.replace(/\r\n$/, '')}\r\n`)
      return readFields(octets).map(field => `${field.name}: ${fieldValue(octets, field)}`)
    })
}

test('a failure report', () => {
  const bytes = buildDsn(report)
  const structure = parseMessage(bytes)
  const root = rootPart(structure)
  assert.deepEqual([root.subtype, root.parameters.find(({ name }) => name === 'report-type')?.value], ['report', 'delivery-status'])
  assert.deepEqual(
    structure.parts.slice(1).map(part => `${part.type}/${part.subtype}`),
    ['text/plain', 'message/delivery-status', 'text/rfc822-headers'],
  )
  assert.equal(structure.envelope.subject, 'Failed to deliver message')
  const fields = readFields(bytes).map(field => `${field.name}: ${fieldValue(bytes, field)}`)
  assert.ok(fields.includes('auto-submitted: auto-generated') && fields.includes('date: Mon, 6 Jan 2025 12:00:00 +0000'))
  assert.deepEqual(statusBlocks(bytes), [
    ['reporting-mta: dns;mx.example.org', 'original-envelope-id: env+1', 'arrival-date: Mon, 6 Jan 2025 09:00:00 +0000'],
    [
      'original-recipient: rfc822;alias@remote.example',
      'final-recipient: rfc822;nobody@remote.example',
      'action: failed',
      'status: 5.1.1',
      'remote-mta: dns;mx.remote.example',
      'diagnostic-code: smtp; 550 5.1.1 No such user',
      'last-attempt-date: Mon, 6 Jan 2025 10:00:00 +0000',
    ],
  ])
  const [, text, , original] = structure.parts
  assert.ok(text !== undefined && original !== undefined)
  assert.match(partText(bytes, text).text, /<nobody@remote\.example> \(5\.1\.1\)\n {4}mx\.remote\.example said: 550 5\.1\.1 No such user/)
  assert.deepEqual(partContent(bytes, original).bytes, header)
})

test('the whole message is returned only for failures', () => {
  const message = Buffer.concat([header, Buffer.from('body\r\n')])
  const third = (recipients: readonly DsnRecipient[]): string => {
    const part = parseMessage(buildDsn({ ...report, recipients, original: { header, message } })).parts[3]
    return `${part?.type}/${part?.subtype}`
  }
  assert.equal(third([failed]), 'message/rfc822')
  assert.equal(third([delayed]), 'text/rfc822-headers')
})

test('subjects by what happened', () => {
  const delivered: DsnRecipient = { ...failed, action: 'relayed', status: '2.1.5', diagnostic: null }
  const subject = (...recipients: DsnRecipient[]): string | null => parseMessage(buildDsn({ ...report, recipients })).envelope.subject
  assert.equal(subject(delivered), 'Successfully delivered message')
  assert.equal(subject(delayed), 'Warning: Delay in message delivery')
  assert.equal(subject(failed, delivered), 'Partially delivered message')
  assert.equal(subject(failed, delayed), 'Warning: Temporary and permanent failures during message delivery')
})

test('addresses and headers beyond ASCII take the types of RFC 6533', () => {
  const utf8Header = Buffer.from('Subject: verloren für immer\r\n\r\n')
  const bytes = buildDsn({
    ...report,
    recipients: [{ ...failed, finalRecipient: 'jörg@bücher.example', originalRecipient: null }],
    original: { header: utf8Header, message: null },
  })
  const { parts } = parseMessage(bytes)
  assert.deepEqual(
    parts.slice(2).map(part => `${part.type}/${part.subtype}`),
    ['message/global-delivery-status', 'message/global-headers'],
  )
  assert.ok(statusBlocks(bytes)[1]?.includes('final-recipient: utf-8;jörg@bücher.example'))
  assert.deepEqual(partContent(bytes, parts[3] ?? rootPart(parseMessage(bytes))).bytes, utf8Header)
})

test('what other hosts say cannot add fields', () => {
  const bytes = buildDsn({
    ...report,
    envelopeId: 'x\r\nY: z',
    recipients: [{ ...failed, diagnostic: '550 a\r\nAction: delivered', finalRecipient: 'a\r\nb@c' }],
  })
  const blocks = statusBlocks(bytes)
  assert.equal(blocks.length, 2)
  assert.deepEqual(
    blocks[1]?.filter(line => line.startsWith('action:')),
    ['action: failed'],
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasField, removeFields } from './index.ts'

const message = Buffer.from('From: a\r\nBCC: b,\r\n c\r\nSubject : x\r\nbcc:d\r\n\r\nBcc: body\r\n')

test('fields are found and removed in the header alone', () => {
  assert.equal(hasField(message, 'Bcc'), true)
  assert.equal(hasField(message, 'subject'), true)
  assert.equal(hasField(message, 'Date'), false)
  assert.equal(removeFields(message, ['Bcc']).toString(), 'From: a\r\nSubject : x\r\n\r\nBcc: body\r\n')
  assert.equal(removeFields(message, ['X']), message)
  assert.equal(removeFields(Buffer.from('Bcc: x'), ['bcc']).toString(), '')
  assert.equal(hasField(Buffer.from('no header\r\nat all\r\nBcc: x\r\n'), 'bcc'), false)
  assert.equal(removeFields(Buffer.from('From: a\r\nstray line\r\nBcc: b\r\n\r\n'), ['bcc']).toString(), 'From: a\r\nstray line\r\n\r\n')
})

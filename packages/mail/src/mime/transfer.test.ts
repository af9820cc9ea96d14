import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeBinaryParts, type MessageStructure, parseMessage, partContent } from './index.ts'

const mixed = (parts: readonly Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from('Subject: s\r\nContent-Type: multipart/mixed; boundary="=b="\r\nContent-Transfer-Encoding: binary\r\n\r\npreamble\r\n'),
    ...parts.flatMap(part => [
      Buffer.from('--=b=\r\nContent-Type: application/octet-stream\r\ncontent-transfer-encoding:\r\n binary\r\nX-After: 1\r\n\r\n'),
      part,
      Buffer.from('\r\n'),
    ]),
    Buffer.from('--=b=--\r\n'),
  ])

function contents(bytes: Buffer, structure: MessageStructure): Buffer[] {
  return structure.parts.filter(part => part.children.length === 0).map(part => partContent(bytes, part).bytes)
}

test('parts with NUL are kept in Base64 and hold the same octets, whatever they are', () => {
  const octets = fc.uint8Array({ maxLength: 300 }).filter(bytes => !Buffer.from(bytes).includes('--='))
  fc.assert(
    fc.property(fc.array(octets, { minLength: 1, maxLength: 4 }), parts => {
      const message = mixed(parts.map(part => Buffer.from(part)))
      const before = parseMessage(message)
      const kept = encodeBinaryParts(message, before)
      assert.equal(kept.includes(0), false)
      assert.deepEqual(contents(kept, parseMessage(kept)), contents(message, before))
    }),
  )
})

test('a message without NUL, and its text that is encoded already, stay as they are', () => {
  const message = mixed([Buffer.from('8 bit: ä')])
  assert.equal(encodeBinaryParts(message, parseMessage(message)), message)
})

test('in a nested message only the part with NUL changes; without a field one is added', () => {
  const message = Buffer.from('Subject: out\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\na\0b')
  const kept = encodeBinaryParts(message, parseMessage(message))
  assert.equal(
    kept.toString(),
    'Subject: out\r\nContent-Type: message/rfc822\r\n\r\nContent-Transfer-Encoding: base64\r\nSubject: in\r\n\r\nYQBi\r\n',
  )
})

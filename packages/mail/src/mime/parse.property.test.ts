import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  hasAttachment,
  packStructure,
  parseMessage,
  partContent,
  previewText,
  readFields,
  unpackEnvelope,
  unpackStructure,
} from './index.ts'
import type { MessageStructure } from './structure.ts'

const fragment = fc.constantFrom(
  'Content-Type: multipart/mixed; boundary=x\r\n',
  'Content-Type: multipart/alternative;\n boundary="y z"\n',
  'Content-Type: message/rfc822\r\n',
  'Content-Type: multipart/digest; boundary=x\r\n',
  'Content-Type: text/html; charset=utf-8\r\n',
  'Content-Transfer-Encoding: base64\r\n',
  'Content-Transfer-Encoding: quoted-printable\r\n',
  'Content-Type: multipart/mixed\r\n',
  "Content-Disposition: attachment; filename*0*=utf-8''a; filename*1=b\r\n",
  'From: "A, B" <a@b>, g: c@d;\r\n',
  'Subject: =?utf-8?q?x?=\r\n',
  'Message-ID: <a@b>\r\n',
  'Content-Language: de, en\r\n',
  '\r\n',
  '\n',
  '--x\r\n',
  '--x--\r\n',
  '--y z\n',
  '--y z--',
  '--',
  'text',
  ' ',
  '\r',
  'SGVsbG8=',
  '=3D',
  '\u0000',
  '\u00ff',
  'From me\n',
)
const messages = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
  fc.array(fragment, { maxLength: 40 }).map(parts => Buffer.from(parts.join(''), 'latin1')),
)

function checkStructure(
  bytes: Buffer,
  structure: MessageStructure,
  within: { start: number; end: number },
  sizes: { decoded: number },
): void {
  assert.ok(structure.parts.length > 0)
  for (const [index, part] of structure.parts.entries()) {
    assert.equal(part.index, index)
    const parent = part.parent < 0 ? null : structure.parts[part.parent]
    assert.equal(part.parent < 0, index === 0)
    const outer = parent === null || parent === undefined ? within : { start: parent.bodyStart, end: parent.end }
    assert.ok(
      outer.start <= part.headerStart && part.headerStart <= part.bodyStart && part.bodyStart <= part.end && part.end <= outer.end,
      `part ${index} lies in its parent`,
    )
    if (parent) assert.ok(parent.kind === 'multipart' && parent.children.includes(index))
    assert.equal(part.kind === 'multipart', part.children.length > 0)
    let last = -1
    for (const child of part.children) {
      const start = structure.parts[child]?.headerStart ?? -1
      assert.ok(start >= last, 'children follow each other')
      last = structure.parts[child]?.end ?? -1
    }
    if (part.kind !== 'multipart' && part.kind !== 'message') sizes.decoded += partContent(bytes, part).bytes.length
    if (part.message === null) continue
    const inner = part.message.isDecoded ? partContent(bytes, part).bytes : bytes
    if (part.message.isDecoded) sizes.decoded += inner.length
    checkStructure(
      inner,
      part.message,
      part.message.isDecoded ? { start: 0, end: inner.length } : { start: part.bodyStart, end: part.end },
      sizes,
    )
  }
}

test('any bytes give nested offsets within bounds, bounded decoding, and survive packing', () => {
  fc.assert(
    fc.property(messages, bytes => {
      const before = Buffer.from(bytes)
      const structure = parseMessage(bytes)
      const sizes = { decoded: 0 }
      checkStructure(bytes, structure, { start: 0, end: bytes.length }, sizes)
      assert.ok(sizes.decoded <= bytes.length * 2)
      const packed = packStructure(structure)
      assert.deepEqual(unpackStructure(packed), structure)
      assert.deepEqual(unpackEnvelope(packed), structure.envelope)
      assert.ok(previewText(bytes, structure).length <= 256)
      assert.equal(typeof hasAttachment(structure), 'boolean')
      for (const field of readFields(bytes)) assert.ok(field.start < field.valueStart && field.valueStart <= field.end)
      assert.deepEqual(bytes, before, 'the message is never altered')
    }),
    { numRuns: 3000 },
  )
})

test('each part reparsed from its own bytes is the same part', () => {
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 40 }), parts => {
      const bytes = Buffer.from(parts.join(''), 'latin1')
      const structure = parseMessage(bytes)
      for (const part of structure.parts.slice(1)) {
        // Cut parts and defaults of a digest depend on what stands around them; a header's own leading blanks are its parent's.
        if (
          part.isDamaged ||
          structure.parts[part.parent]?.subtype === 'digest' ||
          /^[\s]/.test(bytes.toString('latin1', part.headerStart, part.end))
        )
          continue
        const alone = parseMessage(bytes.subarray(part.headerStart, part.end)).parts[0]
        if (alone === undefined || alone.isDamaged || bytes.toString('latin1', part.headerStart, part.headerStart + 5) === 'From ') continue
        assert.deepEqual(
          [alone.type, alone.subtype, alone.encoding, alone.bodyStart + part.headerStart],
          [part.type, part.subtype, part.encoding, part.bodyStart],
        )
      }
    }),
    { numRuns: 1000 },
  )
})

test('damaged packs are refused with RangeError', () => {
  const packed = packStructure(
    parseMessage(Buffer.from('From: a@b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\na\r\n--x--\r\n')),
  )
  for (let length = 0; length < packed.length; length++) assert.throws(() => unpackStructure(packed.subarray(0, length)), RangeError)
  assert.throws(() => unpackStructure(Buffer.concat([Buffer.from([99]), packed.subarray(1)])), RangeError)
})

test('hostile messages cost linear time', () => {
  const multipart = 'Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n'
  const hostile: readonly Buffer[] = [
    Buffer.from(`${'X-A: b\r\n'.repeat(100_000)}\r\nx`),
    Buffer.alloc(5_000_000, 'a'),
    Buffer.concat([Buffer.from('Subject: '), Buffer.alloc(3_000_000, '\r')]),
    Buffer.concat([Buffer.from('To: '), Buffer.alloc(3_000_000, 'a@b,')]),
    Buffer.concat([Buffer.from('Content-Type: a/b;x='), Buffer.alloc(1_000_000, 'a (')]),
    Buffer.concat([Buffer.from('Content-Type: a/b'), Buffer.alloc(1_000_000, ';a*1*=b')]),
    Buffer.concat([Buffer.from(multipart), Buffer.alloc(3_000_000, '--\n')]),
    Buffer.concat([Buffer.from(multipart), Buffer.alloc(3_000_000, '-')]),
    Buffer.concat([Buffer.from(multipart), Buffer.alloc(3_000_000, multipart)]),
    Buffer.concat([Buffer.from(multipart), Buffer.alloc(3_000_000, 'Content-Type: message/rfc822\r\n\r\n')]),
  ]
  for (const bytes of hostile) assert.ok(parseMessage(bytes).parts.length <= 1000)
})

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import fc from 'fast-check'
import { compress, decompress } from './compression.ts'
import {
  decodeRecordHeader,
  encodeRecordHeader,
  encodings,
  foldersOf,
  hashOf,
  largeNameOf,
  packPath,
  recordHeaderBytes,
  segmentOf,
} from './layout.ts'
import { openPackReader } from './pack-reader.ts'
import { openPackWriter } from './pack-writer.ts'

const root = mkdtempSync(join(tmpdir(), 'postern-packs-'))
after(() => rmSync(root, { recursive: true, force: true }))

it('what is compressed comes back, at every size and form', () => {
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.tuple(fc.string({ minLength: 1, maxLength: 20 }), fc.nat(8000)).map(([word, times]) => Buffer.from(word.repeat(times))),
  )
  fc.assert(
    fc.property(content, bytes => {
      const { stored, encoding } = compress(bytes)
      assert.ok(stored.length <= bytes.length)
      assert.ok(Buffer.from(bytes).equals(decompress(Buffer.from(stored), encoding, bytes.length)))
    }),
  )
})

it('a compressed content never grows beyond its size, whatever the bytes claim', () => {
  const { stored, encoding } = compress(Buffer.alloc(100_000, 'a'))
  assert.equal(encoding, encodings.zstd)
  assert.throws(() => decompress(Buffer.from(stored), encoding, 99_999))
  const small = compress(Buffer.alloc(10_000, 'a'))
  assert.equal(small.encoding, encodings.deflate)
  assert.throws(() => decompress(Buffer.from(small.stored), small.encoding, 9_999))
})

it('the fixed part of a record is read back; other bytes are none', () => {
  const header = { encoding: encodings.deflate, storedLength: 7, size: 4_000_000_000, hash: hashOf(Buffer.from('x')) }
  assert.deepEqual(decodeRecordHeader(encodeRecordHeader(header)), header)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
      assert.equal(decodeRecordHeader(bytes), undefined)
    }),
  )
})

it('file names say what they hold', () => {
  assert.equal(segmentOf('00000012.pack'), 12)
  assert.equal(segmentOf('12.pack'), undefined)
  assert.equal(segmentOf('00000012.pack.aside'), undefined)
  const hash = hashOf(Buffer.from('x'))
  assert.deepEqual(largeNameOf(`${hash.toString('hex')}.3`), { hash, copy: 3 })
  assert.equal(largeNameOf('readme.1'), undefined)
})

it('what is discarded is overwritten, and a closed pack ends with its last record', async () => {
  const folder = join(root, 'discard')
  const put = (writer: ReturnType<typeof openPackWriter>, text: string) => {
    const content = Buffer.from(text)
    return { content, location: { ...writer.append(content, hashOf(content)), hash: hashOf(content), size: content.length } }
  }
  const writer = openPackWriter(folder, { settledEnds: new Map() })
  const first = put(writer, 'first')
  const second = put(writer, 'second')
  await writer.flush()
  writer.settle()
  put(writer, 'of a failed group, longer than what follows')
  await writer.flush()
  writer.discard()
  const third = put(writer, 'third')
  await writer.flush()
  writer.settle()
  writer[Symbol.dispose]()
  using reader = openPackReader(folder)
  for (const { content, location } of [first, second, third]) assert.ok(content.equals(reader.read(location)))
  // The second follows the first without a gap.
  assert.equal(second.location.offset, first.location.storedLength + recordHeaderBytes)
  const end = third.location.offset + recordHeaderBytes + third.location.storedLength
  assert.equal(statSync(packPath(foldersOf(folder), 1)).size, end)
})

it('a new pack is begun where rows cannot tell how far the last one is settled', () => {
  const folder = join(root, 'fresh')
  openPackWriter(folder, { settledEnds: undefined })[Symbol.dispose]()
  using again = openPackWriter(folder, { settledEnds: undefined })
  assert.equal(again.append(Buffer.from('x'), hashOf(Buffer.from('x'))).segment, 2)
  assert.match(packPath(foldersOf(folder), 2), /00000002\.pack$/)
})

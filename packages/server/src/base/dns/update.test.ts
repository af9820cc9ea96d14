import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { isSignedAnswer, signMessage, type TsigKey, tsigAlgorithms } from './tsig.ts'
import { encodeUpdate } from './update.ts'
import { dataBytes, nameBytes } from './wire.ts'

const key: TsigKey = { name: 'Key.Example', algorithm: 'hmac-sha256', secret: Buffer.from('secret') }
const now = Date.UTC(2026, 0, 1)

test('an update has zone, prerequisites and changes in the sections of RFC 2136', () => {
  const message = encodeUpdate({
    id: 0x1234,
    zone: 'example.org',
    prerequisites: [
      { kind: 'none', name: 'a.example.org', type: 'TXT' },
      { kind: 'exactly', name: 'example.org', type: 'MX', contents: ['10 mail.example.org.'] },
    ],
    steps: [
      { kind: 'remove', record: { name: 'example.org', type: 'MX', content: '10 mail.example.org.' } },
      { kind: 'add', record: { name: 'example.org', type: 'MX', content: '5 mx.example.org.' } },
    ],
    ttlSeconds: 300,
  })
  const zone = '076578616d706c65036f726700'
  const mail = `000a046d61696c${zone}`
  assert.equal(
    message.toString('hex'),
    [
      '123428000001000200020000',
      `${zone}00060001`,
      `0161${zone}001000fe000000000000`,
      `${zone}000f000100000000${'0014'}${mail}`,
      `${zone}000f00fe00000000${'0014'}${mail}`,
      `${zone}000f00010000012c${'0012'}0005026d78${zone}`,
    ].join(''),
  )
})

test('record data is written as each type wants it', () => {
  assert.equal(dataBytes('SRV', '0 1 993 mail.test.').toString('hex'), '0000000103e1046d61696c047465737400')
  assert.equal(dataBytes('TLSA', '3 1 1 0aff').toString('hex'), '0301010aff')
  assert.deepEqual([...dataBytes('TXT', 'x'.repeat(300))].slice(0, 1).concat([dataBytes('TXT', 'x'.repeat(300))[256] ?? 0]), [255, 45])
  assert.equal(dataBytes('TXT', '').toString('hex'), '00')
  assert.equal(dataBytes('CNAME', 'Bücher.example.').toString(), '\x0dxn--bcher-kva\x07example\0')
  for (const name of ['a..b', 'x'.repeat(64), `${'a.'.repeat(130)}b`]) assert.throws(() => nameBytes(name), RangeError)
  assert.throws(() => dataBytes('MX', '70000 mail.test.'), RangeError)
})

/** An answer as a server signs it: over the MAC of the request, the answer and the variables. */
function answerTo(mac: Buffer, signer: TsigKey, at: number, rcode = 0): Buffer {
  const header = Buffer.from([0x12, 0x34, 0xa8, rcode, 0, 0, 0, 0, 0, 0, 0, 0])
  const length = Buffer.alloc(2)
  length.writeUInt16BE(mac.length)
  const algorithm = nameBytes('hmac-sha256')
  const time = Buffer.alloc(6)
  time.writeUIntBE(Math.floor(at / 1000), 0, 6)
  const owner = nameBytes(signer.name)
  const variables = Buffer.concat([owner, Buffer.from([0, 255, 0, 0, 0, 0]), algorithm, time, Buffer.from([1, 44, 0, 0, 0, 0])])
  const own = createHmac('sha256', signer.secret).update(length).update(mac).update(header).update(variables).digest()
  const data = Buffer.concat([algorithm, time, Buffer.from([1, 44, 0, 32]), own, Buffer.from([0x12, 0x34, 0, 0, 0, 0])])
  header.writeUInt16BE(1, 10)
  return Buffer.concat([header, owner, Buffer.from([0, 250, 0, 255, 0, 0, 0, 0, 0, data.length]), data])
}

test('an answer counts with the signature of the key alone, over this request, in time', () => {
  const { mac } = signMessage(Buffer.alloc(12), key, now)
  const good = answerTo(mac, key, now)
  assert.equal(isSignedAnswer(good, key, mac, now), true)
  assert.equal(isSignedAnswer(good, { ...key, secret: Buffer.from('other') }, mac, now), false)
  assert.equal(isSignedAnswer(good, { ...key, name: 'other' }, mac, now), false)
  assert.equal(isSignedAnswer(good, key, Buffer.alloc(32), now), false)
  assert.equal(isSignedAnswer(good, key, mac, now + 301_000), false)
  const changed = Buffer.from(good)
  changed[3] = 5
  assert.equal(isSignedAnswer(changed, key, mac, now), false)
  assert.equal(isSignedAnswer(Buffer.alloc(12), key, mac, now), false)
})

test('every algorithm signs, cut where its name says', () => {
  const lengths = tsigAlgorithms.map(algorithm => signMessage(Buffer.alloc(12), { ...key, algorithm }, now).mac.length)
  assert.deepEqual(lengths, [16, 20, 28, 32, 16, 48, 24, 64, 32])
})

test('whatever a server sends, it is no signed answer, nor more than a RangeError', () => {
  const { mac } = signMessage(Buffer.alloc(12), key, now)
  const good = answerTo(mac, key, now)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 12, maxLength: 80 }), fc.nat(good.length - 1), fc.nat(255), (bytes, at, value) => {
      const damaged = Buffer.from(good)
      damaged[at] = value
      for (const answer of [Buffer.from(bytes), damaged.subarray(0, Math.max(12, at))]) {
        try {
          assert.equal(isSignedAnswer(answer, key, mac, now), false)
        } catch (error) {
          assert.ok(error instanceof RangeError, String(error))
        }
      }
    }),
    { numRuns: 500 },
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  Command,
  INETProtocol,
  IPv4Address,
  IPv4ProxyAddress,
  Peer,
  TransportProtocol,
  V1ProxyProtocol,
  V2ProxyProtocol,
} from 'proxy-protocol-js'
import { canonicalIp, ProxyError, type ProxyHeader, ProxyParser } from './proxy.ts'

function parse(bytes: Buffer, pieceLength = bytes.length): ProxyHeader | undefined {
  const parser = new ProxyParser()
  for (let at = 0; at < bytes.length; at += pieceLength) {
    const header = parser.feed(bytes.subarray(at, at + pieceLength))
    if (header !== undefined) return header
  }
  return undefined
}

/** Headers made by another implementation. */
const version1 = Buffer.from(
  new V1ProxyProtocol(INETProtocol.TCP6, new Peer('2001:db8::1', 4711), new Peer('2001:db8::2', 993), 'rest').build(),
)
const version2 = Buffer.concat([
  new V2ProxyProtocol(
    Command.PROXY,
    TransportProtocol.STREAM,
    new IPv4ProxyAddress(IPv4Address.createFrom([192, 0, 2, 1]), 4711, IPv4Address.createFrom([198, 51, 100, 2]), 25),
  ).build(),
  Buffer.from('rest'),
])

test('both versions, in one piece and byte by byte', () => {
  for (const pieceLength of [1000, 7, 1]) {
    const first = parse(version1, pieceLength)
    assert.deepEqual(first?.ends, { remoteIp: '2001:db8::1', remotePort: 4711, localIp: '2001:db8::2', localPort: 993 })
    const second = parse(version2, pieceLength)
    assert.deepEqual(second?.ends, { remoteIp: '192.0.2.1', remotePort: 4711, localIp: '198.51.100.2', localPort: 25 })
    if (pieceLength === 1000) assert.deepEqual([first?.rest.toString(), second?.rest.toString()], ['rest', 'rest'])
  }
})

test('the proxy speaking for itself keeps the ends of the socket', () => {
  assert.equal(parse(Buffer.from('PROXY UNKNOWN\r\n'))?.ends, undefined)
  const local = Buffer.from(version2)
  local[12] = 0x20
  assert.equal(parse(local)?.ends, undefined)
})

const broken: ReadonlyArray<[name: string, bytes: Buffer]> = [
  ['no header', Buffer.from('EHLO x\r\n')],
  ['a line without end', Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`)],
  ['a bad address', Buffer.from('PROXY TCP4 1.2.3 4.5.6.7 1 2\r\n')],
  ['the wrong family', Buffer.from('PROXY TCP6 1.2.3.4 4.5.6.7 1 2\r\n')],
  ['a bad port', Buffer.from('PROXY TCP4 1.2.3.4 4.5.6.7 1 70000\r\n')],
  ['more words', Buffer.from('PROXY TCP4 1.2.3.4 4.5.6.7 1 2 3\r\n')],
  ['an unknown version', Buffer.from(version2).fill(0x31, 12, 13)],
  ['an unknown command', Buffer.from(version2).fill(0x22, 12, 13)],
  ['a length beyond reason', Buffer.concat([version2.subarray(0, 14), Buffer.from([0xff, 0xff])])],
  ['too few addresses', Buffer.concat([version2.subarray(0, 14), Buffer.from([0, 4, 1, 2, 3, 4])])],
]
for (const [name, bytes] of broken) test(`${name} is refused`, () => assert.throws(() => parse(bytes), ProxyError))

test('no bytes do anything but give a header, want more, or be refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc.uint8Array({ maxLength: 40 }).map(tail => Buffer.concat([version2.subarray(0, 12), tail])),
      ),
      bytes => {
        try {
          parse(Buffer.from(bytes))
        } catch (error) {
          assert.ok(error instanceof ProxyError)
        }
      },
    ),
    { numRuns: 1000 },
  )
})

test('addresses have one form', () => {
  assert.equal(canonicalIp('::ffff:192.0.2.1'), '192.0.2.1')
  assert.equal(canonicalIp('::ffff:c000:201'), '192.0.2.1')
  assert.equal(canonicalIp('2001:0DB8:0:0:0:0:0:1'), '2001:db8::1')
  assert.equal(canonicalIp('192.0.2.1'), '192.0.2.1')
})

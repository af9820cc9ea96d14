import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressMatches, formatIp, ipBytes, networkContains, ValueError, type ValueType, values } from '../index.ts'

interface Cases {
  readonly type: ValueType<unknown>
  readonly accepts: readonly (readonly [text: string, value: unknown])[]
  readonly refuses: readonly string[]
}

const cases: Readonly<Record<string, Cases>> = {
  integer: {
    type: values.integer,
    accepts: [
      ['0', 0],
      ['007', 7],
    ],
    refuses: ['', '-1', '1.5', '1k', '9007199254740993', ' '],
  },
  'signed integer': {
    type: values.signedInteger,
    accepts: [
      ['-3', -3],
      ['+4', 4],
      ['-0', 0],
    ],
    refuses: ['', '--1', '1e3'],
  },
  float: {
    type: values.float,
    accepts: [
      ['5.0', 5],
      ['-1.5', -1.5],
      ['.5', 0.5],
      ['1e3', 1000],
    ],
    refuses: ['', 'five', '1,5', 'NaN', 'Infinity'],
  },
  boolean: {
    type: values.boolean,
    accepts: [
      ['true', true],
      ['false', false],
    ],
    refuses: ['', 'True', 'yes', '1'],
  },
  size: { type: values.size, accepts: [['104857600', 104857600]], refuses: ['50mb', '-5', '1.5'] },
  duration: {
    type: values.duration,
    accepts: [
      ['30s', 30_000],
      ['5 m', 300_000],
      ['2h', 7_200_000],
      ['7d', 604_800_000],
      ['250ms', 250],
      ['250', 250],
    ],
    refuses: ['', '0', '0s', '1h30m', '5w', '-5s', 's', '99999999999999999d'],
  },
  'optional duration': {
    type: values.optional(values.duration),
    accepts: [
      ['', undefined],
      ['FALSE', undefined],
      ['Disabled', undefined],
      ['never', undefined],
      ['0', undefined],
      ['1m', 60_000],
    ],
    refuses: ['off', '0s'],
  },
  rate: {
    type: values.rate,
    accepts: [
      ['100/1d', { count: 100, periodMs: 86_400_000 }],
      ['5/10ms', { count: 5, periodMs: 1_000 }],
      ['unlimited', undefined],
    ],
    refuses: ['', '0/1s', '5', '5/', '/1s', '5/0', 'x/1s'],
  },
  cron: {
    type: values.cron,
    accepts: [
      ['15 * *', { minute: 15, hour: undefined, weekday: undefined }],
      ['0 3 *', { minute: 0, hour: 3, weekday: undefined }],
      ['0 23 7', { minute: 0, hour: 23, weekday: 7 }],
    ],
    refuses: ['', '* * *', '60 * *', '0 24 *', '0 3 8', '0 3 0', '0 * 3', '0 3', '0 3 * *'],
  },
  ip: {
    type: values.ip,
    accepts: [
      ['192.0.2.1', '192.0.2.1'],
      ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
      ['::ffff:192.0.2.1', '::ffff:c000:201'],
      ['::', '::'],
    ],
    refuses: ['', '192.0.2', '192.0.2.256', '192.0.02.1', '1:2:3:4:5:6:7', '1::2::3', '1:2:3:4:5:6:7:8::', 'fe80::1%eth0', '[::1]'],
  },
  'IP or network': {
    type: values.ipOrNetwork,
    accepts: [
      ['10.0.0.0/8', { address: '10.0.0.0', prefixLength: 8 }],
      ['10.0.0.1', { address: '10.0.0.1', prefixLength: 32 }],
      ['2001:db8::/32', { address: '2001:db8::', prefixLength: 32 }],
    ],
    refuses: ['', '10.0.0.0/7', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '2001:db8::/129'],
  },
  'socket address': {
    type: values.socketAddress,
    accepts: [
      ['127.0.0.1:25', { ip: '127.0.0.1', port: 25 }],
      ['[::]:25', { ip: '::', port: 25 }],
      ['127.0.0.1:0', { ip: '127.0.0.1', port: 0 }],
    ],
    refuses: ['', '25', ':25', '::1:25', '127.0.0.1', '127.0.0.1:65536', '[127.0.0.1]:25', 'localhost:25'],
  },
  'resolver address': {
    type: values.resolverAddress,
    accepts: [
      ['udp://127.0.0.1:15353', { protocol: 'udp', ip: '127.0.0.1', port: 15353 }],
      ['192.0.2.1', { protocol: 'udp', ip: '192.0.2.1', port: 53 }],
      ['tls://[2001:db8::1]', { protocol: 'tls', ip: '2001:db8::1', port: 853 }],
    ],
    refuses: ['', 'http://192.0.2.1', 'dns.example.org', 'udp://192.0.2.1:0'],
  },
  'header line': {
    type: values.headerLine,
    accepts: [
      ['X-Test: a: b', { name: 'X-Test', value: 'a: b' }],
      ['X:', { name: 'X', value: '' }],
    ],
    refuses: [
      '',
      'X',
      ': y',
      'X Y: z',
      'X: a\r\nY: b',
      'X: \u0100',
      'X: \u007f',
      'Content-Length: 5',
      'transfer-encoding: chunked',
      'Connection: x',
    ],
  },
  canonicalization: {
    type: values.canonicalization,
    accepts: [
      ['relaxed', { headers: 'relaxed', body: 'relaxed' }],
      ['simple/relaxed', { headers: 'simple', body: 'relaxed' }],
    ],
    refuses: ['', 'strict', 'relaxed/', 'relaxed/simple/simple'],
  },
  'DKIM algorithm': {
    type: values.dkimAlgorithm,
    accepts: [
      ['rsa-sha-256', 'rsa-sha256'],
      ['ED25519-SHA256', 'ed25519-sha256'],
    ],
    refuses: ['rsa-sha1', 'rsa-sha-1', 'rsa', ''],
  },
  'TLS option': {
    type: values.tlsOption,
    accepts: [
      ['required', 'require'],
      ['false', 'disable'],
      ['Optional', 'optional'],
      ['verify', 'verify'],
    ],
    refuses: ['', 'true', 'always'],
  },
  'address match': {
    type: values.addressMatch,
    accepts: [
      ['postmaster@*', { kind: 'prefix', text: 'postmaster@' }],
      ['*@Reports.example', { kind: 'suffix', text: '@reports.example' }],
      ['dmarc@example.org', { kind: 'address', text: 'dmarc@example.org' }],
    ],
    refuses: ['', '*', 'dmarc'],
  },
  URL: {
    type: values.httpUrl,
    accepts: [['https://example.org/x', 'https://example.org/x']],
    refuses: ['', 'example.org', 'ftp://example.org', 'https://'],
  },
  character: {
    type: values.character,
    accepts: [
      [',', ','],
      ['😀', '😀'],
    ],
    refuses: ['', ',,'],
  },
  PEM: {
    type: values.pem,
    accepts: [['-----BEGIN PRIVATE KEY-----\nx', '-----BEGIN PRIVATE KEY-----\nx']],
    refuses: ['', 'secret'],
  },
}

for (const [name, { type, accepts, refuses }] of Object.entries(cases)) {
  test(`${name}: values`, () => {
    for (const [text, value] of accepts) {
      assert.deepEqual(type.parse(text), value, text)
      assert.deepEqual(type.parse(type.format(value)), value, `${text} written as ${type.format(value)}`)
    }
  })
  test(`${name}: refusals say what was expected`, () => {
    for (const text of refuses) assert.throws(() => type.parse(text), ValueError, JSON.stringify(text))
  })
}

test('an error never repeats a long or hostile text in full', () => {
  const hostile = `\u001b[31m${'x'.repeat(10_000)}`
  assert.throws(
    () => values.boolean.parse(hostile),
    (error: ValueError) => error.message.length < 200 && !error.message.includes('\u001b'),
  )
})

test('no parser throws anything but a ValueError, whatever it is given', () => {
  const types = Object.values(cases).map(({ type }) => type)
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:./* \]-]{0,30}$/)), (type, text) => {
      try {
        type.parse(text)
      } catch (error) {
        assert.ok(error instanceof ValueError)
      }
    }),
  )
})

test('IPv6 addresses survive being written and read', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0, 0, 0, 1, 0xff), { minLength: 16, maxLength: 16 }), bytes => {
      assert.deepEqual(ipBytes(formatIp(bytes)), bytes)
    }),
  )
})

const written = [
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['0:0:1:0:0:0:0:0', '0:0:1::'],
  ['1:0:0:0:0:0:0:0', '1::'],
] as const

for (const [address, canonical] of written) {
  test(`${address} is written as RFC 5952 demands`, () => assert.equal(values.ip.parse(address), canonical))
}

const memberships = [
  ['10.0.0.0/8', '10.255.0.1', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['192.0.2.128/25', '192.0.2.127', false],
  ['192.0.2.128/25', '192.0.2.200', true],
  ['192.0.2.1', '::ffff:192.0.2.1', true],
  ['2001:db8::/33', '2001:db8:8000::', false],
  ['2001:db8::/33', '2001:db8:7fff::', true],
  ['2001:db8::/32', '192.0.2.1', false],
  ['10.0.0.0/8', 'nonsense', false],
] as const

for (const [network, address, inside] of memberships) {
  test(`${address} is ${inside ? '' : 'not '}in ${network}`, () => {
    assert.equal(networkContains(values.ipOrNetwork.parse(network), address), inside)
  })
}

test('report addresses match in any case', () => {
  assert.ok(addressMatches(values.addressMatch.parse('postmaster@*'), 'Postmaster@Example.org'))
  assert.ok(!addressMatches(values.addressMatch.parse('postmaster@*'), 'xpostmaster@example.org'))
  assert.ok(addressMatches(values.addressMatch.parse('*@reports.example'), 'a@REPORTS.example'))
  assert.ok(!addressMatches(values.addressMatch.parse('a@b.example'), 'aa@b.example'))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  canonicalAddress,
  domainForDisplay,
  domainToAscii,
  isIPv6,
  parseAddress,
  parsePath,
  readAddressLiteral,
  splitAddress,
} from './index.ts'

test('paths as clients send them', () => {
  const paths: readonly (readonly [string, string])[] = [
    ['<a@b.example>', 'a@b.example'],
    ['  <A.B@b.example> SIZE=1', 'A.B@b.example'],
    ['<"john doe"@example.org>', '"john doe"@example.org'],
    ['<"john"@example.org>', 'john@example.org'],
    ['<"a\\"b\\\\c"@example.org>', '"a\\"b\\\\c"@example.org'],
    ['<"a>b@c"@example.org>', '"a>b@c"@example.org'],
    ['<@relay.example,@two.example:a@b.example>', 'a@b.example'],
    ['<user@[192.0.2.1]>', 'user@[192.0.2.1]'],
    ['<user@[IPv6:2001:db8::1]>', 'user@[IPv6:2001:db8::1]'],
    ['<ü@bücher.example>', 'ü@bücher.example'],
    ['<a@example.org.>', 'a@example.org'],
    [
      `<${'l'.repeat(64)}@${'d'.repeat(62)}.${'e'.repeat(63)}.${'f'.repeat(63)}.${'g'.repeat(62)}>`,
      `${'l'.repeat(64)}@${'d'.repeat(62)}.${'e'.repeat(63)}.${'f'.repeat(63)}.${'g'.repeat(62)}`,
    ],
    [`<${'v'.repeat(120)}@example.org>`, `${'v'.repeat(120)}@example.org`],
  ]
  for (const [text, want] of paths) assert.equal(parsePath(text).address, want, text)
  assert.equal(parsePath('<> BODY=8BITMIME', { allowNull: true }).rest, ' BODY=8BITMIME')
  assert.equal(parsePath('<PostMaster>', { allowPostmaster: true }).address, 'PostMaster')
  assert.equal(parsePath('<ü@x.example>').needsUtf8, true)
})

test('paths that are none', () => {
  const wrong = [
    'a@b.example',
    '<a@b.example',
    '<>',
    '<postmaster>',
    '<a@>',
    '<@b>',
    '<.a@b>',
    '<a..b@c>',
    '<a.@c>',
    '<a b@c>',
    '<a@b@c>',
    '<a@b c>',
    '<a@-b.example>',
    '<a@b..c>',
    '<a@[1.2.3]>',
    '<a@[1.2.3.256]>',
    '<a@[IPv6:1::2::3]>',
    '<"a@b.example>',
    '<a\u0000@b>',
    '<a\u0007b@c>',
    '<@r a@b>',
    `<a@${'x'.repeat(64)}.example>`,
    `<${'l'.repeat(300)}@b.example>`,
  ]
  for (const text of wrong) assert.throws(() => parsePath(text), { name: 'AddressError' }, text)
})

test('canonical form: lower case, A-labels, quotes only where needed', () => {
  assert.equal(canonicalAddress(' John.Doe@Bücher.EXAMPLE '), 'john.doe@xn--bcher-kva.example')
  assert.equal(canonicalAddress('"J"@x.example'), 'j@x.example')
  assert.equal(canonicalAddress('"A b"@X.example'), '"a b"@x.example')
  assert.equal(canonicalAddress('u@[IPv6:2001:DB8::1]'), 'u@[ipv6:2001:db8::1]')
  assert.equal(canonicalAddress('Not An Address'), 'not an address')
  assert.equal(domainToAscii('_dmarc.EXAMPLE.org.'), '_dmarc.example.org')
  assert.equal(domainToAscii('a b'), null)
  assert.equal(domainForDisplay('xn--bcher-kva.example'), 'bücher.example')
  assert.deepEqual(splitAddress('"a@b"@c'), { local: '"a@b"', domain: 'c' })
})

test('address literals', () => {
  assert.deepEqual(readAddressLiteral('[IPv6:2001:DB8::1]'), { ip: '2001:db8::1', version: 6 })
  assert.deepEqual(readAddressLiteral('[192.0.2.1]'), { ip: '192.0.2.1', version: 4 })
  assert.equal(readAddressLiteral('[01.2.3.4]'), null)
  for (const good of ['::', '::1', '1::', '1:2:3:4:5:6:7:8', '::ffff:192.0.2.1', '1:2:3:4:5:6:1.2.3.4']) assert.ok(isIPv6(good), good)
  for (const bad of ['', ':', ':::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '12345::', '1.2.3.4', '::1.2.3.4:5', 'g::'])
    assert.equal(isIPv6(bad), false, bad)
})

test('parsing an address never throws anything but AddressError, and what it accepts it writes stably', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '"', '\\', '@', '.', '<', '>', ' ', 'ü', '[', ']', '1', ':', '\n'), maxLength: 20 }),
      text => {
        try {
          const { address } = parseAddress(text)
          assert.equal(parseAddress(address).address, address)
          assert.equal(canonicalAddress(canonicalAddress(address)), canonicalAddress(address))
        } catch (error) {
          assert.equal(error instanceof Error ? error.name : '', 'AddressError')
        }
      },
    ),
    { numRuns: 1000 },
  )
})

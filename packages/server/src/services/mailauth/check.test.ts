import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFakeClock } from '@postern/testkit'
import { memoryResolver, type Resolver, type Zone } from '#base/dns'
import { checkRecords, zoneLine } from './check.ts'
import type { DnsRecord } from './records.ts'

const host = 'mail.example.org.'
const record = (type: DnsRecord['type'], name: string, content: string): DnsRecord => ({ type, name: `${name}.`, content })

async function check(wanted: DnsRecord, zone: Zone): Promise<string | undefined> {
  const [finding] = await checkRecords([wanted], { resolver: memoryResolver(zone), clock: createFakeClock() })
  return finding?.state
}

const spf = record('TXT', 'example.org', 'v=spf1 mx ra=postmaster -all')
const dkim = record('TXT', 's._domainkey.example.org', 'v=DKIM1; k=rsa; h=sha256; p=AAAA')
const dmarc = record('TXT', '_dmarc.example.org', 'v=DMARC1; p=reject; rua=mailto:postmaster@example.org')
const alias = record('CNAME', 'autoconfig.example.org', host)
const tlsa = record('TLSA', '_25._tcp.mail.example.org', '3 1 1 00ff')

const cases: ReadonlyArray<readonly [name: string, wanted: DnsRecord, zone: Zone, state: string]> = [
  ['SPF with other senders', spf, { 'example.org': { TXT: ['v=spf1 ip4:192.0.2.1 +MX ~all'] } }, 'ok'],
  ['SPF without ours', spf, { 'example.org': { TXT: ['v=spf1 a -all'] } }, 'different'],
  ['SPF that refuses our hosts', spf, { 'example.org': { TXT: ['v=spf1 -mx -all'] } }, 'different'],
  ['SPF for everybody', spf, { 'example.org': { TXT: ['v=spf1 mx all'] } }, 'different'],
  ['a text that only begins alike', spf, { 'example.org': { TXT: ['v=spf10 mx -all'] } }, 'missing'],
  ['two SPF records', spf, { 'example.org': { TXT: [spf.content, 'v=spf1 mx -all'] } }, 'conflicting'],
  ['a key with spaces and other tags', dkim, { 's._domainkey.example.org': { TXT: ['k=rsa; p=AA AA; t=s'] } }, 'ok'],
  ['another key', dkim, { 's._domainkey.example.org': { TXT: ['v=DKIM1; p=BBBB'] } }, 'different'],
  ['a milder policy', dmarc, { '_dmarc.example.org': { TXT: ['v=DMARC1;p=Quarantine'] } }, 'ok'],
  ['a policy that does nothing', dmarc, { '_dmarc.example.org': { TXT: ['v=DMARC1; p=none'] } }, 'different'],
  ['an alias over others', alias, { 'autoconfig.example.org': { CNAME: ['a.test'] }, 'a.test': { CNAME: [host] } }, 'ok'],
  [
    'the addresses of the host',
    alias,
    { 'autoconfig.example.org': { A: ['192.0.2.1'] }, 'mail.example.org': { A: ['192.0.2.1'], AAAA: ['2001:db8::1'] } },
    'ok',
  ],
  ['an alias elsewhere', alias, { 'autoconfig.example.org': { CNAME: ['a.test'] }, 'a.test': { A: ['192.0.2.9'] } }, 'different'],
  ['an alias of nothing', alias, { 'autoconfig.example.org': { CNAME: ['gone.test'] } }, 'missing'],
  [
    'an alias that goes round',
    alias,
    { 'autoconfig.example.org': { CNAME: ['b.test'] }, 'b.test': { CNAME: ['autoconfig.example.org'] } },
    'unreachable',
  ],
  ['a certificate among others', tlsa, { '_25._tcp.mail.example.org': { TLSA: ['3 1 1 aa', '3 1 1 00FF'] } }, 'ok'],
  ['another certificate', tlsa, { '_25._tcp.mail.example.org': { TLSA: ['3 1 1 aa'] } }, 'different'],
  ['a server that fails', dmarc, { '_dmarc.example.org': { TXT: 'FAIL' } }, 'unreachable'],
  ['a null MX', record('MX', 'example.org', `10 ${host}`), { 'example.org': { MX: ['0 .'] } }, 'different'],
  ['a name that is none', record('MX', 'a..b', `10 ${host}`), {}, 'different'],
]
for (const [name, wanted, zone, state] of cases) test(`${name}: ${state}`, async () => assert.equal(await check(wanted, zone), state))

test('a resolver that never answers holds up the check for 20 seconds, whatever the number of records', async () => {
  const clock = createFakeClock()
  const silent = new Proxy({} as Resolver, { get: (_target, name) => (name === 'forget' ? () => {} : () => new Promise(() => {})) })
  const records = Array.from({ length: 50 }, (_, n) => record('MX', `d${n}.test`, `10 ${host}`))
  const findings = checkRecords(records, { resolver: silent, clock })
  await clock.advance(20_000)
  assert.deepEqual(new Set((await findings).map(({ state }) => state)), new Set(['unreachable']))
  assert.equal(clock.pending, 0)
})

test('a zone line carries long texts, quotes and international names', () => {
  assert.equal(zoneLine(record('TXT', 'bücher.example', 'a"b\\c')), 'xn--bcher-kva.example. IN TXT "a\\"b\\\\c"')
  assert.equal(zoneLine(record('TXT', 'x.test', 'y'.repeat(256))), `x.test. IN TXT "${'y'.repeat(255)}" "y"`)
  assert.equal(zoneLine(record('MX', 'x.test', `10 ${host}`)), 'x.test. IN MX 10 mail.example.org.')
})

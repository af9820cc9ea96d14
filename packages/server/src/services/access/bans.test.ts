import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Failure } from '@postern/contract'
import { createFakeClock, createRecordingTrace, type FakeClock } from '@postern/testkit'
import { createMemoryEphemeral } from '#data/ephemeral'
import { openSettings, type Settings } from '#data/settings'
import { openStore, type Store } from '#data/store'
import { type Bans, createBans } from './bans.ts'

let folder: string
let store: Store
let settings: Settings
let clock: FakeClock
let bans: Bans

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bans-'))
  clock = createFakeClock()
  const trace = createRecordingTrace()
  store = await openStore({ kind: 'sqlite', path: folder, clock, trace })
  settings = await openSettings({ store, macros: { env: () => undefined, file: async () => '' }, clock })
  await set(
    ['server.allowed-ip.198.51.100.0/24', ''],
    ['server.proxy.trusted-networks', '203.0.113.0/28'],
    ['server.listener.web.protocol', 'http'],
    ['server.listener.web.proxy.trusted-networks.0', '2001:db8:9::/48'],
  )
  bans = createBans({ store, settings, ephemeral: createMemoryEphemeral({ clock }), clock, trace })
})

after(async () => {
  await store[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

async function set(...entries: Array<[string, string]>): Promise<void> {
  await settings.change([{ kind: 'put', entries }])
  await settings.reload()
}

const from = '192.0.2.200'
const wanted = (target: string, expiresAt?: number) => ({ target, reason: 'noise', expiresAt, author: 'jane', from })
const refused = (code: string, reason?: RegExp) => (error: unknown) =>
  error instanceof Failure && error.code === code && (reason === undefined || reason.test(JSON.stringify(error.details)))

test('a ban by hand acts at once, on networks too, and ends when it should', async () => {
  const { target, ban } = await bans.banByHand(wanted('2001:DB8:0:1::/64', clock.now() + 60_000))
  assert.equal(target, '2001:db8:0:1::/64')
  assert.deepEqual([ban?.reason, ban?.evidence, ban?.author, ban?.events], ['manual', 'noise', 'jane', 0])
  assert.equal(bans.isBlocked('2001:db8:0:1::77'), true)
  assert.equal(bans.isBlocked('2001:db8:0:2::77'), false)
  await clock.advance(59_999)
  await bans.expire()
  assert.equal(bans.isBlocked('2001:db8:0:1::77'), true)
  await clock.advance(1)
  await bans.expire()
  assert.equal(bans.isBlocked('2001:db8:0:1::77'), false)
  assert.equal(await bans.find('2001:db8:0:1::/64'), undefined)
})

const protectedOnes: ReadonlyArray<readonly [target: string, reason: RegExp]> = [
  ['127.0.0.1', /this server/],
  ['::1', /this server/],
  ['198.51.100.77', /allow list/],
  ['198.0.0.0/8', /allow list/],
  ['203.0.113.3', /a proxy/],
  ['2001:db8:9:1::5', /a proxy/],
  ['2001:db8::/32', /a proxy/],
  ['192.0.2.200', /the address you call from/],
  ['192.0.2.0/24', /the address you call from/],
  ['192.88.99.7', /an administrator/],
]
for (const [target, reason] of protectedOnes) {
  test(`${target} can't be banned by hand`, async () => {
    bans.protect('192.88.99.7')
    await assert.rejects(bans.banByHand(wanted(target)), refused('other', reason))
    assert.equal(settings.stored().get(`server.blocked-ip.${target}`), undefined)
  })
}

test('proxies are never banned by counters, nor kept out by a network on the block list', async () => {
  for (const address of ['203.0.113.3', '2001:db8:9:1::5']) {
    for (let n = 0; n < 500; n++) await bans.count('scan', address, { evidence: 'noise' })
    assert.equal(await bans.ban('auth', address, 'x'), false)
  }
  await set(['server.blocked-ip.203.0.113.0/24', ''])
  assert.equal(bans.isBlocked('203.0.113.3'), false)
  assert.equal(bans.isBlocked('203.0.113.99'), true)
  await bans.lift('203.0.113.0/24')
})

test('what is no address, is there already, or ends before it begins is refused', async () => {
  for (const target of ['', 'example.org', '1.2.3', '1.2.3.4/33', '1.2.3.4/7', '::/129', '1.2.3.4; x'])
    await assert.rejects(bans.banByHand(wanted(target)), refused('invalidParameters'), target)
  await assert.rejects(bans.banByHand(wanted('100.64.0.1', clock.now())), refused('invalidParameters'))
  await assert.rejects(bans.banByHand({ ...wanted('100.64.0.1'), reason: 'x'.repeat(1001) }), refused('invalidParameters'))
  await bans.banByHand(wanted('100.64.0.1'))
  await assert.rejects(bans.banByHand(wanted('100.64.0.1')), refused('fieldAlreadyExists'))
  await bans.lift('100.64.0.1')
})

test('counted bans keep evidence and count; a key that is deleted lifts the ban with the next partial reload', async () => {
  await set(['server.auto-ban.scan.rate', '3/1h'])
  for (let n = 0; n < 4; n++) await bans.count('scan', '100.64.0.9', { evidence: 'GET /x.php' })
  const found = await bans.find('100.64.0.9')
  assert.deepEqual([found?.ban?.reason, found?.ban?.evidence, found?.ban?.events], ['scan', 'GET /x.php, 4 times', 4])
  await settings.change([{ kind: 'delete', keys: ['server.blocked-ip.100.64.0.9'] }])
  await settings.reload({ only: ['server.blocked-ip'] })
  assert.equal(bans.isBlocked('100.64.0.9'), false)
  assert.equal(await bans.find('100.64.0.9'), undefined)
})

test('a broken setting elsewhere holds up neither a ban nor its end', async () => {
  await settings.change([{ kind: 'put', entries: [['queue.outbound.concurrency', 'many']] }])
  await bans.banByHand(wanted('100.64.0.20'))
  assert.equal(bans.isBlocked('100.64.0.20'), true)
  await bans.lift('100.64.0.20')
  assert.equal(bans.isBlocked('100.64.0.20'), false)
  await settings.change([{ kind: 'delete', keys: ['queue.outbound.concurrency'] }])
})

test('an address of IPv6 counts for its network: with 2^64 addresses nobody would ever be banned', async () => {
  await set(['server.auto-ban.auth.rate', '3/1d'])
  const guess = (address: string) => bans.count('auth', address, { evidence: 'failed login' })
  const attempts = ['2001:db8:7:1::1', '2001:db8:7:1::2', '2001:db8:7:1:a:b:c:d', '2001:db8:7:1:ffff::']
  assert.deepEqual(await Promise.all(attempts.map(guess)), [false, false, false, true])
  assert.equal(bans.isBlocked('2001:db8:7:1::99'), true)
  assert.equal(bans.isBlocked('2001:db8:7:2::1'), false)
  assert.equal((await bans.find('2001:db8:7:1::/64'))?.ban?.reason, 'auth')
  bans.protect('2001:db8:7:1::42')
  assert.equal(bans.isBlocked('2001:db8:7:1::42'), false, 'an administrator in that network')
  for (let i = 1; i <= 3; i++) assert.equal(await guess(`::ffff:192.0.3.${i}`), false)
  assert.equal(await guess('::ffff:192.0.3.4'), false, 'IPv4 addresses count each for itself')
  assert.equal(await bans.lift('2001:db8:7:1::/64'), true)
  assert.equal(bans.isBlocked('2001:db8:7:1::99'), false)
})

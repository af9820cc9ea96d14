import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { Failure } from '@postern/contract'
import { createFakeClock, createRecordingTrace, type FakeClock } from '@postern/testkit'
import { TOTP } from 'otpauth'
import { systemRandom } from '#base/clock'
import { createWorkers } from '#base/workers'
import { createMemoryEphemeral } from '#data/ephemeral'
import { openSettings, type Settings } from '#data/settings'
import { openStore, type Store } from '#data/store'
import { allPermissions, type Caller, createDirectory, type Directory, fallbackAdministratorId } from '#services/directory'
import { type Access, createAccess, createPasswords } from './index.ts'

const root: Caller = { accountId: fallbackAdministratorId, name: 'root', rights: allPermissions, tenantId: undefined }
const trace = createRecordingTrace()
const workers = createWorkers({ threads: 1 })
const passwords = createPasswords({ workers, random: systemRandom })
const totp = new TOTP({ secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' })

let folder: string
let clock: FakeClock
let store: Store
let settings: Settings
let directory: Directory & Disposable
let access: Access & Disposable

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'access-'))
  clock = createFakeClock()
  store = await openStore({ kind: 'sqlite', path: folder, clock, trace })
  settings = await openSettings({ store, macros: { env: () => undefined, file: async () => '' } })
  await settings.change([
    {
      kind: 'put',
      entries: [
        ['authentication.fallback-admin.user', 'Admin'],
        ['authentication.fallback-admin.secret', await passwords.hash('emergency')],
        ['authentication.master.user', 'master'],
        ['authentication.master.secret', 'skeleton'],
        ['server.auto-ban.auth.rate', '3/1d'],
        ['server.auto-ban.expiry', '1h'],
        ['jmap.rate-limit.anonymous', '2/1m'],
      ],
    },
  ])
  await settings.reload()
  directory = createDirectory({
    store,
    settings,
    hashSecret: passwords.hash,
    verifySecret: passwords.verify,
    trace,
    destroyMail: async () => {},
  })
  await directory.create(root, { type: 'domain', name: 'example.org' })
  await directory.create(root, { name: 'jane', secrets: ['hunter2', '$app$phone$app-secret'], emails: 'jane@example.org', roles: ['user'] })
  await directory.create(root, { name: 'otto', secrets: [totp.toString(), 'hunter2', '$app$phone$app-secret'], roles: ['user'] })
  await directory.create(root, { name: 'nobody', secrets: 'hunter2' })
  await directory.create(root, { type: 'group', name: 'staff', secrets: 'hunter2', roles: ['user'] })
  await directory.create(root, { type: 'apiKey', name: 'key', secrets: 'hunter2', roles: ['admin'] })
  await directory.create(root, { name: 'chief', secrets: 'hunter2', roles: ['admin'] })
  await directory.create(root, { type: 'tenant', name: 'acme', roles: ['admin'] })
  await directory.create(root, { type: 'domain', name: 'acme.example', tenant: 'acme' })
  await directory.create(root, { name: 'boss@acme.example', secrets: 'hunter2', roles: ['admin'], tenant: 'acme' })
  await directory.create(root, { name: 'clerk@acme.example', secrets: 'hunter2', roles: ['user'], tenant: 'acme' })
})

beforeEach(() => {
  access?.[Symbol.dispose]()
  access = createAccess({
    store,
    settings,
    directory,
    passwords,
    ephemeral: createMemoryEphemeral({ clock }),
    clock,
    random: systemRandom,
    trace,
  })
})

after(async () => {
  access[Symbol.dispose]()
  directory[Symbol.dispose]()
  await store[Symbol.asyncDispose]()
  await workers[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

function logIn(login: string, secret: string, remoteIp = '192.0.2.1'): Promise<Caller> {
  return access.authenticate({ kind: 'password', login, secret }, { remoteIp, trace })
}

const refused = (code: string) => (error: unknown) => error instanceof Failure && error.code === code

test('a person logs in by name in any case, with the password or an application password', async () => {
  assert.equal((await logIn(' JANE ', 'hunter2')).name, 'jane')
  assert.equal((await logIn('jane', 'hunter2')).name, 'jane')
  assert.equal((await logIn('jane', 'app-secret')).name, 'jane')
})

const refusals: ReadonlyArray<[name: string, login: string, secret: string, code: string]> = [
  ['a wrong password', 'jane', 'hunter3', 'authenticationFailed'],
  ['an unknown name', 'janet', 'hunter2', 'authenticationFailed'],
  ['an address that is no login name', 'jane@example.org', 'hunter2', 'authenticationFailed'],
  ['a group', 'staff', 'hunter2', 'authenticationFailed'],
  ['an API key over a password login', 'key', 'hunter2', 'authenticationFailed'],
  ['a stored hash as password', 'admin', '$argon2id$', 'authenticationFailed'],
  ['an account that may not log in', 'nobody', 'hunter2', 'loginForbidden'],
  ['an empty login', '', 'hunter2', 'authenticationFailed'],
  ['a login without end', 'x'.repeat(100_000), 'hunter2', 'authenticationFailed'],
  ['a missing second factor', 'otto', 'hunter2', 'totpRequired'],
  ['a wrong second factor', 'otto', 'hunter2$000000', 'authenticationFailed'],
  ['a wrong password before asking for the factor', 'otto', 'wrong', 'authenticationFailed'],
  ['a wrong master secret', 'jane%master', 'wrong', 'authenticationFailed'],
]
for (const [name, login, secret, code] of refusals) test(`${name} is refused`, () => assert.rejects(logIn(login, secret), refused(code)))

test('the second factor belongs to its minute', async () => {
  const code = totp.generate({ timestamp: clock.now() })
  assert.equal((await logIn('otto', `hunter2$${code}`)).name, 'otto')
  assert.equal((await logIn('otto', 'app-secret')).name, 'otto', 'application passwords need none')
  await clock.advance(10 * 60_000)
  await assert.rejects(logIn('otto', `hunter2$${code}`), refused('authenticationFailed'))
})

test('the emergency administrator and the master login', async () => {
  const admin = await logIn('ADMIN', 'emergency')
  assert.equal(admin.accountId, fallbackAdministratorId)
  assert.ok(admin.rights.has('restart'))
  assert.equal((await logIn('jane%master', 'skeleton')).name, 'jane')
})

const identities: ReadonlyArray<[who: string, actAs: string, outcome: string]> = [
  ['jane', '', 'jane'],
  ['jane', 'JANE', 'jane'],
  ['jane', 'jane@example.org', 'jane'],
  ['jane', 'otto', 'loginForbidden'],
  ['jane', 'unheard-of', 'loginForbidden'],
  ['chief', 'jane', 'jane'],
  ['chief', 'nobody', 'loginForbidden'],
  ['chief', 'staff', 'loginForbidden'],
  ['chief', 'unheard-of', 'loginForbidden'],
  ['chief', 'clerk@acme.example', 'clerk@acme.example'],
  ['boss@acme.example', 'clerk@acme.example', 'clerk@acme.example'],
  ['boss@acme.example', 'jane', 'loginForbidden'],
]
for (const [who, actAs, outcome] of identities) {
  test(`${who} asks to act as ${actAs === '' ? 'nobody else' : actAs}: ${outcome}`, async () => {
    const attempt = access.authenticate({ kind: 'password', login: who, secret: 'hunter2', actAs }, { remoteIp: '192.0.2.1', trace })
    if (outcome === 'loginForbidden') await assert.rejects(attempt, refused(outcome))
    else assert.equal((await attempt).name, outcome)
  })
}

test('the emergency administrator names himself, or somebody else', async () => {
  const as = (actAs: string): Promise<Caller> =>
    access.authenticate({ kind: 'password', login: 'admin', secret: 'emergency', actAs }, { remoteIp: '192.0.2.1', trace })
  assert.equal((await as('Admin')).accountId, fallbackAdministratorId)
  assert.equal((await as('jane')).name, 'jane')
})

test('an API key proves itself as such', async () => {
  const caller = await access.authenticate({ kind: 'apiKey', name: 'key', secret: 'hunter2' }, { remoteIp: '192.0.2.1', trace })
  assert.equal(caller.name, 'key')
  await assert.rejects(
    access.authenticate({ kind: 'apiKey', name: 'jane', secret: 'hunter2' }, { remoteIp: '192.0.2.1', trace }),
    refused('authenticationFailed'),
  )
})

test('a changed password acts at once, however often the old one was used', async () => {
  await directory.create(root, { name: 'mover', secrets: 'old', roles: ['user'] })
  for (let i = 0; i < 3; i++) await logIn('mover', 'old')
  await directory.change(root, 'mover', [{ action: 'set', field: 'secrets', value: ['new'] }])
  await assert.rejects(logIn('mover', 'old'), refused('authenticationFailed'))
  await logIn('mover', 'new')
  await directory.remove(root, 'mover')
  await assert.rejects(logIn('mover', 'new'), refused('authenticationFailed'))
})

test('too many failures ban the address, with evidence, until the ban ends or is lifted', async () => {
  for (let i = 0; i < 3; i++) await assert.rejects(logIn(`guess${i}`, 'x', '198.51.100.7'), refused('authenticationFailed'))
  assert.equal(access.bans.isBlocked('198.51.100.7'), false)
  await assert.rejects(logIn('guess3', 'x', '198.51.100.7'), refused('tooManyAuthAttempts'))
  assert.equal(access.bans.isBlocked('198.51.100.7'), true)
  assert.equal(settings.stored().get('server.blocked-ip.198.51.100.7'), '')
  const { ban } = (await access.bans.list({ skip: 0, limit: 10 })).items[0] ?? {}
  assert.equal(ban?.events, 4)
  assert.match(ban?.evidence ?? '', /failed login as guess3, 4 times/)
  assert.equal(ban?.expiresAt, clock.now() + 3_600_000)
  assert.equal(trace.of('security.authentication-ban').length, 1)
  await clock.advance(3_600_000)
  await access.bans.expire()
  assert.equal(access.bans.isBlocked('198.51.100.7'), false)
  assert.equal(settings.stored().get('server.blocked-ip.198.51.100.7'), undefined)
})

test('a ban can be taken back', async () => {
  await access.bans.ban('scan', '198.51.100.8', 'probing')
  assert.equal(access.bans.isBlocked('198.51.100.8'), true)
  assert.equal(await access.bans.lift('198.51.100.8'), true)
  assert.equal(access.bans.isBlocked('198.51.100.8'), false)
  assert.equal(await access.bans.lift('198.51.100.8'), false)
})

test('loopback, the allow list and the place of an administrator are never banned', async () => {
  for (const address of ['127.0.0.1', '127.5.5.5', '::1']) {
    assert.equal(await access.bans.ban('auth', address, 'x'), false)
    assert.equal(access.bans.isBlocked(address), false)
  }
  await logIn('chief', 'hunter2', '203.0.113.5')
  for (let i = 0; i < 10; i++) await assert.rejects(logIn('chief', 'typo', '203.0.113.5'), refused('authenticationFailed'))
  assert.equal(access.bans.isBlocked('203.0.113.5'), false)
  await settings.change([{ kind: 'put', entries: [['server.allowed-ip.198.51.100.0/24', '']] }])
  await settings.reload()
  assert.equal(await access.bans.ban('auth', '198.51.100.9', 'x'), false)
  await settings.change([{ kind: 'delete', keys: ['server.allowed-ip.198.51.100.0/24'] }])
  await settings.reload()
})

test('guessing one name from many addresses slows strangers down, and bans nobody for a first mistake', async () => {
  await logIn('jane', 'hunter2', '192.0.2.77')
  for (let i = 0; i < 4; i++) await assert.rejects(logIn('jane', 'x', `198.51.100.${20 + i}`), refused('authenticationFailed'))
  await assert.rejects(logIn('jane', 'x', '198.51.100.30'), refused('authenticationFailed'))
  await assert.rejects(logIn('jane', 'x', '198.51.100.31'), refused('tooManyRequests'))
  await assert.rejects(logIn('jane', 'app-secret', '198.51.100.32'), refused('tooManyRequests'), 'strangers wait, even with the password')
  for (const address of ['198.51.100.23', '198.51.100.30', '198.51.100.31']) assert.equal(access.bans.isBlocked(address), false)
  await assert.rejects(logIn('jane', 'typo', '192.0.2.77'), refused('authenticationFailed'), 'the owner may mistype where she is known')
  assert.equal((await logIn('jane', 'hunter2', '192.0.2.77')).name, 'jane')
  await clock.advance(10_000)
  assert.equal((await logIn('jane', 'app-secret', '192.0.2.78')).name, 'jane', 'and gets in from elsewhere after a while')
  assert.equal((await logIn('chief', 'hunter2', '192.0.2.79')).name, 'chief', 'other names are not touched')
})

test('a one-time code is good for one login, whoever comes first', async () => {
  const secret = `hunter2$${totp.generate({ timestamp: clock.now() })}`
  const outcomes = await Promise.allSettled([logIn('otto', secret), logIn('otto', secret), logIn('otto', secret)])
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  await clock.advance(30_000)
  await assert.rejects(logIn('otto', secret, '192.0.2.9'), refused('authenticationFailed'))
  assert.equal((await logIn('otto', `hunter2$${totp.generate({ timestamp: clock.now() })}`, '192.0.2.9')).name, 'otto')
})

test('nameless requests are counted by address', async () => {
  await access.admitAnonymous('192.0.2.1')
  await access.admitAnonymous('192.0.2.1')
  await access.admitAnonymous('192.0.2.2')
  await assert.rejects(
    access.admitAnonymous('192.0.2.1'),
    (error: unknown) => error instanceof Failure && error.code === 'tooManyRequests' && Number(error.details['retryAfterMs']) > 0,
  )
})

test('a password that is replaced while it is being checked is good for no further login', async () => {
  await directory.create(root, { name: 'swift', secrets: 'old', roles: ['user'] })
  let isReplaced = false
  const slow = {
    ...passwords,
    verify: async (stored: string, secret: string) => {
      const matches = await passwords.verify(stored, secret)
      if (matches && !isReplaced) {
        isReplaced = true
        await directory.change(root, 'swift', [{ action: 'set', field: 'secrets', value: ['new'] }])
      }
      return matches
    },
  }
  using watched = createAccess({
    store,
    settings,
    directory,
    passwords: slow,
    ephemeral: createMemoryEphemeral({ clock }),
    clock,
    random: systemRandom,
    trace,
  })
  const attempt = (secret: string) => watched.authenticate({ kind: 'password', login: 'swift', secret }, { remoteIp: '192.0.2.1', trace })
  await attempt('old')
  assert.ok(isReplaced)
  await assert.rejects(attempt('old'), refused('authenticationFailed'))
  assert.equal((await attempt('new')).name, 'swift')
})

test('a failed login compares exactly one password, whoever it names', async () => {
  await directory.create(root, { name: 'secretless', roles: ['user'] })
  await directory.create(root, { name: 'only-codes', secrets: 'otpauth://totp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', roles: ['user'] })
  await directory.create(root, { name: 'usual', secrets: 'pw', roles: ['user'] })
  await directory.create(root, { type: 'apiKey', name: 'bare-key' })
  let compared = 0
  const counting = { ...passwords, verify: async () => ++compared === 0 }
  const ephemeral = createMemoryEphemeral({ clock })
  using watched = createAccess({ store, settings, directory, passwords: counting, ephemeral, clock, random: systemRandom, trace })
  let host = 0
  const origin = () => ({ remoteIp: `192.0.2.${++host}`, trace })
  for (const login of ['usual', 'secretless', 'only-codes', 'stranger', 'bare-key', 'admin', 'stranger%master', 'stranger%other']) {
    compared = 0
    await assert.rejects(watched.authenticate({ kind: 'password', login, secret: 'x' }, origin()), refused('authenticationFailed'))
    assert.equal(compared, 1, login)
  }
  for (const name of ['bare-key', 'usual', 'stranger']) {
    compared = 0
    await assert.rejects(watched.authenticate({ kind: 'apiKey', name, secret: 'x' }, origin()), refused('authenticationFailed'))
    assert.equal(compared, 1, name)
  }
})

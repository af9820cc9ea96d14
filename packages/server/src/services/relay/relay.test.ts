import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import {
  createFakeClock,
  createRecordingTrace,
  createRemoteMx,
  createSeededRandom,
  type FakeClock,
  type RecordingTrace,
  type RemoteMx,
  type Script,
} from '@postern/testkit'
import { createIdSource, systemRandom } from '#base/clock'
import { memoryResolver, type Zone } from '#base/dns'
import { createWorkers } from '#base/workers'
import { type Blobs, createBlobs } from '#data/blobs'
import { openSettings, type Settings } from '#data/settings'
import { openStore, type Store } from '#data/store'
import { createPasswords } from '#services/access'
import { createDelivery } from '#services/delivery'
import { allPermissions, type Caller, createDirectory, type Directory, fallbackAdministratorId } from '#services/directory'
import { createMailboxes, type Mailboxes } from '#services/mailbox'
import { createQueue, type Envelope, type Queue, recipientFlags } from '#services/queue'
import { createRelay, createTransport } from './index.ts'

const root: Caller = { accountId: fallbackAdministratorId, name: 'root', rights: allPermissions, tenantId: undefined }
const minute = 60_000

let folder: string
let clock: FakeClock
let trace: RecordingTrace
let store: Store
let blobs: Blobs
let settings: Settings
let directory: Directory & Disposable
let mailboxes: Mailboxes
let queue: Queue & Disposable
let janeId: number
let zone: Record<string, Zone[string]>
let stopping: AsyncDisposable | undefined
const workers = createWorkers({ threads: 1 })
const remotes: RemoteMx[] = []

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'relay-'))
})

let run = 0
beforeEach(async () => {
  clock = createFakeClock()
  trace = createRecordingTrace()
  store = await openStore({ kind: 'sqlite', path: join(folder, String(++run)), clock, trace })
  blobs = createBlobs({ store, clock, trace })
  settings = await openSettings({ store, macros: { env: () => undefined, file: async () => '' } })
  const passwords = createPasswords({ workers, random: systemRandom })
  mailboxes = createMailboxes({ store, blobs, clock, quotaOf: async id => ({ bytes: (await directory.byId(id))?.quota ?? 0 }) })
  directory = createDirectory({
    store,
    settings,
    hashSecret: passwords.hash,
    verifySecret: passwords.verify,
    trace,
    destroyMail: async () => {},
  })
  settings.useFunctions({
    is_local_domain: async ([, domain]) => Number(await directory.isLocalDomain(String(domain))),
    key_get: async () => 'mail.example.org',
  })
  await directory.create(root, { type: 'domain', name: 'example.org' })
  janeId = await directory.create(root, { name: 'jane', emails: 'jane@example.org', roles: ['user'] })
  queue = createQueue({ store, blobs, settings, clock, random: createSeededRandom(), trace, nextId: createIdSource(clock) })
  zone = {}
})

afterEach(async () => {
  await stopping?.[Symbol.asyncDispose]()
  stopping = undefined
  for (const remote of remotes.splice(0)) await remote[Symbol.asyncDispose]()
  queue[Symbol.dispose]()
  directory[Symbol.dispose]()
  blobs[Symbol.dispose]()
  await store[Symbol.asyncDispose]()
})

after(async () => {
  await workers[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

function start(): void {
  const resolver = { ...memoryResolver({}), ...lazily() }
  const delivery = createDelivery({ directory, mailboxes, clock, trace })
  const transport = createTransport({ settings, resolver, clock, random: createSeededRandom(), trace })
  stopping = createRelay({ queue, delivery, transport, settings, clock, trace }).start()
}

/** Tests change the zone while the relay runs. */
function lazily(): ReturnType<typeof memoryResolver> {
  return {
    a: name => memoryResolver(zone).a(name),
    aaaa: name => memoryResolver(zone).aaaa(name),
    mx: name => memoryResolver(zone).mx(name),
    txt: name => memoryResolver(zone).txt(name),
    ptr: ip => memoryResolver(zone).ptr(ip),
    tlsa: name => memoryResolver(zone).tlsa(name),
    srv: name => memoryResolver(zone).srv(name),
    cname: name => memoryResolver(zone).cname(name),
    forget() {},
  }
}

const content = Buffer.from('From: you@remote.test\r\nSubject: Hello\r\nMessage-ID: <1@remote.test>\r\n\r\n.dot\r\nHello.\r\n')

function accept(to: readonly string[], envelope: Partial<Envelope> = {}): Promise<number> {
  return queue.accept({ returnPath: 'jane@example.org', recipients: to.map(address => ({ address })), ...envelope }, content)
}

/** A host that takes mail for remote.test, as smarthost so that its port can be any. */
async function smarthost(script?: Script, keywords?: readonly string[], tls?: 'works' | 'broken'): Promise<RemoteMx> {
  const remote = await createRemoteMx({ ...(script && { script }), ...(keywords && { keywords }), ...(tls && { tls }) })
  remotes.push(remote)
  await settings.change([
    {
      kind: 'put',
      entries: [
        ['remote.out.address', '127.0.0.1'],
        ['remote.out.port', String(remote.port)],
        ['remote.out.tls.implicit', 'false'],
        ['queue.outbound.next-hop.0.if', "is_local_domain('*', rcpt_domain)"],
        ['queue.outbound.next-hop.0.then', "'local'"],
        ['queue.outbound.next-hop.1.else', "'out'"],
      ],
    },
  ])
  assert.deepEqual((await settings.reload()).errors, {})
  return remote
}

/** Waits, without moving the clock, for what real files and sockets are still busy with. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const patience = AbortSignal.timeout(20_000)
  while (!(await condition())) {
    if (patience.aborted) assert.fail('the condition never came true')
    await clock.advance(0)
  }
}

/** Lets hours go by in small steps, so that conversations on real sockets keep up with the clock. */
async function passHours(hours: number): Promise<void> {
  for (let step = 0; step < hours * 4; step++) {
    await clock.advance(15 * minute)
    for (let turn = 0; turn < 20; turn++) await clock.advance(0)
    await until(() => trace.of('delivery.attempt-start').length === trace.of('delivery.attempt-end').length)
  }
}

const isEmpty = async (): Promise<boolean> => (await queue.count()) === 0

async function inbox(): Promise<string[]> {
  const account = await mailboxes.open(janeId)
  const box = await account.findRole('inbox')
  const columns = await account.columns(box?.id ?? 0)
  const messages = await account.messages([...columns.ids])
  return Promise.all(messages.map(async message => (await account.content(message)).toString()))
}

test('mail to a local account lies in its inbox with the trace of its delivery', async () => {
  start()
  await accept(['Jane@Example.org'], { returnPath: 'you@remote.test' })
  await until(isEmpty)
  assert.deepEqual(await inbox(), [`Delivered-To: Jane@Example.org\r\nReturn-Path: <you@remote.test>\r\n${content}`])
})

test('mail to elsewhere leaves through the smarthost, its dots and line ends as they were', async () => {
  const remote = await smarthost()
  start()
  await accept(['bob@remote.test', 'eve@remote.test'])
  await remote.untilTaken(1)
  await until(isEmpty)
  assert.deepEqual(remote.taken, [
    { isEncrypted: false, from: 'jane@example.org', to: ['bob@remote.test', 'eve@remote.test'], content: content.toString() },
  ])
  assert.equal(trace.of('delivery.delivered').length, 2)
})

test('what was refused for now is tried again by the schedule, then delivered', async () => {
  let refusals = 2
  const remote = await smarthost(line => (line.startsWith('MAIL') && refusals-- > 0 ? '451 4.7.1 later' : undefined))
  start()
  const id = await accept(['bob@remote.test'])
  await until(async () => (await queue.get(id))?.domains[0]?.retryCount === 1)
  const [domain] = (await queue.get(id))?.domains ?? []
  assert.equal(domain?.status, 'tempFail')
  assert.match(domain?.detail ?? '', /Code: 451, Enhanced code: 4\.7\.1, Message: later/)
  assert.ok(Math.abs((domain?.retryAt ?? 0) - clock.now() - 2 * minute) <= 0.1 * 2 * minute + 1)
  await clock.advance(3 * minute)
  await until(async () => (await queue.get(id))?.domains[0]?.retryCount === 2)
  assert.equal(remote.taken.length, 0)
  await clock.advance(6 * minute)
  await remote.untilTaken(1)
  await until(isEmpty)
})

test('what was refused for good comes back to the sender, who is told why', async () => {
  await smarthost(line => (line.startsWith('RCPT TO:<bob') ? '550 5.1.1 no such user' : undefined))
  start()
  await accept(['bob@remote.test'])
  await until(async () => (await inbox()).length === 1)
  await until(isEmpty)
  const [notice = ''] = await inbox()
  assert.match(notice, /Subject: Failed to deliver message/)
  assert.match(notice, /Return-Path: <>/)
  assert.match(notice, /Final-Recipient: rfc822;\s?bob@remote\.test/)
  assert.match(notice, /Status: 5\.1\.1/)
  assert.match(notice, /550 5\.1\.1 no such user/)
})

test('a notice has a sender with a domain, even where the setting for it comes to none', async () => {
  await smarthost(line => (line.startsWith('RCPT TO:<bob') ? '550 5.1.1 no such user' : undefined))
  await settings.change([{ kind: 'put', entries: [['report.dsn.from-address', "'MAILER-DAEMON@' + ''"]] }])
  assert.deepEqual((await settings.reload()).errors, {})
  start()
  await accept(['bob@remote.test'])
  await until(async () => (await inbox()).length === 1)
  assert.match((await inbox())[0] ?? '', /^From: .*<MAILER-DAEMON@\w[^>]*>\r$/m)
})

test('a notice about a notice is not sent', async () => {
  await smarthost(line => (line.startsWith('RCPT') ? '550 5.1.1 no' : undefined))
  start()
  await accept(['bob@remote.test'], { returnPath: '' })
  await until(isEmpty)
  assert.deepEqual(await inbox(), [])
})

test('one refused recipient does not hold up the others', async () => {
  const remote = await smarthost(line =>
    line.startsWith('RCPT TO:<eve') ? '550 5.1.1 no' : line.startsWith('RCPT TO:<max') ? '450 4.2.1 busy' : undefined,
  )
  start()
  const id = await accept(['bob@remote.test', 'eve@remote.test', 'max@remote.test'])
  await remote.untilTaken(1)
  await until(async () => (await queue.get(id))?.domains[0]?.retryCount === 1)
  assert.deepEqual(remote.taken[0]?.to, ['bob@remote.test'])
  const states = (await queue.get(id))?.domains[0]?.recipients.map(({ status }) => status)
  assert.deepEqual(states, ['completed', 'permFail', 'tempFail'])
  await clock.advance(10 * minute)
  await until(async () => remote.lines.filter(line => line.startsWith('RCPT TO:<max')).length === 2)
  assert.equal(remote.lines.filter(line => line.startsWith('RCPT TO:<bob')).length, 1)
})

const faults: ReadonlyArray<[name: string, script: Script]> = [
  ['greets with an error', line => (line === '' ? '554 5.3.2 go away' : undefined)],
  ['talks nonsense', line => (line === '' ? 'what?' : undefined)],
  ['hangs up at once', line => (line === '' ? 'close' : undefined)],
  ['hangs up after the message', line => (line === '.' ? 'close' : undefined)],
  ['refuses our name', line => (/^(EHLO|HELO)/.test(line) ? '550 5.5.0 no' : undefined)],
  ['cuts in at RCPT', line => (line.startsWith('RCPT') ? 'close' : undefined)],
]
for (const [name, script] of faults) {
  test(`a host that ${name} loses nothing: the message waits`, async () => {
    await smarthost(script)
    start()
    const id = await accept(['bob@remote.test'])
    await until(async () => (await queue.get(id))?.domains[0]?.retryCount === 1)
    assert.equal((await queue.get(id))?.domains[0]?.status, 'tempFail')
  })
}

test('a host that says nothing is given up on after its time', async () => {
  await smarthost(line => (line.startsWith('MAIL') ? 'hang' : undefined))
  start()
  const id = await accept(['bob@remote.test'])
  await until(() => trace.of('delivery.ehlo').length > 0)
  await clock.advance(6 * minute)
  await until(async () => (await queue.get(id))?.domains[0]?.retryCount === 1)
})

test('a message that expires comes back', async () => {
  await smarthost(line => (line === '' ? '421 busy' : undefined))
  await settings.change([
    {
      kind: 'put',
      entries: [
        ['queue.schedule.expire', '10m'],
        ['queue.schedule.notify', 'false'],
      ],
    },
  ])
  await settings.reload()
  start()
  await accept(['bob@remote.test'])
  await until(() => trace.of('delivery.greeting-failed').length === 1)
  for (let i = 0; i < 4; i++) {
    await clock.advance(4 * minute)
    await until(() => true)
  }
  await until(async () => (await inbox()).length === 1)
  await until(isEmpty)
  assert.match((await inbox())[0] ?? '', /Action: failed/)
})

test('a sender who wants to know hears of success, and of delay once per notice', async () => {
  await smarthost(line => (line.startsWith('MAIL') && clock.now() < start0 + 30 * 60 * minute ? '451 4.7.1 later' : undefined))
  const start0 = clock.now()
  start()
  await accept(['bob@remote.test'])
  await passHours(25)
  await until(async () => (await inbox()).length === 1)
  assert.match((await inbox())[0] ?? '', /Action: delayed[\s\S]*Will-Retry-Until/)
  await passHours(10)
  await until(isEmpty)
  assert.equal((await inbox()).length, 1)

  await queue.accept(
    { returnPath: 'jane@example.org', recipients: [{ address: 'bob@remote.test', flags: recipientFlags.notifySuccess }] },
    content,
  )
  await until(async () => (await inbox()).length === 2)
  assert.match((await inbox())[1] ?? '', /Action: delivered/)
})

test('a domain without MX is its own host, one with a null MX takes nothing, one that does not exist never will', async () => {
  zone = { 'null.test': { MX: ['0 .'] }, 'broken.test': { MX: 'FAIL' } }
  start()
  await accept(['a@null.test'])
  await accept(['a@nowhere.test'])
  const waiting = await accept(['a@broken.test'])
  await until(async () => (await inbox()).length === 2)
  const notices = (await inbox()).join('\n')
  assert.match(notices, /null MX/)
  assert.match(notices, /no such name/)
  await until(async () => (await queue.get(waiting))?.domains[0]?.retryCount === 1)
})

test('a host that cannot carry what the message needs is no host for it', async () => {
  const remote = await smarthost(undefined, ['SIZE 10'])
  start()
  await accept(['bob@remote.test'])
  await until(async () => (await inbox()).length === 1)
  assert.match((await inbox())[0] ?? '', /5\.3\.4/)
  assert.equal(remote.taken.length, 0)
})

test('an account over its quota keeps the mail waiting, and gets it when there is room', async () => {
  await directory.change(root, 'jane', [{ action: 'set', field: 'quota', value: 50 }])
  start()
  const id = await accept(['jane@example.org'])
  await until(async () => (await queue.get(id))?.domains[0]?.retryCount === 1)
  assert.match((await queue.get(id))?.domains[0]?.detail ?? '', /4\.2\.2/)
  await directory.change(root, 'jane', [{ action: 'set', field: 'quota', value: 5000 }])
  await clock.advance(5 * minute)
  await until(isEmpty)
  assert.equal((await inbox()).length, 1)
})

test('a paused queue keeps what it has; resumed it goes on; a rescheduled message goes at once', async () => {
  const remote = await smarthost()
  queue.setRunning(false)
  start()
  const id = await accept(['bob@remote.test'])
  await clock.advance(10 * minute)
  assert.equal(remote.connections, 0)
  assert.equal(queue.setRunning(true), false)
  await remote.untilTaken(1)
  await until(isEmpty)
  assert.equal(await queue.reschedule(id, clock.now()), false, 'it is gone')
})

test('a cancelled message is gone, a cancelled recipient fails alone', async () => {
  queue.setRunning(false)
  const first = await accept(['bob@remote.test'])
  const second = await accept(['bob@remote.test', 'eve@remote.test'])
  assert.equal(await queue.cancel(first), true)
  assert.equal(await queue.cancel(first), false)
  assert.equal(await queue.cancelRecipients(second, 'EVE@'), true)
  const states = (await queue.get(second))?.domains[0]?.recipients.map(({ status }) => status)
  assert.deepEqual(states, ['scheduled', 'permFail'])
  assert.equal(await queue.cancelRecipients(second, 'bob'), true)
  assert.equal(await queue.get(second), undefined)
})

const tlsCases: ReadonlyArray<[option: string, tls: 'works' | 'broken' | undefined, expected: 'encrypted' | 'plain' | 'waits']> = [
  ['optional', 'works', 'encrypted'],
  ['optional', 'broken', 'plain'],
  ['optional', undefined, 'plain'],
  ['disable', 'works', 'plain'],
  ['require', 'works', 'encrypted'],
  ['require', 'broken', 'waits'],
  ['require', undefined, 'waits'],
  ['verify', 'works', 'waits'],
]
for (const [option, tls, expected] of tlsCases) {
  test(`TLS ${option} with a host whose TLS ${tls ?? 'is not there'}: ${expected}`, async () => {
    const remote = await smarthost(undefined, undefined, tls)
    await settings.change([{ kind: 'put', entries: [['queue.outbound.tls.starttls', option]] }])
    assert.deepEqual((await settings.reload()).errors, {})
    start()
    const id = await accept(['bob@remote.test'])
    if (expected === 'waits') {
      await until(async () => (await queue.get(id))?.domains[0]?.retryCount === 1)
      assert.equal((await queue.get(id))?.domains[0]?.error, 'tls')
      assert.equal(remote.taken.length, 0)
    } else {
      await remote.untilTaken(1)
      assert.equal(remote.taken[0]?.isEncrypted, expected === 'encrypted')
    }
  })
}

test('a smarthost that wants a login gets it, and one that refuses it keeps the mail waiting', async () => {
  const remote = await smarthost(
    line =>
      line.startsWith('AUTH') && line !== `AUTH PLAIN ${Buffer.from('\0me\0secret').toString('base64')}` ? '535 5.7.8 no' : undefined,
    ['AUTH PLAIN LOGIN'],
    'works',
  )
  const login = (secret: string): Promise<unknown> =>
    settings
      .change([
        {
          kind: 'put',
          entries: [
            ['remote.out.auth.username', 'me'],
            ['remote.out.auth.secret', secret],
            ['remote.out.tls.allow-invalid-certs', 'true'],
          ],
        },
      ])
      .then(() => settings.reload())
  await login('wrong')
  start()
  const id = await accept(['bob@remote.test'])
  await until(async () => (await queue.get(id))?.domains[0]?.retryCount === 1)
  assert.match((await queue.get(id))?.domains[0]?.detail ?? '', /refused our login/)
  await login('secret')
  await queue.reschedule(id, clock.now())
  await remote.untilTaken(1)
})

for (const [trouble, tls] of [
  ['offers no TLS', undefined],
  ['breaks TLS', 'broken'],
  ['has a certificate that nobody vouches for', 'works'],
] as const) {
  test(`a password is not told to a smarthost that ${trouble}`, async () => {
    const heard: string[] = []
    await smarthost(
      line => {
        heard.push(line)
        return undefined
      },
      ['AUTH PLAIN LOGIN'],
      tls,
    )
    const entries: Array<[string, string]> = [
      ['remote.out.auth.username', 'me'],
      ['remote.out.auth.secret', 'secret'],
    ]
    await settings.change([{ kind: 'put', entries }])
    assert.deepEqual((await settings.reload()).errors, {})
    start()
    const id = await accept(['bob@remote.test'])
    await until(async () => (await queue.get(id))?.domains[0]?.retryCount === 1)
    assert.equal((await queue.get(id))?.domains[0]?.error, 'tls')
    assert.ok(heard.length > 0)
    assert.ok(!heard.some(line => line.startsWith('AUTH')))
  })
}

test('two workers never take the same message', async () => {
  const ids = await Promise.all(Array.from({ length: 20 }, () => accept(['bob@remote.test'])))
  const [first, second] = await Promise.all([queue.take(15), queue.take(15)])
  const seen = [...(first ?? []), ...(second ?? [])].map(({ id }) => id)
  assert.equal(new Set(seen).size, seen.length)
  assert.deepEqual(
    seen.toSorted((a, b) => a - b),
    ids,
  )
  assert.deepEqual(await queue.take(10), [])
})

test('lists filter by text, addresses, time and id', async () => {
  queue.setRunning(false)
  const first = await accept(['bob@remote.test'])
  const second = await accept(['Eve@elsewhere.test'], { returnPath: 'max@example.org' })
  const list = async (filter: Parameters<Queue['list']>[0]['filter']): Promise<readonly number[]> =>
    (await queue.list({ filter, offset: 0, limit: 0, maxTotal: 0 })).ids
  assert.deepEqual(await list({}), [first, second])
  assert.deepEqual(await list({ text: 'eve@' }), [second])
  assert.deepEqual(await list({ from: 'max' }), [second])
  assert.deepEqual(await list({ to: 'remote' }), [first])
  assert.deepEqual(await list({ firstId: second }), [second])
  assert.deepEqual(await list({ before: clock.now() + 1 }), [first, second])
  assert.deepEqual(await list({ after: clock.now() + 1 }), [])
  assert.deepEqual(await list({ domains: ['elsewhere.test'] }), [second])
  assert.deepEqual(await list({ text: '100%' }), [])
  assert.deepEqual(await queue.list({ filter: {}, offset: 1, limit: 1, maxTotal: 1 }), { ids: [], total: 1 })
  assert.equal(await queue.cancelAll({ text: 'nothing' }), false)
  assert.equal(await queue.cancelAll({}), true)
  assert.equal(await queue.count(), 0)
})

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { settings as declared, Failure } from '@postern/contract'
import { createRecordingTrace } from '@postern/testkit'
import { systemClock } from '#base/clock'
import { openStore, type Store } from '#data/store'
import { openSettings, parseSettingsFile, type Settings, type SettingsChange, SettingsFileError } from './index.ts'

let folder: string
let file: string
let store: Store
let settings: Settings

const macros = { env: (name: string) => ({ HOST: 'mail.example.org' })[name], file: async () => '' }

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'settings-'))
  file = join(folder, 'config.toml')
  store = await openStore({ kind: 'sqlite', path: join(folder, 'data'), clock: systemClock, trace: createRecordingTrace() })
})

beforeEach(async () => {
  await writeFile(file, '# ours\n[authentication.fallback-admin]\nuser = "%{env:HOST}%"\n\n[store.data]\ntype = "sqlite"\n')
  settings = await openSettings({ file, store, macros })
  await settings.change([{ kind: 'deletePrefix', prefix: '' }])
  await writeFile(file, '# ours\n[authentication.fallback-admin]\nuser = "%{env:HOST}%"\n\n[store.data]\ntype = "sqlite"\n')
  settings = await openSettings({ file, store, macros })
})

after(async () => {
  await store[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const put = (...entries: Array<[string, string]>): SettingsChange => ({ kind: 'put', entries })

test('an absent key reads as its default', () => {
  assert.equal(settings.read(declared.queue.outboundConcurrency), 25)
  assert.deepEqual(settings.read(declared.server.blockedIp), [])
})

test('a stored value acts after a reload, and is listed at once', async () => {
  await settings.change([put(['queue.outbound.concurrency', '7'])])
  assert.equal(settings.stored().get('queue.outbound.concurrency'), '7')
  assert.equal(settings.read(declared.queue.outboundConcurrency), 25)
  assert.deepEqual(await settings.reload(), { errors: {}, warnings: {} })
  assert.equal(settings.read(declared.queue.outboundConcurrency), 7)
})

test('local keys go to the file, others to the store, and macros stay in the file as written', async () => {
  await settings.change([put(['server.max-connections', '100'], ['queue.outbound.concurrency', '9'])])
  const text = await readFile(file, 'utf8')
  assert.match(text, /^authentication\.fallback-admin\.user = "%\{env:HOST\}%"$/m)
  assert.match(text, /^server\.max-connections = 100$/m)
  assert.doesNotMatch(text, /concurrency/)
  const again = await openSettings({ file, store, macros })
  assert.equal(again.read(declared.queue.outboundConcurrency), 9)
  assert.equal(again.read(declared.authentication.fallbackAdminUser), 'mail.example.org')
})

test('a broken value keeps everything as it was and is named', async () => {
  await settings.change([put(['queue.outbound.concurrency', 'many'], ['session.timeout', 'not an expression (('])])
  const { errors } = await settings.reload()
  assert.deepEqual(Object.keys(errors).sort(), ['queue.outbound.concurrency', 'session.timeout'])
  assert.equal(errors['session.timeout']?.type, 'parse')
  assert.equal(errors['session.timeout']?.error, 'Invalid variable or constant "not"')
  assert.equal(settings.read(declared.queue.outboundConcurrency), 25)
})

test('a dry run changes nothing', async () => {
  await settings.change([put(['queue.outbound.concurrency', '7'])])
  let reloads = 0
  settings.onReload(() => reloads++)
  assert.deepEqual(await settings.reload({ dryRun: true }), { errors: {}, warnings: {} })
  assert.equal(settings.read(declared.queue.outboundConcurrency), 25)
  assert.equal(reloads, 0)
})

test('a misspelt key is reported, a free one is not', async () => {
  await settings.change([put(['queue.outbound.concurency', '7'], ['golden.anything', 'x'])])
  const { warnings } = await settings.reload()
  assert.deepEqual(warnings, { 'queue.outbound.concurency': { type: 'unread', value: '7', didYouMean: 'queue.outbound.concurrency' } })
})

test('a partial reload takes only its part', async () => {
  await settings.change([put(['server.blocked-ip.192.0.2.1', ''], ['queue.outbound.concurrency', '7'])])
  await settings.reload({ only: ['server.blocked-ip'] })
  assert.equal(settings.read(declared.server.blockedIp).length, 1)
  assert.equal(settings.read(declared.queue.outboundConcurrency), 25)
})

test('a change is all or nothing', async () => {
  await settings.change([put(['a.b', '1'])])
  await assert.rejects(
    settings.change([put(['c.d', '2']), { kind: 'assertNone', prefix: 'a.' }]),
    (error: unknown) => error instanceof Failure && error.code === 'assertFailed',
  )
  await assert.rejects(
    settings.change([put(['c.d', '2']), { kind: 'assertAbsent', key: 'authentication.fallback-admin.user' }]),
    (error: unknown) => error instanceof Failure,
  )
  assert.equal(settings.stored().get('c.d'), undefined)
  await settings.change([{ kind: 'deletePrefix', prefix: 'a.' }, put(['a.c', '3'])])
  assert.deepEqual(settings.stored().withPrefix('a.'), [['a.c', '3']])
})

test('expressions see variables, constants and functions; if-blocks decide in order', async () => {
  settings.useFunctions({ is_local_domain: async ([, domain]) => (domain === 'example.org' ? 1 : 0) })
  assert.equal(await settings.evaluate(declared.queue.outboundNextHop, { rcpt_domain: 'example.org' }), 'local')
  assert.equal(await settings.evaluate(declared.queue.outboundNextHop, { rcpt_domain: 'other.test' }), undefined)
  assert.deepEqual(
    await settings.evaluate(declared.queue.scheduleRetry, {}),
    [2, 5, 10, 15, 30, 60, 120].map(minutes => minutes * 60_000),
  )
  await settings.change([
    put(
      ['queue.schedule.expire.0000.if', "rcpt_domain == 'slow.test'"],
      ['queue.schedule.expire.0000.then', '10d'],
      ['queue.schedule.expire.0001.else', '1d'],
      ['queue.outbound.ip-strategy', 'ipv6_only'],
    ),
  ])
  assert.deepEqual((await settings.reload()).errors, {})
  assert.equal(await settings.evaluate(declared.queue.scheduleExpire, { rcpt_domain: 'slow.test' }), 864_000_000)
  assert.equal(await settings.evaluate(declared.queue.scheduleExpire, { rcpt_domain: 'x.test' }), 86_400_000)
  assert.equal(await settings.evaluate(declared.queue.outboundIpStrategy, {}), 'ipv6_only')
})

const brokenBlocks: ReadonlyArray<[name: string, entries: Array<[string, string]>, message: RegExp]> = [
  [
    'without else',
    [
      ['.0000.if', '1'],
      ['.0000.then', '1d'],
    ],
    /else/,
  ],
  [
    'with then missing',
    [
      ['.0000.if', '1'],
      ['.0001.else', '1d'],
    ],
    /'if' without 'then'/,
  ],
  [
    'with if missing',
    [
      ['.0000.then', '1d'],
      ['.0001.else', '1d'],
    ],
    /'then' without 'if'/,
  ],
  [
    'with an early else',
    [
      ['.0000.else', '1d'],
      ['.0001.if', '1'],
      ['.0001.then', '1d'],
    ],
    /last element/,
  ],
  [
    'with a stray word',
    [
      ['.0000.when', '1'],
      ['.0001.else', '1d'],
    ],
    /neither|unread/,
  ],
]
for (const [name, entries, message] of brokenBlocks) {
  test(`an if-block ${name} is refused`, async () => {
    await settings.change([put(...entries.map(([suffix, value]): [string, string] => [`queue.schedule.expire${suffix}`, value]))])
    const { errors } = await settings.reload()
    assert.match(JSON.stringify(errors), message)
  })
}

test('ids of a record are found by a member', async () => {
  await settings.change([
    put(['server.listener.smtp.bind.0000', '[::]:25'], ['server.listener.a.b.bind', '[::]:26'], ['server.listener.c.protocol', 'smtp']),
  ])
  await settings.reload()
  assert.deepEqual(settings.idsOf(declared.server.listenerBind), ['a.b', 'smtp'])
  assert.equal(settings.read(declared.server.listenerBind, { id: 'smtp' })[0]?.port, 25)
})

test('a file that cannot be understood stops the start, naming the line', async () => {
  await writeFile(file, '[server]\nhostname = "a\n')
  await assert.rejects(openSettings({ file, store, macros }), (error: unknown) => error instanceof SettingsFileError && error.line === 2)
})

test('an edit of the file that was not reloaded yet, and the comments at its top, outlive a change by the API', async () => {
  await writeFile(file, '# ours\n# and mine\n\nserver.max-connections = 777\n')
  await settings.change([put(['authentication.fallback-admin.user', 'boss'])])
  const text = await readFile(file, 'utf8')
  assert.ok(text.startsWith('# ours\n# and mine\n\n'), text)
  assert.match(text, /^server\.max-connections = 777$/m)
  assert.match(text, /^authentication\.fallback-admin\.user = "boss"$/m)
})

test('a change that the store does not take leaves the file as it was', async () => {
  const before = await readFile(file, 'utf8')
  const failing: Store = {
    ...store,
    async write(command, args, attached) {
      if (command.name === 'settings.change') throw new Failure('storeUnavailable', {})
      return store.write(command, args, attached)
    },
  }
  const other = await openSettings({ file, store: failing, macros })
  await assert.rejects(other.change([put(['server.max-connections', '3'], ['queue.outbound.concurrency', '3'])]), Failure)
  assert.deepEqual(parseSettingsFile(await readFile(file, 'utf8')), parseSettingsFile(before))
  assert.equal(other.stored().get('server.max-connections'), undefined)
})

test('what was edited in the file while the server was down is a change of the file', async () => {
  const text = await readFile(file, 'utf8')
  await writeFile(file, `${text}\n[server]\nmax-connections = 12\n`)
  const again = await openSettings({ file, store, macros })
  await again.reload()
  const [newest] = (await again.history({ author: 'file' }, { skip: 0, limit: 1 })).items
  assert.ok(newest)
  assert.deepEqual(
    (await again.changeSet(newest.id)).differences.filter(({ key }) => key === 'server.max-connections'),
    [{ key: 'server.max-connections', place: 'file', before: undefined, after: '12' }],
  )
})

test('a file broken while the server runs is reported by line, and not written over', async () => {
  const broken = '# ours\ncertificate.a.cert = %{file:/a.pem}%\n'
  await writeFile(file, broken)
  assert.match(String((await settings.reload()).errors['config.toml']?.error), /^line 2: /)
  await assert.rejects(
    settings.change([put(['server.max-connections', '5'])]),
    error => error instanceof Failure && error.code === 'other' && /^line 2: /.test(String(error.details['reason'])),
  )
  assert.equal(await readFile(file, 'utf8'), broken)
})

test('a reload that complains shows neither secrets nor what stands in the files that macros name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'settings-'))
  const path = join(folder, 'config.toml')
  await writeFile(path, '')
  const hidden = 'root:$6$hidden'
  const own = await openSettings({ file: path, store, macros: { env: () => hidden, file: async () => hidden } })
  const changes = [
    ['server.listener.x.bind', '%{file:/etc/shadow}%'],
    ['server.listener.x.protocol', '%{env:KEY}%'],
    ['server.listener.x.proxy.trusted-networks.0', '%{cfg:server.listener.x.bind}%'],
    ['tracer.x.nothing-reads-this', '%{file:/etc/shadow}%'],
    ['certificate.x.cert', '%{file:/etc/shadow}%'],
    ['certificate.x.private-key', hidden],
  ] as const
  const { errors, warnings } = await own.plan([{ kind: 'put', entries: changes }])
  await own.change([{ kind: 'put', entries: changes }])
  for (const said of [{ errors, warnings }, await own.reload(), await own.reload({ dryRun: true })]) {
    assert.doesNotMatch(JSON.stringify(said), /hidden|root:/)
    assert.match(said.errors['server.listener.x.bind']?.error ?? '', /expected an address with port .*; it is a secret or has a macro/)
    assert.deepEqual(said.warnings['tracer.x.nothing-reads-this'], { type: 'unread', value: '%{file:/etc/shadow}%' })
  }
  await rm(folder, { recursive: true })
})

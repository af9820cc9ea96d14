import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  contexts,
  declaredSettings,
  defaultLocalPatterns,
  defaultOf,
  findSetting,
  foreignKeys,
  functions,
  seededKeys,
  settingGroups,
  settings,
  suggestSetting,
} from '../index.ts'
import type { ExpressionSetting, ExpressionSource, Setting } from './setting.ts'

const valueSettings = declaredSettings.filter((setting): setting is Setting => setting.kind === 'value')
const expressions = declaredSettings.filter((setting): setting is ExpressionSetting => setting.kind === 'expression')

/** A key of the setting with ids that hold dots. */
function sampleKey(pattern: string): string {
  return pattern.replace(/<(\w+)>/g, (_: string, name: string) => (name === 'store' ? 'sample' : `sample.${name}`))
}

test('patterns, and names within a family, are unique', () => {
  const patterns = declaredSettings.map(setting => setting.pattern)
  assert.deepEqual([...new Set(patterns)], patterns)
  const names = declaredSettings.map(setting => `${setting.family} ${setting.name}`)
  assert.deepEqual([...new Set(names)], names)
})

test('the name in the object is the one the setting knows', () => {
  for (const [familyName, family] of Object.entries(settings)) {
    for (const [name, setting] of Object.entries(family)) {
      assert.equal(setting.name, name)
      assert.equal(
        setting.family.replace(/-(\w)/g, (_: string, letter: string) => letter.toUpperCase()),
        familyName,
      )
    }
  }
  assert.equal(settings.queue.scheduleRetry.pattern, 'queue.schedule.retry')
  assert.equal(settings.server.listenerTlsDisableCiphers.pattern, 'server.listener.<id>.tls.disable-ciphers')
  assert.equal(settings.lookup.entries.pattern, 'lookup.<store>')
})

test('every default is a value of its own type', () => {
  for (const setting of valueSettings) {
    const texts = [setting.default ?? [], ...Object.values(setting.defaultsBy?.values ?? {})].flat()
    for (const text of texts) {
      const parsed = setting.type.parse(text)
      assert.deepEqual(setting.type.parse(setting.type.format(parsed)), parsed, `${setting.pattern}: ${text}`)
    }
  }
})

test('a list has a list as default, everything else a text', () => {
  for (const setting of valueSettings) {
    if (setting.default === undefined) continue
    assert.equal(Array.isArray(setting.default), setting.shape === 'list', setting.pattern)
  }
})

test('a fallback exists, is of the same type and has the same default', () => {
  for (const setting of valueSettings.filter(({ fallback }) => fallback !== undefined)) {
    const target = valueSettings.find(({ pattern }) => pattern === setting.fallback)
    assert.ok(target !== undefined, setting.pattern)
    assert.equal(target.type.name, setting.type.name, setting.pattern)
    if (target.default !== undefined) assert.deepEqual(target.default, setting.default, setting.pattern)
  }
})

test('every setting is found by its own key, with ids that contain dots', () => {
  for (const setting of declaredSettings) {
    const shape = setting.kind === 'value' ? setting.shape : 'single'
    const key = sampleKey(setting.pattern) + (shape === 'set' || shape === 'map' ? '.some.element' : '')
    const found = findSetting(key)
    assert.equal(found?.setting.pattern, setting.pattern, key)
    assert.equal(found.rest, shape === 'set' || shape === 'map' ? 'some.element' : undefined)
    for (const id of setting.ids) assert.equal(found.ids[id], id === 'store' ? 'sample' : `sample.${id}`)
  }
})

const lookups = [
  ['server.listener.my.smtp.bind.0000', 'server.listener.<id>.bind', { id: 'my.smtp' }, '0000'],
  ['server.blocked-ip.10.0.0.0/8', 'server.blocked-ip', {}, '10.0.0.0/8'],
  ['server.blocked-ip.2001:db8::1', 'server.blocked-ip', {}, '2001:db8::1'],
  ['lookup.default.hostname', 'lookup.default.hostname', {}, undefined],
  ['lookup.default.hostnames', 'lookup.<store>', { store: 'default' }, 'hostnames'],
  ['lookup.spam-traps.trap.one@example.org', 'lookup.<store>', { store: 'spam-traps' }, 'trap.one@example.org'],
  ['tracing.level.smtp.ehlo', 'tracing.level', {}, 'smtp.ehlo'],
  ['tracer.otel.enable.log-exporter', 'tracer.<id>.enable.log-exporter', { id: 'otel' }, undefined],
  ['tracer.a.enable', 'tracer.<id>.enable', { id: 'a' }, undefined],
  ['signature.rsa-headers.example.headers.0003', 'signature.<id>.headers', { id: 'rsa-headers.example' }, '0003'],
  ['queue.schedule.retry.0001.then', 'queue.schedule.retry', {}, '0001.then'],
  ['queue.schedule.retry.0002.else', 'queue.schedule.retry', {}, '0002.else'],
  ['directory.ldap.eu.principals.7.email.0001', 'directory.<id>.principals.<n>.email', { id: 'ldap.eu', n: '7' }, '0001'],
  ['cache.dns.mta-sts.size', 'cache.<name>.size', { name: 'dns.mta-sts' }, undefined],
  ['cache.session.ttl', 'cache.session.ttl', {}, undefined],
  ['spam-filter.list.scores.X_HDR_*', 'spam-filter.list.scores', {}, 'X_HDR_*'],
] as const

for (const [key, pattern, ids, rest] of lookups) {
  test(`finding ${key}`, () => {
    const found = findSetting(key)
    assert.equal(found?.setting.pattern, pattern)
    assert.deepEqual({ ...found.ids }, ids)
    assert.equal(found.rest, rest)
  })
}

for (const key of [
  '',
  '.',
  'server',
  'server.listener',
  'server.listener..bind',
  'queue.schedule.retry.first.then',
  'session.throttle.x.match.0000.if',
  'imap.request.max-size.0',
  'lookup.default',
  'nothing.at.all',
  `server.listener.${'x'.repeat(2_000)}.bind`,
]) {
  test(`no setting is found for ${JSON.stringify(key.slice(0, 40))}`, () => assert.equal(findSetting(key), undefined))
}

const suggestions = [
  ['imap.request.maxsize', 'imap.request.max-size'],
  ['queue.shcedule.retry', 'queue.schedule.retry'],
  ['server.listener.smtp.bnd', 'server.listener.smtp.bind'],
  ['server.hostname', 'lookup.default.hostname'],
  ['jmap.web-sockets.timeout', 'jmap.web-socket.timeout'],
  ['session.data.pipe.x.command', undefined],
  ['completely.different', undefined],
] as const

for (const [key, suggestion] of suggestions) {
  test(`suggesting for ${key}`, () => assert.equal(suggestSetting(key), suggestion))
}

test('foreign names lead to declared settings and are none themselves', () => {
  for (const [name, advice] of Object.entries(foreignKeys)) {
    assert.equal(findSetting(name), undefined, name)
    if ('use' in advice) {
      assert.ok(
        declaredSettings.some(({ pattern }) => pattern === advice.use || pattern.startsWith(`${advice.use}.`)),
        name,
      )
    }
  }
  for (const alias of declaredSettings.flatMap(({ aliases }) => aliases)) assert.equal(findSetting(alias), undefined, alias)
})

test('seeded keys and literal local patterns belong to settings', () => {
  for (const { key } of seededKeys) assert.ok(findSetting(key), key)
  for (const pattern of defaultLocalPatterns.filter(text => !text.includes('*'))) assert.ok(findSetting(pattern.replace('!', '')), pattern)
  assert.equal(seededKeys.filter(({ at }) => at === 'first-run').length, 14)
})

test('seeded values are values of their settings', () => {
  for (const { key, value } of seededKeys) {
    const setting = findSetting(key)?.setting
    if (setting?.kind === 'value' && typeof value === 'string') setting.type.parse(value)
  }
})

test('every group has declared members, the finding one among them', () => {
  for (const group of Object.values(settingGroups)) {
    const members = declaredSettings.filter(({ pattern }) => pattern.startsWith(`${group.prefix}.<`))
    assert.ok(members.length > 0, group.prefix)
    if (group.member !== undefined) assert.ok(members.some(({ pattern }) => pattern.endsWith(`>.${group.member}`), group.prefix))
  }
})

test('every setting with an id belongs to a group, a list of names or a map', () => {
  const prefixes = [
    ...Object.values(settingGroups).map(({ prefix }) => `${prefix}.<`),
    'cache.<name>',
    'jmap.folders.<role>',
    'lookup.<store>',
  ]
  for (const { pattern } of declaredSettings.filter(({ ids }) => ids.length > 0)) {
    assert.ok(
      prefixes.some(prefix => pattern.startsWith(prefix)),
      pattern,
    )
  }
})

test('the default may depend on a role or on an id', () => {
  assert.equal(defaultOf(settings.store.purgeFrequency, { id: 'x', role: 'blob' }), '0 4 *')
  assert.equal(defaultOf(settings.store.purgeFrequency, { id: 'blob' }), undefined)
  assert.equal(defaultOf(settings.jmap.foldersName, { role: 'junk' }), 'Junk Mail')
  assert.equal(defaultOf(settings.jmap.foldersName, { role: 'archive' }), undefined)
  assert.equal(defaultOf(settings.imap.requestMaxSize), '52428800')
})

test('documentation is one or more sentences without the marks of a table', () => {
  for (const { pattern, doc } of declaredSettings) {
    assert.match(doc, /^[A-Za-z`].*[.]?$/, pattern)
    assert.doesNotMatch(doc, /\||\n/, pattern)
  }
})

function sources(source: ExpressionSource): readonly string[] {
  return typeof source === 'string'
    ? [source]
    : [...source.branches.flatMap(({ condition, result }) => [condition, result]), source.otherwise]
}

test('defaults of expressions name known variables, constants and functions only', () => {
  // Built-in defaults may use variables outside their context; these resolve to an empty string.
  const variables = new Set(Object.values(contexts).flatMap(({ variables }) => Object.keys(variables)))
  for (const setting of expressions) {
    if (setting.default === undefined) continue
    for (const text of sources(setting.default)) {
      const names = text.replace(/'[^']*'/g, '').match(/(?<![\w.])[a-z_][\w.]*/g) ?? []
      for (const name of names) {
        const constants = Object.keys(setting.result.constants ?? {})
        const known =
          variables.has(name) || Object.hasOwn(functions, name) || constants.includes(name) || name === 'true' || name === 'false'
        assert.ok(known, `${setting.pattern}: ${name}`)
      }
    }
  }
})

test('expression functions: 44 answer at once, 9 ask somebody', () => {
  assert.equal(Object.values(functions).filter(({ async }) => !async).length, 44)
  assert.equal(Object.values(functions).filter(({ async }) => async).length, 9)
})

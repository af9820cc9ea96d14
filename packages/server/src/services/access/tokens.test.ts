import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { Failure } from '@postern/contract'
import { createFakeClock, type FakeClock } from '@postern/testkit'
import fc from 'fast-check'
import { systemRandom } from '#base/clock'
import type { Settings } from '#data/settings'
import type { PrincipalRecord } from '#data/store'
import { fallbackAdministratorId } from '#services/directory'
import { createTokens, type TokenKind, type Tokens } from './tokens.ts'

let clock: FakeClock
let secrets: Map<number, string[]>
let values: Map<string, string>
let tokens: Tokens

beforeEach(() => {
  clock = createFakeClock()
  secrets = new Map([[7, ['$argon2id$one', '$app$phone$two']]])
  values = new Map([['oauth.key', 'k'.repeat(64)]])
  tokens = create()
})

function create(): Tokens {
  return createTokens({
    settings: { read: (setting: { pattern: string }) => values.get(setting.pattern) } as unknown as Settings,
    directory: { byId: async id => (secrets.has(id) ? ({ secrets: secrets.get(id) } as unknown as PrincipalRecord) : undefined) },
    clock,
    random: systemRandom,
  })
}

const issue = (kind: TokenKind = 'access', accountId = 7, clientId = 'webadmin') =>
  tokens.issue({ kind, accountId, clientId, lifeMs: 3_600_000 })

const refused = (code: string) => (error: unknown) => error instanceof Failure && error.code === code

test('a token tells whose it is, for whom, and how long', async () => {
  const { issuedAt, expiresAt, ...claims } = await tokens.open(await issue())
  assert.deepEqual(claims, { kind: 'access', accountId: 7, clientId: 'webadmin' })
  assert.equal(expiresAt - issuedAt, 3_600_000)
  assert.ok(Math.abs(issuedAt - clock.now()) < 1000)
})

test('tokens are padded Base64, differ every time and survive a restart', async () => {
  for (let length = 0; length < 6; length++) {
    const token = await issue('access', 7, 'x'.repeat(length))
    assert.match(token, /^[A-Za-z0-9+/]+={1,2}$/)
    assert.equal((await create().open(token)).clientId, 'x'.repeat(length))
  }
  assert.notEqual(await issue(), await issue())
})

test('a token ends with its time, to the second, and not when the clock steps back', async () => {
  const token = await issue()
  await clock.advance(3_599_000)
  await tokens.open(token)
  await clock.advance(1000)
  await assert.rejects(tokens.open(token), refused('tokenExpired'))
  const later = await issue()
  clock = createFakeClock()
  tokens = create()
  assert.ok((await tokens.open(later)).issuedAt > clock.now())
})

test('whoever adds an application password stays logged in; what was there before still counts', async () => {
  const [access, refresh] = [await issue('access'), await issue('refresh')]
  const before = secrets.get(7) ?? []
  secrets.set(7, [...before, '$app$tablet$three'])
  assert.equal((await tokens.open(access)).accountId, 7)
  await tokens.open(refresh)
  for (const changed of [
    ['$app$phone$two', '$argon2id$one'],
    ['$argon2id$new', '$app$phone$two'],
    ['otpauth://totp/x', ...before],
  ]) {
    secrets.set(7, [...changed, '$app$tablet$three'])
    await assert.rejects(tokens.open(access), refused('authenticationFailed'))
  }
})

test('the removal or change of a secret ends access; a refresh token hangs on those that are no application password', async () => {
  const access = await issue('access')
  const refresh = await issue('refresh')
  const stream = await issue('live-tracing')
  secrets.set(7, ['$argon2id$one'])
  await assert.rejects(tokens.open(access), refused('authenticationFailed'))
  await assert.rejects(tokens.open(stream), refused('authenticationFailed'))
  await tokens.open(refresh)
  secrets.set(7, ['otpauth://totp/x', '$argon2id$one'])
  await assert.rejects(tokens.open(refresh), refused('authenticationFailed'))
})

test('a deleted account has no tokens, and one without secrets gets none', async () => {
  const token = await issue()
  secrets.delete(7)
  await assert.rejects(tokens.open(token), refused('authenticationFailed'))
  await assert.rejects(issue(), refused('unauthorized'))
  secrets.set(7, [])
  await assert.rejects(issue(), refused('unauthorized'))
})

test('the emergency administrator has tokens, which end with the configured secret', async () => {
  await assert.rejects(issue('access', fallbackAdministratorId), refused('unauthorized'))
  values.set('authentication.fallback-admin.user', 'admin')
  values.set('authentication.fallback-admin.secret', 'one')
  const token = await issue('access', fallbackAdministratorId)
  assert.equal((await tokens.open(token)).accountId, fallbackAdministratorId)
  values.set('authentication.fallback-admin.secret', 'two')
  await assert.rejects(tokens.open(token), refused('authenticationFailed'))
})

test('a new key ends all tokens', async () => {
  const token = await issue()
  values.set('oauth.key', 'other')
  await assert.rejects(tokens.open(token), refused('authenticationFailed'))
})

test('without a key tokens work until the process ends', async () => {
  values.delete('oauth.key')
  const token = await issue()
  await tokens.open(token)
  await assert.rejects(create().open(token), refused('authenticationFailed'))
})

const foreign: ReadonlyArray<[name: string, token: string]> = [
  ['nothing', ''],
  ['text', 'abc'],
  ['a JWT without signature', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiI3In0.'],
  ['zeros', Buffer.alloc(80).toString('base64')],
  ['a version of its own', Buffer.concat([Buffer.of(1), Buffer.alloc(79)]).toString('base64')],
  ['a token without end', 'A'.repeat(1_000_000)],
]
for (const [name, token] of foreign) test(`${name} is no token`, () => assert.rejects(tokens.open(token), refused('authenticationFailed')))

test('no cut, altered or respelled token opens', async () => {
  const token = await issue()
  const edits = fc.oneof(
    fc.nat(token.length - 1).map(at => token.slice(0, at)),
    fc.nat(token.length - 1).map(at => token.slice(at + 1)),
    fc
      .tuple(fc.nat(token.length - 1), fc.constantFrom(...'ABCxyz019+/=-_ \n'))
      .map(([at, letter]) => token.slice(0, at) + letter + token.slice(at + 1)),
    fc.constantFrom(token.replaceAll('=', ''), `${token}=`, ` ${token}`, `${token}\n`, token.replaceAll('+', '-').replaceAll('/', '_')),
    fc.base64String({ maxLength: 300 }),
  )
  await fc.assert(
    fc.asyncProperty(edits, async edited => {
      fc.pre(edited !== token)
      await assert.rejects(tokens.open(edited), refused('authenticationFailed'))
    }),
    { numRuns: 500 },
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exitCodes, runCommandLine } from './index.ts'
import { fakeTerminal, jsonAnswer } from './testing/terminal.ts'

const url = 'https://mail.test'
const loginFile = '/home/jane/.config/postern/login.json'
const tokens = { access_token: 'access', token_type: 'bearer', expires_in: 3600, refresh_token: 'refresh' }
const pending = jsonAnswer({ error: 'authorization_pending' }, 400)

function remembered(more: object = {}): Record<string, string> {
  return { [loginFile]: JSON.stringify({ url, accessToken: 'old', refreshToken: 'refresh', expiresAt: Date.UTC(2027, 0, 2), ...more }) }
}

test('login keeps tokens, not the password; the next command uses them', async () => {
  const terminal = fakeTerminal({
    answers: [
      jsonAnswer({ data: { code: 'C', permissions: [], version: '0.11.0', isEnterprise: true } }),
      jsonAnswer(tokens),
      jsonAnswer({ data: true }),
    ],
    replies: ['jane', 'secret'],
  })
  assert.equal(await runCommandLine(['login', '--url', url], terminal), exitCodes.done)
  assert.equal(terminal.sent[0]?.authorization, `Basic ${btoa('jane:secret')}`)
  assert.match(String(terminal.sent[1]?.body), /grant_type=authorization_code&code=C&client_id=postern-cli&redirect_uri=/)
  assert.doesNotMatch(terminal.files.get(loginFile) ?? '', /secret/)
  assert.equal(await runCommandLine(['queue', 'status'], terminal), exitCodes.done)
  assert.deepEqual([terminal.sent[2]?.target, terminal.sent[2]?.authorization], ['/api/queue/status', 'Bearer access'])
})

test('a login by device asks as often as the server wants', async () => {
  const device = {
    device_code: 'D',
    user_code: 'ABCD-EFGH',
    verification_uri: `${url}/authorize`,
    verification_uri_complete: `${url}/authorize/?code=ABCD-EFGH`,
    expires_in: 1800,
    interval: 5,
  }
  const terminal = fakeTerminal({
    answers: [jsonAnswer(device), pending, jsonAnswer({ error: 'slow_down' }, 400), pending, jsonAnswer(tokens)],
  })
  assert.equal(await runCommandLine(['login', '--device', '--url', url], terminal), exitCodes.done)
  assert.match(terminal.complaints(), /ABCD-EFGH/)
  assert.deepEqual(terminal.slept, [5000, 5000, 10_000, 10_000])
  assert.equal(JSON.parse(terminal.files.get(loginFile) ?? '{}').accessToken, 'access')
})

test('a device that nobody lets in ends', async () => {
  const device = { device_code: 'D', user_code: 'X', verification_uri: url, verification_uri_complete: url, expires_in: 10, interval: 5 }
  const terminal = fakeTerminal({ answers: [jsonAnswer(device), pending, pending] })
  assert.equal(await runCommandLine(['login', '--device', '--url', url], terminal), exitCodes.refused)
  assert.equal(terminal.files.size, 0)
})

test('a token past its life is exchanged, and what comes is remembered', async () => {
  const terminal = fakeTerminal({
    answers: [jsonAnswer({ ...tokens, refresh_token: undefined }), jsonAnswer({ data: true })],
    files: remembered({ expiresAt: 1 }),
  })
  assert.equal(await runCommandLine(['queue', 'status'], terminal), exitCodes.done)
  assert.match(String(terminal.sent[0]?.body), /grant_type=refresh_token&refresh_token=refresh/)
  assert.equal(terminal.sent[1]?.authorization, 'Bearer access')
  assert.deepEqual(JSON.parse(terminal.files.get(loginFile) ?? ''), {
    url,
    accessToken: 'access',
    refreshToken: 'refresh',
    expiresAt: Date.UTC(2027, 0, 1) + 3600_000,
  })
})

test('tokens of one server are not sent to another', async () => {
  const terminal = fakeTerminal({ answers: [jsonAnswer({ status: 401 }, 401)], files: remembered() })
  assert.equal(await runCommandLine(['queue', 'status', '--url', 'https://other.test'], terminal), exitCodes.denied)
  assert.equal(terminal.sent[0]?.authorization, null)
})

test('a broken login file counts as none; logout removes it', async () => {
  const terminal = fakeTerminal({ answers: [jsonAnswer({ data: true })], files: { [loginFile]: '{"url":' } })
  assert.equal(await runCommandLine(['queue', 'status'], terminal), exitCodes.done)
  await runCommandLine(['logout'], terminal)
  assert.equal(terminal.files.size, 0)
})

test('the environment says who calls; a login without password asks, or tells that it cannot', async () => {
  const env = { HOME: '/home/jane', POSTERN_URL: url, POSTERN_LOGIN: 'admin', POSTERN_PASSWORD: 'p' }
  const given = fakeTerminal({ answers: [jsonAnswer({ data: true })], env })
  await runCommandLine(['queue', 'status'], given)
  assert.equal(given.sent[0]?.authorization, `Basic ${btoa('admin:p')}`)
  const token = fakeTerminal({ answers: [jsonAnswer({ data: true })], env: { ...env, POSTERN_TOKEN: 'api_x' } })
  await runCommandLine(['queue', 'status'], token)
  assert.equal(token.sent[0]?.authorization, 'Bearer api_x')
  const silent = fakeTerminal({ answers: [] })
  assert.equal(await runCommandLine(['queue', 'status', '--login', 'jane'], silent), exitCodes.usage)
  const asked = fakeTerminal({ answers: [jsonAnswer({ data: true })], replies: ['q'] })
  await runCommandLine(['queue', 'status', '--login', 'jane'], asked)
  assert.equal(asked.sent[0]?.authorization, `Basic ${btoa('jane:q')}`)
})

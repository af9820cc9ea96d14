// IMAP scripts of Apache James that hold for other servers too.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { playJames, readJamesScript, startTestServer, type TestServer, testdata } from '@postern/testkit'

const { path: folder, skip } = testdata('imap/james-mpt-portable')
let server: TestServer

before(async () => {
  if (skip !== false) return
  server = await startTestServer()
  await server.set({ 'imap.auth.allow-plain-text': 'true' })
})
after(async () => server?.[Symbol.asyncDispose]())

type State = 'nonauth' | 'auth' | 'inbox' | 'selected'

const script = (name: string) => readJamesScript(readFileSync(join(folder, `${name}.test`), 'latin1'))
const states: Readonly<Record<string, State | readonly State[]>> =
  skip === false ? JSON.parse(readFileSync(join(folder, 'states.json'), 'utf8')) : {}
const names =
  skip === false
    ? readdirSync(folder).flatMap(file => (states[file.replace(/\.test$/, '')] ? [file.replace(/\.test$/, '')] : []))
    : ['all scripts']

for (const name of names)
  for (const state of [states[name] ?? []].flat() as readonly State[])
    test(`James ${name} (${state})`, { skip }, async () => {
      const account = `${name}-${state}`.toLowerCase()
      await server.addAccount(`${account}@james.example`)
      const login = state === 'nonauth' ? [] : [`LOGIN ${account} ${account}`]
      const steps = [...(state === 'selected' ? script('SelectedStateSetup') : []), ...script(name)]
      const opening = [...login, ...(state === 'inbox' ? ['SELECT INBOX'] : [])]
      assert.equal((await playJames(steps, { port: server.port('imap'), opening })).join('\n'), '')
    })
if (skip !== false) test('scripts of James', { skip }, () => {})

// Scripts of Dovecot's imaptest. Each takes the mailbox apart, so each has an account of its own.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { playScript, readMbox, readScript, startTestServer, type TestServer, testdata } from '@postern/testkit'

const { path: folder, skip } = testdata('imap/imaptest')
let server: TestServer

before(async () => {
  if (skip === false) server = await startTestServer()
})
after(async () => server?.[Symbol.asyncDispose]())

const names = skip === false ? readdirSync(folder).filter(name => !name.endsWith('.mbox')) : ['all scripts']
for (const name of names) {
  test(`imaptest ${name}`, { skip }, async context => {
    const own = join(folder, `${name}.mbox`)
    const messages = readMbox(readFileSync(existsSync(own) ? own : join(folder, 'default.mbox'), 'latin1'))
    const script = readScript(readFileSync(join(folder, name), 'latin1'))
    await server.addAccount(`${name}@imaptest.example`)
    const outcome = await playScript(script, { port: server.port('imap'), account: { login: name, password: name }, messages })
    if (outcome.kind === 'skipped') return context.skip(`${outcome.capability} is not offered yet`)
    assert.equal(outcome.failures.join('\n'), '')
    assert.ok(outcome.commands > 0)
  })
}

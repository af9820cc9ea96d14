import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runDialog } from '@postern/testkit'
import { startImapServer } from './server.ts'

// A dialog that does not care about TLS and logins begins with `plain`, which lets passwords through in clear.
const directory = import.meta.dirname

for (const name of readdirSync(directory).filter(file => file.endsWith('.txt'))) {
  test(name.slice(0, -'.txt'.length).replaceAll('-', ' '), async () => {
    await using server = await startImapServer()
    const text = readFileSync(join(directory, name), 'utf8')
    await runDialog(text, {
      port: server.port,
      hasLiterals: true,
      directive: async (line, variables) => {
        if (line === 'plain') return server.direct('setting imap.auth.allow-plain-text true')
        if (line === 'stop') return void server.stop()
        const differ = /^differ (\S+) (\S+)$/.exec(line)
        if (differ !== null) return assert.notEqual(variables.get(differ[1] ?? ''), variables.get(differ[2] ?? ''))
        return server.direct(line)
      },
    })
    assert.deepEqual(server.errors, [], 'no session may end in an error')
    const defects = server.trace.of('imap.error').filter(({ fields }) => JSON.stringify(fields.details)?.includes('Defect'))
    assert.deepEqual(defects, [], 'no command may end in a defect')
  })
}

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runDialog } from '@postern/testkit'
import { assertNoDefects, startPop3Server } from './server.ts'

// A dialog that does not care about TLS begins with `plain`, which lets passwords through in clear; `token NAME` makes an access token
// and its OAUTHBEARER and XOAUTH2 responses.
const directory = import.meta.dirname

for (const name of readdirSync(directory).filter(file => file.endsWith('.txt'))) {
  test(name.slice(0, -'.txt'.length).replaceAll('-', ' '), async () => {
    await using server = await startPop3Server()
    await runDialog(readFileSync(join(directory, name), 'utf8'), {
      port: server.port,
      // Lines of IMAP with literals have them; no line of POP3 ends like one.
      hasLiterals: true,
      directive: async (line, variables) => {
        if (line === 'plain') return server.direct('setting imap.auth.allow-plain-text true')
        if (line === 'stop') return void server.stop()
        const words = /^token (\S+)$/.exec(line)
        if (words === null) return server.direct(line)
        const principal = await server.directory.byName(words[1] ?? '')
        const wanted = { kind: 'access', accountId: principal?.id ?? 0, clientId: 'dialog', lifeMs: 3_600_000 } as const
        const token = await server.access.tokens.issue(wanted)
        const base64 = (text: string): string => Buffer.from(text).toString('base64')
        variables.set('oauthbearer', base64(`n,a=jane,\x01host=mail\x01port=110\x01auth=Bearer ${token}\x01\x01`))
        variables.set('xoauth2', base64(`user=jane\x01auth=Bearer ${token}\x01\x01`))
      },
    })
    assertNoDefects(server)
  })
}

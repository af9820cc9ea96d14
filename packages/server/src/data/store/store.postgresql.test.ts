import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { systemClock } from '#base/clock'
import { silentTrace } from '#base/trace'
import { describeStore, testWaitingBytes } from './contract.suite.ts'
import { createScratchDatabase } from './engines/postgresql/scratch.ts'
import { openStore } from './index.ts'
import { describeMail } from './mail.suite.ts'
import { describeSettingsStore } from './settings.suite.ts'
import type { Store } from './store.ts'

const url = process.env['POSTERN_TEST_POSTGRESQL']

if (url === undefined) {
  const hint =
    'POSTERN_TEST_POSTGRESQL is not set: give a URL like postgresql://user:password@127.0.0.1:5432/database of a role that may create databases'
  if (process.env['CI'] === 'true') throw new Error(hint)
  console.error(`PostgreSQL store not tested. ${hint}`)
} else {
  const root = await mkdtemp(join(tmpdir(), 'postern-postgresql-'))
  after(() => rm(root, { recursive: true, force: true }))
  let count = 0

  const open = async (): Promise<Store> => {
    const scratch = await createScratchDatabase(url)
    const store = await openStore({
      kind: 'postgresql',
      url: scratch.url,
      path: join(root, String(++count)),
      clock: systemClock,
      trace: silentTrace,
      maxWaitingBytes: testWaitingBytes,
    })
    return {
      ...store,
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]()
        await scratch[Symbol.asyncDispose]()
      },
    }
  }

  describeStore('PostgreSQL', open)
  describeMail('PostgreSQL', open)
  describeSettingsStore('PostgreSQL', open)
}

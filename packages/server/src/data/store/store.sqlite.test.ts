import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { systemClock } from '#base/clock'
import { silentTrace } from '#base/trace'
import { describeStore, testWaitingBytes } from './contract.suite.ts'
import { openStore } from './index.ts'
import { describeMail } from './mail.suite.ts'
import { describeSettingsStore } from './settings.suite.ts'
import type { Store } from './store.ts'

const root = await mkdtemp(join(tmpdir(), 'postern-sqlite-'))
after(() => rm(root, { recursive: true, force: true }))
let count = 0

const open = (): Promise<Store> =>
  openStore({
    kind: 'sqlite',
    path: join(root, String(++count)),
    clock: systemClock,
    trace: silentTrace,
    maxWaitingBytes: testWaitingBytes,
  })

describeStore('SQLite', open)
describeMail('SQLite', open)
describeSettingsStore('SQLite', open)

// What the tests of the directory share: an open one on a store of its own, on every engine at hand.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '@postern/contract'
import { createRecordingTrace, type RecordingTrace } from '@postern/testkit'
import { systemClock, systemRandom } from '#base/clock'
import { openSettings, type Settings } from '#data/settings'
import { destroyMailStep, openStore, type Store } from '#data/store'
import { allPermissions, type Caller, createDirectory, type Directory, fallbackAdministratorId } from '../index.ts'

export const root: Caller = { accountId: fallbackAdministratorId, name: 'root', rights: allPermissions, tenantId: undefined }

export const now = 1_700_000_000

export type Engine = 'sqlite' | 'postgresql'

const postgresql = process.env['POSTERN_TEST_POSTGRESQL']

/** PostgreSQL only where POSTERN_TEST_POSTGRESQL names a server. */
export const engines: readonly Engine[] = postgresql === undefined ? ['sqlite'] : ['sqlite', 'postgresql']

export interface Bench extends AsyncDisposable {
  readonly directory: Directory
  readonly store: Store
  readonly settings: Settings
  readonly trace: RecordingTrace
  /** As after the end of the process: everything opened anew over the same data. */
  reopen(): Promise<void>
}

/** @param wrap what stands between the directory and the store */
export async function openBench(engine: Engine = 'sqlite', wrap: (store: Store) => Store = store => store): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'directory-'))
  const database = engine === 'postgresql' ? await createDatabase() : undefined
  const trace = createRecordingTrace()
  const open = async (): Promise<{ store: Store; settings: Settings; directory: Directory & Disposable }> => {
    const store =
      database === undefined
        ? await openStore({ kind: 'sqlite', path: folder, clock: systemClock, trace })
        : await openStore({ kind: 'postgresql', url: database.url, path: folder, clock: systemClock, trace })
    const settings = await openSettings({ store, clock: systemClock, macros: { env: () => undefined, file: async () => '' } })
    const wrapped = wrap(store)
    const directory = createDirectory({
      store: wrapped,
      settings,
      hashSecret: async secret => (/^(\$|otpauth:)/.test(secret) ? secret : `{PLAIN}${secret}`),
      verifySecret: async (stored, secret) => stored === `{PLAIN}${secret}`,
      trace,
      destroyMail: async accountId => {
        while (!(await wrapped.write(destroyMailStep, { accountId, limit: 2, now })));
      },
    })
    return { store, settings, directory }
  }
  let opened = await open()
  const close = async (): Promise<void> => {
    opened.directory[Symbol.dispose]()
    await opened.store[Symbol.asyncDispose]()
  }
  return {
    get directory() {
      return opened.directory
    },
    get store() {
      return opened.store
    },
    get settings() {
      return opened.settings
    },
    trace,
    async reopen() {
      await close()
      opened = await open()
    },
    async [Symbol.asyncDispose]() {
      await close()
      await database?.[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

async function createDatabase(): Promise<{ readonly url: string } & AsyncDisposable> {
  const { default: pg } = await import('pg')
  const name = `postern_directory_${systemRandom.bytes(6).toString('hex')}`
  const run = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: postgresql })
    await client.connect()
    await client.query(statement)
    await client.end()
  }
  await run(`CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`)
  const url = new URL(postgresql ?? '')
  url.pathname = `/${name}`
  return { url: url.href, [Symbol.asyncDispose]: () => run(`DROP DATABASE ${name} WITH (FORCE)`) }
}

export function refused(code: string, details: Record<string, unknown> = {}): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof Failure, String(error))
    assert.equal(error.code, code, JSON.stringify(error.details))
    const shown = error.details as Record<string, unknown>
    for (const [key, value] of Object.entries(details)) assert.equal(shown[key], value)
    return true
  }
}

export async function callerOf(directory: Directory, name: string): Promise<Caller> {
  const record = await directory.byName(name)
  assert.ok(record, name)
  return { accountId: record.id, name, rights: await directory.rights(record.id), tenantId: record.tenant?.id }
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningServer, startServer } from '@postern/server/app'
import type { Clock } from '@postern/server/base/clock'
import { memoryResolver, type Zone } from '@postern/server/base/dns'
import { runDialog } from './dialog.ts'

export interface TestServer extends AsyncDisposable {
  readonly folder: string
  readonly running: RunningServer
  port(listener: string): number
  /** One call of the management API as administrator; gives the whole answer. */
  call(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }>
  /** Sets settings and reloads. */
  set(entries: Readonly<Record<string, string>>): Promise<void>
  /** An account with its domain; the password is the name. */
  addAccount(address: string): Promise<void>
  /** Plays a dialog against a listener; other listeners by their id. */
  play(listener: string, text: string): Promise<void>
}

export interface TestServerOptions {
  readonly clock?: Clock
  readonly zone?: Zone
  /** Further lines of the settings file. */
  readonly settings?: Readonly<Record<string, string>>
}

const listeners = { smtp: 'smtp', submission: 'smtp', imap: 'imap', http: 'http' } as const

/** The whole server in this process, on ports the system chose, with the store in a folder of its own. */
export async function startTestServer({ clock, zone = {}, settings = {} }: TestServerOptions = {}): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-test-'))
  const values: Record<string, string> = {
    'store.main.type': 'sqlite',
    'store.main.path': join(folder, 'data'),
    'storage.data': 'main',
    'lookup.default.hostname': 'mail.example.org',
    'authentication.fallback-admin.user': 'admin',
    'authentication.fallback-admin.secret': 'admin',
    ...settings,
  }
  for (const [id, protocol] of Object.entries(listeners)) {
    values[`server.listener.${id}.bind`] = '127.0.0.1:0'
    values[`server.listener.${id}.protocol`] = protocol
  }
  const configFile = join(folder, 'config.toml')
  await writeFile(
    configFile,
    Object.entries(values)
      .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
      .join(''),
  )
  const byListener = (when: string, otherwise: string) => ({ branches: [{ condition: "listener != 'smtp'", result: when }], otherwise })
  const running = await startServer({
    configFile,
    env: () => undefined,
    write: () => {},
    defaults: new Map<string, string | ReturnType<typeof byListener>>([
      ['imap.auth.allow-plain-text', 'true'],
      ['authentication.secrets.verbatim', 'true'],
      ['session.auth.mechanisms', byListener('[plain, login]', 'false')],
      ['session.auth.directory', byListener("'*'", 'false')],
      ['session.auth.require', byListener('true', 'false')],
    ]),
    resolver: memoryResolver(zone),
    ...(clock && { clock }),
  })
  const port = (listener: string): number => {
    const found = running.ports().get(listener)
    if (found === undefined) throw new Error(`no listener ${listener}`)
    return found.port
  }

  async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`http://127.0.0.1:${port('http')}${path}`, {
      method,
      headers: { Authorization: `Basic ${Buffer.from('admin:admin').toString('base64')}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }

  return {
    folder,
    running,
    port,
    call,
    async set(entries) {
      await running.settings.change([{ kind: 'put', entries: Object.entries(entries) }])
      const { errors } = await running.settings.reload()
      if (Object.keys(errors).length > 0) throw new Error(JSON.stringify(errors))
    },
    async addAccount(address) {
      const [name = '', domain = ''] = address.split('@')
      await call('POST', '/api/principal', { type: 'domain', name: domain })
      const { body } = await call('POST', '/api/principal', { name, secrets: [name], emails: [address], roles: ['user'] })
      if (!(body instanceof Object) || !('data' in body)) throw new Error(JSON.stringify(body))
    },
    play: (listener, text) =>
      runDialog(text, { hasLiterals: listener === 'imap', port: other => ({ port: port(other === '' ? listener : other), isTls: false }) }),
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { settings as declared, declaredSettings, type ExpressionSource } from '@postern/contract'
import { type Random, randomAlphanumerics } from '#base/clock'
import { formatSettingsFile } from '#data/settings'

/** What a fresh installation listens on. */
export interface PortPlan {
  readonly address: string
  readonly ports: Readonly<
    Record<'smtp' | 'submission' | 'submissions' | 'imap' | 'imaptls' | 'pop3' | 'pop3s' | 'sieve' | 'http' | 'https', number>
  >
}

/** The standard ports, on all addresses. */
export const realPorts: PortPlan = {
  address: '[::]',
  ports: {
    smtp: 25,
    submission: 587,
    submissions: 465,
    imap: 143,
    imaptls: 993,
    pop3: 110,
    pop3s: 995,
    sieve: 4190,
    http: 8080,
    https: 443,
  },
}

/** Standard ports moved up by `base`, on loopback alone. */
export function tryOutPorts(base: number): PortPlan {
  const { smtp, submission, submissions, imap, imaptls, pop3, pop3s, https } = realPorts.ports
  return {
    address: '127.0.0.1',
    ports: {
      smtp: base + smtp,
      submission: base + submission,
      submissions: base + submissions,
      imap: base + imap,
      imaptls: base + imaptls,
      pop3: base + pop3,
      pop3s: base + pop3s,
      sieve: base + 190,
      http: base + 80,
      https: base + https,
    },
  }
}

export interface Installation {
  readonly configFile: string
  /** Only when the installation was made just now. */
  readonly adminPassword: string | undefined
}

/** Protocols that have a session; a listener appears with its protocol. */
const listeners = [
  { id: 'smtp', protocol: 'smtp', implicitTls: false },
  { id: 'submission', protocol: 'smtp', implicitTls: false },
  { id: 'submissions', protocol: 'smtp', implicitTls: true },
  { id: 'imap', protocol: 'imap', implicitTls: false },
  { id: 'imaptls', protocol: 'imap', implicitTls: true },
  { id: 'pop3', protocol: 'pop3', implicitTls: false },
  { id: 'pop3s', protocol: 'pop3', implicitTls: true },
  { id: 'http', protocol: 'http', implicitTls: false },
  { id: 'https', protocol: 'http', implicitTls: true },
] as const

interface WriteOptions {
  readonly folder: string
  readonly plan: PortPlan
  readonly random: Random
  /** One is made up when absent. */
  readonly adminPassword: string | undefined
  readonly hashSecret: (secret: string) => Promise<string>
  /** Further settings. */
  readonly extra?: Readonly<Record<string, string>>
}

/** Makes a new installation: folders, a settings file, the emergency administrator. Fails when the file exists. */
export async function writeInstallation({
  folder,
  plan,
  random,
  adminPassword,
  hashSecret,
  extra = {},
}: WriteOptions): Promise<Installation> {
  for (const name of ['etc', 'data', 'logs']) await mkdir(join(folder, name), { recursive: true })
  const configFile = join(folder, 'etc', 'config.toml')
  const password = adminPassword ?? randomAlphanumerics(random, 10)
  const values = new Map(Object.entries({ ...common(folder), ...extra }))
  for (const { id, protocol, implicitTls } of listeners) {
    values.set(`server.listener.${id}.bind`, `${plan.address}:${plan.ports[id]}`)
    values.set(`server.listener.${id}.protocol`, protocol)
    if (implicitTls) values.set(`server.listener.${id}.tls.implicit`, 'true')
  }
  values.set('authentication.fallback-admin.user', 'admin')
  values.set('authentication.fallback-admin.secret', await hashSecret(password))
  const note = '# Settings of this installation. Everything else is kept in the database and set through the management API.\n'
  await writeFile(configFile, note + formatSettingsFile(values), { flag: 'wx', mode: 0o600 })
  return { configFile, adminPassword: password }
}

function common(folder: string): Record<string, string> {
  return {
    'store.main.type': 'sqlite',
    'store.main.path': join(folder, 'data'),
    'storage.data': 'main',
    'storage.blob': 'main',
    'storage.fts': 'main',
    'storage.lookup': 'main',
    'storage.directory': 'internal',
    'directory.internal.type': 'internal',
    'directory.internal.store': 'main',
    'tracer.log.type': 'log',
    'tracer.log.enable': 'true',
    'tracer.log.level': 'info',
    'tracer.log.path': join(folder, 'logs'),
    'tracer.log.prefix': 'postern.log',
    'tracer.log.rotate': 'daily',
    'tracer.log.ansi': 'false',
  }
}

/**
 * Defaults of a try-out installation where they differ. It listens on loopback alone, so logins in clear text are fine; it asks no name
 * server, so that no mail leaves unless somebody sets a route for it; and what is special to port 25 holds for the listener `smtp`,
 * whatever its port.
 */
export function tryOutDefaults(): ReadonlyMap<string, ExpressionSource> {
  const defaults = new Map<string, ExpressionSource>([
    [declared.imap.authAllowPlainText.pattern, 'true'],
    [declared.resolver.type.pattern, 'custom'],
  ])
  const byListener = (text: string): string =>
    text.replaceAll('local_port == 25', "listener == 'smtp'").replaceAll('local_port != 25', "listener != 'smtp'")
  for (const setting of declaredSettings) {
    if (setting.kind !== 'expression' || typeof setting.default !== 'object') continue
    const { branches, otherwise } = setting.default
    if (!branches.some(({ condition }) => condition.includes('local_port'))) continue
    const [first] = branches
    defaults.set(setting.pattern, {
      branches: branches.map(({ condition, result }) => ({
        condition: byListener(condition),
        // The mechanisms that want TLS by default, here without it too.
        result: setting === declared.session.authMechanisms ? (first?.result ?? result) : result,
      })),
      otherwise,
    })
  }
  return defaults
}

/** The installation of try-out mode: made at the first run, found at the next ones. */
export async function prepareTryOut({ folder, plan, ...rest }: Omit<WriteOptions, 'extra'>): Promise<Installation> {
  const configFile = join(folder, 'etc', 'config.toml')
  const exists = await access(configFile).then(
    () => true,
    () => false,
  )
  if (exists) return { configFile, adminPassword: undefined }
  return writeInstallation({ folder, plan, ...rest, extra: { 'lookup.default.hostname': 'localhost' } })
}

import { availableParallelism, hostname } from 'node:os'
import { settings as declared, type ExpressionSource, seededKeys } from '@postern/contract'
import { type Clock, createIdSource, type Random, randomAlphanumerics, systemClock, systemRandom } from '#base/clock'
import type { Resolver } from '#base/dns'
import { createHttpServer } from '#base/http'
import { readBoundedFile } from '#base/limits'
import { createTrace, durationMs, ip as ipField, type Trace, type Tracer } from '#base/trace'
import { createWorkers } from '#base/workers'
import { createBlobs } from '#data/blobs'
import { createMemoryEphemeral } from '#data/ephemeral'
import { type MacroSources, openSettings, readFileSettings, type Settings } from '#data/settings'
import { accountsSharedWith } from '#data/store'
import { createAccess, createClientLimits, createPasswords } from '#services/access'
import { createCertificates } from '#services/certificates'
import { createDelivery } from '#services/delivery'
import { createDirectory } from '#services/directory'
import { createMailAuth } from '#services/mailauth'
import { createMailboxes, type QuotaLimits } from '#services/mailbox'
import { createMaintenance } from '#services/maintenance'
import { createQueue } from '#services/queue'
import { createRelay, createTransport } from '#services/relay'
import { createImap } from '#sessions/imap'
import { createPop3 } from '#sessions/pop3'
import { createSmtp } from '#sessions/smtp'
import { createExpressionFunctions } from './expression-functions.ts'
import { answers, healthRoutes } from './health.ts'
import { startHousekeeping } from './housekeeping.ts'
import { createListeners, type Listeners } from './listeners.ts'
import { createConfiguredResolver } from './resolver.ts'
import { openDataStore } from './stores.ts'
import { createTracers } from './tracers.ts'

export interface StartOptions {
  readonly configFile: string
  /** For `%{env:…}%` in the settings file. */
  readonly env: (name: string) => string | undefined
  /** Standard output, for console tracers. */
  readonly write: (text: string) => void
  /** In place of declared defaults. */
  readonly defaults?: ReadonlyMap<string, ExpressionSource>
  readonly clock?: Clock
  readonly random?: Random
  /** Instead of the one of the settings, for tests. */
  readonly resolver?: Resolver
}

export interface RunningServer extends AsyncDisposable {
  /** Ports by listener id. */
  ports(): ReadonlyMap<string, { readonly port: number; readonly isTls: boolean }>
  readonly settings: Settings
}

/** What a macro may put into a setting: certificates, keys, lists. */
const maxMacroFileBytes = 1024 * 1024

/**
 * Starts everything; resolves when it is ready to serve. Rejects with SettingsFileError, ListenError (a port is taken), or the failure
 * `storeUnavailable`; what was opened by then is closed.
 */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  await using opened = new AsyncDisposableStack()
  const { configFile, env, write, clock = systemClock, random = systemRandom } = options
  const startedMs = clock.monotonic()
  const macros: MacroSources = { env, file: async path => (await readBoundedFile(path, maxMacroFileBytes)).toString() }
  const trace = createTrace({ clock })
  const store = opened.use(await openDataStore(await readFileSettings(configFile, macros), { clock, trace }))
  const settings = await openSettings({ file: configFile, store, macros, clock, ...(options.defaults && { defaults: options.defaults }) })
  await seed(settings, random)

  let tracers: readonly Tracer[] = []
  const closeTracers = async (old: readonly Tracer[]): Promise<void> => {
    for (const tracer of old) await tracer[Symbol.asyncDispose]()
  }
  const retrace = (): void => {
    const old = tracers
    tracers = createTracers(settings, { clock, trace, write })
    trace.use(tracers)
    void closeTracers(old)
  }
  retrace()
  opened.defer(() => closeTracers(tracers))
  settings.onReload(retrace)

  const workers = opened.use(createWorkers({ threads: Math.max(1, availableParallelism() - 1) }))
  const blobs = opened.use(createBlobs({ store, clock, trace, random }))
  const ephemeral = createMemoryEphemeral({ clock })
  const resolver = options.resolver ?? (await createConfiguredResolver({ settings, clock, random }))
  const passwords = createPasswords({ workers, random })
  const quotaOf = async (accountId: number): Promise<QuotaLimits> => {
    const account = await directory.byId(accountId)
    const tenant = account?.tenant === undefined ? undefined : await directory.byId(account.tenant.id)
    return { bytes: account?.quota ?? 0, ...(tenant && { tenant: { id: tenant.id, bytes: tenant.quota ?? 0 } }) }
  }
  const mailboxes = opened.use(
    createMailboxes({
      store,
      blobs,
      clock,
      quotaOf,
      limits: () => ({ undeleteSeconds: Math.floor((settings.read(declared.storage.undeleteRetention) ?? 0) / 1000) }),
    }),
  )
  const directory = opened.use(
    createDirectory({
      store,
      settings,
      hashSecret: async secret => (settings.read(declared.authentication.secretsVerbatim) ? secret : passwords.hash(secret)),
      verifySecret: passwords.verify,
      trace,
      destroyMail: accountId => mailboxes.destroyAccount(accountId),
    }),
  )
  settings.useFunctions(createExpressionFunctions({ settings, directory, ephemeral, resolver }))
  const access = opened.use(createAccess({ store, settings, directory, passwords, ephemeral, clock, random, trace }))
  const certificates = opened.use(createCertificates({ settings, clock, random, trace }))
  const mailAuth = createMailAuth({ store, settings, directory, certificates, resolver, clock, random })
  const queue = opened.use(createQueue({ store, blobs, settings, clock, random, trace, nextId: createIdSource(clock) }))
  const delivery = createDelivery({ directory, mailboxes, clock, trace })
  const transport = opened.use(createTransport({ settings, resolver, clock, random, trace }))
  const relay = createRelay({ queue, delivery, transport, settings, clock, trace })

  // Closed after the sessions, which say goodbye first.
  let listeners: Listeners | undefined
  opened.defer(async () => listeners?.[Symbol.asyncDispose]())
  const smtp = opened.use(createSmtp({ access, directory, queue, blobs, settings, resolver, ephemeral, clock, random, trace }))
  const clientLimits = createClientLimits({ settings, clock })
  const imap = opened.use(
    createImap({
      access,
      directory,
      mailboxes,
      accountsSharedWith: granteeIds => store.read(accountsSharedWith, { granteeIds }),
      blobs,
      settings,
      clientLimits,
      clock,
      trace,
    }),
  )
  const pop3 = opened.use(createPop3({ access, mailboxes, settings, clientLimits, clock, trace }))
  const maintenance = createMaintenance({ store, blobs, mailboxes, directory, ephemeral, settings, trace })
  opened.defer(() => maintenance.settled())
  let isReady = false
  const http = opened.use(
    createHttpServer({
      routes: healthRoutes(async () => isReady && (await answers(store, clock))),
      site: async () =>
        (await import('./api.ts')).createApi({
          access,
          directory,
          mailAuth,
          maintenance,
          queue,
          settings,
          ephemeral,
          clock,
          random,
          trace,
        }),
      onMalformed: (peer, reason) => {
        trace.emit('http.error', { listenerId: peer.listenerId, remoteIp: ipField(peer.remoteIp), reason })
        // A proxy passes on what its clients send.
        if (settings.read(declared.server.httpUseXForwarded)) return
        void access.bans.count('scan', peer.remoteIp, { evidence: 'input that is no HTTP' })
      },
      onAnswer: (request, status, elapsedMs) =>
        trace.emit('http.request-url', {
          listenerId: request.peer.listenerId,
          remoteIp: ipField(request.peer.remoteIp),
          url: request.path,
          code: status,
          elapsed: durationMs(elapsedMs),
        }),
      monotonic: clock.monotonic,
    }),
  )

  listeners = createListeners({
    settings,
    certificates,
    bans: access.bans,
    clock,
    trace,
    protocols: {
      smtp: smtp.serve,
      lmtp: smtp.serve,
      imap: imap.serve,
      pop3: pop3.serve,
      http: (connection, { id }) =>
        http.serve(connection.release(), {
          listenerId: id,
          remoteIp: connection.remoteIp,
          remotePort: connection.remotePort,
          localIp: connection.localIp,
          localPort: connection.localPort,
          isTls: connection.tls !== undefined,
        }),
    },
  })
  if (store.kind === 'sqlite') await queue.recover()
  await listeners.open()
  const { ports, stopAccepting } = listeners
  opened.use(relay.start())
  opened.use(startHousekeeping({ bans: access.bans, mailAuth, maintenance, settings, blobs, directory, store, clock, trace }))
  reportBrokenSettings(settings, trace)
  isReady = true
  trace.emit('server.startup', { elapsed: durationMs(clock.monotonic() - startedMs) })

  const running = opened.move()
  return {
    settings,
    ports,
    async [Symbol.asyncDispose]() {
      isReady = false
      trace.emit('server.shutdown')
      // In reverse order: housekeeping and relay, sessions (told, then closed), listeners, services, store.
      stopAccepting()
      await running[Symbol.asyncDispose]()
    },
  }
}

/** What a reload would refuse counts as absent at a start, and is told in the log. */
function reportBrokenSettings(settings: Settings, trace: Trace): void {
  for (const [key, { type, error }] of Object.entries(settings.problems())) trace.emit(`config.${type}-error`, { key, reason: error })
}

/** Writes the keys that must exist, where they are missing. */
async function seed(settings: Settings, random: Random): Promise<void> {
  const stored = settings.stored()
  const missing = seededKeys
    .filter(({ at, key }) => at === 'missing' && stored.get(key) === undefined)
    .map(({ key, value }): [string, string] => {
      if (typeof value === 'string') return [key, value]
      return [key, value.make === 'hostname' ? hostname() || 'localhost' : randomAlphanumerics(random, value.length)]
    })
  if (missing.length === 0) return
  await settings.change([{ kind: 'put', entries: missing }], { author: 'system', note: 'made at the first start' })
  await settings.reload()
}

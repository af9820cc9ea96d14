import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failure } from '@postern/contract'
import { type Clock, createIdSource, systemClock, systemRandom } from '@postern/server/base/clock'
import { memoryResolver } from '@postern/server/base/dns'
import { createServerTls, type Listener, listen } from '@postern/server/base/net'
import { createWorkers } from '@postern/server/base/workers'
import { createBlobs, type Spool } from '@postern/server/data/blobs'
import { createMemoryEphemeral } from '@postern/server/data/ephemeral'
import { openSettings, type Settings } from '@postern/server/data/settings'
import { openStore } from '@postern/server/data/store'
import { type Access, createAccess, createPasswords } from '@postern/server/services/access'
import { createCertificates } from '@postern/server/services/certificates'
import { allPermissions, type Caller, createDirectory, type Directory, fallbackAdministratorId } from '@postern/server/services/directory'
import { createQueue, type Queue, type QueuedMessage } from '@postern/server/services/queue'
import { createSmtp, type Smtp } from '@postern/server/sessions/smtp'
import { createRecordingTrace, type RecordingTrace } from '@postern/testkit'

const root: Caller = { accountId: fallbackAdministratorId, name: 'root', rights: allPermissions, tenantId: undefined }

/** What the dialogs can break: writing to the queue, or gathering a message. */
export type Trouble = 'queueFull' | 'queueDown' | 'spoolFull' | 'directoryDown' | null

export interface SmtpServer extends AsyncDisposable {
  /** Listeners `smtp` (strangers, also the empty name), `submission`, `submissions` (TLS at once), `lmtp`, `proxied` (speaks PROXY). */
  port(listener: string): { readonly port: number; readonly isTls: boolean }
  readonly trace: RecordingTrace
  readonly settings: Settings
  readonly directory: Directory
  readonly access: Access
  readonly queue: Queue
  readonly smtp: Smtp
  trouble: Trouble
  set(entries: ReadonlyArray<readonly [key: string, value: string]>): Promise<void>
  /** The rules of a fresh installation instead of those for tests. */
  useDefaults(): Promise<void>
  account(name: string, secret: string, addresses: readonly string[], roles?: readonly string[]): Promise<void>
  list(address: string, members: readonly string[]): Promise<void>
  /** Everything queued, oldest first. */
  queued(): Promise<readonly QueuedMessage[]>
  content(message: QueuedMessage): Promise<Buffer>
}

/** Rules by listener instead of by port, since the ports of a test are any, and no waiting. */
const testRules: ReadonlyArray<readonly [string, string]> = [
  ['session.auth.mechanisms.0.if', "listener != 'smtp' && is_tls"],
  ['session.auth.mechanisms.0.then', '[plain, login, oauthbearer]'],
  ['session.auth.mechanisms.1.if', "listener != 'smtp'"],
  ['session.auth.mechanisms.1.then', '[oauthbearer]'],
  ['session.auth.mechanisms.2.else', 'false'],
  ['session.auth.directory.0.if', "listener != 'smtp'"],
  ['session.auth.directory.0.then', "'*'"],
  ['session.auth.directory.1.else', 'false'],
  ['session.auth.require.0.if', "listener == 'submission' || listener == 'submissions'"],
  ['session.auth.require.0.then', 'true'],
  ['session.auth.require.1.else', 'false'],
  ['session.ehlo.reject-non-fqdn.0.if', "listener == 'smtp'"],
  ['session.ehlo.reject-non-fqdn.0.then', 'true'],
  ['session.ehlo.reject-non-fqdn.1.else', 'false'],
  ['session.auth.errors.wait', '1ms'],
  ['session.rcpt.errors.wait', '1ms'],
]

const workers = createWorkers({ threads: 1 })
const passwords = createPasswords({ workers, random: systemRandom })

export async function stopWorkers(): Promise<void> {
  await workers[Symbol.asyncDispose]()
}

/** Starts the parts that take mail, on free ports, with the domain example.org and jane (secret, jane@example.org) and joe. */
export async function startSmtp({ clock = systemClock }: { readonly clock?: Clock } = {}): Promise<SmtpServer> {
  await using opened = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'smtp-'))
  opened.defer(() => rm(folder, { recursive: true }))
  const trace = createRecordingTrace()
  const store = opened.use(await openStore({ kind: 'sqlite', path: folder, clock, trace }))
  const settings = await openSettings({ store, macros: { env: () => undefined, file: async () => '' } })
  const set: SmtpServer['set'] = async entries => {
    await settings.change([{ kind: 'put', entries }])
    const { errors } = await settings.reload()
    if (Object.keys(errors).length > 0) throw new Error(JSON.stringify(errors))
  }
  await set(testRules)
  const blobs = opened.use(createBlobs({ store, clock, trace }))
  const directory = opened.use(
    createDirectory({
      store,
      settings,
      hashSecret: async secret => secret,
      verifySecret: passwords.verify,
      trace,
      destroyMail: async () => {},
    }),
  )
  settings.useFunctions({
    key_get: async ([, key]) => (key === 'hostname' ? 'mail.example.org' : ''),
    key_exists: async ([list, key]) => Number(list === 'blocked-domains' && key === 'blocked.test'),
    is_local_domain: async ([, domain]) => Number(await directory.isLocalDomain(String(domain))),
  })
  await directory.create(root, { type: 'domain', name: 'example.org' })
  const account: SmtpServer['account'] = async (name, secret, addresses, roles = ['user']) => {
    await directory.create(root, { name, secrets: secret, emails: [...addresses], roles: [...roles] })
  }
  await account('jane', 'secret', ['jane@example.org'])
  await account('joe', 'secret', ['joe@example.org'])
  const ephemeral = createMemoryEphemeral({ clock })
  const access = opened.use(createAccess({ store, settings, directory, passwords, ephemeral, clock, random: systemRandom, trace }))
  const certificates = opened.use(await createCertificates({ settings, clock, random: systemRandom, trace }))
  const queue = opened.use(createQueue({ store, blobs, settings, clock, random: systemRandom, trace, nextId: createIdSource(clock) }))
  const resolver = memoryResolver({})
  const state: { trouble: Trouble } = { trouble: null }
  const parts = { access, settings, resolver, ephemeral, clock, random: systemRandom, trace }
  const smtp = opened.use(createSmtp({ ...parts, ...troubled({ queue, blobs, directory }, state) }))

  const tls = createServerTls({ identityFor: name => certificates.identityFor(name) })
  const listeners = new Map<string, Listener>()
  const ids = ['smtp', 'submission', 'submissions', 'lmtp', 'proxied', 'plain']
  for (const id of ids) {
    const protocol = id === 'lmtp' ? 'lmtp' : 'smtp'
    const listener = await listen({
      address: '127.0.0.1',
      port: 0,
      maxConnections: 100,
      clock,
      ...(id === 'submissions' && { implicitTls: tls }),
      ...(id === 'proxied' && { proxyNetworks: [{ address: '127.0.0.0', prefixLength: 8 }] }),
      isBlocked: ip => access.bans.isBlocked(ip),
      serve: connection => smtp.serve(connection, { id, protocol, tls: id === 'plain' ? undefined : tls }),
      onError: error => trace.emit('network.closed', { reason: error instanceof Error ? (error.stack ?? '') : String(error) }),
    })
    listeners.set(id, opened.use(listener))
  }

  const running = opened.move()
  return {
    trace,
    settings,
    directory,
    access,
    queue,
    smtp,
    set,
    account,
    port: name => ({ port: listeners.get(name || 'smtp')?.port ?? 0, isTls: name === 'submissions' }),
    useDefaults: async () => {
      await settings.change([{ kind: 'delete', keys: testRules.map(([key]) => key) }])
      await settings.reload()
    },
    list: async (address, members) => {
      const known = await Promise.all(members.map(member => directory.byName(member.split('@')[0] ?? '')))
      const own = known.flatMap((record, index) => (members[index]?.endsWith('@example.org') && record ? [record.name] : []))
      const foreign = members.filter(member => !member.endsWith('@example.org'))
      await directory.create(root, { type: 'list', name: address.split('@')[0], emails: address, members: own, externalMembers: foreign })
    },
    queued: async () => {
      const filter = {}
      const { ids: found } = await queue.list({ filter, offset: 0, limit: 1000, maxTotal: 1000 })
      return (await queue.getMany(found)).toSorted((a, b) => a.id - b.id)
    },
    content: message => blobs.read(message.blobHash),
    get trouble() {
      return state.trouble
    },
    set trouble(next) {
      state.trouble = next
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

interface Breakable {
  readonly queue: Queue
  readonly blobs: ReturnType<typeof createBlobs>
  readonly directory: Directory
}

/** The same services, which fail on demand in the ways they are declared to fail. */
function troubled({ queue, blobs, directory }: Breakable, state: { readonly trouble: Trouble }): Breakable {
  return {
    queue: {
      ...queue,
      accept: async (envelope, content) => {
        if (state.trouble === 'queueFull') throw failure('storageFull')
        if (state.trouble === 'queueDown') throw failure('storeUnavailable')
        return queue.accept(envelope, content)
      },
    },
    blobs: {
      ...blobs,
      spool: () => {
        const spool = blobs.spool()
        return { ...spool, size: 0, write: chunk => (state.trouble === 'spoolFull' ? refuse() : spool.write(chunk)) } satisfies Spool
      },
    },
    directory: {
      ...directory,
      resolve: async address => {
        if (state.trouble === 'directoryDown') throw failure('storeUnavailable')
        return directory.resolve(address)
      },
    },
  }
}

async function refuse(): Promise<void> {
  throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC', syscall: 'write' })
}

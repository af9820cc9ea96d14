// A POP3 server in this process, with IMAP beside it, on a store in a folder of its own.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock, systemRandom } from '@postern/server/base/clock'
import { type Connection, createServerTls, type Listener, listen } from '@postern/server/base/net'
import { createWorkers } from '@postern/server/base/workers'
import { createBlobs } from '@postern/server/data/blobs'
import { createMemoryEphemeral } from '@postern/server/data/ephemeral'
import { openSettings, type Settings } from '@postern/server/data/settings'
import { accountsSharedWith, openStore } from '@postern/server/data/store'
import { type Access, createAccess, createClientLimits, createPasswords } from '@postern/server/services/access'
import { createCertificates } from '@postern/server/services/certificates'
import { allPermissions, type Caller, createDirectory, type Directory, fallbackAdministratorId } from '@postern/server/services/directory'
import { type AccountMailboxes, createMailboxes, type Mailboxes } from '@postern/server/services/mailbox'
import { createImap } from '@postern/server/sessions/imap'
import { createPop3 } from '@postern/server/sessions/pop3'
import { createRecordingTrace, type RecordingTrace } from '@postern/testkit'

export interface Pop3Server extends AsyncDisposable {
  readonly settings: Settings
  readonly directory: Directory
  readonly mailboxes: Mailboxes
  readonly access: Access
  readonly trace: RecordingTrace
  /** Errors that left a session. */
  readonly errors: readonly unknown[]
  /** Where plain connections go; `pop3s` is TLS from the first byte, `bare` offers no TLS, `proxied` wants a PROXY header, `imap` is IMAP. */
  port(listener: string): { readonly port: number; readonly isTls: boolean }
  /** Carries out one directive of a dialog. */
  direct(line: string): Promise<void>
  /** Puts a message into an inbox. */
  deliver(account: string, content: Buffer): Promise<void>
  /** Ends all sessions as a stopping server does. */
  stop(): Promise<void>
}

export interface Pop3ServerOptions {
  readonly clock?: Clock
  /** In front of the mailboxes that POP3 sessions open. */
  readonly wrap?: (account: AccountMailboxes) => AccountMailboxes
}

/** Keeps no copies of what goes over the wire: some tests count octets. */
function withoutRaw(recording: RecordingTrace): RecordingTrace {
  const emit: RecordingTrace['emit'] = (id, fields) => {
    if (!id.includes('.raw-')) recording.emit(id, fields)
  }
  return { ...recording, emit, span: (id, fields) => ({ ...recording.span(id, fields), emit }) }
}

const root: Caller = { accountId: fallbackAdministratorId, name: 'root', rights: allPermissions, tenantId: undefined }

export async function startPop3Server({ clock = systemClock, wrap = account => account }: Pop3ServerOptions = {}): Promise<Pop3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-pop3-'))
  const trace = withoutRaw(createRecordingTrace())
  const store = await openStore({ kind: 'sqlite', path: folder, clock, trace })
  const settings = await openSettings({ store, macros: { env: () => undefined, file: async () => '' } })
  const workers = createWorkers({ threads: 1 })
  const passwords = createPasswords({ workers, random: systemRandom })
  // Plain secrets: what is tested here is not hashing.
  const hashSecret = async (secret: string): Promise<string> => secret
  const directory = createDirectory({ store, settings, hashSecret, verifySecret: passwords.verify, trace, destroyMail: async () => {} })
  const ephemeral = createMemoryEphemeral({ clock })
  const access = createAccess({ store, settings, directory, passwords, ephemeral, clock, random: systemRandom, trace })
  const blobs = createBlobs({ store, clock, trace })
  const mailboxes = createMailboxes({ store, blobs, clock, quotaOf: async () => ({ bytes: 0 }) })
  const certificates = await createCertificates({ settings, clock, random: systemRandom, trace })
  const clientLimits = createClientLimits({ settings, clock })
  const opening = { open: async (accountId: number) => wrap(await mailboxes.open(accountId)) }
  const pop3 = createPop3({ access, mailboxes: opening, settings, clientLimits, clock, trace })
  const imap = createImap({
    access,
    directory,
    mailboxes,
    accountsSharedWith: granteeIds => store.read(accountsSharedWith, { granteeIds }),
    blobs,
    settings,
    clientLimits,
    clock,
    trace,
  })

  const errors: unknown[] = []
  const tls = createServerTls({ identityFor: name => certificates.identityFor(name) })
  const open = (
    serve: (connection: Connection) => Promise<void>,
    { isTls = false, isProxied = false }: { readonly isTls?: boolean; readonly isProxied?: boolean } = {},
  ): Promise<Listener> =>
    listen({
      address: '127.0.0.1',
      port: 0,
      maxConnections: 1000,
      clock,
      serve,
      onError: error => errors.push(error),
      isBlocked: remoteIp => access.bans.isBlocked(remoteIp),
      ...(isTls && { implicitTls: tls }),
      ...(isProxied && { proxyNetworks: [{ address: '127.0.0.0', prefixLength: 8 }] }),
    })
  const listeners: Readonly<Record<string, Listener>> = {
    pop3: await open(connection => pop3.serve(connection, { id: 'pop3', tls })),
    pop3s: await open(connection => pop3.serve(connection, { id: 'pop3s', tls }), { isTls: true }),
    proxied: await open(connection => pop3.serve(connection, { id: 'proxied', tls }), { isProxied: true }),
    bare: await open(connection => pop3.serve(connection, { id: 'bare', tls: undefined })),
    imap: await open(connection => imap.serve(connection, { id: 'imap', tls: undefined })),
  }

  let messages = 0
  const directives: Readonly<Record<string, (...words: string[]) => Promise<void>>> = {
    /** account NAME SECRET… */
    async account(name = '', ...secret) {
      await directory.create(root, { name, secrets: secret.join(' '), roles: ['user'] })
    },
    /** admin NAME SECRET */
    async admin(name = '', secret = '') {
      await directory.create(root, { name, secrets: secret, roles: ['admin'] })
    },
    /** forbid NAME PERMISSION… */
    async forbid(name = '', ...permissions) {
      await directory.change(root, name, [{ action: 'set', field: 'disabledPermissions', value: permissions }])
    },
    /** setting KEY VALUE */
    async setting(key = '', ...value) {
      await settings.change([{ kind: 'put', entries: [[key, value.join(' ')]] }])
      const { errors: broken } = await settings.reload()
      assert.deepEqual(broken, {})
    },
    /** message ACCOUNT TEXT: as it is written, with \n, \r and \xHH understood */
    async message(account = '', ...words) {
      const text = words
        .join(' ')
        .replace(/\\(n|r|x[0-9a-f]{2})/g, (_all, code: string) =>
          code === 'n' ? '\n' : code === 'r' ? '\r' : String.fromCharCode(Number.parseInt(code.slice(1), 16)),
        )
      await deliver(account, Buffer.from(text, 'latin1'))
    },
    /** messages ACCOUNT COUNT */
    async messages(account = '', count = '1') {
      for (let i = 1; i <= Number(count); i++) await deliver(account, Buffer.from(`Subject: Number ${i}\r\n\r\nHello.\r\n`))
    },
  }

  async function deliver(name: string, content: Buffer): Promise<void> {
    const principal = await directory.byName(name)
    assert.ok(principal, `no account ${name}`)
    const account = await mailboxes.open(principal.id)
    const inbox = await account.findRole('inbox')
    messages += 1
    await account.append({ content, mailboxIds: [inbox?.id ?? 0], received: Date.UTC(2025, 0, 6) / 1000 + messages })
  }

  return {
    settings,
    directory,
    mailboxes,
    access,
    trace,
    errors,
    deliver,
    port(listener) {
      const name = listener === '' ? 'pop3' : listener
      const found = listeners[name]
      assert.ok(found, `no listener ${listener}`)
      return { port: found.port, isTls: name === 'pop3s' }
    },
    async direct(line) {
      const [verb = '', ...words] = line.split(' ')
      const directive = directives[verb]
      if (directive === undefined) throw new Error(`unknown directive ${verb}`)
      await directive(...words)
    },
    async stop() {
      await pop3[Symbol.asyncDispose]()
    },
    async [Symbol.asyncDispose]() {
      await pop3[Symbol.asyncDispose]()
      await imap[Symbol.asyncDispose]()
      for (const listener of Object.values(listeners)) await listener[Symbol.asyncDispose]()
      certificates[Symbol.dispose]()
      mailboxes[Symbol.dispose]()
      blobs[Symbol.dispose]()
      access[Symbol.dispose]()
      directory[Symbol.dispose]()
      await workers[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** No session may end in an error, and no command in a defect. */
export function assertNoDefects(server: Pop3Server): void {
  assert.deepEqual(server.errors, [])
  const defects = server.trace.of('pop3.error').filter(({ fields }) => JSON.stringify(fields.details)?.includes('Defect'))
  assert.deepEqual(defects, [])
}

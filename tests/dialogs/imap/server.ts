// An IMAP server in this process, with a store in a folder of its own, for dialogs and real clients.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock, systemRandom } from '@postern/server/base/clock'
import { createServerTls, type Listener, listen } from '@postern/server/base/net'
import { createWorkers } from '@postern/server/base/workers'
import { createBlobs } from '@postern/server/data/blobs'
import { createMemoryEphemeral } from '@postern/server/data/ephemeral'
import { openSettings, type Settings } from '@postern/server/data/settings'
import { accountsSharedWith, openStore } from '@postern/server/data/store'
import { createAccess, createClientLimits, createPasswords } from '@postern/server/services/access'
import { createCertificates } from '@postern/server/services/certificates'
import { allPermissions, type Caller, createDirectory, type Directory, fallbackAdministratorId } from '@postern/server/services/directory'
import { createMailboxes, type Mailboxes } from '@postern/server/services/mailbox'
import { createImap } from '@postern/server/sessions/imap'
import { createRecordingTrace, type RecordingTrace } from '@postern/testkit'

export interface ImapServer extends AsyncDisposable {
  readonly settings: Settings
  readonly directory: Directory
  readonly mailboxes: Mailboxes
  readonly trace: RecordingTrace
  /** Errors that left a session. */
  readonly errors: readonly unknown[]
  /** Where plain connections go; `imaps` is TLS from the first byte, `bare` offers no TLS. */
  port(listener: string): { readonly port: number; readonly isTls: boolean }
  /** Carries out one directive of a dialog; see `directives`. */
  direct(line: string): Promise<void>
  /** Ends all sessions as a stopping server does. */
  stop(): Promise<void>
}

/** Keeps no copies of what goes over the wire: some tests count octets. */
function withoutRaw(recording: RecordingTrace): RecordingTrace {
  const emit: RecordingTrace['emit'] = (id, fields) => {
    if (!id.startsWith('imap.raw-')) recording.emit(id, fields)
  }
  return { ...recording, emit, span: (id, fields) => ({ ...recording.span(id, fields), emit }) }
}

const root: Caller = { accountId: fallbackAdministratorId, name: 'root', rights: allPermissions, tenantId: undefined }

export async function startImapServer({ clock = systemClock }: { readonly clock?: Clock } = {}): Promise<ImapServer> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-imap-'))
  const trace = withoutRaw(createRecordingTrace())
  const store = await openStore({ kind: 'sqlite', path: folder, clock, trace })
  const settings = await openSettings({ store, macros: { env: () => undefined, file: async () => '' } })
  const workers = createWorkers({ threads: 1 })
  const passwords = createPasswords({ workers, random: systemRandom })
  // Plain secrets: what is tested here is not hashing.
  const hashSecret = async (secret: string): Promise<string> => secret
  const directory = createDirectory({
    store,
    settings,
    hashSecret,
    verifySecret: passwords.verify,
    trace,
    destroyMail: async () => {},
  })
  const ephemeral = createMemoryEphemeral({ clock })
  const access = createAccess({ store, settings, directory, passwords, ephemeral, clock, random: systemRandom, trace })
  const blobs = createBlobs({ store, clock, trace })
  const quotaOf = async (accountId: number): Promise<{ bytes: number }> => ({ bytes: (await directory.byId(accountId))?.quota ?? 0 })
  // Mail that a dialog begins with is as old as the server, wherever the second ends: nothing of it is recent.
  const startMs = clock.now()
  const mailboxes = createMailboxes({ store, blobs, clock: { ...clock, now: () => startMs }, quotaOf })
  const certificates = await createCertificates({ settings, clock, random: systemRandom, trace })
  const imap = createImap({
    access,
    directory,
    mailboxes,
    accountsSharedWith: granteeIds => store.read(accountsSharedWith, { granteeIds }),
    blobs,
    settings,
    clientLimits: createClientLimits({ settings, clock }),
    clock,
    trace,
  })

  const errors: unknown[] = []
  const tls = createServerTls({ identityFor: name => certificates.identityFor(name) })
  const open = async (id: string, isTls: boolean, offersTls: boolean): Promise<Listener> =>
    listen({
      address: '127.0.0.1',
      port: 0,
      maxConnections: 1000,
      clock,
      serve: connection => imap.serve(connection, { id, tls: offersTls ? tls : undefined }),
      onError: error => errors.push(error),
      ...(isTls && { implicitTls: tls }),
    })
  const listeners = {
    imap: await open('imap', false, true),
    imaps: await open('imaps', true, true),
    bare: await open('bare', false, false),
  }

  let messages = 0
  const directives: Readonly<Record<string, (...words: string[]) => Promise<void>>> = {
    /** account NAME SECRET [QUOTA BYTES] */
    async account(name = '', secret = '', quota = '0') {
      await directory.create(root, { name, secrets: secret, roles: ['user'], quota: Number(quota) })
    },
    /** admin NAME SECRET */
    async admin(name = '', secret = '') {
      await directory.create(root, { name, secrets: secret, roles: ['admin'] })
    },
    /** group NAME MEMBER… */
    async group(name = '', ...members) {
      await directory.create(root, { type: 'group', name, members })
    },
    /** roleless NAME SECRET: an account without any permission */
    async roleless(name = '', secret = '') {
      await directory.create(root, { name, secrets: secret })
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
    /** message ACCOUNT MAILBOX SUBJECT…: a small message; `file:NAME` takes it from the folder `messages` */
    async message(account = '', mailbox = '', ...subject) {
      await deliver(account, mailbox, await compose(subject.join(' ')))
    },
    /** messages ACCOUNT MAILBOX COUNT */
    async messages(account = '', mailbox = '', count = '1') {
      for (let i = 1; i <= Number(count); i++) await deliver(account, mailbox, await compose(`Message ${i}`))
    },
  }

  async function compose(subject: string): Promise<Buffer> {
    if (subject.startsWith('file:')) {
      const text = await readFile(join(import.meta.dirname, 'messages', subject.slice('file:'.length)), 'latin1')
      return Buffer.from(text.replace(/\r?\n/g, '\r\n'), 'latin1')
    }
    messages += 1
    const fields = ['From: Ann Example <ann@example.org>', 'To: jane@example.org', `Subject: ${subject}`]
    fields.push('Date: Mon, 6 Jan 2025 10:00:00 +0000', `Message-ID: <m${messages}@example.org>`)
    return Buffer.from(`${fields.join('\r\n')}\r\n\r\nHello, this is message ${messages}.\r\n`)
  }

  async function deliver(name: string, mailbox: string, content: Buffer): Promise<void> {
    const principal = await directory.byName(name)
    assert.ok(principal, `no account ${name}`)
    const account = await mailboxes.open(principal.id)
    const place = (await account.find(mailbox.split('/'))) ?? (await account.create(mailbox.split('/')))
    await account.append({ content, mailboxIds: [place.id], received: Date.UTC(2025, 0, 6, 10, 0, 5) / 1000 })
  }

  return {
    settings,
    directory,
    mailboxes,
    trace,
    errors,
    port(listener) {
      const found = { imap: listeners.imap, imaps: listeners.imaps, bare: listeners.bare }[listener === '' ? 'imap' : listener]
      assert.ok(found, `no listener ${listener}`)
      return { port: found.port, isTls: found === listeners.imaps }
    },
    async direct(line) {
      const [verb = '', ...words] = line.split(' ')
      const directive = directives[verb]
      if (directive === undefined) throw new Error(`unknown directive ${verb}`)
      await directive(...words)
    },
    async stop() {
      await imap[Symbol.asyncDispose]()
    },
    async [Symbol.asyncDispose]() {
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

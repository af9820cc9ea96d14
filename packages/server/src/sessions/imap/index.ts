// IMAP4rev2 and IMAP4rev1: mailboxes for mail programs.
//
// Owns the state of each connection, the client's view of its selected mailbox, and when it is told of what others do. Reads with the
// grammar of `mail/imap`, asks one or two services, answers.
// Never knows a rule of mail, never touches the database, and never keeps more of a message in memory than one piece.
import { settings as declared } from '@postern/contract'
import type { Clock } from '#base/clock'
import { createByteBudget } from '#base/limits'
import { type Connection, createClients, type ServerTls } from '#base/net'
import { ip as ipField, type Trace } from '#base/trace'
import type { Blobs } from '#data/blobs'
import type { Settings } from '#data/settings'
import type { Access, ClientLimits } from '#services/access'
import type { Directory } from '#services/directory'
import type { Mailboxes } from '#services/mailbox'
import { openFolders } from './folders.ts'
import { createLimits } from './limits.ts'
import { createLogins, type Login } from './logins.ts'
import { createRecency } from './recency.ts'
import { ImapSession } from './session.ts'
import { createUploads } from './uploads.ts'

export interface ImapParts {
  readonly access: Pick<Access, 'authenticate' | 'bans'>
  readonly directory: Pick<Directory, 'byId' | 'byName'>
  readonly mailboxes: Pick<Mailboxes, 'open' | 'watch'>
  /** Accounts with mailboxes that any of these principals was given rights on. */
  readonly accountsSharedWith: (principalIds: readonly number[]) => Promise<readonly number[]>
  /** Where messages are gathered on their way in. */
  readonly blobs: Pick<Blobs, 'spool'>
  readonly settings: Pick<Settings, 'read'>
  /** Shared by the protocols that have them in common. */
  readonly clientLimits: ClientLimits
  readonly clock: Clock
  readonly trace: Trace
}

export interface Imap extends AsyncDisposable {
  /** Serves one client to its end. `tls` is for STARTTLS. */
  serve(connection: Connection, listener: { readonly id: string; readonly tls: ServerTls | undefined }): Promise<void>
}

/** Octets of appended messages that are being stored at once; more is asked to come again. */
const maxAppendingBytes = 512 * 1024 * 1024
/** How long sessions may take to end when the server stops. */
const stopPatienceMs = 8_000

export function createImap(parts: ImapParts): Imap {
  const { access, directory, mailboxes, accountsSharedWith, blobs, settings, clientLimits, clock, trace } = parts
  const limits = createLimits(settings)
  const recency = createRecency(clock)
  const clients = createClients({ clock, patienceMs: stopPatienceMs })
  const budget = createByteBudget(maxAppendingBytes)
  const logins = createLogins({
    access,
    directory,
    limits: clientLimits,
    openFolders: caller => {
      const sharedRoot = settings.read(declared.jmap.foldersName, { role: 'shared' }) ?? 'Shared Folders'
      return openFolders({ mailboxes, directory, accountsSharedWith, sharedRoot }, caller)
    },
  })

  const admit = ({ caller }: Login): boolean => clientLimits.admit(caller)

  async function serve(connection: Connection, listener: Parameters<Imap['serve']>[1]): Promise<void> {
    const span = trace.span('imap.connection-start', {
      listenerId: listener.id,
      localIp: ipField(connection.localIp),
      localPort: connection.localPort,
      remoteIp: ipField(connection.remoteIp),
      remotePort: connection.remotePort,
      tls: connection.tls !== undefined,
    })
    const session = new ImapSession({
      connection,
      listenerId: listener.id,
      tls: listener.tls,
      bans: access.bans,
      logins,
      watch: mailboxes.watch,
      limits,
      recency,
      uploads: createUploads(blobs, budget),
      admit,
      clock,
      span,
      stop: clients.stop,
    })
    await session.serve()
  }

  return {
    serve: (connection, listener) => clients.follow(connection, serve(connection, listener)),
    [Symbol.asyncDispose]: () => clients[Symbol.asyncDispose](),
  }
}

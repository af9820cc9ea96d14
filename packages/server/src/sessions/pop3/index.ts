// POP3: the inbox for programs that fetch mail away (RFC 1939).
//
// Owns the state of each connection, its snapshot of the inbox, and the sizes of messages as they are sent. Reads with the grammar of
// `mail/pop3`, asks one or two services, answers.
// Never locks the inbox, never touches the database, and never keeps more of a message in memory than one piece.
import type { Clock } from '#base/clock'
import { type Connection, createClients, type ServerTls } from '#base/net'
import { ip as ipField, type Trace } from '#base/trace'
import type { Settings } from '#data/settings'
import type { Access, ClientLimits } from '#services/access'
import type { Mailboxes } from '#services/mailbox'
import { createLimits } from './limits.ts'
import { createLogins, type Login } from './logins.ts'
import { createSentSizes } from './sent-sizes.ts'
import { Pop3Session } from './session.ts'

export interface Pop3Parts {
  readonly access: Pick<Access, 'authenticate' | 'bans'>
  readonly mailboxes: Pick<Mailboxes, 'open'>
  readonly settings: Pick<Settings, 'read'>
  /** Shared by the protocols that have them in common. */
  readonly clientLimits: ClientLimits
  readonly clock: Clock
  readonly trace: Trace
}

export interface Pop3 extends AsyncDisposable {
  /** Serves one client to its end. `tls` is for STLS. */
  serve(connection: Connection, listener: { readonly id: string; readonly tls: ServerTls | undefined }): Promise<void>
}

/** How long sessions may take to end when the server stops. */
const stopPatienceMs = 8_000

export function createPop3({ access, mailboxes, settings, clientLimits, clock, trace }: Pop3Parts): Pop3 {
  const limits = createLimits(settings)
  const clients = createClients({ clock, patienceMs: stopPatienceMs })
  const logins = createLogins({ access, mailboxes, sizes: createSentSizes(), limits: clientLimits })

  const admit = ({ caller }: Login): boolean => clientLimits.admit(caller)

  async function serve(connection: Connection, { id, tls }: Parameters<Pop3['serve']>[1]): Promise<void> {
    const span = trace.span('pop3.connection-start', {
      listenerId: id,
      localIp: ipField(connection.localIp),
      localPort: connection.localPort,
      remoteIp: ipField(connection.remoteIp),
      remotePort: connection.remotePort,
      tls: connection.tls !== undefined,
    })
    const parts = { connection, tls, listenerId: id, bans: access.bans, logins, limits, admit, clock, span, stop: clients.stop }
    await new Pop3Session(parts).serve()
  }

  return {
    serve: (connection, listener) => clients.follow(connection, serve(connection, listener)),
    [Symbol.asyncDispose]: () => clients[Symbol.asyncDispose](),
  }
}

// POP3: the inbox for programs that fetch mail away (RFC 1939).
//
// Owns the state of each connection, its snapshot of the inbox, and the sizes of messages as they are sent. Reads with the grammar of
// `mail/pop3`, asks one or two services, answers.
// Never locks the inbox, never touches the database, and never keeps more of a message in memory than one piece.
import type { Clock } from '#base/clock'
import type { ConcurrencyLimit, RateCounter } from '#base/limits'
import type { Connection, ServerTls } from '#base/net'
import { ip as ipField, type Trace } from '#base/trace'
import type { Settings } from '#data/settings'
import type { Access } from '#services/access'
import type { Mailboxes } from '#services/mailbox'
import { createLimits } from './limits.ts'
import { createLogins, type Login } from './logins.ts'
import { createSentSizes } from './sent-sizes.ts'
import { Pop3Session } from './session.ts'

export interface Pop3Parts {
  readonly access: Pick<Access, 'authenticate' | 'bans'>
  readonly mailboxes: Pick<Mailboxes, 'open'>
  readonly settings: Pick<Settings, 'read'>
  /** Connections and commands by account; shared by the protocols that have these limits in common. */
  readonly limits: { readonly connections: ConcurrencyLimit; readonly requests: RateCounter }
  readonly clock: Clock
  readonly trace: Trace
}

export interface Pop3 extends AsyncDisposable {
  /** Serves one client to its end. `tls` is for STLS. */
  serve(connection: Connection, listener: { readonly id: string; readonly tls: ServerTls | undefined }): Promise<void>
}

/** How long sessions may take to end when the server stops. */
const stopPatienceMs = 8_000

export function createPop3({ access, mailboxes, settings, limits: shared, clock, trace }: Pop3Parts): Pop3 {
  const limits = createLimits(settings)
  const stop = new AbortController()
  const running = new Map<Promise<void>, Connection>()
  const logins = createLogins({ access, mailboxes, sizes: createSentSizes(), connections: shared.connections, limits })

  function admit({ caller }: Login): boolean {
    const rate = limits.requestRate()
    if (rate === undefined || caller.rights.has('unlimited-requests')) return true
    return shared.requests.count(`imap:${caller.accountId}`, rate.periodMs).events <= rate.count
  }

  async function serve(connection: Connection, { id, tls }: Parameters<Pop3['serve']>[1]): Promise<void> {
    const span = trace.span('pop3.connection-start', {
      listenerId: id,
      localIp: ipField(connection.localIp),
      localPort: connection.localPort,
      remoteIp: ipField(connection.remoteIp),
      remotePort: connection.remotePort,
      tls: connection.tls !== undefined,
    })
    const parts = { connection, tls, listenerId: id, bans: access.bans, logins, limits, admit, clock, span, stop: stop.signal }
    await new Pop3Session(parts).serve()
  }

  return {
    serve(connection, listener) {
      const session = serve(connection, listener)
      running.set(session, connection)
      const forget = (): void => void running.delete(session)
      session.then(forget, forget)
      return session
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      const timer = clock.after(stopPatienceMs, () => {
        for (const connection of running.values()) connection.destroy()
      })
      await Promise.allSettled(running.keys())
      timer.cancel()
    },
  }
}

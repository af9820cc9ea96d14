// SMTP, submission and LMTP: takes mail from other servers and from mail programs and hands it to the queue. Owns the conversation: who
// may say what when, what a message costs, what is answered. Never delivers, never decides where mail goes, never stores a message itself.
import type { Clock, Random } from '#base/clock'
import type { Resolver } from '#base/dns'
import { createByteBudget } from '#base/limits'
import { type Connection, createClients, type ServerTls } from '#base/net'
import { ip as ipField, type Trace } from '#base/trace'
import type { Blobs } from '#data/blobs'
import type { Ephemeral } from '#data/ephemeral'
import type { Settings } from '#data/settings'
import type { Access } from '#services/access'
import type { Directory } from '#services/directory'
import type { Queue } from '#services/queue'
import { createAcceptance } from './accept/index.ts'
import { createCommands } from './commands.ts'
import { createReceive } from './incoming.ts'
import { reverseNames } from './reverse-names.ts'
import { SmtpSession } from './session.ts'
import { createThrottles } from './throttles.ts'

export interface SmtpParts {
  readonly access: Access
  readonly directory: Directory
  readonly queue: Queue
  readonly blobs: Blobs
  readonly settings: Settings
  readonly resolver: Resolver
  readonly ephemeral: Ephemeral
  readonly clock: Clock
  readonly random: Random
  readonly trace: Trace
}

export interface SmtpListener {
  readonly id: string
  readonly protocol: string
  /** For STARTTLS. */
  readonly tls: ServerTls | undefined
}

/** Disposing tells every client and ends its session within five seconds; a message that has arrived by then is answered for. */
export interface Smtp extends AsyncDisposable {
  /** Serves one client to its end. */
  serve(connection: Connection, listener: SmtpListener): Promise<void>
}

/** So long a message on its way is waited for when the server stops. */
const receivePatienceMs = 3_000
/** Memory for messages on their way in, of all sessions together. */
const maxHeldBytes = 256 * 1024 * 1024
/** And then so long for clients that do not go. */
const closePatienceMs = 1_500

export function createSmtp(parts: SmtpParts): Smtp {
  const { access, directory, queue, blobs, settings, resolver, ephemeral, clock, random, trace } = parts
  const accept = createAcceptance({ queue, blobs, clock, random })
  const receive = createReceive({ blobs, budget: createByteBudget(maxHeldBytes) })
  const throttles = createThrottles({ settings, ephemeral })
  const commands = createCommands({ access, directory, receive, settings, clock, accept, throttles })
  const clients = createClients({ clock, patienceMs: receivePatienceMs + closePatienceMs })
  const cut = new AbortController()

  async function serveClient(connection: Connection, { id, protocol, tls }: SmtpListener): Promise<void> {
    const span = trace.span('smtp.connection-start', {
      listenerId: id,
      localIp: ipField(connection.localIp),
      localPort: connection.localPort,
      remoteIp: ipField(connection.remoteIp),
      remotePort: connection.remotePort,
      tls: connection.tls !== undefined,
    })
    await new SmtpSession({
      connection,
      listener: { id, protocol: protocol === 'lmtp' ? 'lmtp' : 'smtp', tls },
      commands,
      settings,
      throttles,
      bans: access.bans,
      clock,
      span,
      stop: clients.stop,
      cut: cut.signal,
      reverse: reverseNames(resolver),
    }).serve()
  }

  return {
    serve: (connection, listener) => clients.follow(connection, serveClient(connection, listener)),
    async [Symbol.asyncDispose]() {
      const patience = clock.after(receivePatienceMs, () => cut.abort())
      await clients[Symbol.asyncDispose]()
      patience.cancel()
      throttles[Symbol.dispose]()
    },
  }
}

import { settings as declared } from '@postern/contract'
import type { Clock } from '#base/clock'
import { type Connection, createServerTls, type Listener, type ListenerOptions, listen, type ServerTls } from '#base/net'
import { ip as ipField, type Trace, word } from '#base/trace'
import { type Settings, type SettingsReader, settingKey } from '#data/settings'
import type { Bans } from '#services/access'
import type { Certificates } from '#services/certificates'

export type Protocol = 'smtp' | 'lmtp' | 'imap' | 'pop3' | 'http' | 'managesieve'

/** What a session is told about where its client came in. */
export interface ListenerInfo {
  readonly id: string
  readonly protocol: Protocol
  /** For STARTTLS; undefined when the listener offers no TLS. */
  readonly tls: ServerTls | undefined
}

export type Serve = (connection: Connection, listener: ListenerInfo) => Promise<void>

interface Parts {
  readonly settings: Settings
  readonly certificates: Certificates
  readonly bans: Bans
  readonly clock: Clock
  readonly trace: Trace
  /** Protocols that are spoken; a listener with another one is reported and left out. */
  readonly protocols: Readonly<Partial<Record<Protocol, Serve>>>
}

export interface Listeners extends AsyncDisposable {
  /** Opens everything that the settings ask for; rejects with ListenError when one of the ports is taken. */
  open(): Promise<void>
  /** Ports by listener id. */
  ports(): ReadonlyMap<string, { readonly port: number; readonly isTls: boolean }>
  stopAccepting(): void
}

interface Wanted {
  readonly key: string
  readonly info: ListenerInfo
  readonly options: Omit<ListenerOptions, 'serve' | 'onError' | 'clock'>
}

export function createListeners({ settings, certificates, bans, clock, trace, protocols }: Parts): Listeners {
  const open = new Map<string, { readonly listener: Listener; readonly info: ListenerInfo; readonly isTls: boolean }>()

  function wanted(): readonly Wanted[] {
    return settings.idsOf(declared.server.listenerProtocol).flatMap(id => {
      const protocol = settings.read(declared.server.listenerProtocol, { id }) as Protocol
      if (protocols[protocol] === undefined) return []
      const hasTls = settings.read(declared.server.listenerTlsEnable, { id })
      const isImplicit = settings.read(declared.server.listenerTlsImplicit, { id })
      const off = settings.read(declared.server.listenerTlsDisableProtocols, { id })
      const tls =
        hasTls || isImplicit ? createServerTls({ identityFor: name => certificates.identityFor(name), ...versions(off) }) : undefined
      const info: ListenerInfo = { id, protocol, tls: hasTls ? tls : undefined }
      const maxConnections = settings.read(declared.server.listenerMaxConnections, { id }) ?? settings.read(declared.server.maxConnections)
      const proxyNetworks = settings.read(declared.server.listenerProxyTrustedNetworks, { id })
      const backlog = settings.read(declared.server.listenerSocketBacklog, { id })
      const reusePort = settings.read(declared.server.listenerSocketReusePort, { id }) ?? false
      return settings.read(declared.server.listenerBind, { id }).map(({ ip: address, port }) => ({
        key: JSON.stringify([id, address, port, protocol, hasTls, isImplicit, off, maxConnections, proxyNetworks]),
        info,
        options: {
          address,
          port,
          // A limit that admits nobody would shut out the administrator too.
          maxConnections: maxConnections > 0 ? maxConnections : Number.POSITIVE_INFINITY,
          proxyNetworks,
          reusePort,
          ...(backlog !== undefined && { backlog }),
          ...(isImplicit && tls !== undefined && { implicitTls: tls }),
          isBlocked: (remoteIp: string) => bans.isBlocked(remoteIp),
          onRefused: (refusal, remoteIp, reason) => {
            if (refusal === 'blocked') trace.emit('security.ip-blocked', { listenerId: id, remoteIp: ipField(remoteIp) })
            else if (refusal === 'tooMany')
              trace.emit('limit.concurrent-connection', { listenerId: id, remoteIp: ipField(remoteIp), limit: maxConnections })
            else if (refusal === 'tls')
              trace.emit('tls.handshake-error', { listenerId: id, remoteIp: ipField(remoteIp), reason: reason ?? '' })
            else
              trace.emit('network.proxy-error', {
                listenerId: id,
                remoteIp: ipField(remoteIp),
                details: word(refusal),
                reason: reason ?? '',
              })
          },
        },
      }))
    })
  }

  async function start({ key, info, options }: Wanted): Promise<void> {
    const serve = protocols[info.protocol]
    if (serve === undefined) return
    const listener = await listen({
      ...options,
      clock,
      serve: connection => serve(connection, info),
      onError: (error, connection) =>
        trace.emit('network.closed', {
          listenerId: info.id,
          remoteIp: ipField(connection.remoteIp),
          reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
        }),
    })
    open.set(key, { listener, info, isTls: options.implicitTls !== undefined })
    trace.emit('network.listen-start', {
      listenerId: info.id,
      localIp: ipField(options.address),
      localPort: listener.port,
      tls: options.implicitTls !== undefined,
    })
  }

  /** Closes what is no longer wanted, opens what is. @returns why listeners could not be opened */
  async function reconcile(): Promise<ReadonlyMap<Wanted, unknown>> {
    const next = wanted()
    const keys = new Set(next.map(({ key }) => key))
    for (const [key, { listener, info }] of open) {
      if (keys.has(key)) continue
      open.delete(key)
      // Sessions of a listener that is gone go on to their end.
      listener.stopAccepting()
      trace.emit('network.listen-stop', { listenerId: info.id, localPort: listener.port })
    }
    // One port that is taken closes no other door.
    const failures = new Map<Wanted, unknown>()
    for (const item of next) {
      if (open.has(item.key)) continue
      try {
        await start(item)
      } catch (error) {
        failures.set(item, error)
        trace.emit('network.listen-error', {
          listenerId: item.info.id,
          localIp: ipField(item.options.address),
          localPort: item.options.port,
          reason: messageOf(error),
        })
      }
    }
    return failures
  }

  const stops = [
    settings.addCheck(candidate => ({ warnings: unspoken(candidate, protocols) })),
    settings.onApply(async () => {
      const failures = await reconcile()
      return Object.fromEntries([...failures].map(([{ info }, error]) => [bindKey(info.id), { type: 'build', error: messageOf(error) }]))
    }),
  ]

  return {
    async open() {
      for (const [key, { error }] of Object.entries(unspoken(settings, protocols))) trace.emit('config.build-error', { key, reason: error })
      for (const error of (await reconcile()).values()) throw error
    },
    ports: () => new Map([...open.values()].map(({ listener, info, isTls }) => [info.id, { port: listener.port, isTls }])),
    stopAccepting() {
      for (const { listener } of open.values()) listener.stopAccepting()
    },
    async [Symbol.asyncDispose]() {
      for (const stop of stops) stop()
      for (const { listener } of open.values()) await listener[Symbol.asyncDispose]()
      open.clear()
    },
  }
}

/** Listeners of protocols that are not spoken: reported and left out. */
function unspoken(
  settings: Pick<SettingsReader, 'read' | 'idsOf'>,
  protocols: Parts['protocols'],
): Record<string, { readonly type: 'build'; readonly error: string }> {
  const { listenerProtocol } = declared.server
  return Object.fromEntries(
    settings.idsOf(listenerProtocol).flatMap(id => {
      const protocol = settings.read(listenerProtocol, { id }) as Protocol
      if (protocols[protocol] !== undefined) return []
      return [[settingKey(listenerProtocol.pattern, { id }), { type: 'build', error: `${protocol} is not available yet` } as const]]
    }),
  )
}

function bindKey(id: string): string {
  return settingKey(declared.server.listenerBind.pattern, { id })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function versions(disabled: readonly string[]): { minVersion?: 'TLSv1.3'; maxVersion?: 'TLSv1.2' } {
  const [no12, no13] = [disabled.includes('TLSv1.2'), disabled.includes('TLSv1.3')]
  // Without both there would be nothing left: the setting is ignored.
  if (no12 === no13) return {}
  return no12 ? { minVersion: 'TLSv1.3' } : { maxVersion: 'TLSv1.2' }
}

import { settings as declared } from '@postern/contract'
import { readAddressLiteral } from '@postern/mail/address'
import type { Clock, Random } from '#base/clock'
import { DnsError, type MxRecord, type Resolver } from '#base/dns'
import { durationMs, type Trace } from '#base/trace'
import type { Settings, Variables } from '#data/settings'
import { type DomainOutcome, type QueuedDomain, type QueuedMessage, queueVariables } from '#services/queue'
import { type HostResult, type Target, tryTarget } from './conversation.ts'
import { allRecipients } from './outcome.ts'

export interface Attempt {
  readonly message: QueuedMessage
  readonly domain: QueuedDomain
  readonly content: Buffer
  /** Id of a `remote.<id>`; the MX hosts of the domain when undefined. */
  readonly route: string | undefined
  readonly trace: Trace
  readonly signal: AbortSignal
}

export interface Transport extends AsyncDisposable {
  /** One attempt at one domain: hosts in order until one has taken or refused the message. Never rejects. */
  send(attempt: Attempt): Promise<DomainOutcome>
}

export interface TransportParts {
  readonly settings: Settings
  readonly resolver: Resolver
  readonly clock: Clock
  readonly random: Random
  readonly trace: Trace
}

/** A host to try, by name or address. */
interface Host {
  readonly name: string
  readonly port: number
  readonly remoteId: string | undefined
}

class NoRoute extends Error {
  readonly isPermanent: boolean
  constructor(message: string, isPermanent: boolean) {
    super(message)
    this.isPermanent = isPermanent
  }
}

const smtpPort = 25

export function createTransport({ settings, resolver, clock, random }: TransportParts): Transport {
  async function hostsFor({ domain, route, trace }: Attempt, variables: Variables): Promise<readonly Host[]> {
    if (route !== undefined) {
      const address = settings.read(declared.remote.address, { id: route })
      if (address === undefined) throw new NoRoute(`The next hop ${route} is not configured.`, false)
      return [{ name: address, port: settings.read(declared.remote.port, { id: route }), remoteId: route }]
    }
    const literal = readAddressLiteral(domain.domain)
    if (literal !== null) return [{ name: literal.ip, port: smtpPort, remoteId: undefined }]
    const limit = (await settings.evaluate(declared.queue.outboundLimitsMx, variables)) ?? 5
    const started = clock.monotonic()
    try {
      const records = await mxOrDomain(resolver, domain.domain)
      trace.emit('delivery.mx-lookup', {
        domain: domain.domain,
        details: records.map(({ exchange }) => exchange),
        elapsed: durationMs(clock.monotonic() - started),
      })
      return shuffleEqual(records, random)
        .slice(0, limit)
        .map(({ exchange }) => ({ name: exchange, port: smtpPort, remoteId: undefined }))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      trace.emit('delivery.mx-lookup-failed', { domain: domain.domain, reason, elapsed: durationMs(clock.monotonic() - started) })
      if (error instanceof NoRoute) throw error
      throw new NoRoute(`DNS error: ${reason}`, error instanceof DnsError && error.fault === 'notFound')
    }
  }

  async function addressesOf(host: Host, variables: Variables): Promise<readonly string[]> {
    const literal = readAddressLiteral(`[${host.name}]`) ?? readAddressLiteral(host.name)
    if (literal !== null) return [literal.ip]
    const strategy = (await settings.evaluate(declared.queue.outboundIpStrategy, variables)) ?? 'ipv4_then_ipv6'
    const limit = (await settings.evaluate(declared.queue.outboundLimitsMultihomed, variables)) ?? 2
    const families = { ipv4_only: ['a'], ipv6_only: ['aaaa'], ipv4_then_ipv6: ['a', 'aaaa'], ipv6_then_ipv4: ['aaaa', 'a'] } as const
    const found: string[] = []
    let fault: DnsError | undefined
    for (const family of families[strategy]) {
      try {
        found.push(...(await resolver[family](host.name)).records)
      } catch (error) {
        if (!(error instanceof DnsError)) throw error
        if (fault === undefined || error.fault === 'temporary') fault = error
      }
    }
    if (found.length === 0 && fault !== undefined) throw fault
    return found.slice(0, limit)
  }

  async function targetOf(host: Host, ip: string, attempt: Attempt, variables: Variables): Promise<Target> {
    const { remoteId: id } = host
    const perHost: Variables = { ...variables, mx: host.name, rcpt: '', remote_ip: ip, local_ip: '' }
    const timeout = async (setting: typeof declared.queue.outboundTimeoutsConnect, fallbackMs: number): Promise<number> =>
      (await settings.evaluate(setting, perHost)) ?? fallbackMs
    const sources = await settings.evaluate(
      ip.includes(':') ? declared.queue.outboundSourceIpV6 : declared.queue.outboundSourceIpV4,
      perHost,
    )
    const credentials = credentialsOf(id)
    // A password goes to nobody but the host it is for, unless TLS was switched off on purpose.
    const startTls = (await settings.evaluate(declared.queue.outboundTlsStarttls, perHost)) ?? 'optional'
    const allowsAnyCertificate = (await settings.evaluate(declared.queue.outboundTlsAllowInvalidCerts, perHost)) ?? false
    return {
      host: host.name,
      ip,
      port: host.port,
      localIp: sources === undefined || sources.length === 0 ? undefined : sources[random.integer(sources.length)],
      helo: (await settings.evaluate(declared.queue.outboundHostname, variables)) || 'localhost',
      isLmtp: id !== undefined && settings.read(declared.remote.protocol, { id }) === 'lmtp',
      implicitTls: id !== undefined && settings.read(declared.remote.tlsImplicit, { id }),
      startTls: credentials && startTls !== 'disable' ? 'verify' : startTls,
      allowsAnyCertificate: allowsAnyCertificate || (id !== undefined && settings.read(declared.remote.tlsAllowInvalidCerts, { id })),
      credentials,
      timeouts: {
        connect: await timeout(declared.queue.outboundTimeoutsConnect, 300_000),
        greeting: await timeout(declared.queue.outboundTimeoutsGreeting, 300_000),
        tls: await timeout(declared.queue.outboundTimeoutsTls, 180_000),
        ehlo: await timeout(declared.queue.outboundTimeoutsEhlo, 300_000),
        mail: await timeout(declared.queue.outboundTimeoutsMailFrom, 300_000),
        rcpt: await timeout(declared.queue.outboundTimeoutsRcptTo, 300_000),
        data: await timeout(declared.queue.outboundTimeoutsData, 600_000),
      },
      clock,
      trace: attempt.trace,
      signal: attempt.signal,
    }
  }

  function credentialsOf(id: string | undefined): Target['credentials'] {
    if (id === undefined) return undefined
    const username = settings.read(declared.remote.authUsername, { id })
    const secret = settings.read(declared.remote.authSecret, { id })
    return username === undefined || secret === undefined ? undefined : { username, secret }
  }

  async function send(attempt: Attempt): Promise<DomainOutcome> {
    const { message, domain, content, trace } = attempt
    const variables = queueVariables(message, domain, clock.now())
    let last: HostResult = { kind: 'unreachable', error: 'connection', detail: 'No host could be tried.' }
    for (const host of await hostsFor(attempt, variables)) {
      let ips: readonly string[]
      try {
        ips = await addressesOf(host, variables)
        trace.emit('delivery.ip-lookup', { domain: domain.domain, hostname: host.name, details: ips.map(ip => ({ ip })) })
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        trace.emit('delivery.ip-lookup-failed', { domain: domain.domain, hostname: host.name, reason })
        last = { kind: 'unreachable', error: 'dns', detail: `DNS error: ${reason}` }
        continue
      }
      for (const ip of ips) {
        last = await tryTarget(await targetOf(host, ip, attempt, variables), { message, domain, content })
        if (last.kind === 'done') return last.outcome
        // Another address of the same host helps only when this one could not be reached.
        if (last.error !== 'connection') break
      }
    }
    return allRecipients(domain, 'tempFail', last.detail, last.error)
  }

  return {
    async send(attempt) {
      try {
        return await send(attempt)
      } catch (error) {
        if (!(error instanceof NoRoute)) throw error
        return allRecipients(attempt.domain, error.isPermanent ? 'permFail' : 'tempFail', error.message, 'dns')
      }
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** RFC 5321 §5.1, RFC 7505: the MX hosts, the domain itself when it has none, nobody when it says so. */
async function mxOrDomain(resolver: Resolver, name: string): Promise<readonly MxRecord[]> {
  try {
    const { records } = await resolver.mx(name)
    if (records.length === 1 && records[0]?.exchange === '') throw new NoRoute('The domain accepts no mail (null MX).', true)
    return records.filter(({ exchange }) => exchange !== '')
  } catch (error) {
    if (!(error instanceof DnsError) || error.fault !== 'noData') throw error
    return [{ preference: 0, exchange: name }]
  }
}

/** Hosts of equal preference in random order. */
function shuffleEqual(records: readonly MxRecord[], random: Random): MxRecord[] {
  return records
    .map(record => ({ record, lot: random.integer(1_000_000) }))
    .sort((a, b) => a.record.preference - b.record.preference || a.lot - b.lot)
    .map(({ record }) => record)
}

// DNS: the only place that asks it. Answers carry their TTL and whether the resolver vouches for them (AD); failures say whether
// asking again may help. Owns a bounded cache. Never decides what a missing record means.
export { memoryResolver, type Zone, zoneFrom } from './memory.ts'
export { askableName } from './names.ts'
export { createResolver, type NameServer, type ResolverOptions, systemNameServers } from './resolver.ts'

export {
  createUpdater,
  type Prerequisite,
  tsigAlgorithms,
  UpdateRefused,
  type Updater,
  type UpdateServer,
  type UpdateStep,
  type ZoneRecord,
} from './update.ts'

export type RecordType = 'A' | 'AAAA' | 'MX' | 'TXT' | 'PTR' | 'TLSA' | 'CNAME' | 'SRV' | 'SOA'

/** `notFound`: the name does not exist. `noData`: it does, without records of the type. `temporary`: ask again later. */
export type DnsFault = 'notFound' | 'noData' | 'temporary'

export class DnsError extends Error {
  override readonly name = 'DnsError'
  readonly fault: DnsFault
  constructor(fault: DnsFault, message: string) {
    super(message)
    this.fault = fault
  }
}

export interface Answer<T> {
  readonly records: readonly T[]
  readonly ttlSeconds: number
  /** The resolver says that it validated the answer (RFC 4035 §3.2.3). */
  readonly isAuthenticated: boolean
}

export interface MxRecord {
  readonly preference: number
  /** Lower case, without the final dot; empty for a null MX (RFC 7505). */
  readonly exchange: string
}

/** RFC 6698 §2.1 */
export interface TlsaRecord {
  readonly usage: number
  readonly selector: number
  readonly matching: number
  readonly data: Buffer
}

/** RFC 2782 */
export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly port: number
  /** Lower case, without the final dot. */
  readonly target: string
}

/** Every method rejects with DnsError. Names are given without the final dot, in any case; aliases are followed. */
export interface Resolver {
  a(name: string): Promise<Answer<string>>
  aaaa(name: string): Promise<Answer<string>>
  /** By preference, lowest first. */
  mx(name: string): Promise<Answer<MxRecord>>
  /** Strings of one record joined. */
  txt(name: string): Promise<Answer<string>>
  /** Names of an IP address. */
  ptr(ip: string): Promise<Answer<string>>
  tlsa(name: string): Promise<Answer<TlsaRecord>>
  srv(name: string): Promise<Answer<SrvRecord>>
  /** What the name itself is an alias of; not followed further. */
  cname(name: string): Promise<Answer<string>>
  /** Asks anew about this name next time, whatever is remembered of it. */
  forget(name: string): void
}

/**
 * All addresses of a name, IPv4 first. Rejects with DnsError when there are none: `temporary` if one of the two questions may have an
 * answer later.
 */
export async function ips(resolver: Pick<Resolver, 'a' | 'aaaa'>, name: string): Promise<Answer<string>> {
  const outcomes = await Promise.allSettled([resolver.a(name), resolver.aaaa(name)])
  const answers = outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const faults = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
  if (answers.length === 0)
    throw faults.find(fault => !(fault instanceof DnsError) || fault.fault === 'temporary') ?? faults.find(isNoData) ?? faults[0]
  return {
    records: answers.flatMap(answer => answer.records),
    ttlSeconds: Math.min(...answers.map(answer => answer.ttlSeconds)),
    isAuthenticated: answers.every(answer => answer.isAuthenticated),
  }
}

function isNoData(error: unknown): boolean {
  return error instanceof DnsError && error.fault === 'noData'
}

import { readFile } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'
import type { Clock, Random } from '#base/clock'
import { type Answer, DnsError, type RecordType, type Resolver } from './index.ts'
import { askableName, canonicalName, parseTlsa, reverseName } from './names.ts'
import type { Question, Response } from './transport.ts'

export interface NameServer {
  readonly protocol: 'udp' | 'tcp' | 'tls'
  readonly ip: string
  readonly port: number
}

export interface ResolverOptions {
  readonly servers: readonly NameServer[]
  /** Rounds over all servers. */
  readonly attempts: number
  /** Longest wait for one answer. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly random: Random
  /** Answers kept. Default 10,000. */
  readonly maxCached?: number
  /** Bytes of answers kept, about: strangers choose which long records we look up. Default 16 MiB. */
  readonly maxCachedBytes?: number
  /** Questions under way at once; more wait. Default 256. */
  readonly maxConcurrent?: number
}

interface Cached {
  readonly expiresAt: number
  readonly outcome: Answer<unknown> | DnsError
}

const recordTypes: readonly RecordType[] = ['A', 'AAAA', 'MX', 'TXT', 'PTR', 'TLSA', 'CNAME', 'SRV']
const maxTtlSeconds = 86_400
const failureTtlSeconds = 5
const maxAliases = 8
const maxWaiting = 10_000

/** Servers of /etc/resolv.conf; none when the file can't be read. */
export async function systemNameServers(path = '/etc/resolv.conf'): Promise<readonly NameServer[]> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, ip = '']) => ({ protocol: 'udp', ip: ip.replace(/%.*$/, ''), port: 53 }))
}

/** Asks name servers, with a cache that keeps to TTLs, also for what is not there (RFC 2308). */
export function createResolver(options: ResolverOptions): Resolver {
  const { clock, maxCached = 10_000, maxCachedBytes = 16 * 1024 * 1024, maxConcurrent = 256 } = options
  const cache = new LRUCache<string, Cached>({ max: maxCached, maxSize: maxCachedBytes, sizeCalculation: sizeOf })
  const underWay = new Map<string, Promise<Answer<unknown>>>()
  const waiting: Array<() => void> = []
  let running = 0

  async function slot<T>(work: () => Promise<T>): Promise<T> {
    if (running >= maxConcurrent) {
      if (waiting.length >= maxWaiting) throw new DnsError('temporary', 'too many questions are waiting')
      // Whoever is done hands its slot over.
      await new Promise<void>(resolve => waiting.push(resolve))
    } else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }

  function look<T>(name: string, type: RecordType, read: (data: unknown) => T | undefined): Promise<Answer<T>> {
    const owner = askableName(name)
    if (owner === undefined) return Promise.reject(new DnsError('notFound', `${name.slice(0, 100)}: not a name`))
    const key = `${type} ${owner}`
    const known = cache.get(key)
    if (known !== undefined && known.expiresAt > clock.now()) {
      return known.outcome instanceof DnsError ? Promise.reject(known.outcome) : Promise.resolve(known.outcome as Answer<T>)
    }
    const same = underWay.get(key)
    if (same !== undefined) return same as Promise<Answer<T>>
    const asked = slot(() => ask(owner, type, read))
    underWay.set(key, asked)
    asked
      .then(
        answer => remember(key, answer, answer.ttlSeconds),
        error => error instanceof DnsError && remember(key, error, ttlOf(error)),
      )
      .finally(() => underWay.delete(key))
    return asked
  }

  function remember(key: string, outcome: Answer<unknown> | DnsError, ttlSeconds: number): void {
    cache.set(key, { outcome, expiresAt: clock.now() + Math.min(ttlSeconds, maxTtlSeconds) * 1000 })
  }

  async function ask<T>(name: string, type: RecordType, read: (data: unknown) => T | undefined): Promise<Answer<T>> {
    if (name === 'localhost' && (type === 'A' || type === 'AAAA'))
      return { records: [(type === 'A' ? '127.0.0.1' : '::1') as T], ttlSeconds: 3600, isAuthenticated: false }
    let reason = 'no name servers are configured'
    for (let attempt = 0; attempt < Math.max(1, options.attempts); attempt++) {
      for (const server of options.servers) {
        try {
          return pick(name, type, read, await send({ name, type }, server))
        } catch (error) {
          if (error instanceof DnsError && error.fault !== 'temporary') throw error
          reason = error instanceof Error ? error.message : String(error)
        }
      }
    }
    throw new DnsError('temporary', `${name}: ${reason}`)
  }

  async function send(question: Question, server: NameServer): Promise<Response> {
    const { exchange } = await import('./transport.ts')
    return exchange(question, server, options)
  }

  return {
    a: name => look(name, 'A', asText),
    aaaa: name => look(name, 'AAAA', asText),
    txt: name => look(name, 'TXT', data => Buffer.concat([data as Buffer | Buffer[]].flat()).toString('utf8')),
    async mx(name) {
      const answer = await look(name, 'MX', data => {
        const { preference = 0, exchange: host } = data as { preference?: number; exchange: string }
        return { preference, exchange: canonicalName(host) }
      })
      return { ...answer, records: [...answer.records].sort((a, b) => a.preference - b.preference) }
    },
    async ptr(ip) {
      const name = reverseName(ip)
      if (name === undefined) throw new DnsError('notFound', `${ip}: not an address`)
      return look(name, 'PTR', data => canonicalName(String(data)))
    },
    srv: name =>
      look(name, 'SRV', data => {
        const { priority = 0, weight = 0, port, target } = data as { priority?: number; weight?: number; port: number; target: string }
        return { priority, weight, port, target: canonicalName(target) }
      }),
    cname: name => look(name, 'CNAME', data => canonicalName(String(data))),
    forget(name) {
      const owner = askableName(name)
      for (const type of recordTypes) cache.delete(`${type} ${owner}`)
    },
    tlsa: name => look(name, 'TLSA', data => (Buffer.isBuffer(data) ? parseTlsa(data) : readTlsa(data))),
  }
}

/** Bytes an answer takes in the cache, about. */
function sizeOf({ outcome }: Cached, key: string): number {
  const overhead = 200 + 2 * key.length
  if (outcome instanceof DnsError) return overhead + 2 * outcome.message.length
  return outcome.records.reduce<number>((sum, record) => sum + 50 + recordBytes(record), overhead)
}

function recordBytes(record: unknown): number {
  if (typeof record === 'string') return 2 * record.length
  const { data, exchange, target } = record as { data?: Buffer; exchange?: string; target?: string }
  return (data?.length ?? 0) + 2 * ((exchange ?? target)?.length ?? 0)
}

function readTlsa(data: unknown): { usage: number; selector: number; matching: number; data: Buffer } {
  const { usage, selector, matchingType, certificate } = data as {
    usage: number
    selector: number
    matchingType: number
    certificate: Buffer
  }
  return { usage, selector, matching: matchingType, data: certificate }
}

function asText(data: unknown): string {
  return String(data)
}

const negativeTtl = new WeakMap<DnsError, number>()

function ttlOf(error: DnsError): number {
  return negativeTtl.get(error) ?? failureTtlSeconds
}

/** The records of the type at the end of the chain of aliases. */
function pick<T>(name: string, type: RecordType, read: (data: unknown) => T | undefined, response: Response): Answer<T> {
  if (response.rcode !== 'NOERROR' && response.rcode !== 'NXDOMAIN')
    throw new DnsError('temporary', `the server answered ${response.rcode}`)
  let owner = name
  let ttlSeconds = maxTtlSeconds
  for (let hop = 0; hop < maxAliases; hop++) {
    const alias = response.answers.find(record => record.type === 'CNAME' && canonicalName(record.name) === owner)
    if (alias === undefined || type === 'CNAME') break
    owner = canonicalName(String(alias.data))
    ttlSeconds = Math.min(ttlSeconds, alias.ttl)
  }
  const own = response.answers.filter(record => record.type === type && canonicalName(record.name) === owner)
  if (own.length > 0) {
    const records = own.map(record => read(record.data)).filter(record => record !== undefined)
    return { records, ttlSeconds: Math.min(ttlSeconds, ...own.map(record => record.ttl)), isAuthenticated: response.isAuthenticated }
  }
  const error =
    response.rcode === 'NXDOMAIN' ? new DnsError('notFound', `${name}: no such name`) : new DnsError('noData', `${name}: no ${type} record`)
  negativeTtl.set(error, response.negativeTtlSeconds ?? failureTtlSeconds)
  throw error
}

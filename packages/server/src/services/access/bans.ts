// The block list: who is refused at the door, why, until when. Counts misbehaviour and bans by itself; never the owner.
import { BlockList, isIPv6 } from 'node:net'
import {
  settings as declared,
  type EventId,
  failure,
  formatIp,
  type IpNetwork,
  ipBytes,
  ipOrNetwork,
  networkContains,
  ValueError,
} from '@postern/contract'
import { LRUCache } from 'lru-cache'
import type { Clock } from '#base/clock'
import { ip as ipField, type Trace } from '#base/trace'
import type { Ephemeral } from '#data/ephemeral'
import type { Settings } from '#data/settings'
import { type Ban, getBan, listEndedBans, recordBan, removeBan, type Store } from '#data/store'

/** What misbehaviour is counted. */
export type Offence = 'auth' | 'abuse' | 'loiter' | 'scan'

const rules = {
  auth: { rate: declared.server.autoBanAuthRate, event: 'security.authentication-ban' },
  abuse: { rate: declared.server.autoBanAbuseRate, event: 'security.abuse-ban' },
  loiter: { rate: declared.server.autoBanLoiterRate, event: 'security.loiter-ban' },
  scan: { rate: declared.server.autoBanScanRate, event: 'security.scan-ban' },
} as const satisfies Record<Offence, { rate: unknown; event: EventId }>

export interface Bans {
  /** Whether connections of the address are refused. */
  isBlocked(address: string): boolean
  /** Whether the address may never be banned: loopback, the allow list, our proxies, where an administrator signed in within a day. */
  isAllowed(address: string): boolean
  /** Remembers where an administrator is. */
  protect(address: string): void
  /**
   * Counts an offence under the address (of IPv6 under its /64) and, when given, a second key (login name, recipient).
   * @returns whether the address is banned by it
   */
  count(offence: Offence, address: string, detail: { readonly key?: string; readonly evidence: string }): Promise<boolean>
  /** Bans at once. */
  ban(offence: Offence, address: string, evidence: string): Promise<boolean>
  /** Bans what a person asks for; throws `invalidParameters`, `fieldAlreadyExists`, or `other` for what may never be banned. */
  banByHand(wanted: ManualBan): Promise<BanEntry>
  /** Takes a ban back. @returns whether there was one */
  lift(target: string, author?: string): Promise<boolean>
  /** What is on the block list, by address. */
  list(query: { readonly filter?: string; readonly skip: number; readonly limit: number }): Promise<BanPage>
  /** Undefined when it is not on the block list; throws `invalidParameters` for what is no address. */
  find(target: string): Promise<BanEntry | undefined>
  /** Lifts bans whose time is over; called by housekeeping. */
  expire(): Promise<void>
}

export interface ManualBan {
  /** Address or network. */
  readonly target: string
  readonly reason: string
  /** Unix milliseconds; undefined stays until lifted. */
  readonly expiresAt: number | undefined
  /** Name of the account. */
  readonly author: string
  /** Where the caller is. */
  readonly from: string
}

/** A line of the block list, with what is known about it. */
export interface BanEntry {
  readonly target: string
  readonly ban: Ban | undefined
}

export interface BanPage {
  readonly items: readonly BanEntry[]
  readonly total: number
}

export interface BansParts {
  readonly store: Store
  readonly settings: Settings
  readonly ephemeral: Ephemeral
  readonly clock: Clock
  readonly trace: Trace
}

const blockedPrefix = declared.server.blockedIp.pattern
const protectForMs = 24 * 60 * 60 * 1000

export function createBans({ store, settings, ephemeral, clock, trace }: BansParts): Bans {
  const administrators = new LRUCache<string, number>({ max: 1000 })
  let lists = readLists(settings)
  settings.onReload(() => {
    lists = readLists(settings)
  })

  function isAllowed(address: string): boolean {
    return isProtected(address) || matches(lists.allowed, address)
  }

  function isProtected(address: string): boolean {
    return (administrators.get(address) ?? 0) > clock.now()
  }

  async function ban(offence: Offence, address: string, evidence: string, events = 1): Promise<boolean> {
    if (isAllowed(address) || matches(lists.blocked, address)) return false
    const createdAt = clock.now()
    const expiry = settings.read(declared.server.autoBanExpiry)
    const expiresAt = expiry === undefined ? undefined : createdAt + expiry
    const target = partyOf(address)
    await put({ address: target, reason: offence, evidence, createdAt, expiresAt, events, author: 'system' })
    // Holds even when another setting is broken and the reload was refused.
    addTo(lists.blocked, networkOf(target))
    trace.emit(rules[offence].event, {
      remoteIp: ipField(address),
      reason: evidence,
      ...(expiresAt !== undefined && { expires: { time: expiresAt } }),
    })
    return true
  }

  async function put(entry: Ban): Promise<void> {
    await store.write(recordBan, { ban: entry })
    await settings.change([{ kind: 'put', entries: [[keyOf(entry.address), '']] }], {
      author: entry.author,
      note: `ban: ${entry.evidence}`,
    })
    await settings.reload({ only: [blockedPrefix] })
  }

  async function banByHand({ target, reason, expiresAt, author, from }: ManualBan): Promise<BanEntry> {
    const network = networkOf(target)
    const address = ipOrNetwork.format(network)
    const createdAt = clock.now()
    if (expiresAt !== undefined && expiresAt <= createdAt) throw failure('invalidParameters', { detail: 'expiresAt lies in the past' })
    if (reason.length > longestReason) throw failure('invalidParameters', { detail: `a reason has at most ${longestReason} characters` })
    const safe = [
      { who: 'this server', networks: loopback },
      { who: 'the address you call from', networks: networksOf([from]) },
      { who: 'the allow list', networks: settings.read(declared.server.allowedIp) },
      { who: 'a proxy of the settings', networks: proxiesOf(settings) },
      { who: 'an administrator', networks: networksOf([...administrators.keys()].filter(isProtected)) },
    ].find(({ networks }) => networks.some(other => overlaps(network, other)))
    if (safe !== undefined) throw failure('other', { details: 'This cannot be banned', reason: `${address} belongs to ${safe.who}` })
    if (settings.stored().get(keyOf(address)) !== undefined) throw failure('fieldAlreadyExists', { field: 'address', value: address })
    const entry: Ban = { address, reason: 'manual', evidence: reason, createdAt, expiresAt, events: 0, author }
    await put(entry)
    return { target: address, ban: entry }
  }

  async function lift(target: string, author = 'system'): Promise<boolean> {
    const had = await store.write(removeBan, { address: target })
    const listed = settings.stored().get(keyOf(target)) !== undefined
    if (listed) await settings.change([{ kind: 'delete', keys: [keyOf(target)] }], { author, note: 'ban lifted' })
    await settings.reload({ only: [blockedPrefix] })
    // As above: the reload may have been refused.
    lists = readLists(settings, target)
    return had || listed
  }

  const entryOf = async (target: string): Promise<BanEntry> => ({ target, ban: await store.read(getBan, { address: target }) })

  return {
    isAllowed,
    ban,
    lift,
    isBlocked: address => matches(lists.blocked, address) && !isAllowed(address),
    protect: address => administrators.set(address, clock.now() + protectForMs),
    async count(offence, address, { key, evidence }) {
      const rate = settings.read(rules[offence].rate)
      if (rate === undefined || isAllowed(address)) return false
      const counts = [await ephemeral.count(`ban:${offence}:${partyOf(address)}`, rate.periodMs)]
      if (key !== undefined) counts.push(await ephemeral.count(`ban:${offence}:key:${key}`, rate.periodMs))
      const worst = Math.max(...counts.map(({ events }) => events))
      return worst > rate.count ? ban(offence, address, `${evidence}, ${worst} times`, worst) : false
    },
    banByHand,
    async list({ filter = '', skip, limit }) {
      const all = settings.stored().withPrefix(`${blockedPrefix}.`)
      const targets = all.map(([key]) => key.slice(blockedPrefix.length + 1)).filter(target => target.includes(filter.toLowerCase()))
      return { total: targets.length, items: await Promise.all(targets.slice(skip, skip + limit).map(entryOf)) }
    },
    async find(target) {
      const address = ipOrNetwork.format(networkOf(target))
      return settings.stored().get(keyOf(address)) === undefined ? undefined : entryOf(address)
    },
    async expire() {
      for (const address of await store.read(listEndedBans, { now: clock.now() })) await lift(address)
    },
  }
}

interface Lists {
  readonly blocked: BlockList
  readonly allowed: BlockList
}

/** @param without a line of the block list that does not hold any more */
function readLists(settings: Settings, without?: string): Lists {
  const blocked = new BlockList()
  const allowed = new BlockList()
  for (const network of settings.read(declared.server.blockedIp)) if (ipOrNetwork.format(network) !== without) addTo(blocked, network)
  for (const network of [...loopback, ...settings.read(declared.server.allowedIp), ...proxiesOf(settings)]) addTo(allowed, network)
  return { blocked, allowed }
}

function addTo(list: BlockList, { address, prefixLength }: IpNetwork): void {
  list.addSubnet(address, prefixLength, familyOf(address))
}

/** What a single party has at its command: an IPv4 address, or the 2^64 addresses of an IPv6 network (RFC 6177 §2). */
export function partyOf(address: string): string {
  const bytes = ipBytes(address)
  const network = bytes?.slice(0, 8)
  // Nothing in front: this machine, or an IPv4 address in other clothes.
  if (network === undefined || bytes?.length !== 16 || network.every(byte => byte === 0)) return address
  return `${formatIp([...network, ...new Array<number>(8).fill(0)])}/64`
}

const longestReason = 1000

const loopback: readonly IpNetwork[] = [
  { address: '127.0.0.0', prefixLength: 8 },
  { address: '::1', prefixLength: 128 },
]

/** A ban of a proxy would shut out everybody behind it. */
function proxiesOf(settings: Settings): readonly IpNetwork[] {
  const listeners = settings.idsOf(declared.server.listenerProxyTrustedNetworks)
  return [
    ...settings.read(declared.server.proxyTrustedNetworks),
    ...listeners.flatMap(id => settings.read(declared.server.listenerProxyTrustedNetworks, { id })),
  ]
}

function keyOf(target: string): string {
  return `${blockedPrefix}.${target}`
}

function networkOf(target: string): IpNetwork {
  try {
    return ipOrNetwork.parse(target)
  } catch (error) {
    if (!(error instanceof ValueError)) throw error
    throw failure('invalidParameters', { detail: error.message })
  }
}

function networksOf(addresses: readonly string[]): readonly IpNetwork[] {
  return addresses.flatMap(address => {
    const bytes = ipBytes(address)
    return bytes === undefined ? [] : [{ address, prefixLength: bytes.length * 8 }]
  })
}

/** Whether the networks have an address in common: then the wider one contains the other. */
function overlaps(a: IpNetwork, b: IpNetwork): boolean {
  const prefixLength = Math.min(a.prefixLength, b.prefixLength)
  return networkContains({ address: a.address, prefixLength }, b.address)
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}

function matches(list: BlockList, address: string): boolean {
  return list.check(address, familyOf(address))
}

// The block list: who is refused at the door, why, until when. Counts misbehaviour and bans by itself; never the owner.
import { BlockList, isIPv6 } from 'node:net'
import { settings as declared, type EventId } from '@postern/contract'
import { LRUCache } from 'lru-cache'
import type { Clock } from '#base/clock'
import { ip as ipField, type Trace } from '#base/trace'
import type { Ephemeral } from '#data/ephemeral'
import type { Settings } from '#data/settings'
import { type Ban, listBans, listEndedBans, recordBan, removeBan, type Store } from '#data/store'

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
  /** Whether the address may never be banned: loopback, the allow list, where an administrator signed in within a day. */
  isAllowed(address: string): boolean
  /** Remembers where an administrator is. */
  protect(address: string): void
  /**
   * Counts an offence under the address and, when given, a second key (login name, recipient).
   * @returns whether the address is banned by it
   */
  count(offence: Offence, address: string, detail: { readonly key?: string; readonly evidence: string }): Promise<boolean>
  /** Bans at once. */
  ban(offence: Offence, address: string, evidence: string): Promise<boolean>
  /** Takes a ban back. @returns whether there was one */
  lift(address: string): Promise<boolean>
  /** Evidence of bans, by address. */
  list(page: { readonly after: string; readonly limit: number }): Promise<readonly Ban[]>
  /** Lifts bans whose time is over; called by housekeeping. */
  expire(): Promise<void>
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
    const protectedUntil = administrators.get(address) ?? 0
    return protectedUntil > clock.now() || matches(lists.allowed, address)
  }

  async function ban(offence: Offence, address: string, evidence: string): Promise<boolean> {
    if (isAllowed(address) || matches(lists.blocked, address)) return false
    const createdAt = clock.now()
    const expiry = settings.read(declared.server.autoBanExpiry)
    const expiresAt = expiry === undefined ? undefined : createdAt + expiry
    await store.write(recordBan, { ban: { address, reason: offence, evidence, createdAt, expiresAt } })
    await settings.change([{ kind: 'put', entries: [[`${blockedPrefix}.${address}`, '']] }])
    await settings.reload({ only: [blockedPrefix] })
    // Holds even when another setting is broken and the reload was refused.
    lists.blocked.addAddress(address, familyOf(address))
    trace.emit(rules[offence].event, {
      remoteIp: ipField(address),
      reason: evidence,
      ...(expiresAt !== undefined && { expires: { time: expiresAt } }),
    })
    return true
  }

  async function lift(address: string): Promise<boolean> {
    const had = await store.write(removeBan, { address })
    const key = `${blockedPrefix}.${address}`
    const listed = settings.stored().get(key) !== undefined
    if (listed) await settings.change([{ kind: 'delete', keys: [key] }])
    await settings.reload({ only: [blockedPrefix] })
    return had || listed
  }

  return {
    isAllowed,
    ban,
    lift,
    isBlocked: address => matches(lists.blocked, address) && !isAllowed(address),
    protect: address => administrators.set(address, clock.now() + protectForMs),
    async count(offence, address, { key, evidence }) {
      const rate = settings.read(rules[offence].rate)
      if (rate === undefined || isAllowed(address)) return false
      const counts = [await ephemeral.count(`ban:${offence}:${address}`, rate.periodMs)]
      if (key !== undefined) counts.push(await ephemeral.count(`ban:${offence}:key:${key}`, rate.periodMs))
      const worst = Math.max(...counts.map(({ events }) => events))
      return worst > rate.count ? ban(offence, address, `${evidence}, ${worst} times`) : false
    },
    list: page => store.read(listBans, page),
    async expire() {
      for (const address of await store.read(listEndedBans, { now: clock.now() })) await lift(address)
    },
  }
}

interface Lists {
  readonly blocked: BlockList
  readonly allowed: BlockList
}

function readLists(settings: Settings): Lists {
  const blocked = new BlockList()
  const allowed = new BlockList()
  for (const { address, prefixLength } of settings.read(declared.server.blockedIp))
    blocked.addSubnet(address, prefixLength, familyOf(address))
  allowed.addSubnet('127.0.0.0', 8, 'ipv4')
  allowed.addAddress('::1', 'ipv6')
  for (const { address, prefixLength } of settings.read(declared.server.allowedIp))
    allowed.addSubnet(address, prefixLength, familyOf(address))
  return { blocked, allowed }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}

function matches(list: BlockList, address: string): boolean {
  return list.check(address, familyOf(address))
}

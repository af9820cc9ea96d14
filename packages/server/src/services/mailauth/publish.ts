import { settings as declared, failure } from '@postern/contract'
import type { Clock, Random } from '#base/clock'
import {
  askableName,
  createUpdater,
  DnsError,
  type Prerequisite,
  tsigAlgorithms,
  UpdateRefused,
  type Updater,
  type UpdateStep,
} from '#base/dns'
import type { Settings } from '#data/settings'
import { listPublishedRecords, type PublishedRecord, type Store, setPublishedRecords } from '#data/store'
import type { DnsRecord } from './records.ts'

export interface PublishOptions {
  /** Id of the provider; else the one whose zone fits best. */
  readonly provider: string | undefined
  readonly dryRun: boolean
  /** Replaces records of others too. */
  readonly force: boolean
}

export interface Conflict extends DnsRecord {
  readonly found: readonly string[]
  readonly reason: string
}

export interface Publication {
  readonly zone: string
  readonly added: readonly DnsRecord[]
  readonly removed: readonly DnsRecord[]
  readonly unchanged: readonly DnsRecord[]
  /** Records of others in the place of ours. */
  readonly conflicts: readonly Conflict[]
  /** Records of another zone. */
  readonly outside: readonly DnsRecord[]
}

interface Parts {
  readonly store: Store
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
}

interface RecordSet {
  /** Without the final dot, as the DNS carries it. */
  readonly name: string
  readonly type: DnsRecord['type']
  readonly wanted: readonly string[]
}

/**
 * Brings the zone of a domain up to date, as one update that holds only while nobody else changes the same records. Throws `other` when
 * no provider fits or the server refuses.
 */
export async function publishRecords(
  domain: string,
  records: readonly DnsRecord[],
  { provider, dryRun, force }: PublishOptions,
  { store, settings, clock, random }: Parts,
): Promise<Publication> {
  const owner = askableName(domain)
  if (owner === undefined) throw failure('invalidParameters', { detail: 'domain: no domain name' })
  const { updater, origin, ttlSeconds } = updaterFor(settings, owner, provider, { clock, random })
  try {
    const zone = origin ?? (await updater.zoneOf(owner))
    if (zone === undefined || !isBelow(owner, zone)) throw refused(`the server has no zone for ${domain}`)
    const ours = await store.read(listPublishedRecords, { domain: owner })
    const [inside, outside] = split(records, record => isBelow(askableName(record.name) ?? '', zone))
    const plan = await planUpdate(setsOf(inside, ours), ours, { updater, force })
    const publication = { zone, ...plan.result, outside }
    if (dryRun || plan.steps.length === 0) return publication
    await updater.update(zone, plan.prerequisites, plan.steps, ttlSeconds)
    await store.write(setPublishedRecords, { domain: owner, records: plan.owned })
    return publication
  } catch (error) {
    if (error instanceof UpdateRefused) throw refused(explain(error.rcode))
    if (error instanceof DnsError || error instanceof RangeError) throw refused(error.message)
    throw error
  }
}

function refused(reason: string): Error {
  return failure('other', { details: 'The records were not published', reason })
}

function explain(rcode: string): string {
  const texts: Readonly<Record<string, string>> = {
    NXRRSET: 'the zone changed meanwhile: try again',
    YXRRSET: 'the zone changed meanwhile: try again',
    NOTAUTH: 'the server does not know the key, or not the zone (NOTAUTH)',
    REFUSED: 'the key may not change the zone (REFUSED)',
  }
  return texts[rcode] ?? `the server answered ${rcode}`
}

function updaterFor(
  settings: Settings,
  domain: string,
  wanted: string | undefined,
  parts: { readonly clock: Clock; readonly random: Random },
): { readonly updater: Updater; readonly origin: string | undefined; readonly ttlSeconds: number } {
  const { acme } = declared
  const originOf = (id: string): string | undefined => settings.read(acme.origin, { id })?.toLowerCase().replace(/\.$/, '')
  const ids = settings.idsOf(acme.provider).filter(id => settings.read(acme.provider, { id }) === 'rfc2136-tsig')
  const fitting = ids.filter(id => {
    const origin = originOf(id)
    return origin === undefined || isBelow(domain, origin)
  })
  const best = fitting.sort((a, b) => (originOf(b)?.length ?? 0) - (originOf(a)?.length ?? 0))[0]
  const id = wanted ?? best
  if (id === undefined || !ids.includes(id))
    throw refused(
      wanted === undefined ? `no DNS server of the settings takes updates of ${domain}` : `${wanted} is no DNS server of the settings`,
    )
  const ip = settings.read(acme.host, { id })
  const name = settings.read(acme.key, { id })
  const secret = settings.read(acme.secret, { id })
  const algorithm = settings.read(acme.tsigAlgorithm, { id })
  if (ip === undefined || name === undefined || secret === undefined) throw refused(`the DNS server ${id} lacks its host, key or secret`)
  if (!tsigAlgorithms.includes(algorithm)) throw refused(`${algorithm} is not available`)
  const timeoutMs = settings.read(acme.timeout, { id })
  const key = { name, algorithm, secret: Buffer.from(secret, 'base64') }
  return {
    updater: createUpdater({ ip, port: settings.read(acme.port, { id }), key, timeoutMs }, parts),
    origin: originOf(id),
    ttlSeconds: Math.max(1, Math.floor(settings.read(acme.ttl, { id }) / 1000)),
  }
}

function isBelow(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`)
}

function split<T>(items: readonly T[], test: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [items.filter(test), items.filter(item => !test(item))]
}

/** Wanted records by name and type, and sets of which we have something to take away. */
function setsOf(records: readonly DnsRecord[], ours: readonly PublishedRecord[]): readonly RecordSet[] {
  const sets = new Map<string, { name: string; type: DnsRecord['type']; wanted: string[] }>()
  const setFor = (name: string, type: DnsRecord['type']): string[] => {
    const key = `${type} ${name}`
    const set = sets.get(key) ?? { name, type, wanted: [] }
    sets.set(key, set)
    return set.wanted
  }
  for (const { name, type, content } of ours)
    if (!records.some(record => askableName(record.name) === name && record.type === type && record.content === content))
      setFor(name, type as DnsRecord['type'])
  for (const { name, type, content } of records) {
    const wanted = setFor(askableName(name) ?? name, type)
    if (!wanted.includes(content)) wanted.push(content)
  }
  return [...sets.values()]
}

interface Plan {
  readonly result: Pick<Publication, 'added' | 'removed' | 'unchanged' | 'conflicts'>
  readonly prerequisites: readonly Prerequisite[]
  readonly steps: readonly UpdateStep[]
  /** What is ours once it is done. */
  readonly owned: readonly PublishedRecord[]
}

async function planUpdate(
  sets: readonly RecordSet[],
  ours: readonly PublishedRecord[],
  { updater, force }: { readonly updater: Updater; readonly force: boolean },
): Promise<Plan> {
  const result = { added: [] as DnsRecord[], removed: [] as DnsRecord[], unchanged: [] as DnsRecord[], conflicts: [] as Conflict[] }
  const prerequisites: Prerequisite[] = []
  const steps: UpdateStep[] = []
  const owned: PublishedRecord[] = []
  for (const { name, type, wanted } of sets) {
    const present = await updater.records(name, type)
    const shown = (content: string): DnsRecord => ({ type, name: `${name}.`, content })
    const isOurs = (content: string): boolean =>
      ours.some(record => record.name === name && record.type === type && record.content === content)
    const rivals = present.filter(
      content => !wanted.includes(content) && !isOurs(content) && wanted.some(own => isRival(type, own, content)),
    )
    if (rivals.length > 0 && !force) {
      const reason =
        type === 'TXT'
          ? 'a record of the same kind is there that this server did not write'
          : `${type} records are there that this server did not write`
      for (const content of wanted) result.conflicts.push({ ...shown(content), found: rivals, reason })
      owned.push(...present.filter(isOurs).map(content => ({ name, type, content })))
      continue
    }
    const beside = type === 'CNAME' && present.length === 0 ? await updater.dataBeside(name) : []
    if (beside.length > 0) {
      for (const content of wanted)
        result.conflicts.push({ ...shown(content), found: beside, reason: 'the name has data of its own, an alias has none' })
      continue
    }
    const gone = present.filter(content => !wanted.includes(content) && (isOurs(content) || rivals.includes(content)))
    const fresh = wanted.filter(content => !present.includes(content))
    result.unchanged.push(...wanted.filter(content => present.includes(content)).map(shown))
    result.removed.push(...gone.map(shown))
    result.added.push(...fresh.map(shown))
    owned.push(...wanted.filter(content => fresh.includes(content) || isOurs(content)).map(content => ({ name, type, content })))
    if (gone.length === 0 && fresh.length === 0) continue
    prerequisites.push(present.length > 0 ? { kind: 'exactly', name, type, contents: present } : { kind: 'none', name, type })
    steps.push(...gone.map((content): UpdateStep => ({ kind: 'remove', record: { name, type, content } })))
    steps.push(...fresh.map((content): UpdateStep => ({ kind: 'add', record: { name, type, content } })))
  }
  return { result, prerequisites, steps, owned }
}

/** Whether two records of one name and type cannot stand beside each other. Other TXT records than ours are none of our business. */
function isRival(type: DnsRecord['type'], own: string, other: string): boolean {
  if (type !== 'TXT') return type !== 'TLSA'
  const kindOf = (text: string): string => /^v=(\w+)/i.exec(text)?.[1]?.toLowerCase() ?? ''
  return kindOf(own) === kindOf(other)
}

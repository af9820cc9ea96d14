// How a domain proves that its mail is its own: signing keys (DKIM) and the records that its DNS zone should have, checked and
// published. Owns keys beside those of the settings; tenants see their own domains alone. Never signs a message itself.
import { failure } from '@postern/contract'
import type { Clock, Random } from '#base/clock'
import type { Resolver } from '#base/dns'
import type { Settings } from '#data/settings'
import type { Store } from '#data/store'
import type { Certificates } from '#services/certificates'
import type { Caller, Directory } from '#services/directory'
import { checkRecords, type DnsFinding } from './check.ts'
import { createSigningKeys, type NewKey, type Rotation } from './keys.ts'
import { mtaStsPolicy } from './mta-sts.ts'
import { type Publication, type PublishOptions, publishRecords } from './publish.ts'
import { type DnsRecord, recordsOf } from './records.ts'

export type { DnsFinding } from './check.ts'
export type { NewKey, Rotation } from './keys.ts'
export type { Publication, PublishOptions } from './publish.ts'
export type { DnsRecord } from './records.ts'

/** Callers with a tenant reach domains of their tenant alone; others are `notFound`, or `resourceNotFound` for signatures. */
export interface MailAuth {
  /** Makes a signature that acts at once. Throws `invalidParameters`, `fieldAlreadyExists`. */
  createKey(caller: Caller, wanted: NewKey): Promise<void>
  /** What stands in the DNS as `p=`; throws `resourceNotFound`, `other` for a key that can't be read. */
  publicKey(caller: Caller, id: string): Promise<string>
  /** Starts the rotation of a key, or goes on with it. */
  rotateKey(caller: Caller, id: string, options: { readonly selector?: string; readonly force: boolean }): Promise<Rotation>
  /** Switches to keys that the DNS shows, forgets former ones whose time is over; called by housekeeping. */
  continueRotations(): Promise<void>
  /** The records a domain should have, names as given. */
  records(caller: Caller, domain: string): Promise<readonly DnsRecord[]>
  check(caller: Caller, domain: string): Promise<readonly DnsFinding[]>
  publish(caller: Caller, domain: string, options: PublishOptions): Promise<Publication>
  /** Text of the policy for other servers (RFC 8461 §3.2); undefined when there is none. */
  mtaStsPolicy(): Promise<string | undefined>
}

export interface MailAuthParts {
  readonly store: Store
  readonly settings: Settings
  readonly directory: Pick<Directory, 'byName'>
  readonly certificates: Pick<Certificates, 'chainFor'>
  readonly resolver: Resolver
  readonly clock: Clock
  readonly random: Random
}

export function createMailAuth(parts: MailAuthParts): MailAuth {
  const { directory, settings, certificates, resolver, clock } = parts
  const keys = createSigningKeys(parts)

  async function isVisible({ tenantId }: Caller, domain: string): Promise<boolean> {
    if (tenantId === undefined) return true
    const found = await directory.byName(domain)
    return found?.type === 'domain' && found.tenant?.id === tenantId
  }

  async function demandDomain(caller: Caller, domain: string): Promise<void> {
    if (!(await isVisible(caller, domain.toLowerCase()))) throw failure('notFound', { item: domain })
  }

  async function demandSignature(caller: Caller, id: string): Promise<void> {
    const domain = await keys.domainOf(id)
    if (domain === undefined || !(await isVisible(caller, domain))) throw failure('resourceNotFound')
  }

  async function wanted(domain: string): Promise<readonly DnsRecord[]> {
    const reader = await settings.preview()
    return recordsOf(domain, { reader, chainFor: certificates.chainFor, keys: await keys.published(domain, reader) })
  }

  return {
    async createKey(caller, key) {
      await demandDomain(caller, key.domain)
      await keys.create(key, { author: caller.name, ownIdsOnly: caller.tenantId !== undefined })
    },
    async publicKey(caller, id) {
      await demandSignature(caller, id)
      return keys.publicKey(id)
    },
    async rotateKey(caller, id, options) {
      await demandSignature(caller, id)
      return keys.rotate(id, { ...options, author: caller.name })
    },
    continueRotations: keys.continueRotations,
    async records(caller, domain) {
      await demandDomain(caller, domain)
      return wanted(domain)
    },
    async check(caller, domain) {
      await demandDomain(caller, domain)
      return checkRecords(await wanted(domain), { resolver, clock })
    },
    async publish(caller, domain, options) {
      await demandDomain(caller, domain)
      return publishRecords(domain.toLowerCase(), await wanted(domain.toLowerCase()), options, parts)
    },
    mtaStsPolicy: async () => mtaStsPolicy(await settings.preview(), certificates.chainFor)?.text,
  }
}

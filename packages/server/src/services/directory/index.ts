// Who exists and what they may do: principals of all types, their addresses, roles and permissions, tenants. Owns the rules by
// which principals are created, changed and removed. Never checks a password and never knows a protocol.
import { settings as declared, failure, type PermissionId } from '@postern/contract'
import { LRUCache } from 'lru-cache'
import type { Trace } from '#base/trace'
import type { Settings } from '#data/settings'
import {
  everyPrincipal,
  foldName,
  getAddressOwner,
  getPrincipalById,
  getPrincipalByName,
  listDomains,
  type PrincipalRecord,
  type Related,
  type Store,
} from '#data/store'
import { type Administration, createAdministration } from './administration.ts'
import { createCatalogue } from './catalogue.ts'
import { asciiDomain, foldAddress } from './names.ts'
import { createOutside, type LoginAccount } from './outside.ts'
import { createOwnSecrets, type OwnSecrets } from './own-secrets.ts'
import { createRemovals } from './removals.ts'
import { createRights, type Rights } from './rights.ts'

export type { Administration, PrincipalQuery } from './administration.ts'
export type { PrincipalInput, PrincipalOperation } from './input.ts'
export type { PrincipalOutput } from './output.ts'
export type { LoginAccount } from './outside.ts'
export type { OwnSecretChange, OwnSecrets } from './own-secrets.ts'
export { allPermissions, type Rights, rightsOf } from './rights.ts'

/** Somebody who proved who they are. */
export interface Caller {
  /** Principal id; `fallbackAdministratorId` for the emergency administrator. */
  readonly accountId: number
  /** Login name, or `Fallback Administrator`. */
  readonly name: string
  readonly rights: Rights
  readonly tenantId: number | undefined
}

/** Belongs to no principal. */
export const fallbackAdministratorId = 4_294_967_295

/** Where mail to an address goes. */
export type Resolution =
  /** A mailbox of an individual or group. */
  | { readonly kind: 'mailbox'; readonly accountId: number; readonly name: string }
  /** A mailing list: mail goes to the addresses instead. */
  | { readonly kind: 'list'; readonly name: string; readonly addresses: readonly string[] }
  | { readonly kind: 'unknown' }

export interface Directory extends Administration, OwnSecrets {
  byId(id: number): Promise<PrincipalRecord | undefined>
  /** Names are compared in lower case. */
  byName(name: string): Promise<PrincipalRecord | undefined>
  /**
   * The account that a login names, with what proves it: kept here, or in the directory that the settings name. Rejects with
   * `directoryUnavailable` when that one does not answer.
   */
  account(login: string): Promise<LoginAccount | undefined>
  /** The account of an access token that another directory gave out, if the settings name one that knows tokens. */
  byToken(token: string): Promise<PrincipalRecord | undefined>
  /** Accounts and their passwords are kept here. */
  isInternal(): boolean
  /** Effective permissions of a principal; empty when it does not exist. */
  rights(id: number): Promise<Rights>
  isLocalDomain(domain: string): Promise<boolean>
  domains(): Promise<ReadonlySet<string>>
  /** Finds the recipient of an address: as it stands, without sub-address, by catch-all. */
  resolve(address: string): Promise<Resolution>
  /** Whether the account may use the address as sender: its own addresses, those of its groups, and its name. */
  ownsAddress(accountId: number, address: string): Promise<boolean>
  /** Removes what deleted principals left behind, also those of an earlier run; resolves when nothing is left. */
  finishRemovals(): Promise<void>
}

export interface DirectoryParts {
  readonly store: Store
  readonly settings: Settings
  /** Turns a plain-text secret into the form that is stored; already hashed ones pass. */
  readonly hashSecret: (secret: string) => Promise<string>
  /** Whether a plain text matches a stored secret. */
  readonly verifySecret: (stored: string, secret: string) => Promise<boolean>
  readonly trace: Trace
  /** Removes all mail of an account in steps; may be repeated. */
  readonly destroyMail: (accountId: number) => Promise<void>
}

const maxCached = 50_000

export function createDirectory({ store, settings, hashSecret, verifySecret, trace, destroyMail }: DirectoryParts): Directory & Disposable {
  const records = new LRUCache<number, PrincipalRecord>({ max: maxCached })
  const resolutions = new LRUCache<string, Resolution>({ max: maxCached })
  let domains: Promise<ReadonlySet<string>> | undefined
  /** Counts commits: what was read before one is not kept after it. */
  let changes = 0
  const rights = createRights(byId)
  const catalogue = createCatalogue(store)
  const removals = createRemovals({ store, trace, destroyMail })
  const outside = createOutside({ store, settings, trace })

  // A principal's change may touch what others resolve to, so the derived caches go as a whole; they refill in microseconds each.
  const stop = store.onCommit(news => {
    if (news.topic !== 'principal') return
    changes++
    if (news.key === everyPrincipal) records.clear()
    else records.delete(Number(news.key))
    resolutions.clear()
    rights.forget()
    domains = undefined
  })
  const stopReload = settings.onReload(() => resolutions.clear())

  async function byId(id: number): Promise<PrincipalRecord | undefined> {
    const known = records.get(id)
    if (known !== undefined) return known
    const started = changes
    const record = await store.read(getPrincipalById, { id })
    if (record !== undefined && changes === started) records.set(id, record)
    return record
  }

  function knownDomains(): Promise<ReadonlySet<string>> {
    domains ??= store.read(listDomains, {}).then(names => new Set(names))
    domains.catch(() => {
      domains = undefined
    })
    return domains
  }

  async function resolve(address: string): Promise<Resolution> {
    const wanted = foldAddress(address)
    // What another directory knows changes without a word, and it is remembered there for as long as the settings say.
    if (!outside.looksUpHere()) return lookUp(wanted)
    const known = resolutions.get(wanted)
    if (known !== undefined) return known
    const started = changes
    const found = await lookUp(wanted)
    if (changes === started) resolutions.set(wanted, found)
    return found
  }

  async function lookUp(address: string): Promise<Resolution> {
    const domain = address.slice(address.lastIndexOf('@') + 1)
    if (!(await isLocal(domain))) return { kind: 'unknown' }
    const variables = { rcpt: address, address, email: address }
    const subAddressing = await settings.evaluate(declared.session.rcptSubAddressing, variables)
    const candidates = [address, mapped(subAddressing, withoutSubAddress, address)]
    const catchAll = await settings.evaluate(declared.session.rcptCatchAll, variables)
    candidates.push(mapped(catchAll, () => `@${domain}`, address))
    for (const candidate of new Set(candidates.filter(item => item !== undefined))) {
      const owner = await ownerOf(candidate)
      if (owner !== undefined) return ownerResolution(owner)
    }
    return { kind: 'unknown' }
  }

  async function isLocal(domain: string): Promise<boolean> {
    return (await knownDomains()).has(domain) || (!outside.looksUpHere() && (await outside.hasDomain(domain)))
  }

  async function ownerOf(address: string): Promise<Related | undefined> {
    const looksUpHere = outside.looksUpHere()
    const found = looksUpHere ? undefined : await outside.byAddress(address)
    if (found !== undefined) return found
    const owner = await store.read(getAddressOwner, { address })
    // An account that the other directory does not know any more gets nothing; groups and lists may be kept here.
    return owner?.type === 'individual' && !looksUpHere ? undefined : owner
  }

  async function remembered(record: PrincipalRecord): Promise<PrincipalRecord> {
    return (await byId(record.id)) ?? record
  }

  async function byName(name: string): Promise<PrincipalRecord | undefined> {
    const started = changes
    const record = await store.read(getPrincipalByName, { name: foldName(name) })
    if (record === undefined || changes !== started) return record
    // The record that is known already: whoever compares the two sees that nothing changed.
    const known = records.get(record.id)
    if (known === undefined) records.set(record.id, record)
    return known ?? record
  }

  async function ownerResolution(owner: Related): Promise<Resolution> {
    if (owner.type === 'individual' || owner.type === 'group') return { kind: 'mailbox', accountId: owner.id, name: owner.name }
    if (owner.type !== 'list') return { kind: 'unknown' }
    const addresses = new Set<string>()
    await collectAddresses(owner.id, addresses, new Set())
    return { kind: 'list', name: owner.name, addresses: [...addresses] }
  }

  /** Addresses of a list and of the lists on it, each once: lists may stand on each other in circles. */
  async function collectAddresses(listId: number, addresses: Set<string>, seen: Set<number>): Promise<void> {
    if (seen.has(listId)) return
    seen.add(listId)
    const list = await byId(listId)
    for (const { id, type } of list?.members ?? []) {
      if (type === 'list') await collectAddresses(id, addresses, seen)
      const [first] = (await byId(id))?.emails ?? []
      if (type !== 'list' && first !== undefined) addresses.add(first)
    }
    const local = await knownDomains()
    for (const address of list?.externalMembers ?? []) {
      const isLocal = local.has(address.slice(address.lastIndexOf('@') + 1))
      const owner = isLocal ? await store.read(getAddressOwner, { address }) : undefined
      if (owner?.type === 'list') await collectAddresses(owner.id, addresses, seen)
      else addresses.add(address)
    }
  }

  return {
    byId,
    byName,
    async account(login) {
      if (!outside.isInternal()) {
        const account = await outside.account(login)
        return account && { ...account, record: async () => remembered(await account.record()) }
      }
      const record = await byName(login)
      return record?.type === 'individual' ? { secrets: record.secrets, prove: undefined, record: async () => record } : undefined
    },
    async byToken(token) {
      const record = outside.isInternal() ? undefined : await outside.byToken(token)
      return record && remembered(record)
    },
    isInternal: outside.isInternal,
    rights: id => rights.of(id),
    isLocalDomain: async domain => isLocal(asciiDomain(foldName(domain)) ?? ''),
    domains: knownDomains,
    resolve,
    async ownsAddress(accountId, address) {
      const wanted = foldAddress(address)
      const account = await byId(accountId)
      if (account === undefined) return false
      if (account.name === wanted || account.emails.includes(wanted)) return true
      for (const group of account.memberOf) {
        if (group.type === 'group' && (await byId(group.id))?.emails.includes(wanted)) return true
      }
      const resolution = await resolve(wanted)
      return resolution.kind === 'mailbox' && resolution.accountId === accountId
    },
    ...createOwnSecrets({ store, settings, hashSecret, isInternal: outside.isInternal }),
    ...createAdministration({
      store,
      rights,
      catalogue,
      removals,
      domains: knownDomains,
      hashSecret,
      verifySecret,
      givesUserRole: () => settings.read(declared.authentication.newAccountsUserRole) === true,
      isInternal: outside.isInternal,
    }),
    finishRemovals: removals.finish,
    [Symbol.dispose]() {
      removals.stop()
      outside[Symbol.dispose]()
      stop()
      stopReload()
    },
  }
}

/** What an expression makes of an address: the usual rule for true, nothing for false, or the address it gives. */
function mapped(result: boolean | string | undefined, rule: (address: string) => string, address: string): string | undefined {
  if (typeof result === 'string') return result === '' ? undefined : result.toLowerCase()
  return result === true ? rule(address) : undefined
}

function withoutSubAddress(address: string): string {
  const at = address.lastIndexOf('@')
  const plus = address.indexOf('+')
  return plus > 0 && plus < at ? address.slice(0, plus) + address.slice(at) : address
}

/** Throws Failure `forbidden` unless the caller holds the permission. */
export function demand(caller: Caller, permission: PermissionId): void {
  if (!caller.rights.has(permission)) throw failure('forbidden', { permission })
}

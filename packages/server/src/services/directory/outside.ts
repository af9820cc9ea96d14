// The directory that `storage.directory` names, when it is not our own: asks it, remembers its answers for a while, and gives whom it
// knows a row here, which holds the id, the roles and the mail.

import { settings as declared, Failure, failure, isFailure } from '@postern/contract'
import { LRUCache } from 'lru-cache'
import type { Trace } from '#base/trace'
import type { Settings } from '#data/settings'
import { foldName, getPrincipalById, getPrincipalByName, type PrincipalRecord, type Store, syncPrincipal } from '#data/store'
import type { ExternalDirectory, ExternalPrincipal } from './external/index.ts'
import { foldAddress, readEmail, readName } from './names.ts'

/** An account, before anything is proven. */
export interface LoginAccount {
  readonly secrets: readonly string[]
  /** Asks the other directory about the password; undefined = the secrets tell. */
  readonly prove: ((password: string) => Promise<boolean>) | undefined
  /** The account as it is here, brought in line first. To be asked for once it is proven. */
  record(): Promise<PrincipalRecord>
}

export interface Outside {
  /** Accounts are kept here. */
  isInternal(): boolean
  /** Names and addresses are looked up here: accounts are kept here, or known elsewhere by tokens alone. */
  looksUpHere(): boolean
  account(login: string): Promise<LoginAccount | undefined>
  byAddress(address: string): Promise<PrincipalRecord | undefined>
  byToken(token: string): Promise<PrincipalRecord | undefined>
  hasDomain(domain: string): Promise<boolean>
}

interface Parts {
  readonly store: Store
  readonly settings: Settings
  readonly trace: Trace
}

interface Open {
  readonly directory: ExternalDirectory
  /** What was found for an address; null = nothing. */
  readonly recipients: LRUCache<string, { readonly found: ExternalPrincipal | undefined }> | undefined
  readonly positiveMs: number
  readonly negativeMs: number
}

/** Roughly what a remembered recipient weighs besides its texts. */
const recipientWeight = 100

export function createOutside({ store, settings, trace }: Parts): Outside & Disposable {
  let current: Promise<Open> | undefined
  let isClosed = false
  /** What was brought in and still differs, because somebody else has an address here: it is not tried again until something changes. */
  const settled = new LRUCache<string, string>({ max: 10_000 })

  function idOf(): string | undefined {
    const id = settings.read(declared.storage.directory)
    return id === undefined || typeOf(id) === 'internal' ? undefined : id
  }

  function typeOf(id: string): string | undefined {
    return settings.idsOf(declared.directory.type).includes(id) ? settings.read(declared.directory.type, { id }) : 'internal'
  }

  async function close(): Promise<void> {
    const old = current
    current = undefined
    const opened = await old?.catch(() => undefined)
    await opened?.directory[Symbol.asyncDispose]()
  }

  const stopReload = settings.onReload(() => void close().catch(() => {}))

  async function open(id: string): Promise<Open> {
    const size = settings.read(declared.directory.cacheSize, { id })
    return {
      directory: await openType(typeOf(id), id),
      recipients: size === undefined || size <= 0 ? undefined : new LRUCache({ maxSize: size, sizeCalculation: weigh }),
      positiveMs: settings.read(declared.directory.cacheTtlPositive, { id }),
      negativeMs: settings.read(declared.directory.cacheTtlNegative, { id }),
    }
  }

  /** Each type is loaded when it is used: most servers use none. */
  async function openType(type: string | undefined, id: string): Promise<ExternalDirectory> {
    switch (type) {
      case 'memory':
        return (await import('./external/memory.ts')).createMemoryDirectory(settings, id)
      case 'sql':
        return (await import('./external/sql.ts')).createSqlDirectory(settings, id)
      case 'ldap':
        return (await import('./external/ldap.ts')).createLdapDirectory(settings, id)
      case 'oidc':
        return (await import('./external/oidc.ts')).createOidcDirectory(settings, id)
      default:
        throw new Error(`directories of type ${type ?? 'nothing'} are not spoken to`)
    }
  }

  /** Whatever goes wrong out there is an outage: nobody is unknown because of it. */
  async function ask<Result>(question: (opened: Open) => Promise<Result>): Promise<Result> {
    const id = idOf()
    if (id === undefined || isClosed) throw failure('directoryUnavailable')
    try {
      const asked = (current ??= open(id))
      asked.catch(() => {
        if (current === asked) current = undefined
      })
      return await question(await asked)
    } catch (error) {
      if (error instanceof Failure && error.code !== 'directoryUnavailable') throw error
      const event = typeOf(id) === 'ldap' ? 'store.ldap-error' : 'auth.error'
      trace.emit(event, { id, reason: error instanceof Error ? error.message : String(error) })
      throw failure('directoryUnavailable')
    }
  }

  /** Writes only what differs: most logins and deliveries change nothing. */
  async function bringIn(given: ExternalPrincipal): Promise<PrincipalRecord> {
    const principal = { ...given, ...wellFormed(given) }
    const { secrets: _, ...told } = principal
    const known = await store.read(getPrincipalByName, { name: principal.name })
    if (known !== undefined && isInLine(known, principal)) return known
    const asKnown = (record: PrincipalRecord): string => JSON.stringify([record.changeNumber, told])
    if (known !== undefined && settled.get(principal.name) === asKnown(known)) return known
    const { id, leftOut } = await store.write(syncPrincipal, told).catch(error => {
      if (!isFailure(error, 'fieldAlreadyExists')) throw error
      // Somebody of another type has the name here: until one of them is renamed, nobody can say whose account it is.
      trace.emit('manage.already-exists', { key: principal.name, value: principal.name })
      throw failure('directoryUnavailable')
    })
    if (leftOut.length > 0) {
      trace.emit('manage.already-exists', { key: principal.name, value: leftOut.join(', ') })
    }
    const record = await store.read(getPrincipalById, { id })
    if (record === undefined) throw failure('directoryUnavailable')
    settled.set(principal.name, asKnown(record))
    return record
  }

  return {
    isInternal: () => idOf() === undefined,
    looksUpHere() {
      const id = idOf()
      return id === undefined || typeOf(id) === 'oidc'
    },
    async account(login) {
      const name = foldName(login)
      return ask(async ({ directory }) => {
        const { prove } = directory
        if (prove === undefined) {
          const found = await directory.byName(name)
          return found?.type === 'individual'
            ? { secrets: found.secrets, prove: undefined, record: () => ask(() => bringIn(found)) }
            : undefined
        }
        let proven: ExternalPrincipal | undefined
        return {
          secrets: [],
          prove: password =>
            ask(async () => {
              const found = password === '' ? undefined : await prove(name, password)
              if (found?.type === 'individual') proven = found
              return proven !== undefined
            }),
          record: () =>
            ask(async () => {
              const found = proven ?? (await directory.byName(name))
              if (found?.type !== 'individual') throw failure('authenticationFailed')
              return bringIn(found)
            }),
        }
      })
    },
    byAddress: address =>
      ask(async ({ directory, recipients, positiveMs, negativeMs }) => {
        const wanted = foldAddress(address)
        const known = recipients?.get(wanted)
        const found = known === undefined ? await directory.byAddress(wanted) : known.found
        if (known === undefined) recipients?.set(wanted, { found }, { ttl: found === undefined ? negativeMs : positiveMs })
        return found && bringIn(found)
      }),
    byToken: token =>
      ask(async ({ directory }) => {
        const found = await directory.byToken?.(token)
        return found && bringIn(found)
      }),
    hasDomain: domain => ask(async ({ directory }) => directory.domains.has(domain)),
    [Symbol.dispose]() {
      isClosed = true
      stopReload()
      void close().catch(() => {})
    },
  }
}

function weigh({ found }: { readonly found: ExternalPrincipal | undefined }, address: string): number {
  return recipientWeight + address.length + (found === undefined ? 0 : JSON.stringify(found).length)
}

const maxDescriptionBytes = 512

/**
 * By the rules that names and addresses follow here: what breaks them is left out, and who has an impossible name is nobody's account
 * (`directoryUnavailable`, as it takes somebody to look at it).
 */
function wellFormed({ type, name, description, emails, groups, lists }: ExternalPrincipal): Partial<ExternalPrincipal> {
  const readable = (texts: readonly string[] | undefined, read: (text: string) => string): readonly string[] | undefined =>
    texts && [...new Set(texts.flatMap(text => attempt(() => read(text)) ?? []))]
  const ownName = attempt(() => readName(type, type === 'group' ? joined(name) : name))
  if (ownName === undefined) throw new Error(`${JSON.stringify(name.slice(0, 100))} cannot be a name here`)
  return {
    name: ownName,
    description:
      description === undefined
        ? undefined
        : Buffer.from(description)
            .subarray(0, maxDescriptionBytes)
            .toString()
            .replace(/\ufffd$/, ''),
    emails: readable(emails, readEmail),
    groups: readable(groups, text => readName('group', joined(text))),
    lists: readable(lists, readEmail),
  }
}

/** Other directories have groups of several words. */
function joined(name: string): string {
  return name.trim().replace(/\s+/g, '-')
}

function attempt(read: () => string): string | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof Failure) return undefined
    throw error
  }
}

/** Whether the row says what the other directory says. */
function isInLine(known: PrincipalRecord, told: ExternalPrincipal): boolean {
  const names = (type: string): string => namesOf(known.memberOf.filter(other => other.type === type).map(other => other.name))
  return (
    known.type === told.type &&
    known.description === told.description &&
    (told.quota === undefined || known.quota === told.quota) &&
    (told.emails === undefined || known.emails.join('\n') === told.emails.join('\n')) &&
    (told.groups === undefined || names('group') === namesOf(told.groups)) &&
    (told.lists === undefined || names('list') === namesOf(told.lists)) &&
    (told.isAdmin === undefined || told.isAdmin === known.memberOf.some(({ type, name }) => type === 'role' && name === 'admin'))
  )
}

function namesOf(names: readonly string[]): string {
  return [...new Set(names)].sort().join('\n')
}

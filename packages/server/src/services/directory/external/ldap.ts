import { settings as declared, failure } from '@postern/contract'
import { Client, type Entry, InvalidCredentialsError, NoSuchObjectError } from 'ldapts'
import type { Settings } from '#data/settings'
import { foldName } from '#data/store'
import { foldAddress } from '../names.ts'
import { type ExternalDirectory, type ExternalPrincipal, mostValues, readClass, readQuotaText } from './index.ts'
import { escapeFilterValue, escapeNameValue, fillTemplate, firstNameValue } from './ldap-texts.ts'
import { createPlaces } from './places.ts'

/** Accounts of an LDAP server. Referrals are not followed: what they lead to is another server. */
export function createLdapDirectory(settings: Settings, id: string): ExternalDirectory {
  const url = settings.read(declared.directory.url, { id })
  const base = settings.read(declared.directory.baseDn, { id })
  if (url === undefined || base === undefined) throw failure('directoryUnavailable')
  const filters = {
    name: settings.read(declared.directory.filterName, { id }),
    email: settings.read(declared.directory.filterEmail, { id }),
  }
  const attributes = {
    name: settings.read(declared.directory.attributesName, { id }),
    class: settings.read(declared.directory.attributesClass, { id }),
    description: settings.read(declared.directory.attributesDescription, { id }),
    secret: settings.read(declared.directory.attributesSecret, { id }),
    groups: settings.read(declared.directory.attributesGroups, { id }),
    email: settings.read(declared.directory.attributesEmail, { id }),
    alias: settings.read(declared.directory.attributesEmailAlias, { id }),
    quota: settings.read(declared.directory.attributesQuota, { id }),
  }
  const wanted = [...new Set(Object.values(attributes).flat())]
  const service = {
    dn: settings.read(declared.directory.bindDn, { id }),
    secret: settings.read(declared.directory.bindSecret, { id }) ?? '',
  }
  const provesByBind = settings.read(declared.directory.bindAuthEnable, { id })
  const userTemplate = settings.read(declared.directory.bindAuthDn, { id })
  const searchesAsUser = settings.read(declared.directory.bindAuthSearch, { id })
  const tlsOptions = { rejectUnauthorized: !settings.read(declared.directory.tlsAllowInvalidCerts, { id }) }
  const usesStartTls = settings.read(declared.directory.tlsEnable, { id }) && !url.startsWith('ldaps:')
  const timeoutMs = settings.read(declared.directory.timeout, { id })
  const connectTimeoutMs = settings.read(declared.directory.poolTimeoutCreate, { id })
  const maxConnections = settings.read(declared.directory.poolMaxConnections, { id })

  const idle: Client[] = []
  const places = createPlaces(maxConnections)

  async function open(dn: string | undefined, secret: string): Promise<Client> {
    const client = new Client({
      url: url ?? '',
      timeout: timeoutMs,
      connectTimeout: connectTimeoutMs,
      strictDN: false,
      // Given for ldap:// they would mean TLS from the first byte.
      ...(url?.startsWith('ldaps:') && { tlsOptions }),
    })
    try {
      if (usesStartTls) await client.startTLS(tlsOptions)
      if (dn !== undefined) await client.bind(dn, secret)
      return client
    } catch (error) {
      await client.unbind().catch(() => {})
      throw error
    }
  }

  /** Works with a connection of the service. One that the server closed meanwhile would come back without its bind, so it is not used. */
  async function asService<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    return places.take(async () => {
      let client = idle.pop()
      if (client !== undefined && (!client.isConnected || (service.dn !== undefined && !client.isBound))) {
        await client.unbind().catch(() => {})
        client = undefined
      }
      client ??= await open(service.dn, service.secret)
      try {
        const result = await work(client)
        idle.push(client)
        return result
      } catch (error) {
        await client.unbind().catch(() => {})
        throw error
      }
    })
  }

  async function search(client: Client, filter: string | undefined, value: string): Promise<Entry | undefined> {
    if (filter === undefined || filter === '') return undefined
    const { searchEntries } = await client.search(base ?? '', {
      scope: 'sub',
      filter: fillTemplate(filter, escapeFilterValue(value)),
      attributes: wanted,
      sizeLimit: 2,
    })
    // A filter that finds two does not say who is meant, and the wrong one would get in.
    if (searchEntries.length > 1) throw new Error(`the filter finds more than one entry for ${value.slice(0, 100)}`)
    return searchEntries[0]
  }

  async function nameOfGroup(client: Client, value: string): Promise<string | undefined> {
    if (!value.includes('=')) return value
    const found = await client.search(value, { scope: 'base', attributes: [...attributes.name], sizeLimit: 1 }).catch(error => {
      if (error instanceof NoSuchObjectError) return { searchEntries: [] as Entry[] }
      throw error
    })
    const [entry] = found.searchEntries
    return (entry && valuesOf(entry, attributes.name)[0]) ?? firstNameValue(value)
  }

  async function read(client: Client, entry: Entry, asked: string | undefined): Promise<ExternalPrincipal | undefined> {
    const name = valuesOf(entry, attributes.name)[0] ?? asked
    if (name === undefined) return undefined
    const groups: string[] = []
    for (const value of valuesOf(entry, attributes.groups)) groups.push(...[await nameOfGroup(client, value)].flatMap(group => group ?? []))
    const kind = readClass(valuesOf(entry, attributes.class))
    const tellsEmails = attributes.email.length + attributes.alias.length > 0
    const emails = [...valuesOf(entry, attributes.email), ...valuesOf(entry, attributes.alias)].map(withoutScheme)
    return {
      type: kind.type,
      isAdmin: attributes.class.length === 0 ? undefined : kind.isAdmin,
      name: foldName(name),
      description: valuesOf(entry, attributes.description)[0],
      quota: readQuotaText(valuesOf(entry, attributes.quota)[0]),
      emails: tellsEmails ? [...new Set(emails.map(foldAddress))] : undefined,
      groups: attributes.groups.length === 0 ? undefined : groups.map(foldName),
      lists: undefined,
      secrets: valuesOf(entry, attributes.secret),
    }
  }

  async function find(filter: string | undefined, value: string, asked: string | undefined): Promise<ExternalPrincipal | undefined> {
    return asService(async client => {
      const entry = await search(client, filter, value)
      return entry && read(client, entry, asked)
    })
  }

  /** Binds as the user; undefined when the server refuses the password. */
  async function asUser(dn: string, password: string, name: string): Promise<ExternalPrincipal | undefined> {
    return places
      .take(async () => {
        let client: Client
        try {
          client = await open(dn, password)
        } catch (error) {
          if (error instanceof InvalidCredentialsError || error instanceof NoSuchObjectError) return undefined
          throw error
        }
        try {
          const entry = searchesAsUser ? await search(client, filters.name, name) : undefined
          if (entry !== undefined) return await read(client, entry, name)
        } finally {
          await client.unbind().catch(() => {})
        }
        return 'elsewhere' as const
      })
      .then(found => (found === 'elsewhere' ? find(filters.name, name, name) : found))
  }

  async function prove(name: string, password: string): Promise<ExternalPrincipal | undefined> {
    // A bind without a password succeeds for everybody (RFC 4513 §5.1.2).
    if (password === '') return undefined
    if (userTemplate !== undefined && userTemplate !== '') {
      const dn = fillTemplate(userTemplate, escapeNameValue(name))
      return asUser(dn, password, name)
    }
    const dn = await asService(async client => (await search(client, filters.name, name))?.dn)
    return dn === undefined ? undefined : asUser(dn, password, name)
  }

  return {
    knowsTokensOnly: false,
    byName: name => find(filters.name, name, name),
    byAddress: address => find(filters.email, address, undefined),
    prove: provesByBind ? prove : undefined,
    byToken: undefined,
    domains: new Set(),
    async [Symbol.asyncDispose]() {
      for (const client of idle.splice(0)) await client.unbind().catch(() => {})
    },
  }
}

/** Values of attributes, whose names are the same in any case. */
function valuesOf(entry: Entry, names: readonly string[]): readonly string[] {
  const lower = new Set(names.map(name => name.toLowerCase()))
  return Object.entries(entry)
    .filter(([name]) => lower.has(name.toLowerCase()))
    .flatMap(([, value]) => value)
    .slice(0, mostValues)
    .map(value => (typeof value === 'string' ? value : value.toString()))
    .filter(value => value !== '')
}

/** Active Directory writes `SMTP:jane@example.org` and `smtp:alias@example.org`. */
function withoutScheme(address: string): string {
  return address.replace(/^smtp:/i, '')
}

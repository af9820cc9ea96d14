import { settings as declared } from '@postern/contract'
import { DnsError, type Resolver } from '#base/dns'
import type { Ephemeral } from '#data/ephemeral'
import type { ExpressionFunctions, Settings, Value } from '#data/settings'
import type { Directory } from '#services/directory'

interface Parts {
  readonly settings: Settings
  readonly directory: Directory
  readonly ephemeral: Ephemeral
  readonly resolver: Resolver
}

const dayMs = 24 * 60 * 60 * 1000

/** Functions of the expression language that ask other parts of the server. */
export function createExpressionFunctions({ settings, directory, ephemeral, resolver }: Parts): ExpressionFunctions {
  /** An entry of a list in the settings, else of the ephemeral store. */
  async function keyGet(list: string, key: string): Promise<string | undefined> {
    const entries = settings.read(declared.lookup.entries, { store: list === '' ? '*' : list })
    return entries.get(key) ?? ephemeral.get(`key:${list}:${key}`)
  }

  return {
    is_local_domain: async ([, domain]) => Number(await directory.isLocalDomain(text(domain))),
    is_local_address: async ([, address]) => Number((await directory.resolve(text(address))).kind !== 'unknown'),
    key_get: async ([list, key]) => (await keyGet(text(list), text(key))) ?? '',
    key_exists: async ([list, key]) => Number((await keyGet(text(list), text(key))) !== undefined),
    async key_set([list, key, value]) {
      await ephemeral.set(`key:${text(list)}:${text(key)}`, text(value), 365 * dayMs)
      return 1
    },
    counter_incr: async ([list, key, by]) => ephemeral.increment(`counter:${text(list)}:${text(key)}`, Number(by ?? 1)),
    counter_get: async ([list, key]) => Number((await ephemeral.get(`counter:${text(list)}:${text(key)}`)) ?? 0),
    dns_query: async ([name, type]) => dnsQuery(resolver, text(name), text(type)),
  }
}

function text(value: Value | undefined): string {
  return typeof value === 'object' || value === undefined ? '' : String(value)
}

async function dnsQuery(resolver: Resolver, name: string, type: string): Promise<Value> {
  try {
    switch (type) {
      case 'ip':
      case 'ipv4':
      case 'ipv6': {
        const found = type === 'ipv6' ? [] : (await resolver.a(name).catch(nothing)).records
        return type === 'ipv4' ? found : [...found, ...(await resolver.aaaa(name).catch(nothing)).records]
      }
      case 'mx':
        return (await resolver.mx(name)).records.map(({ exchange }) => exchange)
      case 'ptr':
        return (await resolver.ptr(name)).records
      case 'txt':
        return (await resolver.txt(name)).records.join('')
      default:
        return ''
    }
  } catch (error) {
    if (error instanceof DnsError) return type === 'txt' ? '' : []
    throw error
  }
}

function nothing(error: unknown): { records: readonly string[] } {
  if (error instanceof DnsError) return { records: [] }
  throw error
}

// The name of a client by reverse DNS, believed only when it leads back to the address (RFC 8601 §2.7.3).
import { isIPv6 } from 'node:net'
import type { Resolver } from '#base/dns'

/** More names for one address are not looked at. */
const maxNames = 5

export function reverseNames(resolver: Pick<Resolver, 'ptr' | 'a' | 'aaaa'>): (ip: string) => Promise<string | null> {
  return async ip => {
    if (ip === '::1' || ip.startsWith('127.')) return null
    try {
      const { records } = await resolver.ptr(ip)
      for (const name of records.slice(0, maxNames)) {
        const addresses = await (isIPv6(ip) ? resolver.aaaa(name) : resolver.a(name)).catch(() => ({ records: [] as readonly string[] }))
        if (addresses.records.includes(ip)) return name.replace(/\.$/, '')
      }
    } catch {
      // No name, or none in time: the field says unknown.
    }
    return null
  }
}

import { settings as declared } from '@postern/contract'
import type { Clock, Random } from '#base/clock'
import { createResolver, type NameServer, type Resolver, systemNameServers } from '#base/dns'
import type { Settings } from '#data/settings'

interface Parts {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
}

const publicServers: Readonly<Record<string, readonly NameServer[]>> = {
  cloudflare: both('udp', 53, ['1.1.1.1', '1.0.0.1']),
  'cloudflare-tls': both('tls', 853, ['1.1.1.1', '1.0.0.1']),
  quad9: both('udp', 53, ['9.9.9.9', '149.112.112.112']),
  'quad9-tls': both('tls', 853, ['9.9.9.9', '149.112.112.112']),
  google: both('udp', 53, ['8.8.8.8', '8.8.4.4']),
}

function both(protocol: NameServer['protocol'], port: number, ips: readonly string[]): readonly NameServer[] {
  return ips.map(ip => ({ protocol, ip, port }))
}

async function nameServers(settings: Settings): Promise<readonly NameServer[]> {
  const type = settings.read(declared.resolver.type)
  if (type === 'custom') return settings.read(declared.resolver.custom)
  if (type !== 'system') return publicServers[type] ?? []
  const own = await systemNameServers()
  return own.length > 0 ? own : (publicServers['cloudflare'] ?? [])
}

/** A resolver that follows the settings: a reload gives it other servers and an empty cache. */
export async function createConfiguredResolver({ settings, clock, random }: Parts): Promise<Resolver> {
  const make = async (): Promise<Resolver> =>
    createResolver({
      servers: await nameServers(settings),
      attempts: settings.read(declared.resolver.attempts),
      timeoutMs: settings.read(declared.resolver.timeout),
      clock,
      random,
    })
  let current = make()
  let ready = await current
  settings.onReload(() => {
    current = make()
    void current.then(made => {
      ready = made
    })
  })
  return {
    a: async name => (await current).a(name),
    aaaa: async name => (await current).aaaa(name),
    mx: async name => (await current).mx(name),
    txt: async name => (await current).txt(name),
    ptr: async ip => (await current).ptr(ip),
    tlsa: async name => (await current).tlsa(name),
    srv: async name => (await current).srv(name),
    cname: async name => (await current).cname(name),
    forget: name => ready.forget(name),
  }
}

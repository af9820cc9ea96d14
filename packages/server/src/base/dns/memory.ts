import { type Answer, DnsError, type MxRecord, type RecordType, type Resolver, type SrvRecord, type TlsaRecord } from './index.ts'
import { canonicalName, parseTlsa, reverseName } from './names.ts'

/**
 * Names to records in presentation form: `{ "example.org": { "MX": ["10 mail.example.org"], "A": ["192.0.2.1"] } }`. TLSA records are
 * `usage selector matching hex`. The word `FAIL` in place of a list makes the look-up fail temporarily.
 */
export type Zone = Readonly<Record<string, Readonly<Partial<Record<RecordType, readonly string[] | 'FAIL'>>>>>

/** Reads a zone from JSON; throws TypeError when it is none. */
export function zoneFrom(json: string): Zone {
  const zone: unknown = JSON.parse(json)
  if (typeof zone !== 'object' || zone === null || Array.isArray(zone)) throw new TypeError('a zone is an object of names')
  return zone as Zone
}

const ttlSeconds = 300
const maxAliases = 8

/** Knows these names and nothing else. `localhost` is always known. */
export function memoryResolver(zone: Zone, { isAuthenticated = false }: { isAuthenticated?: boolean } = {}): Resolver {
  const names = new Map(Object.entries(zone).map(([name, records]) => [canonicalName(name), records]))
  if (!names.has('localhost')) names.set('localhost', { A: ['127.0.0.1'], AAAA: ['::1'] })

  async function look<T>(name: string, type: RecordType, read: (text: string) => T): Promise<Answer<T>> {
    let owner = canonicalName(name)
    for (let hop = 0; hop <= maxAliases; hop++) {
      const records = names.get(owner)
      if (records === undefined) throw new DnsError('notFound', `${name}: no such name`)
      const found = records[type]
      if (found === 'FAIL') throw new DnsError('temporary', `${name}: the server failed`)
      if (found !== undefined && found.length > 0) return { records: found.map(read), ttlSeconds, isAuthenticated }
      const alias = records.CNAME
      if (!Array.isArray(alias) || alias[0] === undefined) throw new DnsError('noData', `${name}: no ${type} record`)
      owner = canonicalName(alias[0])
    }
    throw new DnsError('temporary', `${name}: too many aliases`)
  }

  return {
    a: name => look(name, 'A', text => text),
    aaaa: name => look(name, 'AAAA', text => text),
    txt: name => look(name, 'TXT', text => text),
    async mx(name) {
      const answer = await look(name, 'MX', readMx)
      return { ...answer, records: [...answer.records].sort((a, b) => a.preference - b.preference) }
    },
    async ptr(ip) {
      const name = reverseName(ip)
      if (name === undefined) throw new DnsError('notFound', `${ip}: not an address`)
      return look(name, 'PTR', canonicalName)
    },
    tlsa: name => look(name, 'TLSA', readTlsa),
    srv: name => look(name, 'SRV', readSrv),
    cname: name => look(name, 'CNAME', canonicalName),
    forget() {},
  }
}

function readMx(text: string): MxRecord {
  const [preference = '0', exchange = ''] = text.split(/\s+/)
  return { preference: Number(preference), exchange: canonicalName(exchange) }
}

function readSrv(text: string): SrvRecord {
  const [priority = '0', weight = '0', port = '0', target = ''] = text.split(/\s+/)
  return { priority: Number(priority), weight: Number(weight), port: Number(port), target: canonicalName(target) }
}

function readTlsa(text: string): TlsaRecord {
  const [usage, selector, matching, hex = ''] = text.split(/\s+/)
  const bytes = Buffer.concat([Buffer.from([Number(usage), Number(selector), Number(matching)]), Buffer.from(hex, 'hex')])
  return parseTlsa(bytes) ?? { usage: 0, selector: 0, matching: 0, data: Buffer.alloc(0) }
}

// Changes of a zone on its server (RFC 2136), signed with TSIG. One update takes place whole or not at all.
import type { Clock, Random } from '#base/clock'
import { DnsError } from './index.ts'
import { canonicalName } from './names.ts'
import type { NameServer } from './resolver.ts'
import { exchange, exchangeBytes, type ResponseRecord } from './transport.ts'
import { isSignedAnswer, signMessage, type TsigKey } from './tsig.ts'
import { dataBytes, nameBytes, typeNumbers, type WritableType } from './wire.ts'

export { tsigAlgorithms } from './tsig.ts'

export interface UpdateServer {
  readonly ip: string
  readonly port: number
  readonly key: TsigKey
  readonly timeoutMs: number
}

export interface ZoneRecord {
  /** Without the final dot. */
  readonly name: string
  readonly type: WritableType
  /** Presentation form; TXT as one text without quotes. */
  readonly content: string
}

/** What must hold, or nothing is changed (RFC 2136 §2.4). */
export type Prerequisite =
  /** These are all records of the name and type. */
  | { readonly kind: 'exactly'; readonly name: string; readonly type: WritableType; readonly contents: readonly string[] }
  | { readonly kind: 'none'; readonly name: string; readonly type: WritableType }

export interface UpdateStep {
  readonly kind: 'add' | 'remove'
  readonly record: ZoneRecord
}

/** The server said no; `rcode` is the name of the code, `NXRRSET` and `YXRRSET` mean that a prerequisite does not hold. */
export class UpdateRefused extends Error {
  override readonly name = 'UpdateRefused'
  readonly rcode: string
  constructor(rcode: string) {
    super(`the server answered ${rcode}`)
    this.rcode = rcode
  }
}

export interface Updater {
  /** The zone of a name, as the server says; undefined when it has none. Rejects with DnsError. */
  zoneOf(name: string): Promise<string | undefined>
  /** Records of exactly this name and type on the server; rejects with DnsError. */
  records(name: string, type: WritableType): Promise<readonly string[]>
  /** Addresses, mail hosts and texts that the name has itself: it can't be an alias beside them. */
  dataBeside(name: string): Promise<readonly string[]>
  /** Rejects with UpdateRefused, or DnsError when the server can't be reached or its answer can't be trusted. */
  update(zone: string, prerequisites: readonly Prerequisite[], steps: readonly UpdateStep[], ttlSeconds: number): Promise<void>
}

const opcodeUpdate = 5
const classes = { IN: 1, NONE: 254, ANY: 255 } as const
const rcodes: Readonly<Record<number, string>> = {
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  6: 'YXDOMAIN',
  7: 'YXRRSET',
  8: 'NXRRSET',
  9: 'NOTAUTH',
  10: 'NOTZONE',
}

export function createUpdater(
  { ip, port, key, timeoutMs }: UpdateServer,
  parts: { readonly clock: Clock; readonly random: Random },
): Updater {
  // An update does not fit into every datagram, and TCP shows who answers.
  const server: NameServer = { protocol: 'tcp', ip, port }
  const { clock, random } = parts

  async function ask(name: string, type: WritableType | 'SOA' | 'A' | 'AAAA'): Promise<readonly ResponseRecord[]> {
    try {
      const { rcode, answers } = await exchange({ name, type }, server, { timeoutMs, clock, random })
      if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN' && rcode !== 'REFUSED' && rcode !== 'NOTAUTH')
        throw new DnsError('temporary', `${ip} answered ${rcode}`)
      return answers.filter(record => record.type === type && canonicalName(record.name) === canonicalName(name))
    } catch (error) {
      throw error instanceof DnsError ? error : new DnsError('temporary', error instanceof Error ? error.message : String(error))
    }
  }

  return {
    async zoneOf(name) {
      for (let zone = canonicalName(name); zone !== ''; zone = zone.slice(zone.indexOf('.') + 1)) {
        if ((await ask(zone, 'SOA')).length > 0) return zone
        if (!zone.includes('.')) break
      }
      return undefined
    },
    records: async (name, type) => (await ask(name, type)).map(({ data }) => contentOf(type, data)),
    async dataBeside(name) {
      const found: string[] = []
      for (const type of ['A', 'AAAA'] as const) found.push(...(await ask(name, type)).map(({ data }) => String(data)))
      for (const type of ['MX', 'TXT'] as const) found.push(...(await ask(name, type)).map(({ data }) => contentOf(type, data)))
      return found
    },
    async update(zone, prerequisites, steps, ttlSeconds) {
      const id = random.integer(65_536)
      const message = encodeUpdate({ id, zone, prerequisites, steps, ttlSeconds })
      const signed = signMessage(message, key, clock.now())
      let answer: Buffer
      let isTrusted: boolean
      try {
        answer = await exchangeBytes(signed.message, server, { timeoutMs, clock })
        isTrusted = answer.length >= 12 && answer.readUInt16BE(0) === id && isSignedAnswer(answer, key, signed.mac, clock.now())
      } catch (error) {
        throw new DnsError('temporary', error instanceof Error ? error.message : String(error))
      }
      const code = answer.length < 12 ? 0 : answer.readUInt8(3) & 15
      // A refusal may come unsigned: the server may not know the key.
      if (code !== 0) throw new UpdateRefused(rcodes[code] ?? `RCODE${code}`)
      if (!isTrusted) throw new DnsError('temporary', `the answer of ${ip} is not signed with the key`)
    },
  }
}

/** The message of RFC 2136 §2, without signature. */
export function encodeUpdate({
  id,
  zone,
  prerequisites,
  steps,
  ttlSeconds,
}: {
  readonly id: number
  readonly zone: string
  readonly prerequisites: readonly Prerequisite[]
  readonly steps: readonly UpdateStep[]
  readonly ttlSeconds: number
}): Buffer {
  const conditions = prerequisites.flatMap(condition => {
    const { name, type } = condition
    if (condition.kind === 'none') return [recordBytes(name, type, classes.NONE, 0, Buffer.alloc(0))]
    return condition.contents.map(content => recordBytes(name, type, classes.IN, 0, dataBytes(type, content)))
  })
  const changes = steps.map(({ kind, record: { name, type, content } }) =>
    kind === 'add'
      ? recordBytes(name, type, classes.IN, ttlSeconds, dataBytes(type, content))
      : recordBytes(name, type, classes.NONE, 0, dataBytes(type, content)),
  )
  const header = Buffer.alloc(12)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(opcodeUpdate << 11, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(conditions.length, 6)
  header.writeUInt16BE(changes.length, 8)
  const question = Buffer.alloc(4)
  question.writeUInt16BE(typeNumbers.SOA, 0)
  question.writeUInt16BE(classes.IN, 2)
  return Buffer.concat([header, nameBytes(zone), question, ...conditions, ...changes])
}

function recordBytes(name: string, type: WritableType, recordClass: number, ttlSeconds: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(typeNumbers[type], 0)
  fixed.writeUInt16BE(recordClass, 2)
  fixed.writeUInt32BE(ttlSeconds, 4)
  fixed.writeUInt16BE(data.length, 8)
  return Buffer.concat([nameBytes(name), fixed, data])
}

/** Decoded record data in presentation form, names with their final dot. */
function contentOf(type: WritableType, data: unknown): string {
  const dotted = (name: string): string => `${canonicalName(name)}.`
  switch (type) {
    case 'CNAME':
      return dotted(String(data))
    case 'MX': {
      const { preference = 0, exchange: host } = data as { preference?: number; exchange: string }
      return `${preference} ${dotted(host)}`
    }
    case 'SRV': {
      const { priority = 0, weight = 0, port, target } = data as { priority?: number; weight?: number; port: number; target: string }
      return `${priority} ${weight} ${port} ${dotted(target)}`
    }
    case 'TXT':
      return Buffer.concat([data as Buffer | Buffer[]].flat()).toString('utf8')
    case 'TLSA': {
      const { usage, selector, matchingType, certificate } = data as {
        usage: number
        selector: number
        matchingType: number
        certificate: Buffer
      }
      return `${usage} ${selector} ${matchingType} ${certificate.toString('hex')}`
    }
  }
}

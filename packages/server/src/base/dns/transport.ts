// One question to one server: UDP, again by TCP when the answer was cut, or TCP and TLS from the start.
import { createSocket } from 'node:dgram'
import { connect as connectTcp, isIPv6, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { AUTHENTIC_DATA, decode, encode, type Packet, type Answer as PacketAnswer, RECURSION_DESIRED } from 'dns-packet'
import type { Clock, Random } from '#base/clock'
import type { RecordType } from './index.ts'
import type { NameServer } from './resolver.ts'

export interface Question {
  readonly name: string
  readonly type: RecordType
}

export interface ResponseRecord {
  readonly name: string
  readonly type: string
  readonly ttl: number
  readonly data: unknown
}

export interface Response {
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL`, … */
  readonly rcode: string
  readonly answers: readonly ResponseRecord[]
  readonly isAuthenticated: boolean
  /** From the SOA record (RFC 2308 §5). */
  readonly negativeTtlSeconds: number | undefined
}

interface Parts {
  readonly timeoutMs: number
  readonly clock: Clock
  readonly random: Random
}

/** Fits the smallest common path MTU (DNS flag day 2020). */
const udpPayloadBytes = 1232
const maxTcpBytes = 65_535

/** Rejects when no usable answer comes in time. */
export async function exchange(question: Question, server: NameServer, parts: Parts): Promise<Response> {
  const id = parts.random.integer(65_536)
  const query = encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED | AUTHENTIC_DATA,
    questions: [{ type: question.type, name: question.name, class: 'IN' }],
    additionals: [
      { type: 'OPT', name: '.', udpPayloadSize: udpPayloadBytes, flags: 0, options: [], extendedRcode: 0, ednsVersion: 0, flag_do: false },
    ],
  } as Packet)
  const fits = (packet: Packet): boolean => packet.id === id && packet.type === 'response' && isSameQuestion(packet, question)
  if (server.protocol === 'udp') {
    const packet = await overUdp(query, server, fits, parts)
    if (!isFlagged(packet, 'flag_tc')) return describe(packet)
  }
  return describe(await overStream(query, server, fits, parts))
}

function isSameQuestion({ questions = [] }: Packet, { name, type }: Question): boolean {
  const [asked] = questions
  return asked === undefined || (asked.type === type && asked.name.toLowerCase() === name.toLowerCase())
}

function isFlagged(packet: Packet, flag: 'flag_tc' | 'flag_ad'): boolean {
  return (packet as unknown as Record<string, unknown>)[flag] === true
}

function describe(packet: Packet): Response {
  const soa = (packet.authorities ?? []).find(record => record.type === 'SOA')
  return {
    rcode: String((packet as unknown as { rcode?: string }).rcode ?? 'NOERROR'),
    answers: (packet.answers ?? []).filter(hasData).map(({ name, type, ttl = 0, data }) => ({ name, type, ttl, data })),
    isAuthenticated: isFlagged(packet, 'flag_ad'),
    negativeTtlSeconds: soa === undefined ? undefined : Math.min(soa.ttl ?? 0, soa.data.minimum ?? 0),
  }
}

function hasData(record: PacketAnswer): record is PacketAnswer & { data: unknown; ttl?: number } {
  return 'data' in record
}

function overUdp(query: Buffer, { ip, port }: NameServer, fits: (packet: Packet) => boolean, { timeoutMs, clock }: Parts): Promise<Packet> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(ip) ? 'udp6' : 'udp4')
    const finish = (error: Error | undefined, packet?: Packet): void => {
      timer.cancel()
      socket.removeAllListeners()
      socket.on('error', () => {})
      socket.close()
      if (packet !== undefined) resolve(packet)
      else reject(error)
    }
    const timer = clock.after(timeoutMs, () => finish(new Error(`no answer from ${ip}`)))
    socket.on('error', error => finish(error))
    socket.on('message', message => {
      const packet = tryDecode(message)
      // Anything else is a forgery or a late answer: keep waiting.
      if (packet !== undefined && fits(packet)) finish(undefined, packet)
    })
    // A connected socket takes packets from this server alone.
    socket.connect(port, ip, () => socket.send(query))
  })
}

/** Sends a message over TCP or TLS and gives the first that comes back, undecoded. */
export function exchangeBytes(query: Buffer, server: NameServer, parts: Pick<Parts, 'timeoutMs' | 'clock'>): Promise<Buffer> {
  return overStreamAs(query, server, message => message, parts)
}

function overStream(query: Buffer, server: NameServer, fits: (packet: Packet) => boolean, parts: Parts): Promise<Packet> {
  const read = (message: Buffer): Packet | undefined => {
    const packet = tryDecode(message)
    return packet !== undefined && fits(packet) ? packet : undefined
  }
  return overStreamAs(query, server, read, parts)
}

/** @param read undefined for what is no answer */
function overStreamAs<T>(
  query: Buffer,
  { protocol, ip, port }: NameServer,
  read: (message: Buffer) => T | undefined,
  { timeoutMs, clock }: Pick<Parts, 'timeoutMs' | 'clock'>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const socket: Socket = protocol === 'tls' ? connectTls({ host: ip, port }) : connectTcp(port, ip)
    const finish = (error: Error | undefined, answer?: T): void => {
      timer.cancel()
      socket.removeAllListeners()
      socket.on('error', () => {})
      socket.destroy()
      if (answer !== undefined) resolve(answer)
      else reject(error)
    }
    const timer = clock.after(timeoutMs, () => finish(new Error(`no answer from ${ip}`)))
    const length = Buffer.alloc(2)
    length.writeUInt16BE(query.length)
    let received: Buffer = Buffer.alloc(0)
    socket.on('error', error => finish(error))
    socket.on('close', () => finish(new Error(`${ip} closed the connection`)))
    socket.on(protocol === 'tls' ? 'secureConnect' : 'connect', () => socket.write(Buffer.concat([length, query])))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length > maxTcpBytes + 2) return finish(new Error(`${ip} sent too much`))
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      const answer = read(received.subarray(2, 2 + received.readUInt16BE(0)))
      if (answer === undefined) finish(new Error(`${ip} sent something else`))
      else finish(undefined, answer)
    })
  })
}

function tryDecode(message: Buffer): Packet | undefined {
  try {
    return decode(message)
  } catch {
    return undefined
  }
}

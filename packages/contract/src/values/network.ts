import { expected, type ValueType } from './value-type.ts'

/** The 4 or 16 bytes of an IP literal, or undefined when the text is none (RFC 4291 §2.2; no zone, no brackets). */
export function ipBytes(text: string): readonly number[] | undefined {
  return text.includes(':') ? ipv6Bytes(text) : ipv4Bytes(text)
}

function ipv4Bytes(text: string): readonly number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^(0|[1-9]\d{0,2})$/.test(part))) return undefined
  const bytes = parts.map(Number)
  return bytes.every(byte => byte <= 255) ? bytes : undefined
}

function ipv6Bytes(text: string): readonly number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head = '', tail] = halves
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  if (left === undefined || right === undefined) return undefined
  const missing = 16 - left.length - right.length
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined
  return [...left, ...new Array<number>(missing).fill(0), ...right]
}

/** Bytes of colon-separated groups; the last group may be a dotted IPv4 address. */
function groups(text: string): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    const dotted = index === parts.length - 1 && part.includes('.') ? ipv4Bytes(part) : undefined
    if (dotted !== undefined) bytes.push(...dotted)
    else if (/^[0-9a-f]{1,4}$/i.test(part)) bytes.push(Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 255)
    else return undefined
  }
  return bytes
}

/** Canonical text of an address: dotted decimal, or RFC 5952 for IPv6. */
export function formatIp(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.')
  const words = Array.from({ length: 8 }, (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0))
  let best = { start: 0, length: 0 }
  let run = { start: 0, length: 0 }
  for (const [index, word] of words.entries()) {
    run = word !== 0 ? { start: index + 1, length: 0 } : { start: run.start, length: run.length + 1 }
    if (run.length > best.length) best = run
  }
  const hex = words.map(word => word.toString(16))
  if (best.length < 2) return hex.join(':')
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`
}

function canonicalIp(source: string): string {
  const bytes = ipBytes(source.trim())
  if (bytes === undefined) throw expected('an IPv4 or IPv6 address', source)
  return formatIp(bytes)
}

/** IPv4 or IPv6 literal, read into its canonical text. */
export const ip: ValueType<string> = {
  name: 'IP address',
  parse: canonicalIp,
  format: value => value,
  jsonSchema: { type: 'string', description: 'IPv4 or IPv6 address' },
}

export interface IpNetwork {
  /** Canonical text, host bits as given. */
  readonly address: string
  /** 32 or 128 for a single address. */
  readonly prefixLength: number
}

/** `address` or `address/length`; lengths 8 to 32 for IPv4, 8 to 128 for IPv6. */
export const ipOrNetwork: ValueType<IpNetwork> = {
  name: 'IP address or network',
  parse: source => {
    const [addressText = '', lengthText, ...rest] = source.trim().split('/')
    const bytes = ipBytes(addressText)
    if (bytes === undefined || rest.length > 0) throw expected('an address or a network such as 192.0.2.0/24', source)
    const longest = bytes.length * 8
    const prefixLength = lengthText === undefined ? longest : /^\d{1,3}$/.test(lengthText) ? Number(lengthText) : -1
    if (prefixLength < 8 || prefixLength > longest) throw expected(`a network length from 8 to ${longest}`, source)
    return { address: formatIp(bytes), prefixLength }
  },
  format: value =>
    value.prefixLength === (value.address.includes(':') ? 128 : 32) ? value.address : `${value.address}/${value.prefixLength}`,
  jsonSchema: { type: 'string', description: 'IPv4 or IPv6 address, optionally with /length' },
}

/** True when the network contains the address; IPv4-mapped IPv6 addresses match IPv4 networks. */
export function networkContains(network: IpNetwork, address: string): boolean {
  const own = ipBytes(network.address)
  const bytes = unmapped(ipBytes(address))
  if (own === undefined || bytes === undefined || own.length !== bytes.length) return false
  return own.every((byte, index) => {
    const bits = Math.min(Math.max(network.prefixLength - index * 8, 0), 8)
    const mask = (0xff << (8 - bits)) & 0xff
    return (byte & mask) === ((bytes[index] ?? 0) & mask)
  })
}

function unmapped(bytes: readonly number[] | undefined): readonly number[] | undefined {
  const mapped = bytes?.length === 16 && bytes.slice(0, 10).every(byte => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  return mapped ? bytes.slice(12) : bytes
}

export interface SocketAddress {
  readonly ip: string
  readonly port: number
}

/** `1.2.3.4:25` or `[::]:25`; port 0 lets the system choose. */
export const socketAddress: ValueType<SocketAddress> = {
  name: 'socket address',
  parse: source => {
    const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(source.trim())
    const host = match?.[1] ?? match?.[2] ?? ''
    const portNumber = Number(match?.[3] ?? -1)
    const bytes = ipBytes(host)
    const bracketed = match?.[1] !== undefined
    if (bytes === undefined || portNumber < 0 || portNumber > 65535 || bracketed !== (bytes.length === 16)) {
      throw expected('an address with port such as 127.0.0.1:25 or [::]:25', source)
    }
    return { ip: formatIp(bytes), port: portNumber }
  },
  format: value => (value.ip.includes(':') ? `[${value.ip}]:${value.port}` : `${value.ip}:${value.port}`),
  jsonSchema: { type: 'string', pattern: '^(\\[[0-9a-fA-F:.]+\\]|[0-9.]+):[0-9]{1,5}$' },
}

export interface ResolverAddress {
  readonly protocol: 'udp' | 'tcp' | 'tls'
  readonly ip: string
  readonly port: number
}

/** `[udp|tcp|tls://]ip[:port]`, IPv6 in brackets; udp and port 53 (853 for tls) when left out. */
export const resolverAddress: ValueType<ResolverAddress> = {
  name: 'DNS server',
  parse: source => {
    const match = /^(?:(udp|tcp|tls):\/\/)?(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/i.exec(source.trim())
    const protocol = (match?.[1]?.toLowerCase() ?? 'udp') as ResolverAddress['protocol']
    const bytes = ipBytes(match?.[2] ?? match?.[3] ?? '')
    const portNumber = match?.[4] === undefined ? (protocol === 'tls' ? 853 : 53) : Number(match[4])
    if (bytes === undefined || portNumber < 1 || portNumber > 65535) {
      throw expected('a DNS server such as udp://192.0.2.1:53 or tls://[2001:db8::1]', source)
    }
    return { protocol, ip: formatIp(bytes), port: portNumber }
  },
  format: value => `${value.protocol}://${socketAddress.format(value)}`,
  jsonSchema: { type: 'string', pattern: '^((udp|tcp|tls)://)?(\\[[0-9a-fA-F:.]+\\]|[0-9.]+)(:[0-9]{1,5})?$' },
}

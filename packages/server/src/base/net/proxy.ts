// PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): the real ends of a connection, told by a proxy we trust.
import { isIP, isIPv4, isIPv6 } from 'node:net'

/** The header is broken; the connection is closed without a word. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
}

export interface ProxyHeader {
  /** Undefined for the proxy's own connections (health checks): then the socket's ends are the real ones. */
  readonly ends:
    | { readonly remoteIp: string; readonly remotePort: number; readonly localIp: string; readonly localPort: number }
    | undefined
  /** Bytes after the header, which belong to the protocol. */
  readonly rest: Buffer
}

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const maxVersion1Bytes = 107
const maxVersion2Bytes = 16 + 2048

/** Takes the first bytes of a connection until the header is complete. */
export class ProxyParser {
  private received: Buffer = Buffer.alloc(0)

  /** The header, or undefined while more is needed. Throws ProxyError. */
  feed(chunk: Buffer): ProxyHeader | undefined {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk])
    const known = Math.min(this.received.length, signature.length)
    if (this.received.subarray(0, known).equals(signature.subarray(0, known))) return known < signature.length ? undefined : this.version2()
    return this.version1()
  }

  private version1(): ProxyHeader | undefined {
    const start = 'PROXY '
    const known = Math.min(this.received.length, start.length)
    if (this.received.toString('latin1', 0, known) !== start.slice(0, known)) throw new ProxyError('no PROXY header')
    const end = this.received.indexOf('\r\n')
    if (end > maxVersion1Bytes - 2 || (end < 0 && this.received.length >= maxVersion1Bytes))
      throw new ProxyError('the PROXY line is too long')
    if (end < 0) return undefined
    const rest = this.received.subarray(end + 2)
    const [, family, source = '', target = '', sourcePort = '', targetPort = '', ...more] = this.received
      .toString('latin1', 0, end)
      .split(' ')
    if (family === 'UNKNOWN') return { ends: undefined, rest }
    const isRight = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : () => false
    if (more.length > 0 || !isRight(source) || !isRight(target)) throw new ProxyError('the PROXY line is malformed')
    return { ends: { remoteIp: source, remotePort: readPort(sourcePort), localIp: target, localPort: readPort(targetPort) }, rest }
  }

  private version2(): ProxyHeader | undefined {
    if (this.received.length < 16) return undefined
    const length = this.received.readUInt16BE(14)
    if (16 + length > maxVersion2Bytes) throw new ProxyError('the PROXY header is too long')
    if (this.received.length < 16 + length) return undefined
    const versionAndCommand = this.received[12] ?? 0
    if (versionAndCommand >> 4 !== 2) throw new ProxyError('unknown PROXY version')
    const command = versionAndCommand & 15
    if (command > 1) throw new ProxyError('unknown PROXY command')
    const body = this.received.subarray(16, 16 + length)
    return { ends: command === 0 ? undefined : readEnds(this.received[13] ?? 0, body), rest: this.received.subarray(16 + length) }
  }
}

function readEnds(familyAndTransport: number, body: Buffer): ProxyHeader['ends'] {
  const addressBytes = { 17: 4, 33: 16 }[familyAndTransport]
  // Datagrams, UNIX sockets and UNSPEC say nothing that we can use.
  if (addressBytes === undefined) return undefined
  if (body.length < 2 * addressBytes + 4) throw new ProxyError('the PROXY header is too short')
  const address = (at: number): string => readAddress(body.subarray(at, at + addressBytes))
  return {
    remoteIp: address(0),
    localIp: address(addressBytes),
    remotePort: body.readUInt16BE(2 * addressBytes),
    localPort: body.readUInt16BE(2 * addressBytes + 2),
  }
}

function readAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups: string[] = []
  for (let at = 0; at < 16; at += 2) groups.push(bytes.readUInt16BE(at).toString(16))
  return canonicalIp(groups.join(':'))
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 65_536
  if (port > 65_535) throw new ProxyError('the PROXY line is malformed')
  return port
}

/** IPv4-mapped IPv6 addresses as IPv4, all others in their shortest form. */
export function canonicalIp(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped !== null) return mapped[1] ?? address
  if (isIP(address) !== 6) return address
  const shortest = new URL(`http://[${address.replace(/%.*$/, '')}]/`).hostname.slice(1, -1)
  const hex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(shortest)
  if (hex === null) return shortest
  const [high, low] = [Number.parseInt(hex[1] ?? '0', 16), Number.parseInt(hex[2] ?? '0', 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

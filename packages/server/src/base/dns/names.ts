import { isIPv4, isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'
import type { TlsaRecord } from './index.ts'

export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

/**
 * The name as it goes into a question: A-labels for international ones; undefined when DNS cannot carry it (RFC 1035 §2.3.4: labels of
 * 1 to 63 octets, 253 in all). Other octets than host names have are fine: policies build names from what strangers sent.
 */
export function askableName(name: string): string | undefined {
  const plain = canonicalName(name)
  const ascii = /^[\x21-\x7e]+$/.test(plain) ? plain : domainToASCII(plain)
  if (ascii === '' || ascii.length > 253 || !ascii.split('.').every(label => label.length > 0 && label.length <= 63)) return undefined
  return ascii
}

/** `192.0.2.1` → `1.2.0.192.in-addr.arpa`; undefined for what is no address. */
export function reverseName(ip: string): string | undefined {
  if (isIPv4(ip)) return `${ip.split('.').reverse().join('.')}.in-addr.arpa`
  if (!isIPv6(ip)) return undefined
  const shortest = new URL(`http://[${ip.replace(/%.*$/, '')}]/`).hostname.slice(1, -1)
  const [head = '', tail] = shortest.split('::')
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const all = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return `${all
    .map(group => group.padStart(4, '0'))
    .join('')
    .split('')
    .reverse()
    .join('.')}.ip6.arpa`
}

export function parseTlsa(data: Buffer): TlsaRecord | undefined {
  const [usage, selector, matching] = data
  if (usage === undefined || selector === undefined || matching === undefined) return undefined
  return { usage, selector, matching, data: data.subarray(3) }
}

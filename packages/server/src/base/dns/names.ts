import { isIPv4, isIPv6 } from 'node:net'
import type { TlsaRecord } from './index.ts'

export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
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

import { domainToASCII, domainToUnicode } from 'node:url'

const asciiLabel = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/
const printableAscii = /^[\x21-\x7e]*$/

/**
 * A domain as the DNS knows it: lower case, A-labels (RFC 5891), no trailing dot. Null when it is no domain: empty or overlong labels
 * (63 octets), more than 255 octets, foreign characters. Underscores pass; address literals do not.
 */
export function domainToAscii(domain: string): string | null {
  if (domain.length > 1024) return null
  const trimmed = domain.endsWith('.') ? domain.slice(0, -1) : domain
  const ascii = printableAscii.test(trimmed) ? trimmed.toLowerCase() : domainToASCII(trimmed.normalize('NFC'))
  if (ascii === '' || ascii.length > 255) return null
  return ascii.split('.').every(label => asciiLabel.test(label)) ? ascii : null
}

/** The domain for people: U-labels where they are valid, else what was given. */
export function domainForDisplay(domain: string): string {
  return domain.includes('xn--') ? domainToUnicode(domain) || domain : domain
}

export function isIPv4(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every(part => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
}

/** RFC 4291 §2.2 text forms, without zone. */
export function isIPv6(text: string): boolean {
  if (text.length > 45 || !/^[0-9a-fA-F:.]+$/.test(text)) return false
  const halves = text.split('::')
  if (halves.length > 2) return false
  let groups = 0
  for (const [index, half] of halves.entries()) {
    if (half === '') continue
    const parts = half.split(':')
    for (const [position, part] of parts.entries()) {
      const isLast = index === halves.length - 1 && position === parts.length - 1
      if (isLast && part.includes('.')) {
        if (!isIPv4(part)) return false
        groups += 2
      } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups++
      else return false
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8
}

/** The address inside a literal of RFC 5321 §4.1.3 (`[192.0.2.1]`, `[IPv6:2001:db8::1]`, also a bare IPv6 one), or null. */
export function readAddressLiteral(literal: string): { readonly ip: string; readonly version: 4 | 6 } | null {
  if (!literal.startsWith('[') || !literal.endsWith(']')) return null
  const inside = literal.slice(1, -1)
  if (isIPv4(inside)) return { ip: inside, version: 4 }
  const six = /^IPv6:/i.test(inside) ? inside.slice('IPv6:'.length) : inside
  return isIPv6(six) ? { ip: six.toLowerCase(), version: 6 } : null
}

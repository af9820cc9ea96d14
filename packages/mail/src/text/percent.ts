/** UTF-8 of an extended parameter value: attribute characters as they are, all other octets as `%HH` (RFC 2231 §7). */
export function percentEncoded(text: string): string {
  let out = ''
  for (const byte of Buffer.from(text, 'utf8')) {
    const char = String.fromCharCode(byte)
    out += /[A-Za-z0-9!#$&+\-.^_`|~]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}

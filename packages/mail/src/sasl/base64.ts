/** A response as it stands in a line; `=` is an empty initial response (RFC 5034 §4, RFC 4954 §4). Null when it is no Base64. */
export function decodeResponse(line: string): Buffer | null {
  if (line === '=') return Buffer.alloc(0)
  if (line.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(line)) return null
  return Buffer.from(line, 'base64')
}

export function encodeChallenge(text: string): string {
  return Buffer.from(text).toString('base64')
}

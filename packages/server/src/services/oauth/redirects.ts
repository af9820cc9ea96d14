// Where a browser may be sent after a login (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §4.1).

export type RedirectProblem = 'notHttps' | 'invalid'

const maxLength = 2048
/** Schemes that run something, read something, or belong to no application of its own. */
const refusedSchemes = new Set(
  'about blob content data file filesystem ftp intent jar javascript mailto resource tel vbscript view-source ws wss'.split(' '),
)
const loopbackHosts = new Set(['127.0.0.1', '[::1]', 'localhost'])

/** What is wrong with an address; undefined for https, plain http on this machine, and schemes that applications register. */
export function redirectProblem(text: string): RedirectProblem | undefined {
  // Browsers drop white space and control characters inside of an address, so that they could hide a scheme.
  if (text.length > maxLength || !/^[\x21-\x7e]+$/.test(text) || text.includes('#') || !URL.canParse(text)) return 'invalid'
  const { protocol, hostname, username, password } = new URL(text)
  if (username !== '' || password !== '') return 'invalid'
  // What else a URL allows in a host (`;`, `*`, `'`) is no name, and would speak in the page's security policy.
  if (/^https?:$/.test(protocol) && !/^([a-z0-9._-]+|\[[0-9a-f:.]+\])$/.test(hostname)) return 'invalid'
  if (protocol === 'http:') return isLoopback(text) ? undefined : 'notHttps'
  return refusedSchemes.has(protocol.slice(0, -1)) ? 'invalid' : undefined
}

/** Exactly one of the registered addresses; on this machine any port, since applications take a free one (RFC 8252 §7.3). */
export function isRegistered(text: string, registered: readonly string[]): boolean {
  if (registered.includes(text)) return true
  if (!isLoopback(text)) return false
  const wanted = withoutPort(text)
  return registered.some(known => isLoopback(known) && withoutPort(known) === wanted)
}

function isLoopback(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'http:' && loopbackHosts.has(hostname)
}

function withoutPort(text: string): string {
  const url = new URL(text)
  url.port = ''
  return url.href
}

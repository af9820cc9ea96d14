import { results } from '../expressions/index.ts'
import * as v from '../values/index.ts'
import { expression, family, list, set, value } from './family.ts'

/** Protocols a listener can speak. */
const listenerProtocol = v.options('listener protocol', ['smtp', 'lmtp', 'imap', 'pop3', 'http', 'managesieve'], { https: 'http' })

/** Paths no honest client asks for. */
const scannedPaths = [
  '*.php*',
  '*.cgi*',
  '*.asp*',
  '*/wp-*',
  '*/php*',
  '*/cgi-bin*',
  '*xmlrpc*',
  '*../*',
  '*/..*',
  '*joomla*',
  '*wordpress*',
  '*drupal*',
]

/** Listeners, sockets, TLS, HTTP, threads, blocked addresses and bans. */
export const server = family('server', 'live', {
  threads: value(v.integer, {
    reload: 'restart',
    defaultDoc: 'number of CPUs',
    doc: 'Session threads. Each has its own event loop and listens on every port.',
  }),
  'listener.<id>.protocol': value(listenerProtocol, {
    reload: 'restart',
    required: true,
    doc: 'Protocol spoken on the listener.',
  }),
  'listener.<id>.bind': list(v.socketAddress, {
    reload: 'restart',
    required: true,
    doc: 'Addresses with port to listen on. A listener without a valid one is reported and left out.',
  }),
  'listener.<id>.tls.enable': value(v.boolean, {
    reload: 'restart',
    default: 'true',
    doc: 'Offer TLS at all, by STARTTLS or from the first byte.',
  }),
  'listener.<id>.tls.implicit': value(v.boolean, {
    reload: 'restart',
    default: 'false',
    doc: 'Speak TLS from the first byte.',
  }),
  'listener.<id>.tls.disable-protocols': list(v.tlsVersion, {
    reload: 'restart',
    fallback: 'server.tls.disable-protocols',
    doc: 'TLS versions not to be used. Disabling all is ignored.',
  }),
  'listener.<id>.tls.disable-ciphers': list(v.cipherSuite, {
    reload: 'restart',
    fallback: 'server.tls.disable-ciphers',
    doc: 'Cipher suites not to be used.',
  }),
  'listener.<id>.tls.ignore-client-order': value(v.boolean, {
    reload: 'restart',
    default: 'true',
    fallback: 'server.tls.ignore-client-order',
    doc: 'Choose the cipher suite by own preference instead of the order the client gives.',
  }),
  'listener.<id>.tls.timeout': value(v.duration, {
    reload: 'restart',
    default: '1m',
    fallback: 'server.tls.timeout',
    doc: 'Longest TLS handshake.',
  }),
  'listener.<id>.max-connections': value(v.integer, {
    reload: 'restart',
    default: '8192',
    fallback: 'server.max-connections',
    doc: 'Simultaneous connections; what comes on top is dropped. 0: no limit.',
  }),
  'listener.<id>.proxy.trusted-networks': list(v.ipOrNetwork, {
    reload: 'restart',
    fallback: 'server.proxy.trusted-networks',
    doc: 'Peers that must begin with a PROXY protocol header naming the real client.',
  }),
  'listener.<id>.socket.reuse-addr': value(v.boolean, {
    reload: 'restart',
    default: 'true',
    fallback: 'server.socket.reuse-addr',
    doc: 'Socket option SO_REUSEADDR.',
  }),
  'listener.<id>.socket.reuse-port': value(v.boolean, {
    reload: 'restart',
    fallback: 'server.socket.reuse-port',
    defaultDoc: 'on when there are several session threads',
    doc: 'Socket option SO_REUSEPORT.',
  }),
  'listener.<id>.socket.send-buffer-size': value(v.size, {
    reload: 'restart',
    fallback: 'server.socket.send-buffer-size',
    defaultDoc: 'as the operating system has it',
    doc: 'Socket option SO_SNDBUF.',
  }),
  'listener.<id>.socket.recv-buffer-size': value(v.size, {
    reload: 'restart',
    fallback: 'server.socket.recv-buffer-size',
    defaultDoc: 'as the operating system has it',
    doc: 'Socket option SO_RCVBUF.',
  }),
  'listener.<id>.socket.tos': value(v.integer, {
    reload: 'restart',
    fallback: 'server.socket.tos',
    defaultDoc: 'as the operating system has it',
    doc: 'Type of service of outgoing packets.',
  }),
  'listener.<id>.socket.ttl': value(v.optional(v.integer), {
    reload: 'restart',
    fallback: 'server.socket.ttl',
    doc: 'Time to live of outgoing packets.',
  }),
  'listener.<id>.socket.backlog': value(v.optional(v.integer), {
    reload: 'restart',
    default: '1024',
    fallback: 'server.socket.backlog',
    doc: 'Connections that may wait to be accepted.',
  }),
  'listener.<id>.socket.linger': value(v.optional(v.duration), {
    reload: 'restart',
    fallback: 'server.socket.linger',
    doc: 'Socket option SO_LINGER.',
  }),
  'listener.<id>.socket.nodelay': value(v.boolean, {
    reload: 'restart',
    default: 'true',
    fallback: 'server.socket.nodelay',
    doc: 'Send small packets at once.',
  }),
  'max-connections': value(v.integer, {
    reload: 'restart',
    default: '8192',
    doc: 'Simultaneous connections per listener, where the listener says nothing else. 0: no limit.',
  }),
  'tls.disable-protocols': list(v.tlsVersion, {
    reload: 'restart',
    doc: 'TLS versions no listener uses.',
  }),
  'tls.disable-ciphers': list(v.cipherSuite, {
    reload: 'restart',
    doc: 'Cipher suites no listener uses.',
  }),
  'tls.ignore-client-order': value(v.boolean, {
    reload: 'restart',
    default: 'true',
    doc: 'Choose the cipher suite by own preference instead of the order the client gives.',
  }),
  'tls.timeout': value(v.duration, {
    reload: 'restart',
    default: '1m',
    doc: 'Longest TLS handshake.',
  }),
  'proxy.trusted-networks': list(v.ipOrNetwork, {
    reload: 'restart',
    doc: 'Peers that must begin with a PROXY protocol header, on every listener.',
  }),
  'socket.reuse-addr': value(v.boolean, { reload: 'restart', default: 'true', doc: 'Socket option SO_REUSEADDR.' }),
  'socket.reuse-port': value(v.boolean, {
    reload: 'restart',
    defaultDoc: 'on when there are several session threads',
    doc: 'Socket option SO_REUSEPORT.',
  }),
  'socket.send-buffer-size': value(v.size, {
    reload: 'restart',
    defaultDoc: 'as the operating system has it',
    doc: 'Socket option SO_SNDBUF.',
  }),
  'socket.recv-buffer-size': value(v.size, {
    reload: 'restart',
    defaultDoc: 'as the operating system has it',
    doc: 'Socket option SO_RCVBUF.',
  }),
  'socket.tos': value(v.integer, {
    reload: 'restart',
    defaultDoc: 'as the operating system has it',
    doc: 'Type of service of outgoing packets.',
  }),
  'socket.ttl': value(v.optional(v.integer), { reload: 'restart', doc: 'Time to live of outgoing packets.' }),
  'socket.backlog': value(v.optional(v.integer), {
    reload: 'restart',
    default: '1024',
    doc: 'Connections that may wait to be accepted.',
  }),
  'socket.linger': value(v.optional(v.duration), { reload: 'restart', doc: 'Socket option SO_LINGER.' }),
  'socket.nodelay': value(v.boolean, { reload: 'restart', default: 'true', doc: 'Send small packets at once.' }),
  'http.url': expression('http', results.text, {
    default: "protocol + '://' + key_get('default', 'hostname') + ':' + local_port",
    doc: 'Base URL announced to JMAP, OAuth and OpenID Connect clients.',
  }),
  'http.allowed-endpoint': expression('http', results.integer, {
    default: '200',
    doc: 'Status for a request: 200 lets it through, any other value is the answer. Loopback clients always pass.',
  }),
  'http.headers': list(v.headerLine, { doc: 'Fields added to every HTTP response.' }),
  'http.permissive-cors': value(v.boolean, {
    default: 'false',
    doc: 'Allow browsers to call from any origin, with the methods and fields the interfaces use.',
  }),
  'http.hsts': value(v.boolean, {
    default: 'false',
    doc: 'Send Strict-Transport-Security for one year, sub-domains included, with preload.',
  }),
  'http.use-x-forwarded': value(v.boolean, {
    default: 'false',
    doc: 'Take the client address from Forwarded or X-Forwarded-For. Only behind a proxy that sets them.',
  }),
  'blocked-ip': set(v.ipOrNetwork, {
    reload: 'ip',
    doc: 'Addresses and networks refused when they connect. Bans add addresses here.',
  }),
  'allowed-ip': set(v.ipOrNetwork, {
    reload: 'ip',
    doc: 'Addresses and networks that are never banned and not looked up in block lists. Loopback always belongs to them.',
  }),
  'auto-ban.auth.rate': value(v.optional(v.rate), {
    default: '100/1d',
    doc: 'Failed logins per address, and per login name, that lead to a ban.',
  }),
  'auto-ban.abuse.rate': value(v.optional(v.rate), {
    default: '35/1d',
    doc: 'Bad recipients per address, and per recipient, that lead to a ban.',
  }),
  'auto-ban.loiter.rate': value(v.optional(v.rate), {
    default: '150/1d',
    doc: 'SMTP sessions cut for lasting too long that lead to a ban.',
  }),
  'auto-ban.scan.rate': value(v.optional(v.rate), {
    default: '30/1d',
    doc: 'Protocol garbage per address that leads to a ban.',
  }),
  'auto-ban.scan.paths': list(v.text, {
    default: scannedPaths,
    doc: 'Patterns of HTTP paths; a request for an unknown path that matches one bans at once. `*` stands for anything, case does not matter.',
  }),
  'auto-ban.expiry': value(v.optional(v.duration), {
    doc: 'Time after which a ban made by the server ends. Off means that bans stay until somebody lifts them.',
  }),
})

/** Certificates by record, found by `cert`. `*.example.org` is kept as `example.org`. */
export const certificate = family('certificate', 'certificate', {
  '<id>.cert': value(v.pem, { required: true, doc: 'Certificate chain, the own certificate first.' }),
  '<id>.private-key': value(v.pem, {
    required: true,
    secret: true,
    doc: 'Private key: PKCS#8, PKCS#1 or SEC1.',
  }),
  '<id>.subjects': list(v.text, { doc: 'Names it serves besides its common name and alternative names.' }),
  '<id>.default': value(v.boolean, {
    default: 'false',
    doc: 'Use it when the client names no host, or one no certificate has.',
  }),
})

/** Certificate authorities by record, found by `directory` (RFC 8555). */
export const acme = family('acme', 'live', {
  '<id>.directory': value(v.httpUrl, {
    required: true,
    doc: "Directory URL of the authority, for example Let's Encrypt: https://acme-v02.api.letsencrypt.org/directory",
  }),
  '<id>.contact': list(v.text, {
    required: true,
    doc: 'Contact addresses of the account; `mailto:` is added when missing.',
  }),
  '<id>.domains': list(v.text, {
    doc: 'Host names to certify. Without any the record does nothing; wildcards need the dns-01 challenge.',
  }),
  '<id>.challenge': value(v.options('ACME challenge', ['tls-alpn-01', 'http-01', 'dns-01']), {
    default: 'tls-alpn-01',
    doc: 'How control over the names is proved.',
  }),
  '<id>.renew-before': value(v.duration, {
    default: '30d',
    doc: 'Time before expiry at which the certificate is renewed.',
  }),
  '<id>.default': value(v.boolean, {
    default: 'false',
    doc: 'Use the certificate when no other fits.',
  }),
  '<id>.eab.kid': value(v.text, { doc: 'Key id of the external account binding (RFC 8555 §7.3.4).' }),
  '<id>.eab.hmac-key': value(v.text, {
    secret: true,
    doc: 'Key of the external account binding, base64url.',
  }),
  '<id>.provider': value(v.options('DNS provider', ['rfc2136-tsig', 'cloudflare']), {
    doc: 'Who takes the DNS records of the dns-01 challenge; needed for it.',
  }),
  '<id>.secret': value(v.text, {
    secret: true,
    doc: 'TSIG key in base64, or the token of the provider; needed for dns-01.',
  }),
  '<id>.host': value(v.ip, { doc: 'Address of the DNS server that takes updates (RFC 2136).' }),
  '<id>.port': value(v.port, { default: '53', doc: 'Port of the DNS server.' }),
  '<id>.protocol': value(v.options('transport', ['udp', 'tcp']), { default: 'udp', doc: 'Transport to the DNS server.' }),
  '<id>.key': value(v.text, { doc: 'Name of the TSIG key (RFC 8945).' }),
  '<id>.tsig-algorithm': value(
    v.options('TSIG algorithm', [
      'hmac-sha1',
      'hmac-sha224',
      'hmac-sha256',
      'hmac-sha256-128',
      'hmac-sha384',
      'hmac-sha384-192',
      'hmac-sha512',
      'hmac-sha512-256',
      'hmac-md5',
      'gss',
    ]),
    { default: 'hmac-sha512', doc: 'Algorithm of the TSIG key.' },
  ),
  '<id>.user': value(v.text, {
    doc: 'Mail address of the provider account, when the secret is its global key.',
  }),
  '<id>.timeout': value(v.duration, {
    default: '30s',
    doc: 'Longest wait for the provider.',
  }),
  '<id>.origin': value(v.text, {
    defaultDoc: 'registrable domain of the name',
    doc: 'Zone that takes the challenge record.',
  }),
  '<id>.polling-interval': value(v.duration, {
    default: '15s',
    doc: 'Wait between two looks for the challenge record.',
  }),
  '<id>.propagation-timeout': value(v.duration, {
    default: '1m',
    doc: 'Longest wait for the challenge record; afterwards the challenge goes on all the same.',
  }),
  '<id>.ttl': value(v.duration, {
    default: '5m',
    doc: 'Time to live of the challenge record.',
  }),
  '<id>.account-key': value(v.text, {
    secret: true,
    doc: 'Account key, base64url. Written by the server.',
  }),
  '<id>.cert': value(v.text, {
    secret: true,
    doc: 'Issued chain with its key, base64url. Written by the server.',
  }),
})

import { results } from '../expressions/index.ts'
import * as v from '../values/index.ts'
import { expression, family, list, value, when } from './family.ts'

const onPort25 = when([['local_port == 25', 'true']], 'false')
const unlessPort25 = when([['local_port != 25', 'true']], 'false')
const authenticated = when([['!is_empty(authenticated_as)', 'true']], 'false')

const stages = v.options('stage', ['connect', 'ehlo', 'auth', 'mail', 'rcpt', 'data'])
export type Stage = 'connect' | 'ehlo' | 'auth' | 'mail' | 'rcpt' | 'data'

/** What the buckets of an inbound throttle are told apart by. */
const throttleKeys = v.options('throttle key', [
  'listener',
  'remote_ip',
  'local_ip',
  'authenticated_as',
  'helo_domain',
  'sender',
  'sender_domain',
  'rcpt',
  'rcpt_domain',
])

/** SMTP and LMTP sessions. New values act on new sessions and on the next commands of open ones. */
export const session = family('session', 'live', {
  timeout: expression('conn', results.duration, { default: '5m', doc: 'Longest silence of a client.' }),
  duration: expression('conn', results.duration, { default: '10m', doc: 'Longest session.' }),
  'transfer-limit': expression('conn', results.size, { default: '262144000', doc: 'Bytes read in a session at most.' }),
  'connect.hostname': expression('conn', results.text, {
    default: "key_get('default', 'hostname')",
    doc: 'Name of this server in the session.',
  }),
  'connect.greeting': expression('conn', results.text, {
    default: "key_get('default', 'hostname') + ' Postern ESMTP at your service'",
    doc: 'Text after `220`; must begin with the host name (RFC 5321 §4.2).',
  }),
  'connect.script': expression('conn', results.text, { doc: 'Trusted script that runs when a client connects.' }),
  'connect.pregreet-delay': value(v.optional(v.duration), {
    doc: 'Wait before the greeting on the MX port; a client that talks during it is refused.',
  }),
  'xclient.networks': list(v.ipOrNetwork, {
    doc: 'Peers that may name the client they speak for with XCLIENT.',
  }),
  'ehlo.script': expression('conn', results.text, { doc: 'Trusted script that runs after EHLO.' }),
  'ehlo.require': expression('conn', results.boolean, { default: 'true', doc: 'Demand EHLO before MAIL.' }),
  'ehlo.reject-non-fqdn': expression('conn', results.boolean, {
    default: onPort25,
    doc: 'Refuse EHLO names that are no fully qualified host name.',
  }),
  'extensions.pipelining': expression('mail', results.boolean, { default: 'true', doc: 'Offer PIPELINING (RFC 2920).' }),
  'extensions.chunking': expression('mail', results.boolean, {
    default: 'true',
    doc: 'Offer CHUNKING, and with it BINARYMIME (RFC 3030).',
  }),
  'extensions.requiretls': expression('mail', results.boolean, { default: 'true', doc: 'Offer REQUIRETLS (RFC 8689).' }),
  'extensions.dsn': expression('mail', results.boolean, { default: 'true', doc: 'Offer DSN (RFC 3461).' }),
  'extensions.vrfy': expression('mail', results.boolean, { default: authenticated, doc: 'Answer VRFY.' }),
  'extensions.expn': expression('mail', results.boolean, { default: authenticated, doc: 'Answer EXPN.' }),
  'extensions.no-soliciting': expression('mail', results.text, {
    default: "''",
    doc: 'Keywords of NO-SOLICITING (RFC 3865), offered even when empty; a result that is no text withdraws it.',
  }),
  'extensions.future-release': expression('mail', results.duration, {
    default: when([['!is_empty(authenticated_as)', '7d']], 'false'),
    doc: 'Longest hold of FUTURERELEASE (RFC 4865); no value withdraws it.',
  }),
  'extensions.deliver-by': expression('mail', results.duration, {
    default: when([['!is_empty(authenticated_as)', '15d']], 'false'),
    doc: 'Longest time of DELIVERBY (RFC 2852); no value withdraws it.',
  }),
  'extensions.mt-priority': expression('mail', results.mtPriority, {
    default: when([['!is_empty(authenticated_as)', 'mixer']], 'false'),
    doc: 'Profile of MT-PRIORITY (RFC 6710); no value withdraws it.',
  }),
  'auth.directory': expression('ehlo', results.text, {
    default: when([['local_port != 25', "'*'"]], 'false'),
    doc: 'Directory that checks logins; no value means that nobody can log in.',
  }),
  'auth.mechanisms': expression('ehlo', results.mechanisms, {
    default: when(
      [
        ['local_port != 25 && is_tls', '[plain, login, oauthbearer]'],
        ['local_port != 25', '[oauthbearer]'],
      ],
      'false',
    ),
    doc: 'Mechanisms offered for AUTH; no value offers none.',
  }),
  'auth.require': expression('ehlo', results.boolean, { default: unlessPort25, doc: 'Demand a login before MAIL.' }),
  'auth.must-match-sender': expression('mail', results.boolean, {
    default: 'true',
    doc: 'Let an account send from its own addresses only.',
  }),
  'auth.errors.total': expression('ehlo', results.integer, { default: '3', doc: 'Failed logins that end the session.' }),
  'auth.errors.wait': expression('ehlo', results.duration, { default: '5s', doc: 'Wait before the answer to a failed login.' }),
  'mail.script': expression('mail', results.text, { doc: 'Trusted script that runs after MAIL.' }),
  'mail.rewrite': expression('mail', results.text, {
    doc: 'New envelope sender: a text with `@` replaces it, an empty one makes it the null sender, anything else changes nothing.',
  }),
  'mail.is-allowed': expression('mail', results.boolean, {
    default: "!is_empty(authenticated_as) || !key_exists('blocked-domains', sender_domain)",
    doc: 'Whether mail of the sender is taken.',
  }),
  'rcpt.script': expression('rcpt', results.text, { doc: 'Trusted script that runs after RCPT.' }),
  'rcpt.rewrite': expression('rcpt', results.text, { doc: 'New recipient address, when the result contains `@`.' }),
  'rcpt.relay': expression('rcpt', results.boolean, {
    default: authenticated,
    doc: 'Take recipients of foreign domains.',
  }),
  'rcpt.directory': expression('rcpt', results.text, { default: "'*'", doc: 'Directory that knows local recipients.' }),
  'rcpt.errors.total': expression('mail', results.integer, { default: '5', doc: 'Bad recipients that end the session.' }),
  'rcpt.errors.wait': expression('mail', results.duration, { default: '5s', doc: 'Wait before the answer to a bad recipient.' }),
  'rcpt.max-recipients': expression('mail', results.integer, { default: '100', doc: 'Recipients of a message at most.' }),
  'rcpt.catch-all': expression('addr', results.mapping, {
    default: 'true',
    doc: 'Look up `@domain` when the address is unknown: true, false, or an expression that gives the address to look up.',
  }),
  'rcpt.sub-addressing': expression('addr', results.mapping, {
    default: 'true',
    aliases: ['session.rcpt.subaddressing'],
    doc: 'Cut the local part at the first `+` (RFC 5233): true, false, or an expression that gives the address to look up.',
  }),
  'data.script': expression('rcpt', results.text, { doc: 'Trusted script that runs when the message has arrived.' }),
  'data.spam-filter': expression('rcpt', results.boolean, { default: 'true', doc: 'Run the spam filter.' }),
  'data.bare-newline': value(v.options('bare newline rule', ['reject', 'normalize', 'accept']), {
    default: 'normalize',
    doc: 'What happens to CR or LF alone inside a message on the MX port: refuse the message, make them CRLF, or keep them.',
  }),
  'data.limits.messages': expression('rcpt', results.integer, { default: '10', doc: 'Messages in a session at most.' }),
  'data.limits.size': expression('rcpt', results.size, { default: '104857600', doc: 'Largest message in bytes.' }),
  'data.limits.received-headers': expression('rcpt', results.integer, {
    default: '50',
    doc: 'Received fields above which the message is taken for a loop.',
  }),
  'data.add-headers.received': expression('rcpt', results.boolean, {
    default: 'true',
    doc: 'Add Received (RFC 5321 §4.4).',
  }),
  'data.add-headers.received-spf': expression('rcpt', results.boolean, { default: onPort25, doc: 'Add Received-SPF (RFC 7208 §9.1).' }),
  'data.add-headers.return-path': expression('rcpt', results.boolean, {
    default: onPort25,
    doc: 'Add Return-Path to mail for local accounts.',
  }),
  'data.add-headers.auth-results': expression('rcpt', results.boolean, {
    default: onPort25,
    doc: 'Add Authentication-Results (RFC 8601).',
  }),
  'data.add-headers.message-id': expression('rcpt', results.boolean, {
    default: 'true',
    doc: 'Add Message-ID when it is missing (RFC 6409 §8.3).',
  }),
  'data.add-headers.date': expression('rcpt', results.boolean, {
    default: 'true',
    doc: 'Add Date when it is missing (RFC 6409 §8.2).',
  }),
  'data.add-headers.hide-client': expression('rcpt', results.boolean, {
    default: 'false',
    doc: 'Leave name and address of the client out of Received when it has logged in.',
  }),
  'data.add-headers.delivered-to': value(v.boolean, {
    default: 'true',
    doc: 'Add Delivered-To at local delivery.',
  }),
  'mta-sts.mode': value(v.optional(v.options('MTA-STS mode', ['enforce', 'testing', 'none'], { test: 'testing' })), {
    default: 'testing',
    doc: 'Mode of the own MTA-STS policy (RFC 8461); off publishes none.',
  }),
  'mta-sts.max-age': value(v.duration, { default: '7d', doc: 'How long others may keep the policy.' }),
  'mta-sts.mx': list(v.text, {
    defaultDoc: 'the names of the loaded certificates that belong to a mail host',
    doc: 'Hosts of the policy; `*.example.org` is allowed.',
  }),
  'throttle.<id>.enable': value(v.boolean, { default: 'true', doc: 'Apply the throttle.' }),
  'throttle.<id>.key': list(throttleKeys, {
    doc: 'What the buckets are told apart by; nothing means one bucket for all. A throttle with a recipient key or variable acts at RCPT, else with a sender, EHLO or login one at MAIL, else when a client connects.',
  }),
  'throttle.<id>.match': expression('rcpt', results.boolean, { bare: true, doc: 'When the throttle applies; always if absent.' }),
  'throttle.<id>.rate': value(v.optional(v.rate), { doc: 'Events allowed in a period.' }),
  'throttle.<id>.concurrency': value(v.optional(v.integer), { doc: 'Sessions allowed at once. Rate or concurrency is needed.' }),
  'milter.<id>.hostname': value(v.text, { required: true, doc: 'Host of the milter.' }),
  'milter.<id>.port': value(v.port, { required: true, doc: 'Port of the milter.' }),
  'milter.<id>.enable': expression('rcpt', results.boolean, { default: 'false', doc: 'Ask the milter.' }),
  'milter.<id>.stages': list(stages, { default: ['data'], doc: 'Stages at which it is asked.' }),
  'milter.<id>.timeout.connect': value(v.duration, { default: '30s', doc: 'Longest time to connect.' }),
  'milter.<id>.timeout.command': value(v.duration, { default: '30s', doc: 'Longest wait for the answer to a command.' }),
  'milter.<id>.timeout.data': value(v.duration, { default: '60s', doc: 'Longest wait for the answer to the message.' }),
  'milter.<id>.tls': value(v.boolean, { default: 'false', doc: 'Encrypt the connection.' }),
  'milter.<id>.allow-invalid-certs': value(v.boolean, { default: 'false', doc: 'Do not check the certificate of the milter.' }),
  'milter.<id>.options.tempfail-on-error': value(v.boolean, {
    default: 'true',
    doc: 'Defer mail while the milter does not work; else go on without it.',
  }),
  'milter.<id>.options.max-response-size': value(v.size, { default: '52428800', doc: 'Largest answer in bytes.' }),
  'milter.<id>.options.version': value(v.options('milter protocol version', ['2', '6']), { default: '6', doc: 'Protocol version.' }),
  'milter.<id>.options.flags.actions': value(v.integer, { defaultDoc: 'as negotiated', doc: 'Bit set of actions the milter may take.' }),
  'milter.<id>.options.flags.protocol': value(v.integer, { defaultDoc: 'as negotiated', doc: 'Bit set of protocol steps.' }),
  'hook.<id>.url': value(v.httpUrl, { required: true, doc: 'Where the request is sent.' }),
  'hook.<id>.enable': expression('rcpt', results.boolean, { default: 'false', doc: 'Ask the hook.' }),
  'hook.<id>.stages': list(stages, { default: ['data'], doc: 'Stages at which it is asked.' }),
  'hook.<id>.timeout': value(v.duration, { default: '30s', doc: 'Longest wait for an answer.' }),
  'hook.<id>.headers': list(v.headerLine, { secret: true, doc: 'Fields added to each request.' }),
  'hook.<id>.auth.username': value(v.text, { doc: 'Login for HTTP Basic.' }),
  'hook.<id>.auth.secret': value(v.text, { secret: true, doc: 'Password for HTTP Basic.' }),
  'hook.<id>.allow-invalid-certs': value(v.boolean, { default: 'false', doc: 'Do not check the certificate of the hook.' }),
  'hook.<id>.options.tempfail-on-error': value(v.boolean, {
    default: 'true',
    doc: 'Defer mail while the hook does not work; else go on without it.',
  }),
  'hook.<id>.options.max-response-size': value(v.size, { default: '52428800', doc: 'Largest answer in bytes.' }),
})

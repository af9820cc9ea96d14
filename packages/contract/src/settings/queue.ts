import { results } from '../expressions/index.ts'
import * as v from '../values/index.ts'
import { expression, family, list, value, when } from './family.ts'

/** What the buckets of a queue throttle are told apart by. */
const throttleKeys = v.options('throttle key', ['sender', 'sender_domain', 'rcpt_domain', 'mx', 'remote_ip', 'local_ip'])

/** What the counters of a queue quota are told apart by. */
const quotaKeys = v.options('quota key', ['sender', 'sender_domain', 'rcpt', 'rcpt_domain'])

function timeout(what: string, time: string) {
  return expression('qhost', results.duration, { default: time, doc: `Longest wait for ${what}.` })
}

/** The message queue and outbound delivery. */
export const queue = family('queue', 'live', {
  'schedule.retry': expression('qhost', results.durations, {
    default: '[2m, 5m, 10m, 15m, 30m, 1h, 2h]',
    doc: 'Waits between attempts; the last one repeats.',
  }),
  'schedule.notify': expression('qrcpt', results.durations, {
    default: '[1d, 3d]',
    doc: 'When the sender hears of a delay, counted from acceptance.',
  }),
  'schedule.expire': expression('qrcpt', results.duration, { default: '5d', doc: 'Time after which delivery is given up.' }),
  'outbound.hostname': expression('qsender', results.text, { default: "key_get('default', 'hostname')", doc: 'Name given in EHLO.' }),
  'outbound.next-hop': expression('qrcpt', results.text, {
    default: when([["is_local_domain('*', rcpt_domain)", "'local'"]], 'false'),
    doc: 'Where mail goes: the id of a `remote.<id>`, `local`, or no value for the MX hosts of the domain.',
  }),
  'outbound.limits.mx': expression('qrcpt', results.integer, { default: '5', doc: 'Hosts tried in an attempt.' }),
  'outbound.limits.multihomed': expression('qrcpt', results.integer, { default: '2', doc: 'Addresses tried per host.' }),
  'outbound.ip-strategy': expression('qsender', results.ipStrategy, {
    default: 'ipv4_then_ipv6',
    doc: 'Which addresses are used, and in which order.',
  }),
  'outbound.source-ip.v4': expression('qmx', results.ips, { doc: 'Own IPv4 addresses to send from; one is picked at random.' }),
  'outbound.source-ip.v6': expression('qmx', results.ips, { doc: 'Own IPv6 addresses to send from; one is picked at random.' }),
  'outbound.tls.dane': expression('qmx', results.tlsOption, { default: 'optional', doc: 'Use of DANE (RFC 7672).' }),
  'outbound.tls.mta-sts': expression('qrcpt', results.tlsOption, { default: 'optional', doc: 'Use of MTA-STS (RFC 8461).' }),
  'outbound.tls.starttls': expression('qmx', results.tlsOption, {
    default: 'optional',
    doc: 'Use of STARTTLS: optional encrypts without checking certificates, require insists on encryption, verify also on a valid certificate.',
  }),
  'outbound.tls.allow-invalid-certs': expression('qmx', results.boolean, {
    default: when([["retry_num > 0 && last_error == 'tls'", 'true']], 'false'),
    doc: 'Accept a certificate that does not verify where one would be demanded.',
  }),
  'outbound.timeouts.connect': timeout('a connection', '5m'),
  'outbound.timeouts.greeting': timeout('the greeting', '5m'),
  'outbound.timeouts.tls': timeout('the TLS handshake', '3m'),
  'outbound.timeouts.ehlo': timeout('the answer to EHLO', '5m'),
  'outbound.timeouts.mail-from': timeout('the answer to MAIL', '5m'),
  'outbound.timeouts.rcpt-to': timeout('the answer to RCPT', '5m'),
  'outbound.timeouts.data': timeout('the answer to the message', '10m'),
  'outbound.timeouts.mta-sts': timeout('the MTA-STS policy', '10m'),
  'outbound.concurrency': value(v.integer, { default: '25', doc: 'Deliveries at once in this process.' }),
  'throttle.<id>.enable': value(v.boolean, { default: 'true', doc: 'Apply the throttle.' }),
  'throttle.<id>.key': list(throttleKeys, {
    doc: 'What the buckets are told apart by; nothing means one bucket for all. With mx, remote_ip or local_ip (key or variable) a throttle acts per connection, else with rcpt_domain per domain, else per message.',
  }),
  'throttle.<id>.match': expression('qhost', results.boolean, { bare: true, doc: 'When the throttle applies; always if absent.' }),
  'throttle.<id>.rate': value(v.optional(v.rate), { doc: 'Events allowed in a period.' }),
  'throttle.<id>.concurrency': value(v.optional(v.integer), { doc: 'Deliveries allowed at once. Rate or concurrency is needed.' }),
  'quota.<id>.enable': value(v.boolean, { default: 'true', doc: 'Apply the quota.' }),
  'quota.<id>.key': list(quotaKeys, { doc: 'What the counters are told apart by; nothing means one for all.' }),
  'quota.<id>.match': expression('qhost', results.boolean, { bare: true, doc: 'When the quota applies; always if absent.' }),
  'quota.<id>.messages': value(v.optional(v.integer), { doc: 'Messages that may be queued.' }),
  'quota.<id>.size': value(v.optional(v.size), { doc: 'Bytes that may be queued. Messages or size is needed.' }),
})

/** Relays by record, found by `address`. */
export const remote = family('remote', 'live', {
  '<id>.address': value(v.text, { required: true, doc: 'Host name or address.' }),
  '<id>.port': value(v.port, { default: '25', doc: 'Port.' }),
  '<id>.protocol': value(v.options('relay protocol', ['smtp', 'lmtp', 'http']), {
    default: 'smtp',
    doc: 'Protocol; `http` means local delivery.',
  }),
  '<id>.auth.username': value(v.text, { doc: 'Login.' }),
  '<id>.auth.secret': value(v.text, { secret: true, doc: 'Password.' }),
  '<id>.tls.implicit': value(v.boolean, { default: 'true', doc: 'Speak TLS from the first byte.' }),
  '<id>.tls.allow-invalid-certs': value(v.boolean, { default: 'false', doc: 'Do not check the certificate of the relay.' }),
})

const relaxedOnPort25 = when([['local_port == 25', 'relaxed']], 'disable')

/** Verifying and signing. */
export const auth = family('auth', 'live', {
  'dkim.verify': expression('rcpt', results.verifyStrategy, {
    default: 'relaxed',
    doc: 'DKIM (RFC 6376): record, or refuse mail without a valid signature.',
  }),
  'dkim.sign': expression('rcpt', results.texts, {
    default: when(
      [["is_local_domain('*', sender_domain) && !is_empty(authenticated_as)", "['rsa-' + sender_domain, 'ed25519-' + sender_domain]"]],
      'false',
    ),
    doc: 'Ids of the signatures a message gets.',
  }),
  'dkim.strict': value(v.boolean, { default: 'true', doc: 'Ignore signatures that cover a part of the body only (tag l).' }),
  'arc.verify': expression('rcpt', results.verifyStrategy, {
    default: 'relaxed',
    doc: 'ARC (RFC 8617): record, or refuse mail with a broken chain.',
  }),
  'arc.seal': expression('rcpt', results.text, {
    default: "'rsa-' + key_get('default', 'domain')",
    doc: 'Id of the signature that seals.',
  }),
  'spf.verify.ehlo': expression('conn', results.verifyStrategy, {
    default: relaxedOnPort25,
    doc: 'SPF (RFC 7208) of the EHLO name: record, or refuse mail that fails.',
  }),
  'spf.verify.mail-from': expression('conn', results.verifyStrategy, {
    default: relaxedOnPort25,
    doc: 'SPF (RFC 7208) of the envelope sender: record, or refuse mail that fails.',
  }),
  'dmarc.verify': expression('rcpt', results.verifyStrategy, {
    default: relaxedOnPort25,
    doc: 'DMARC (RFC 7489): record, or refuse mail as the domain wishes.',
  }),
  'iprev.verify': expression('conn', results.verifyStrategy, {
    default: relaxedOnPort25,
    doc: 'Reverse DNS of the client (RFC 8601 §2.7.3): record, or refuse clients without.',
  }),
})

/** Signing keys by record, found by `algorithm`. */
export const signature = family('signature', 'live', {
  '<id>.algorithm': value(v.dkimAlgorithm, { required: true, doc: 'Algorithm.' }),
  '<id>.private-key': value(v.pem, { required: true, secret: true, doc: 'Key: RSA as PKCS#1 or PKCS#8, Ed25519 as PKCS#8.' }),
  '<id>.domain': value(v.text, { required: true, doc: 'Signing domain (tag d).' }),
  '<id>.selector': value(v.text, { required: true, doc: 'Selector (tag s).' }),
  '<id>.headers': list(v.text, {
    default: [
      'From',
      'Sender',
      'Reply-To',
      'To',
      'Cc',
      'Date',
      'Subject',
      'Message-ID',
      'In-Reply-To',
      'References',
      'MIME-Version',
      'Content-Type',
      'Content-Transfer-Encoding',
      'List-Id',
      'List-Unsubscribe',
      'List-Unsubscribe-Post',
    ],
    doc: 'Fields that are signed (RFC 6376 §5.4.1); ARC adds DKIM-Signature.',
  }),
  '<id>.canonicalization': value(v.canonicalization, { default: 'relaxed/relaxed', doc: 'Canonical forms of header and body.' }),
  '<id>.expire': value(v.duration, { doc: 'Life of a signature (tag x).' }),
  '<id>.report': value(v.boolean, { default: 'false', doc: 'Ask for failure reports (RFC 6651).' }),
  '<id>.auid': value(v.text, { doc: 'User or agent (tag i).' }),
  '<id>.third-party': value(v.text, { doc: 'Domain that authorises this signer (RFC 6541).' }),
  '<id>.third-party-algo': value(v.hash, { doc: 'Hash of the authorisation record.' }),
  '<id>.set-body-length': value(v.boolean, { default: 'false', doc: 'Accepted without effect: a signature always covers the whole body.' }),
})

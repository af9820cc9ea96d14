import { results } from '../expressions/index.ts'
import * as v from '../values/index.ts'
import { expression, family, list, value } from './family.ts'

const defaultSigners = "['rsa-' + key_get('default', 'domain'), 'ed25519-' + key_get('default', 'domain')]"
const defaultDomain = "key_get('default', 'domain')"

type FailureContext = 'rcpt' | 'mail'

function fromName(context: FailureContext | 'rdomain', name: string) {
  return expression(context, results.text, { default: `'${name}'`, doc: 'Display name of the sender.' })
}

function fromAddress(context: FailureContext | 'rdomain', kind: string) {
  return expression(context, results.text, { default: `'noreply-${kind}@' + ${defaultDomain}`, doc: 'Address of the sender.' })
}

function subject(context: FailureContext, kind: string) {
  return expression(context, results.text, { default: `'${kind} Authentication Failure Report'`, doc: 'Subject.' })
}

function sign(context: FailureContext | 'rdomain' | 'qsender') {
  return expression(context, results.texts, { default: defaultSigners, doc: 'Ids of the signatures it gets.' })
}

function send(context: FailureContext) {
  return expression(context, results.rate, {
    default: '[1, 1d]',
    doc: 'Reports sent to one address in a period; no value sends none.',
  })
}

function orgName() {
  return expression('rdomain', results.text, { default: defaultDomain, doc: 'Organisation named in the report.' })
}

function contactInfo() {
  return expression('rdomain', results.text, { doc: 'Contact named in the report.' })
}

function maxSize() {
  return expression('rdomain', results.size, {
    default: '26214400',
    doc: 'Largest report in bytes before compression; data beyond is left out.',
  })
}

/** Bounces, failure and aggregate reports, and reports of others. */
export const report = family('report', 'live', {
  submitter: expression('rdomain', results.text, {
    default: "key_get('default', 'hostname')",
    doc: 'Host named as the source of reports.',
  }),
  'analysis.addresses': list(v.addressMatch, {
    doc: 'Recipients whose mail is read as DMARC, TLS or abuse reports. The first start writes `postmaster@*`.',
  }),
  'analysis.forward': value(v.boolean, { default: 'true', doc: 'Deliver the report, too.' }),
  'analysis.store': value(v.optional(v.duration), { default: '30d', doc: 'How long received reports are kept; off keeps none.' }),
  'dsn.from-name': expression('qsender', results.text, {
    default: "'Mail Delivery Subsystem'",
    doc: 'Display name of the sender of bounces.',
  }),
  'dsn.from-address': expression('qsender', results.text, {
    default: `'MAILER-DAEMON@' + ${defaultDomain}`,
    doc: 'Address of the sender of bounces.',
  }),
  'dsn.sign': sign('qsender'),
  'dkim.from-name': fromName('rcpt', 'Report Subsystem'),
  'dkim.from-address': fromAddress('rcpt', 'dkim'),
  'dkim.subject': subject('rcpt', 'DKIM'),
  'dkim.sign': sign('rcpt'),
  'dkim.send': send('rcpt'),
  'spf.from-name': fromName('mail', 'Report Subsystem'),
  'spf.from-address': fromAddress('mail', 'spf'),
  'spf.subject': subject('mail', 'SPF'),
  'spf.sign': sign('mail'),
  'spf.send': send('mail'),
  'dmarc.from-name': fromName('rcpt', 'Report Subsystem'),
  'dmarc.from-address': fromAddress('rcpt', 'dmarc'),
  'dmarc.subject': subject('rcpt', 'DMARC'),
  'dmarc.sign': sign('rcpt'),
  'dmarc.send': send('rcpt'),
  'dmarc.aggregate.from-name': fromName('rdomain', 'DMARC Aggregate Report'),
  'dmarc.aggregate.from-address': fromAddress('rdomain', 'dmarc'),
  'dmarc.aggregate.org-name': orgName(),
  'dmarc.aggregate.contact-info': contactInfo(),
  'dmarc.aggregate.send': expression('rcpt', results.frequency, { default: 'daily', doc: 'How often DMARC aggregate reports are sent.' }),
  'dmarc.aggregate.sign': sign('rdomain'),
  'dmarc.aggregate.max-size': maxSize(),
  'tls.aggregate.from-name': fromName('rdomain', 'TLS Aggregate Report'),
  'tls.aggregate.from-address': fromAddress('rdomain', 'tls'),
  'tls.aggregate.org-name': orgName(),
  'tls.aggregate.contact-info': contactInfo(),
  'tls.aggregate.send': expression('qhost', results.frequency, { default: 'daily', doc: 'How often TLS reports are sent (RFC 8460).' }),
  'tls.aggregate.sign': sign('rdomain'),
  'tls.aggregate.max-size': maxSize(),
})

/** DNS look-ups. A second resolver with the same servers and DNSSEC validation serves DANE. */
export const resolver = family('resolver', 'live', {
  type: value(v.options('resolver type', ['system', 'cloudflare', 'cloudflare-tls', 'quad9', 'quad9-tls', 'google', 'custom']), {
    default: 'system',
    doc: 'Whose servers are asked. Cloudflare takes over when the settings of the system cannot be read.',
  }),
  custom: list(v.resolverAddress, { doc: 'Servers of the type custom.' }),
  concurrency: value(v.integer, { default: '2', doc: 'Servers asked at once.' }),
  attempts: value(v.integer, { default: '2', doc: 'Tries.' }),
  timeout: value(v.duration, { default: '5s', doc: 'Longest wait for an answer.' }),
  'preserve-intermediates': value(v.boolean, { default: 'false', doc: 'Keep the aliases an answer went through.' }),
  'try-tcp-on-error': value(v.boolean, { default: 'false', doc: 'Ask again over TCP after an error.' }),
})

/** Autonomous system and country of addresses. */
export const asn = family('asn', 'live', {
  type: value(v.options('ASN source', ['dns', 'resource', 'disable'], { disabled: 'disable', none: 'disable', false: 'disable' }), {
    default: 'disable',
    doc: 'Where the data come from: DNS, downloaded tables, or nowhere.',
  }),
  'zone.ipv4': value(v.text, { doc: 'dns: zone for IPv4 addresses; needed.' }),
  'zone.ipv6': value(v.text, { doc: 'dns: zone for IPv6 addresses; needed.' }),
  separator: value(v.text, { doc: 'dns: what separates the fields of an answer; needed.' }),
  'index.asn': value(v.integer, { doc: 'dns: field with the number; needed.' }),
  'index.asn-name': value(v.integer, { doc: 'dns: field with the name.' }),
  'index.country': value(v.integer, { doc: 'dns: field with the country.' }),
  'urls.asn': list(v.urlOf('https', 'http', 'file'), { doc: 'resource: CSV tables of first address, last address, number, name.' }),
  'urls.geo': list(v.urlOf('https', 'http', 'file'), { doc: 'resource: CSV tables of first address, last address, country.' }),
  expires: value(v.duration, { default: '1d', doc: 'resource: age at which the tables are fetched anew.' }),
  timeout: value(v.duration, { default: '5m', doc: 'resource: longest fetch.' }),
  'max-size': value(v.size, { default: '104857600', doc: 'resource: largest table in bytes.' }),
  headers: list(v.headerLine, { secret: true, doc: 'resource: fields added to each request.' }),
  'auth.username': value(v.text, { doc: 'resource: login for HTTP Basic.' }),
  'auth.secret': value(v.text, { secret: true, doc: 'resource: password for HTTP Basic.' }),
  'auth.token': value(v.text, { secret: true, doc: 'resource: bearer token, used when there is no login for HTTP Basic.' }),
})

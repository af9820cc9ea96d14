import { createHash, type X509Certificate } from 'node:crypto'
import { settings as declared } from '@postern/contract'
import type { SettingsReader } from '#data/settings'
import type { Certificates } from '#services/certificates'
import { hostOf, mtaStsPolicy } from './mta-sts.ts'

export interface DnsRecord {
  readonly type: 'MX' | 'CNAME' | 'TXT' | 'SRV' | 'TLSA'
  /** With the final dot. */
  readonly name: string
  /** Presentation form, TXT as one text without quotes. */
  readonly content: string
}

/** A signing key as the DNS shows it. */
export interface PublishedKey {
  readonly selector: string
  readonly kind: 'rsa' | 'ed25519'
  readonly publicKey: string
}

interface Parts {
  readonly reader: Pick<SettingsReader, 'read' | 'idsOf'>
  readonly chainFor: Certificates['chainFor']
  readonly keys: readonly PublishedKey[]
}

/** Everything that the zone of a domain should say about its mail. Names are spelt as given, compared in lower case. */
export function recordsOf(domain: string, { reader, chainFor, keys }: Parts): readonly DnsRecord[] {
  const own = domain.toLowerCase()
  const host = hostOf(reader)
  const isInside = host === own || host.endsWith(`.${own}`)
  const record = (type: DnsRecord['type'], name: string, content: string): DnsRecord => ({ type, name: `${name}.`, content })
  const services = servicesOf(reader)
  const hasHttps = services.some(({ protocol }) => protocol === 'http')
  const policy = mtaStsPolicy(reader, chainFor)
  const records = [record('MX', domain, `10 ${host}.`)]
  if (host !== `mail.${own}`) records.push(record('CNAME', `mail.${domain}`, `${host}.`))
  for (const { selector, kind, publicKey } of keys)
    records.push(record('TXT', `${selector}._domainkey.${domain}`, `v=DKIM1; k=${kind}; h=sha256; p=${publicKey}`))
  // One name has one SPF record (RFC 7208 §3.2), so a host that is the domain itself gets the one of the domain.
  if (isInside && host !== own) records.push(record('TXT', host, 'v=spf1 a ra=postmaster -all'))
  records.push(record('TXT', domain, 'v=spf1 mx ra=postmaster -all'))
  for (const { service, port } of services) records.push(record('SRV', `_${service}._tcp.${domain}`, `0 1 ${port} ${host}.`))
  if (hasHttps) for (const name of ['autoconfig', 'autodiscover']) records.push(record('CNAME', `${name}.${domain}`, `${host}.`))
  if (hasHttps && policy !== undefined) {
    records.push(record('CNAME', `mta-sts.${domain}`, `${host}.`))
    records.push(record('TXT', `_mta-sts.${domain}`, `v=STSv1; id=${policy.id}`))
  }
  const postmaster = `mailto:postmaster@${domain}`
  records.push(record('TXT', `_dmarc.${domain}`, `v=DMARC1; p=reject; rua=${postmaster}; ruf=${postmaster}`))
  records.push(record('TXT', `_smtp._tls.${domain}`, `v=TLSRPTv1; rua=${postmaster}`))
  const chain = isInside ? (chainFor(host)?.chain ?? []) : []
  for (const content of tlsaContents(chain)) records.push(record('TLSA', `_25._tcp.${host}`, content))
  return records
}

const serviceNames: Readonly<Record<string, string>> = { smtp: 'submission', imap: 'imap', pop3: 'pop3', http: 'jmap' }

/** Ports from here on are for clients; below it is the port for other servers. */
const firstClientPort = 26

interface Service {
  readonly protocol: string
  /** Name of the service (RFC 6186, RFC 8314, RFC 8620 §2.2). */
  readonly service: string
  readonly isImplicit: boolean
  readonly port: number
}

/** What clients may look up: by protocol, implicit TLS first, then by port. */
function servicesOf(reader: Parts['reader']): readonly Service[] {
  const { listenerBind, listenerProtocol, listenerTlsImplicit } = declared.server
  return reader
    .idsOf(listenerProtocol)
    .flatMap((id): Service[] => {
      const protocol = reader.read(listenerProtocol, { id }) ?? ''
      const isImplicit = reader.read(listenerTlsImplicit, { id })
      const [bind] = reader.read(listenerBind, { id })
      const name = serviceNames[protocol]
      if (name === undefined || bind === undefined) return []
      if (protocol === 'smtp' && bind.port < firstClientPort) return []
      if (protocol === 'http') return isImplicit ? [{ protocol, service: name, isImplicit, port: bind.port }] : []
      return [{ protocol, service: isImplicit ? `${name}s` : name, isImplicit, port: bind.port }]
    })
    .sort((a, b) => a.protocol.localeCompare(b.protocol, 'en') || Number(b.isImplicit) - Number(a.isImplicit) || a.port - b.port)
}

/** RFC 6698 §2.1: the leaf is named by usage 3, its issuers by 2; whole certificate or key, by either hash. */
function tlsaContents(chain: readonly X509Certificate[]): readonly string[] {
  const contents = chain.flatMap((certificate, index) => {
    const usage = index === 0 ? 3 : 2
    const subjects = [certificate.raw, certificate.publicKey.export({ type: 'spki', format: 'der' })]
    return subjects.flatMap((bytes, selector) =>
      ['sha256', 'sha512'].map((hash, at) => `${usage} ${selector} ${at + 1} ${createHash(hash).update(bytes).digest('hex')}`),
    )
  })
  return [...new Set(contents)]
}

import Type from 'typebox'
import { endpoint } from './endpoint.ts'
import { data, json, nothing, nullableText, path, text, words } from './parts.ts'

export const createDkimSignature = endpoint({
  id: 'createDkimSignature',
  method: 'POST',
  path: '/api/dkim',
  access: 'dkim-signature-create',
  impact: 'write',
  body: json(
    Type.Object({
      algorithm: words('Rsa', 'Ed25519'),
      domain: text,
      id: Type.Optional(nullableText),
      selector: Type.Optional(nullableText),
    }),
  ),
  output: nothing,
  errors: ['invalidParameters', 'fieldAlreadyExists'],
  summary: 'Make a signing key for a domain',
  doc: 'Without id it is `rsa-<domain>` or `ed25519-<domain>`, without selector year and month with `r` or `e`. Acts at once.',
})

export const getDkimSignature = endpoint({
  id: 'getDkimSignature',
  method: 'GET',
  path: '/api/dkim/{id}',
  access: 'dkim-signature-get',
  impact: 'read',
  params: { id: path.text('Id of the signature.') },
  output: data(text),
  errors: ['resourceNotFound', 'other'],
  summary: 'Get the public key of a signature, as it goes into the DNS',
})

export const listDnsRecords = endpoint({
  id: 'listDnsRecords',
  method: 'GET',
  path: '/api/dns/records/{domain}',
  access: 'domain-get',
  impact: 'read',
  params: { domain: path.name('Domain.') },
  output: data(
    Type.Array(Type.Object({ type: words('MX', 'CNAME', 'TXT', 'SRV', 'TLSA'), name: text, content: text }, { title: 'DnsRecord' })),
  ),
  errors: ['notFound'],
  summary: 'List the DNS records a domain should publish',
})

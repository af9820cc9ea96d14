import Type from 'typebox'
import { endpoint } from './endpoint.ts'
import { data, flag, json, nothing, nullable, nullableText, path, query, text, texts, timestamp, words } from './parts.ts'

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

export const rotateDkimSignature = endpoint({
  id: 'rotateDkimSignature',
  method: 'POST',
  path: '/api/dkim/{id}/rotate',
  access: 'dkim-signature-create',
  impact: 'write',
  params: { id: path.text('Id of the signature.') },
  body: json(
    Type.Object({
      selector: Type.Optional(nullableText),
      force: Type.Optional(flag),
    }),
  ),
  output: data(
    Type.Object(
      {
        state: words('waiting', 'switched'),
        selector: text,
        publicKey: text,
        formerSelector: nullableText,
        formerUntil: nullable(timestamp),
      },
      { title: 'DkimRotation' },
    ),
  ),
  errors: ['invalidParameters', 'resourceNotFound', 'fieldAlreadyExists', 'other'],
  summary: 'Replace the key of a signature',
  doc: 'Makes the next key under a selector of its own, or goes on with the one that waits. Signing switches as soon as the DNS shows the next key (the server looks every ten minutes, and with each call), or at once with `force`. The former key stays among the DNS records for seven days.',
})

const recordType = words('MX', 'CNAME', 'TXT', 'SRV', 'TLSA')

const record = Type.Object({ type: recordType, name: text, content: text }, { title: 'DnsRecord' })

export const listDnsRecords = endpoint({
  id: 'listDnsRecords',
  method: 'GET',
  path: '/api/dns/records/{domain}',
  access: 'domain-get',
  impact: 'read',
  params: { domain: path.text('Domain.') },
  output: data(Type.Array(record)),
  errors: ['notFound'],
  summary: 'List the DNS records a domain should publish',
})

export const checkDnsRecords = endpoint({
  id: 'checkDnsRecords',
  method: 'GET',
  path: '/api/dns/check/{domain}',
  access: 'domain-get',
  impact: 'read',
  params: { domain: path.text('Domain.') },
  output: data(
    Type.Object({
      ok: flag,
      records: Type.Array(
        Type.Object(
          {
            type: recordType,
            name: text,
            content: text,
            state: words('ok', 'missing', 'different', 'conflicting', 'unreachable'),
            found: texts,
            fix: nullableText,
          },
          { title: 'DnsFinding' },
        ),
      ),
    }),
  ),
  errors: ['notFound', 'invalidParameters'],
  summary: 'Compare the DNS of a domain with what it should be',
  doc: '`missing`: nothing is there. `different`: something else is. `conflicting`: the record is there, with others beside it that spoil it. `unreachable`: the resolver gave no answer. `fix` says what to do, with the line for the zone.',
})

export const publishDnsRecords = endpoint({
  id: 'publishDnsRecords',
  method: 'POST',
  path: '/api/dns/publish/{domain}',
  access: 'settings-update',
  impact: 'write',
  params: { domain: path.text('Domain.') },
  query: {
    provider: query.text('Id of the `acme.<id>` record with the DNS server; else the one whose zone fits best.'),
    'dry-run': query.flag('Only say what would be done.'),
    force: query.flag('Replace records of others too.'),
  },
  output: data(
    Type.Object({
      zone: text,
      added: Type.Array(record),
      removed: Type.Array(record),
      unchanged: Type.Array(record),
      conflicts: Type.Array(
        Type.Object({ type: recordType, name: text, content: text, found: texts, reason: text }, { title: 'DnsConflict' }),
      ),
      outside: Type.Array(record),
    }),
  ),
  errors: ['notFound', 'invalidParameters', 'other'],
  summary: 'Write the DNS records of a domain into its zone',
  doc: 'By RFC 2136 with TSIG, as one update that takes place whole or not at all. Only what this server wrote is replaced; records of others are conflicts and stay. `outside` are records of another zone.',
})

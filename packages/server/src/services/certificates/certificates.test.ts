import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createFakeClock, createRecordingTrace } from '@postern/testkit'
import { systemClock, systemRandom } from '#base/clock'
import { openSettings, type Settings } from '#data/settings'
import { openStore, type Store } from '#data/store'
import { type Certificates, createCertificates, type Identity } from './index.ts'
import { createSelfSigned } from './self-signed.ts'

const parts = { clock: systemClock, random: systemRandom }
const trace = createRecordingTrace()
let folder: string
let store: Store
let settings: Settings
let certificates: Certificates

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'certificates-'))
  store = await openStore({ kind: 'sqlite', path: folder, clock: systemClock, trace })
  settings = await openSettings({ store, macros: { env: () => undefined, file: async () => '' } })
  certificates = createCertificates({ settings, trace, ...parts })
})

after(async () => {
  certificates[Symbol.dispose]()
  await store[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

test('without any certificate a self-signed one for localhost is shown, and its key fits', () => {
  const { certificate, privateKey } = certificates.identityFor(undefined)
  const parsed = new X509Certificate(certificate)
  assert.ok(parsed.checkHost('localhost'))
  assert.ok(parsed.checkPrivateKey(createPrivateKey(privateKey)))
  assert.equal(certificates.identityFor('x').certificate, certificate)
})

test('certificates are chosen by name, wildcard, default; a broken one refuses the reload', async () => {
  const own = createSelfSigned(['mail.example.org'], parts)
  const wild = createSelfSigned(['*.other.test'], parts)
  const entries = (id: string, { certificate, privateKey }: Identity): Array<[string, string]> => [
    [`certificate.${id}.cert`, certificate],
    [`certificate.${id}.private-key`, privateKey],
  ]
  await settings.change([
    {
      kind: 'put',
      entries: [
        ...entries('own', own),
        ...entries('wild', wild),
        ['certificate.wild.default', 'true'],
        ...entries('bad', { certificate: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', privateKey: own.privateKey }),
      ],
    },
  ])
  assert.match(JSON.stringify((await settings.reload()).errors), /^\{"certificate.bad.cert":\{"type":"build","error":".+"\}\}$/)
  assert.notEqual(certificates.identityFor('mail.example.org').certificate, own.certificate)
  await settings.change([{ kind: 'deletePrefix', prefix: 'certificate.bad.' }])
  assert.deepEqual((await settings.reload()).errors, {})
  assert.equal(certificates.identityFor('MAIL.example.org').certificate, own.certificate)
  assert.equal(certificates.identityFor('imap.other.test').certificate, wild.certificate)
  assert.equal(certificates.identityFor('unknown.test').certificate, wild.certificate)
  assert.equal(certificates.chainFor('mail.example.org')?.name, 'mail.example.org')
  assert.equal(certificates.chainFor('imap.other.test')?.name, '*.other.test')
  assert.equal(certificates.chainFor('imap.other.test')?.chain[0]?.checkHost('imap.other.test'), '*.other.test')
  for (const host of ['other.test', 'a.b.other.test', 'unknown.test']) assert.equal(certificates.chainFor(host), undefined)
})

test('a self-signed certificate is what a strict reader expects', () => {
  const names = ['mail.example.org', '*.example.org', '192.0.2.7', '2001:db8::1']
  for (let run = 0; run < 20; run++) {
    const parsed = new X509Certificate(
      createSelfSigned(names, { clock: createFakeClock(Date.UTC(2026, 0, 2, 3, 4, 5)), random: systemRandom }).certificate,
    )
    assert.ok(parsed.verify(parsed.publicKey))
    assert.equal(parsed.ca, false)
    assert.equal(parsed.subject, 'CN=mail.example.org')
    assert.equal(parsed.subjectAltName, 'DNS:mail.example.org, DNS:*.example.org, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:1')
    assert.equal(parsed.validFrom, 'Jan  2 02:04:05 2026 GMT')
    assert.equal(parsed.validTo, 'Dec 31 03:04:05 2035 GMT')
    assert.deepEqual(parsed.keyUsage, ['1.3.6.1.5.5.7.3.1'])
  }
  const late = createSelfSigned(['a.test'], { clock: createFakeClock(Date.UTC(2045, 0, 1)), random: systemRandom })
  assert.equal(new X509Certificate(late.certificate).validTo, 'Dec 30 00:00:00 2054 GMT')
})

test('a key that is not that of its certificate leaves the certificate of before at work', async () => {
  const good = createSelfSigned(['mixed.example.org'], parts)
  const change = (name: string, value: string) => settings.change([{ kind: 'put', entries: [[`certificate.mixed.${name}`, value]] }])
  await change('cert', good.certificate)
  await change('private-key', good.privateKey)
  await settings.reload()
  assert.equal(certificates.identityFor('mixed.example.org').certificate, good.certificate)
  await change('private-key', createSelfSigned(['x.example.org'], parts).privateKey)
  assert.equal((await settings.reload({ only: ['certificate'] })).errors['certificate.mixed.cert']?.type, 'build')
  assert.equal(certificates.identityFor('mixed.example.org').privateKey, good.privateKey)
  // A start has nothing from before: it leaves the certificate out and says so.
  using later = createCertificates({
    settings: await openSettings({ store, macros: { env: () => undefined, file: async () => '' } }),
    trace,
    ...parts,
  })
  assert.equal(later.chainFor('mixed.example.org'), undefined)
  assert.ok(trace.of('config.build-error').some(({ fields }) => fields.key === 'certificate.mixed.cert'))
})

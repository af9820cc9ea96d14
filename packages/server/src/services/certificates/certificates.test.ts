import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createRecordingTrace } from '@postern/testkit'
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
  certificates = await createCertificates({ settings, trace, ...parts })
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

test('certificates are chosen by name, wildcard, default; a broken one is reported and left out', async () => {
  const own = await createSelfSigned(['mail.example.org'], parts)
  const wild = await createSelfSigned(['*.other.test'], parts)
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
  assert.deepEqual((await settings.reload()).errors, {})
  assert.equal(certificates.identityFor('MAIL.example.org').certificate, own.certificate)
  assert.equal(certificates.identityFor('imap.other.test').certificate, wild.certificate)
  assert.equal(certificates.identityFor('unknown.test').certificate, wild.certificate)
  assert.equal(trace.of('config.build-error')[0]?.fields.key, 'certificate.bad')
})

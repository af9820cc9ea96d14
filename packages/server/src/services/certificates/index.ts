// Which certificate a TLS client is shown: those of the settings by name, else a self-signed one made when it is first needed. Owns keys in
// memory only; never opens a connection.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { settings as declared } from '@postern/contract'
import type { Clock, Random } from '#base/clock'
import type { Trace } from '#base/trace'
import { type SettingProblem, type Settings, type SettingsReader, settingKey } from '#data/settings'
import { createSelfSigned } from './self-signed.ts'

/** A certificate chain with its key, both PEM. The same object as long as the settings are the same. */
export interface Identity {
  readonly certificate: string
  readonly privateKey: string
}

export interface Certificates extends Disposable {
  /**
   * By exact name, then by the name without its first label (wildcards), then the default one, then the only one or any, else the
   * self-signed one.
   */
  identityFor(serverName: string | undefined): Identity
  /**
   * The certificate of the settings that vouches for a host, leaf first, DER; with the name that does: the host's, or a wildcard.
   * Undefined when there is none.
   */
  chainFor(host: string): { readonly name: string; readonly chain: readonly X509Certificate[] } | undefined
}

export interface CertificatesParts {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly trace: Trace
}

interface Table {
  readonly byId: ReadonlyMap<string, Chosen>
  readonly byName: ReadonlyMap<string, Identity>
  readonly fallback: Identity | undefined
}

export function createCertificates({ settings, clock, random, trace }: CertificatesParts): Certificates {
  let table = readTable(settings)
  for (const [key, { error }] of Object.entries(problemsOf(settings))) trace.emit('config.build-error', { key, reason: error })
  const names = [...table.byName.keys()]
  let selfSigned: Identity | undefined
  const stops = [
    settings.onReload(() => {
      table = readTable(settings, table)
    }),
    settings.addCheck(candidate => ({ errors: problemsOf(candidate) })),
  ]
  return {
    identityFor(serverName) {
      const name = serverName?.toLowerCase() ?? ''
      const parent = name.slice(name.indexOf('.') + 1)
      return (
        table.byName.get(name) ??
        table.byName.get(parent) ??
        table.fallback ??
        (selfSigned ??= createSelfSigned(names.length > 0 ? names : ['localhost'], { clock, random }))
      )
    },
    chainFor(host) {
      const wildcard = `*.${host.slice(host.indexOf('.') + 1)}`
      for (const name of [host, wildcard]) {
        const chosen = [...table.byId.values()].find(({ subjects }) => subjects.some(subject => subject.toLowerCase() === name))
        if (chosen !== undefined) return { name, chain: chainOf(chosen.identity.certificate) }
      }
      return undefined
    },
    [Symbol.dispose]() {
      for (const stop of stops) stop()
    },
  }
}

interface Chosen {
  readonly identity: Identity
  readonly subjects: readonly string[]
}

type Reader = Pick<SettingsReader, 'read' | 'idsOf'>

/** A certificate that cannot be used leaves the one it had before in its place. */
function readTable(settings: Reader, before?: Table): Table {
  const byId = new Map<string, Chosen>()
  const byName = new Map<string, Identity>()
  let chosen: Identity | undefined
  for (const id of settings.idsOf(declared.certificate.cert)) {
    const read = readCertificate(settings, id)
    const found = read === undefined || 'error' in read ? before?.byId.get(id) : read
    if (!found) continue
    byId.set(id, found)
    for (const subject of found.subjects) byName.set(subject.toLowerCase().replace(/^\*\./, ''), found.identity)
    if (settings.read(declared.certificate.default, { id })) chosen = found.identity
  }
  const [first] = byId.values()
  return { byId, byName, fallback: chosen ?? first?.identity }
}

/** Undefined for a record that lacks one of its halves. */
function readCertificate(settings: Reader, id: string): Chosen | { readonly error: string } | undefined {
  const certificate = settings.read(declared.certificate.cert, { id })
  const privateKey = settings.read(declared.certificate.privateKey, { id })
  if (certificate === undefined || privateKey === undefined) return undefined
  try {
    const parsed = new X509Certificate(certificate)
    if (!parsed.checkPrivateKey(createPrivateKey(privateKey))) return { error: 'the private key is not that of the certificate' }
    chainOf(certificate)
    return {
      identity: { certificate, privateKey },
      subjects: [...namesOf(parsed), ...settings.read(declared.certificate.subjects, { id })],
    }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

/** What keeps certificates from use, by the key that people look at. */
function problemsOf(settings: Reader): Record<string, SettingProblem> {
  return Object.fromEntries(
    settings.idsOf(declared.certificate.cert).flatMap((id): Array<[string, SettingProblem]> => {
      const read = readCertificate(settings, id)
      return read !== undefined && 'error' in read
        ? [[settingKey(declared.certificate.cert.pattern, { id }), { type: 'build', error: read.error }]]
        : []
    }),
  )
}

/** Every certificate of a PEM text, leaf first; throws when one can't be read. */
function chainOf(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  return blocks.map(block => new X509Certificate(block))
}

function namesOf(certificate: X509Certificate): string[] {
  const alternative = certificate.subjectAltName?.split(', ').flatMap(entry => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? []) ?? []
  const common = /^CN=(.+)$/m.exec(certificate.subject)?.[1]
  return common === undefined ? alternative : [common, ...alternative]
}

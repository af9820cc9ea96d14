// Which certificate a TLS client is shown: those of the settings by name, else a self-signed one made when it is first needed. Owns keys in
// memory only; never opens a connection.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { settings as declared } from '@postern/contract'
import type { Clock, Random } from '#base/clock'
import type { Trace } from '#base/trace'
import type { Settings } from '#data/settings'
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
  let table = readTable(settings, trace)
  const names = [...table.byName.keys()]
  let selfSigned: Identity | undefined
  const stop = settings.onReload(() => {
    table = readTable(settings, trace, table)
  })
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
    [Symbol.dispose]: stop,
  }
}

interface Chosen {
  readonly identity: Identity
  readonly subjects: readonly string[]
}

/** A certificate that cannot be used leaves the one it had before in its place. */
function readTable(settings: Settings, trace: Trace, before?: Table): Table {
  const byId = new Map<string, Chosen>()
  const byName = new Map<string, Identity>()
  let chosen: Identity | undefined
  for (const id of settings.idsOf(declared.certificate.cert)) {
    const certificate = settings.read(declared.certificate.cert, { id })
    const privateKey = settings.read(declared.certificate.privateKey, { id })
    if (certificate === undefined || privateKey === undefined) continue
    let found: Chosen | undefined = before?.byId.get(id)
    try {
      const parsed = new X509Certificate(certificate)
      if (!parsed.checkPrivateKey(createPrivateKey(privateKey))) throw new Error('the private key is not that of the certificate')
      const subjects = [...namesOf(parsed), ...settings.read(declared.certificate.subjects, { id })]
      found = { identity: { certificate, privateKey }, subjects }
    } catch (error) {
      trace.emit('config.build-error', { key: `certificate.${id}`, reason: (error as Error).message })
    }
    if (!found) continue
    byId.set(id, found)
    for (const subject of found.subjects) byName.set(subject.toLowerCase().replace(/^\*\./, ''), found.identity)
    if (settings.read(declared.certificate.default, { id })) chosen = found.identity
  }
  const [first] = byId.values()
  return { byId, byName, fallback: chosen ?? first?.identity }
}

function namesOf(certificate: X509Certificate): string[] {
  const alternative = certificate.subjectAltName?.split(', ').flatMap(entry => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? []) ?? []
  const common = /^CN=(.+)$/m.exec(certificate.subject)?.[1]
  return common === undefined ? alternative : [common, ...alternative]
}

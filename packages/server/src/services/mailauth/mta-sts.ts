import { createHash } from 'node:crypto'
import { settings as declared } from '@postern/contract'
import type { SettingsReader } from '#data/settings'
import type { Certificates } from '#services/certificates'

export interface MtaStsPolicy {
  /** The same for the same policy, also after a restart (RFC 8461 §3.1: 1 to 32 letters and digits). */
  readonly id: string
  /** RFC 8461 §3.2 */
  readonly text: string
}

/**
 * Our own policy. Without hosts in the settings it is the MX host, if a certificate vouches for it, by its wildcard where that does;
 * undefined when switched off or when there is no host to name.
 */
export function mtaStsPolicy(reader: Pick<SettingsReader, 'read'>, chainFor: Certificates['chainFor']): MtaStsPolicy | undefined {
  const mode = reader.read(declared.session.mtaStsMode)
  if (mode === undefined) return undefined
  const maxAgeSeconds = Math.floor(reader.read(declared.session.mtaStsMaxAge) / 1000)
  const configured = reader.read(declared.session.mtaStsMx)
  const own = chainFor(hostOf(reader))?.name
  const hosts = configured.length > 0 ? configured : own === undefined ? [] : [own]
  if (hosts.length === 0) return undefined
  const lines = ['version: STSv1', `mode: ${mode}`, `max_age: ${maxAgeSeconds}`, ...hosts.map(host => `mx: ${host}`)]
  const text = lines.map(line => `${line}\r\n`).join('')
  return { id: createHash('sha256').update(text).digest('hex').slice(0, 20), text }
}

/** Name of this server, lower case. */
export function hostOf(reader: Pick<SettingsReader, 'read'>): string {
  return (reader.read(declared.lookup.defaultHostname) ?? 'localhost').toLowerCase().replace(/\.$/, '')
}

import { generateKeyPairSync, sign } from 'node:crypto'
import { ipBytes } from '@postern/contract'
import type { Clock, Random } from '#base/clock'
import { bitString, integer, octetString, oid, sequence, set, tagged, time, truth, utf8String } from './der.ts'
import type { Identity } from './index.ts'

const validMs = 10 * 365 * 24 * 60 * 60 * 1000
const backdatedMs = 60 * 60 * 1000

const oids = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const
const alternativeNames = { dns: 2, ip: 7 } as const

/** A certificate that nobody vouches for, so that TLS works from the first minute (RFC 5280 §4.1). */
export function createSelfSigned(names: readonly string[], { clock, random }: { clock: Clock; random: Random }): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = sequence(oid(oids.ecdsaWithSha256))
  const name = sequence(set(sequence(oid(oids.commonName), utf8String(names[0] ?? 'localhost'))))
  const signed = sequence(
    tagged(0, integer(Buffer.from([2])), 'constructed'),
    integer(random.bytes(16)),
    algorithm,
    name,
    sequence(time(clock.now() - backdatedMs), time(clock.now() + validMs)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(
      3,
      sequence(
        extension(oids.basicConstraints, sequence(), 'critical'),
        // The first bit: digitalSignature.
        extension(oids.keyUsage, bitString(Buffer.from([0x80]), 7), 'critical'),
        extension(oids.extendedKeyUsage, sequence(oid(oids.serverAuth)), 'optional'),
        extension(oids.subjectAltName, sequence(...names.map(alternativeName)), 'optional'),
      ),
      'constructed',
    ),
  )
  const certificate = sequence(signed, algorithm, bitString(sign('sha256', signed, privateKey)))
  return { certificate: pem(certificate), privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) }
}

function extension(id: string, value: Uint8Array, weight: 'critical' | 'optional'): Buffer {
  return sequence(oid(id), ...(weight === 'critical' ? [truth] : []), octetString(value))
}

function alternativeName(name: string): Buffer {
  const address = ipBytes(name)
  return address === undefined
    ? tagged(alternativeNames.dns, Buffer.from(name), 'primitive')
    : tagged(alternativeNames.ip, Buffer.from(address), 'primitive')
}

function pem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`
}

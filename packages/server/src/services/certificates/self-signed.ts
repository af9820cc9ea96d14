import 'reflect-metadata'
import { isIP } from 'node:net'
import type { Clock, Random } from '#base/clock'
import type { Identity } from './index.ts'

const validMs = 10 * 365 * 24 * 60 * 60 * 1000
const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** A certificate that nobody vouches for, so that TLS works from the first minute. */
export async function createSelfSigned(names: readonly string[], { clock, random }: { clock: Clock; random: Random }): Promise<Identity> {
  // Loaded only here: most installations have real certificates.
  const x509 = await import('@peculiar/x509')
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: random
      .bytes(16)
      .toString('hex')
      .replace(/^[89a-f]/, '1'),
    name: `CN=${names[0]}`,
    notBefore: new Date(clock.now() - 60 * 60 * 1000),
    notAfter: new Date(clock.now() + validMs),
    keys,
    signingAlgorithm: keyAlgorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map(value => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
    ],
  })
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const lines = key.match(/.{1,64}/g)?.join('\n') ?? ''
  return { certificate: certificate.toString('pem'), privateKey: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n` }
}

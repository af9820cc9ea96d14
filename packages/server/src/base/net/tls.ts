import { createHash, X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { connect, createSecureContext, type DetailedPeerCertificate, type SecureContext, TLSSocket } from 'node:tls'
import type { Clock } from '#base/clock'
import type { TlsInfo } from './connection.ts'

/** The handshake failed. */
export class TlsError extends Error {
  override readonly name = 'TlsError'
}

interface Identity {
  readonly certificate: string
  readonly privateKey: string
}

export interface ServerTlsOptions {
  /** Chain and key (PEM) for the name the client asks for; the same object for the same certificate. */
  readonly identityFor: (serverName: string | undefined) => Identity
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
  /** In the syntax of OpenSSL; the runtime's own list when absent. */
  readonly ciphers?: string
  /** The server's order of ciphers wins. Default true. */
  readonly honourOwnOrder?: boolean
  readonly alpn?: readonly string[]
}

export interface ServerTls {
  /** Context for the name, made once per certificate. */
  contextFor(serverName: string | undefined): SecureContext
  readonly alpn: readonly string[] | undefined
}

const handshakeMs = 60_000

export function createServerTls(options: ServerTlsOptions): ServerTls {
  const contexts = new WeakMap<Identity, SecureContext>()
  return {
    alpn: options.alpn,
    contextFor(serverName) {
      const identity = options.identityFor(serverName)
      const known = contexts.get(identity)
      if (known !== undefined) return known
      const context = createSecureContext({
        cert: identity.certificate,
        key: identity.privateKey,
        minVersion: options.minVersion ?? 'TLSv1.2',
        maxVersion: options.maxVersion ?? 'TLSv1.3',
        honorCipherOrder: options.honourOwnOrder ?? true,
        ...(options.ciphers !== undefined && { ciphers: options.ciphers }),
      })
      contexts.set(identity, context)
      return context
    },
  }
}

interface Upgraded {
  readonly socket: TLSSocket
  readonly info: TlsInfo
}

export async function upgradeServer(socket: Socket, tls: ServerTls, clock: Clock): Promise<Upgraded> {
  const secure = new TLSSocket(socket, {
    isServer: true,
    secureContext: tls.contextFor(undefined),
    SNICallback: (name, done) => {
      try {
        done(null, tls.contextFor(name))
      } catch (error) {
        done(error as Error)
      }
    },
    ...(tls.alpn !== undefined && { ALPNProtocols: [...tls.alpn] }),
  })
  await handshake(secure, 'secure', socket, clock)
  return { socket: secure, info: infoOf(secure) }
}

export interface ClientTls {
  /** Name for SNI and for the check of the certificate. */
  readonly serverName: string
  readonly handshakeTimeoutMs?: number
}

/** What the peer's certificate is worth. */
export interface PeerVerdict {
  /** Signed by an authority we trust and made out for the name. */
  readonly isTrusted: boolean
  /** Why not. */
  readonly reason: string | undefined
  /** DER certificates, the peer's own first. */
  readonly chain: readonly Buffer[]
}

export async function upgradeClient(
  socket: Socket,
  { serverName, handshakeTimeoutMs }: ClientTls,
  clock: Clock,
): Promise<Upgraded & { readonly verdict: PeerVerdict }> {
  // Opportunistic TLS takes any certificate (RFC 7435); who needs a good one reads the verdict.
  const secure = connect({ socket, servername: isName(serverName) ? serverName : '', rejectUnauthorized: false, minVersion: 'TLSv1.2' })
  await handshake(secure, 'secureConnect', socket, clock, handshakeTimeoutMs)
  return { socket: secure, info: infoOf(secure), verdict: verdictOf(secure) }
}

function verdictOf(socket: TLSSocket): PeerVerdict {
  const chain: Buffer[] = []
  const seen = new Set<string>()
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  while (certificate?.raw !== undefined) {
    const fingerprint = createHash('sha256').update(certificate.raw).digest('hex')
    if (seen.has(fingerprint)) break
    seen.add(fingerprint)
    chain.push(certificate.raw)
    certificate = certificate.issuerCertificate
  }
  const reason = socket.authorizationError
  return { isTrusted: socket.authorized, reason: reason ? String(reason) : undefined, chain }
}

function handshake(
  secure: TLSSocket,
  event: 'secure' | 'secureConnect',
  raw: Socket,
  clock: Clock,
  timeoutMs = handshakeMs,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (error?: Error): void => {
      timer.cancel()
      secure.off(event, succeed).off('error', fail).off('close', cut)
      raw.off('close', cut).off('error', fail)
      if (error === undefined) return resolve()
      secure.on('error', () => {})
      secure.destroy()
      reject(new TlsError(error.message, { cause: error }))
    }
    const succeed = (): void => finish()
    const fail = (error: Error): void => finish(error)
    const cut = (): void => finish(new Error('the connection was closed during the handshake'))
    const timer = clock.after(timeoutMs, () => finish(new Error('the handshake took too long')))
    secure.once(event, succeed).once('error', fail).once('close', cut)
    raw.once('close', cut).once('error', fail)
  })
}

function infoOf(socket: TLSSocket): TlsInfo {
  const name = 'servername' in socket && typeof socket.servername === 'string' ? socket.servername : undefined
  return {
    version: socket.getProtocol() ?? 'TLS',
    cipher: socket.getCipher().standardName ?? socket.getCipher().name,
    serverName: name || undefined,
  }
}

function isName(host: string): boolean {
  return /[a-z]/i.test(host) && !host.includes(':')
}

/** Names a certificate is made out for; tools show them. */
export function certificateNames(der: Buffer): string | undefined {
  return new X509Certificate(der).subjectAltName
}

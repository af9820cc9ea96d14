import { Failure, failure } from '@postern/contract'
import { type Arguments, readAuthenticate } from '@postern/mail/imap'
import { bearerError, decodeResponse, encodeChallenge, parseOauthBearer, parsePlain, parseXoauth2 } from '@postern/mail/sasl'
import type { Credentials } from '#services/access'
import { capabilities } from '../capabilities.ts'
import type { Session } from '../command.ts'
import { bad, ok, type Reply, replyToFailure } from '../reply.ts'

const maxResponseBytes = 16 * 1024

/** RFC 9051 §6.2.2, initial responses: RFC 4959. */
export async function authenticate(session: Session, args: Arguments): Promise<Reply> {
  const { mechanism: name, initialResponse } = readAuthenticate(args)
  const mechanism = mechanisms[name]
  if (mechanism === undefined) throw failure('authenticationMechanism')
  if (!session.mayUsePassword) throw failure('encryptionRequired')
  const credentials = await mechanism.exchange(session, initialResponse === null ? undefined : decode(initialResponse))
  if (credentials === null) return bad('Authentication cancelled.')
  const reply = await logInWith(session, credentials)
  // RFC 7628 §3.2.2: why a token is refused is told first; the client answers that it heard.
  if (mechanism.tellsWhy && (reply.code === 'AUTHENTICATIONFAILED' || reply.code === 'EXPIRED')) {
    session.write(`+ ${bearerError()}\r\n`)
    await session.readLine(maxResponseBytes, session.limits.anonymousTimeoutMs())
  }
  return reply
}

interface Mechanism {
  /** What the client proves itself with; null when it gave up. */
  readonly exchange: (session: Session, first: Buffer | undefined) => Promise<Credentials | null>
  readonly tellsWhy?: true
}

const mechanisms: Readonly<Record<string, Mechanism>> = {
  PLAIN: { exchange: plain },
  LOGIN: { exchange: login },
  OAUTHBEARER: { exchange: bearer(parseOauthBearer), tellsWhy: true },
  XOAUTH2: { exchange: bearer(parseXoauth2), tellsWhy: true },
}

/** RFC 4616. */
async function plain(session: Session, first: Buffer | undefined): Promise<Credentials | null> {
  const response = first ?? (await challenge(session, ''))
  if (response === null) return null
  const message = parsePlain(response)
  if (message === null) throw failure('challengeInvalid')
  return { kind: 'password', ...message }
}

/** Not standardised, but what some old clients speak only. */
async function login(session: Session, first: Buffer | undefined): Promise<Credentials | null> {
  const name = first ?? (await challenge(session, 'Username:'))
  if (name === null) return null
  const secret = await challenge(session, 'Password:')
  return secret === null ? null : { kind: 'password', login: name.toString(), secret: secret.toString() }
}

/** RFC 7628, and its older form. */
function bearer(read: typeof parseOauthBearer): Mechanism['exchange'] {
  return async (session, first) => {
    const response = first ?? (await challenge(session, ''))
    if (response === null) return null
    const message = read(response)
    if (message === null) throw failure('challengeInvalid')
    return { kind: 'token', ...message }
  }
}

async function challenge(session: Session, text: string): Promise<Buffer | null> {
  // RFC 9051 §6.2.2: an empty challenge is nothing behind the blank.
  session.write(`+ ${encodeChallenge(text)}\r\n`)
  const line = await session.readLine(maxResponseBytes, session.limits.anonymousTimeoutMs())
  if (line === null) throw failure('challengeInvalid')
  const answer = line.toString('latin1')
  return answer === '*' ? null : decode(answer)
}

function decode(base64: string): Buffer {
  const response = decodeResponse(base64)
  if (response === null) throw failure('challengeInvalid')
  return response
}

/** Failures after which the connection is of no more use. */
const endings: ReadonlySet<string> = new Set(['tooManyAuthAttempts', 'tooManyConnections'])

export async function logInWith(session: Session, credentials: Credentials): Promise<Reply> {
  try {
    session.logIn(await session.logins.logIn(credentials, { remoteIp: session.remoteIp, trace: session.trace }))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const isCounted =
      error.code === 'authenticationFailed' ||
      error.code === 'tokenExpired' ||
      error.code === 'totpRequired' ||
      error.code === 'loginForbidden'
    if (isCounted && session.countAuthFailure()) return { ...replyToFailure(failure('tooManyAuthAttempts')), ends: true }
    return { ...replyToFailure(error), ends: endings.has(error.code) }
  }
  return ok(`CAPABILITY ${capabilities(session)}`, { text: 'Authentication successful' })
}

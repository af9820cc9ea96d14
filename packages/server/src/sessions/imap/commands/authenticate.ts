import { Failure, failure } from '@postern/contract'
import { type Arguments, readAuthenticate } from '@postern/mail/imap'
import { capabilities } from '../capabilities.ts'
import type { Session } from '../command.ts'
import type { PasswordAttempt } from '../logins.ts'
import { bad, ok, type Reply, replyToFailure } from '../reply.ts'

const maxResponseBytes = 16 * 1024

/** RFC 9051 §6.2.2, initial responses: RFC 4959. */
export async function authenticate(session: Session, args: Arguments): Promise<Reply> {
  const { mechanism, initialResponse } = readAuthenticate(args)
  const exchange = mechanisms[mechanism]
  if (exchange === undefined) throw failure('authenticationMechanism')
  if (!session.mayUsePassword) throw failure('encryptionRequired')
  const attempt = await exchange(session, initialResponse === null ? undefined : decode(initialResponse === '=' ? '' : initialResponse))
  return attempt === null ? bad('Authentication cancelled.') : logInWith(session, attempt)
}

/** What the client proves itself with; null when it gave up. */
type Exchange = (session: Session, first: Buffer | undefined) => Promise<PasswordAttempt | null>

const mechanisms: Readonly<Record<string, Exchange>> = { PLAIN: plain, LOGIN: login }

/** RFC 4616. */
async function plain(session: Session, first: Buffer | undefined): Promise<PasswordAttempt | null> {
  const message = first ?? (await challenge(session, ''))
  if (message === null) return null
  const parts = message.toString('utf8').split('\0')
  const [actAs = '', login = '', secret = ''] = parts
  if (parts.length !== 3) throw failure('challengeInvalid')
  return { actAs, login, secret }
}

/** Not standardised, but what some old clients speak only. */
async function login(session: Session, first: Buffer | undefined): Promise<PasswordAttempt | null> {
  const name = first ?? (await challenge(session, 'Username:'))
  if (name === null) return null
  const secret = await challenge(session, 'Password:')
  return secret === null ? null : { actAs: '', login: name.toString('utf8'), secret: secret.toString('utf8') }
}

async function challenge(session: Session, text: string): Promise<Buffer | null> {
  // RFC 9051 §6.2.2: an empty challenge is nothing behind the blank.
  session.write(`+ ${Buffer.from(text).toString('base64')}\r\n`)
  const line = await session.readLine(maxResponseBytes, session.limits.anonymousTimeoutMs())
  if (line === null) throw failure('challengeInvalid')
  const answer = line.toString('latin1')
  return answer === '*' ? null : decode(answer)
}

function decode(base64: string): Buffer {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw failure('challengeInvalid')
  return Buffer.from(base64, 'base64')
}

/** Failures after which the connection is of no more use. */
const endings: ReadonlySet<string> = new Set(['tooManyAuthAttempts', 'tooManyConnections'])

export async function logInWith(session: Session, attempt: PasswordAttempt): Promise<Reply> {
  try {
    session.logIn(await session.logins.logIn(attempt, { remoteIp: session.remoteIp, trace: session.trace }))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const isCounted = error.code === 'authenticationFailed' || error.code === 'totpRequired' || error.code === 'loginForbidden'
    if (isCounted && session.countAuthFailure()) return { ...replyToFailure(failure('tooManyAuthAttempts')), ends: true }
    return { ...replyToFailure(error), ends: endings.has(error.code) }
  }
  return ok(`CAPABILITY ${capabilities(session)}`, { text: 'Authentication successful' })
}

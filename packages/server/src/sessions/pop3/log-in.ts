// How a login ends, whichever command brought it.
import { Failure, failure } from '@postern/contract'
import type { Credentials } from '#services/access'
import type { Session } from './command.ts'
import { ok, type Reply, replyToFailure } from './reply.ts'

/** Wrong credentials of all kinds: so many of them are one too many. */
const counted: ReadonlySet<string> = new Set(['authenticationFailed', 'tokenExpired', 'totpRequired', 'loginForbidden'])
/** Failures after which the connection is of no more use. */
const endings: ReadonlySet<string> = new Set(['tooManyAuthAttempts', 'tooManyConnections'])

export async function logIn(session: Session, credentials: Credentials): Promise<Reply> {
  try {
    const login = await session.logins.logIn(credentials, { remoteIp: session.remoteIp, trace: session.trace })
    session.logIn(login)
    return ok('Authentication successful')
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (counted.has(error.code) && session.countAuthFailure()) return { ...replyToFailure(failure('tooManyAuthAttempts')), ends: true }
    const reply = { ...replyToFailure(error), ends: endings.has(error.code) }
    // RFC 2449 §8.1.1: the client is to come again later, and need not ask its user for another password.
    return error.code === 'tooManyRequests' ? { ...reply, code: 'LOGIN-DELAY' } : reply
  }
}

// AUTH — RFC 4954; PLAIN: RFC 4616; OAUTHBEARER: RFC 7628; LOGIN: draft-murchison-sasl-login
import { settings as declared, Failure, failure, isFailure } from '@postern/contract'
import { bearerError, decodeResponse, encodeChallenge, parseOauthBearer, parsePlain, parseXoauth2 } from '@postern/mail/sasl'
import { parseAuth } from '@postern/mail/smtp'
import type { Access, Credentials } from '#services/access'
import { type Answer, type Command, Hangup, type Session } from '../command.ts'
import { allowedMechanisms, type Mechanism, offeredMechanisms } from '../mechanisms.ts'
import { type Reply, reply, replyToFailure } from '../reply.ts'

/** RFC 4954 §4: with its line end. */
const maxResponseBytes = 12288

/** Asks the client for a response; `initial` stands for the first one. */
type Ask = (challenge: string) => Promise<Buffer>

/** What each mechanism asks for. */
const exchanges: Readonly<Record<Mechanism, (ask: Ask) => Promise<Credentials>>> = {
  PLAIN: async ask => {
    const message = parsePlain(await ask(''))
    if (message === null) throw failure('challengeInvalid')
    return { kind: 'password', ...message }
  },
  // The initial response of LOGIN is the name.
  LOGIN: async ask => {
    const login = (await ask('Username:')).toString()
    return { kind: 'password', login, secret: (await ask('Password:')).toString() }
  },
  XOAUTH2: bearer(parseXoauth2),
  OAUTHBEARER: bearer(parseOauthBearer),
}

function bearer(read: typeof parseOauthBearer): (ask: Ask) => Promise<Credentials> {
  return async ask => {
    const message = read(await ask(''))
    if (message === null) throw failure('challengeInvalid')
    return { kind: 'token', ...message }
  }
}

/** The client gave up (RFC 4954 §4). */
class Cancelled extends Error {}

export function auth(access: Pick<Access, 'authenticate'>): Command['run'] {
  return async (session, args) => {
    const { mechanism: name, initialResponse } = parseAuth(args)
    if ((await allowedMechanisms(session)).length === 0) {
      session.trace.emit('smtp.auth-not-allowed')
      return replyToFailure(failure('authenticationNotAllowed'))
    }
    if (session.login !== null) {
      session.trace.emit('smtp.already-authenticated')
      return replyToFailure(failure('alreadyAuthenticated'))
    }
    const mechanism = (await offeredMechanisms(session)).find(offered => offered === name)
    if (mechanism === undefined) {
      session.trace.emit('smtp.auth-mechanism-not-supported', { details: name })
      return replyToFailure(failure('authenticationMechanism'))
    }
    // RFC 4954 §4: neither before EHLO nor within a transaction.
    if (session.hello === null) return replyToFailure(failure('ehloRequired'))
    if (session.transaction !== null) return replyToFailure(failure('badSequence'), 'AUTH is not allowed during a mail transaction.')
    const ask = asker(session, initialResponse)
    try {
      const credentials = await exchanges[mechanism](ask)
      return await logIn(session, access, credentials).catch(error => tellWhy(error, credentials, session))
    } catch (error) {
      if (error instanceof Cancelled) return reply(501, '5.7.0', 'Authentication cancelled.')
      if (error instanceof Failure) return refuse(session, error)
      throw error
    }
  }
}

function asker(session: Session, initialResponse: string | null): Ask {
  let initial = initialResponse
  return async challenge => {
    if (initial !== null) {
      const given = initial
      initial = null
      return decode(given)
    }
    session.continue(reply(334, null, encodeChallenge(challenge)))
    const line = await session.readLine(maxResponseBytes)
    if (line === 'tooLong') {
      session.trace.emit('smtp.auth-exchange-too-long', { limit: maxResponseBytes })
      throw failure('challengeInvalid')
    }
    const text = line.toString('latin1').trim()
    if (text === '*') throw new Cancelled()
    return decode(text)
  }
}

function decode(text: string): Buffer {
  const response = decodeResponse(text)
  if (response === null) throw failure('challengeInvalid')
  return response
}

async function logIn(session: Session, access: Pick<Access, 'authenticate'>, credentials: Credentials): Promise<Reply> {
  const origin = { remoteIp: session.connection.remoteIp, trace: session.trace }
  const caller = await access.authenticate(credentials, origin)
  if (!caller.rights.has('email-send')) {
    session.trace.emit('security.unauthorized', { accountName: caller.name, details: { word: 'email-send' } })
    throw failure('loginForbidden')
  }
  session.login = caller
  session.trace.add({ accountId: caller.accountId })
  return reply(235, '2.7.0', 'Authentication succeeded.')
}

/** RFC 7628 §3.2.2: why a token is refused is told first; the client answers that it heard. */
async function tellWhy(error: unknown, { kind }: Credentials, session: Session): Promise<never> {
  if (kind === 'token' && (isFailure(error, 'authenticationFailed') || isFailure(error, 'tokenExpired'))) {
    session.continue(reply(334, null, bearerError()))
    await session.readLine(maxResponseBytes)
  }
  throw error
}

/** Guesses cost time, and three are enough. */
const counted: ReadonlySet<string> = new Set(['authenticationFailed', 'tokenExpired', 'totpRequired', 'challengeInvalid'])

async function refuse(session: Session, error: Failure): Promise<Answer> {
  if (error.code === 'tooManyAuthAttempts') throw new Hangup()
  const answer = replyToFailure(error)
  if (!counted.has(error.code)) return answer
  await session.pause((await session.rule(declared.session.authErrorsWait)) ?? 0)
  const limit = (await session.rule(declared.session.authErrorsTotal)) ?? 3
  if (++session.authFailures < limit) return answer
  session.trace.emit('auth.too-many-attempts', { remoteIp: { ip: session.connection.remoteIp } })
  return [answer, replyToFailure(failure('tooManyAuthAttempts'))]
}

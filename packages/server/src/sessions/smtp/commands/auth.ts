// AUTH — RFC 4954; PLAIN: RFC 4616; LOGIN: draft-murchison-sasl-login
import { settings as declared, Failure, failure } from '@postern/contract'
import { parseAuth } from '@postern/mail/smtp'
import type { Access } from '#services/access'
import { type Answer, type Command, Hangup, type Session } from '../command.ts'
import { allowedMechanisms, type Mechanism, offeredMechanisms } from '../mechanisms.ts'
import { type Reply, reply, replyToFailure } from '../reply.ts'

/** RFC 4954 §4: with its line end. */
const maxResponseBytes = 12288

interface Credentials {
  readonly login: string
  readonly secret: string
}

/** Asks the client for a response; `initial` stands for the first one. */
type Ask = (challenge: string) => Promise<Buffer>

/** What each mechanism asks for. */
const exchanges: Readonly<Record<Mechanism, (ask: Ask) => Promise<Credentials>>> = {
  PLAIN: async ask => readPlain(await ask('')),
  // The initial response of LOGIN is the name.
  LOGIN: async ask => {
    const login = (await ask('Username:')).toString()
    return { login, secret: (await ask('Password:')).toString() }
  },
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
    try {
      const credentials = await exchanges[mechanism](asker(session, initialResponse))
      return await logIn(session, access, credentials)
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
      // RFC 4954 §4: `=` is an empty response.
      return decodeBase64(given === '=' ? '' : given)
    }
    session.continue(reply(334, null, Buffer.from(challenge).toString('base64')))
    const line = await session.readLine(maxResponseBytes)
    if (line === 'tooLong') {
      session.trace.emit('smtp.auth-exchange-too-long', { limit: maxResponseBytes })
      throw failure('challengeInvalid')
    }
    const text = line.toString('latin1').trim()
    if (text === '*') throw new Cancelled()
    return decodeBase64(text)
  }
}

function decodeBase64(text: string): Buffer {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw failure('challengeInvalid')
  return Buffer.from(text, 'base64')
}

/** `authzid NUL authcid NUL passwd`; whom to act as is not for submission to choose. */
function readPlain(response: Buffer): Credentials {
  const [, login, secret, ...more] = response.toString().split('\u0000')
  if (!login || !secret || more.length > 0) throw failure('challengeInvalid')
  return { login, secret }
}

async function logIn(session: Session, access: Pick<Access, 'authenticate'>, { login, secret }: Credentials): Promise<Reply> {
  const origin = { remoteIp: session.connection.remoteIp, trace: session.trace }
  const caller = await access.authenticate({ kind: 'password', login, secret }, origin)
  if (!caller.rights.has('email-send')) {
    session.trace.emit('security.unauthorized', { accountName: caller.name, details: { word: 'email-send' } })
    throw failure('loginForbidden')
  }
  session.login = caller
  session.trace.add({ accountId: caller.accountId })
  return reply(235, '2.7.0', 'Authentication succeeded.')
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

import { failure } from '@postern/contract'
import type { CommandText } from '@postern/mail/pop3'
import { bearerError, decodeResponse, parseOauthBearer, parsePlain, parseXoauth2 } from '@postern/mail/sasl'
import type { Credentials } from '#services/access'
import { type Mechanism, offeredMechanisms } from '../capabilities.ts'
import type { Session } from '../command.ts'
import { logIn } from '../log-in.ts'
import { err, listing, ok, type Reply } from '../reply.ts'

/** RFC 5034 §4. Without an argument it lists the mechanisms, as clients from before that RFC expect. */
export async function auth(session: Session, { rest }: CommandText): Promise<Reply> {
  const [name, initialResponse, ...more] = (rest?.toString('latin1') ?? '').split(' ').filter(Boolean)
  if (more.length > 0) return err('Too many arguments.')
  const offered = offeredMechanisms(session)
  if (name === undefined) return ok('Mechanisms follow', { body: listing(offered, line => line) })
  const mechanism = mechanisms.get(name.toUpperCase())
  if (mechanism === undefined) throw failure('authenticationMechanism')
  if (!session.mayUsePassword) throw failure('encryptionRequired')
  // RFC 5034 §4: the empty challenge is nothing behind the blank.
  const line = initialResponse ?? (await session.ask(''))?.toString('latin1')
  if (line === '*') return err('Authentication cancelled.')
  const response = line === undefined ? null : decodeResponse(line)
  const credentials = response === null ? null : mechanism.read(response)
  if (credentials === null) throw failure('challengeInvalid')
  const reply = await logIn(session, credentials)
  if (!reply.isOk && reply.code === 'AUTH' && mechanism.tellsWhy) await session.ask(bearerError())
  return reply
}

interface Exchange {
  /** Null for a response of another shape. */
  readonly read: (response: Buffer) => Credentials | null
  /** RFC 7628 §3.2.2: a refusal is told by a challenge, which the client answers with a line that says nothing. */
  readonly tellsWhy: boolean
}

const bearer = (read: typeof parseXoauth2): Exchange => ({
  read(response) {
    const message = read(response)
    return message && { kind: 'token', ...message }
  },
  tellsWhy: true,
})

const exchanges: Readonly<Record<Mechanism, Exchange>> = {
  PLAIN: {
    read(response) {
      const message = parsePlain(response)
      return message && { kind: 'password', ...message }
    },
    tellsWhy: false,
  },
  OAUTHBEARER: bearer(parseOauthBearer),
  XOAUTH2: bearer(parseXoauth2),
}
const mechanisms: ReadonlyMap<string, Exchange> = new Map(Object.entries(exchanges))

// What CAPA tells (RFC 2449): only what works here and now, in an order that clients and recordings know; newer ones at the end.
import type { Session } from './command.ts'

/** Ways to log in, in the order they are offered. */
export const mechanisms = ['PLAIN', 'OAUTHBEARER', 'XOAUTH2'] as const
export type Mechanism = (typeof mechanisms)[number]

/** None that would send a password or token in clear (RFC 7628 §5, RFC 6750 §5.3). */
export function offeredMechanisms({ mayUsePassword }: Pick<Session, 'mayUsePassword'>): readonly Mechanism[] {
  return mayUsePassword ? mechanisms : []
}

export function capabilities(session: Pick<Session, 'login' | 'offersTls' | 'mayUsePassword'>): readonly string[] {
  return [
    ...(session.mayUsePassword ? ['USER'] : []),
    ['SASL', ...offeredMechanisms(session)].join(' '),
    ...(session.offersTls && session.login === null ? ['STLS'] : []),
    'TOP',
    'RESP-CODES',
    'PIPELINING',
    'EXPIRE NEVER',
    'UIDL',
    'UTF8 USER',
    'AUTH-RESP-CODE',
    'IMPLEMENTATION Postern',
  ]
}

// Which ways to log in there are.
import { settings as declared, type SaslMechanism } from '@postern/contract'
import type { Session } from './command.ts'

/** Those that work, in the order they are offered. */
const known = ['PLAIN', 'LOGIN', 'XOAUTH2', 'OAUTHBEARER'] as const

export type Mechanism = (typeof known)[number]

/** What the settings allow, whether it works or not; empty when nobody can log in here and now. */
export async function allowedMechanisms(session: Session): Promise<readonly SaslMechanism[]> {
  const directory = await session.rule(declared.session.authDirectory)
  return directory === undefined ? [] : ((await session.rule(declared.session.authMechanisms)) ?? [])
}

export async function offeredMechanisms(session: Session): Promise<readonly Mechanism[]> {
  const allowed = await allowedMechanisms(session)
  return known.filter(name => allowed.includes(name))
}

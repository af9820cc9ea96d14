// What EHLO offers, here and now.
import { settings as declared } from '@postern/contract'
import type { Clock } from '#base/clock'
import type { Session } from './command.ts'
import { offeredMechanisms } from './mechanisms.ts'

/** Keywords in the order clients of this server have always seen. */
export async function capabilities(session: Session, clock: Clock): Promise<string[]> {
  const keywords: string[] = []
  const on = declared.session
  if (await session.rule(on.extensionsVrfy)) keywords.push('VRFY')
  if (await session.rule(on.extensionsExpn)) keywords.push('EXPN')
  if (session.offersTls) keywords.push('STARTTLS')
  keywords.push('SMTPUTF8')
  const size = (await session.rule(on.dataLimitsSize)) ?? 0
  if (size > 0) keywords.push(`SIZE ${size}`)
  // RFC 8689 §3: only inside TLS.
  if (session.connection.tls && (await session.rule(on.extensionsRequiretls))) keywords.push('REQUIRETLS')
  if (await session.rule(on.extensionsPipelining)) keywords.push('PIPELINING')
  const soliciting = await session.rule(on.extensionsNoSoliciting)
  if (soliciting !== undefined) keywords.push(`NO-SOLICITING ${soliciting}`.trim())
  const priority = await session.rule(on.extensionsMtPriority)
  if (priority !== undefined) keywords.push(`MT-PRIORITY ${priority.toUpperCase()}`)
  const hold = await session.rule(on.extensionsFutureRelease)
  // RFC 4865 §3: the longest interval in seconds, and its end as a date-time.
  if (hold !== undefined) keywords.push(`FUTURERELEASE ${Math.floor(hold / 1000)} ${dateTime(clock.now() + hold)}`)
  keywords.push('ENHANCEDSTATUSCODES')
  if (await session.rule(on.extensionsDsn)) keywords.push('DSN')
  // RFC 3030 §3: BINARYMIME needs CHUNKING.
  if (await session.rule(on.extensionsChunking)) keywords.push('CHUNKING', 'BINARYMIME')
  const mechanisms = session.login === null ? await offeredMechanisms(session) : []
  if (mechanisms.length > 0) keywords.push(`AUTH ${mechanisms.join(' ')}`)
  keywords.push('8BITMIME')
  return keywords
}

function dateTime(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')
}

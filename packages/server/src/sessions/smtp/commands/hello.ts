// EHLO, HELO, LHLO — RFC 5321 §4.1.1.1, §4.1.4; RFC 2033 §4.1
import { settings as declared, failure } from '@postern/contract'
import { isQualifiedHello, parseHello } from '@postern/mail/smtp'
import type { Clock } from '#base/clock'
import { capabilities } from '../capabilities.ts'
import type { Command, Session } from '../command.ts'
import { type Reply, reply, replyToFailure } from '../reply.ts'

export function hello(verb: 'EHLO' | 'HELO' | 'LHLO', clock: Clock): Command['run'] {
  return async (session, args) => {
    const refusal = wrongProtocol(session, verb)
    if (refusal !== null) return refusal
    const name = parseHello(args, verb)
    if (session.hello?.name !== name && (await session.rule(declared.session.ehloRejectNonFqdn)) && !isQualified(name)) {
      session.trace.emit('smtp.invalid-ehlo', { domain: name })
      return replyToFailure(failure('ehloInvalid'))
    }
    // RFC 5321 §4.1.4: as RSET.
    await session.reset()
    session.hello = { name, isExtended: verb !== 'HELO' }
    session.trace.emit('smtp.ehlo', { domain: name })
    const greeting = `${session.hostname} says hello`
    return verb === 'HELO' ? reply(250, null, greeting) : reply(250, null, [greeting, ...(await capabilities(session, clock))])
  }
}

/** Devices build their names out of pieces some of which are empty; RFC 5321 §4.1.4 does not want mail refused for a name. */
function isQualified(name: string): boolean {
  return isQualifiedHello(name.replace(/\.{2,}/g, '.'))
}

/** RFC 2033 §4.1: EHLO and HELO are for SMTP, LHLO is for LMTP. */
function wrongProtocol({ isLmtp, trace }: Session, verb: string): Reply | null {
  if (isLmtp === (verb === 'LHLO')) return null
  trace.emit(isLmtp ? 'smtp.lhlo-expected' : 'smtp.ehlo-expected')
  return replyToFailure(failure(isLmtp ? 'commandUnknown' : 'commandNotImplemented'))
}

// DATA — RFC 5321 §4.1.1.4, §4.5.2
import { settings as declared, failure } from '@postern/contract'
import { type BareNewlines, DataDecoder } from '@postern/mail/smtp'
import type { Settings } from '#data/settings'
import type { Acceptance } from '../accept/index.ts'
import type { Command, Session } from '../command.ts'
import type { Receive } from '../incoming.ts'
import { type Reply, reply, replyToFailure } from '../reply.ts'

interface Parts {
  readonly accept: Acceptance
  readonly receive: Receive
  readonly settings: Pick<Settings, 'read'>
}

export function data({ accept, receive, settings }: Parts): Command['run'] {
  return async session => {
    const refusal = (await refuseMessage(session)) ?? refuseBinary(session)
    if (refusal !== null) return refusal
    await using incoming = receive((await session.rule(declared.session.dataLimitsSize)) ?? 0)
    session.continue(reply(354, null, 'Start mail input; end with <CRLF>.<CRLF>'))
    const newlines = bareNewlines(session, settings)
    const decoder = new DataDecoder(newlines === 'normalize' ? 'normalize' : 'keep')
    for (;;) {
      const { octets, isDone, rest } = decoder.feed(await session.readOctets())
      await incoming.take(octets)
      if (!isDone) continue
      session.unread(rest)
      break
    }
    if (newlines === 'reject' && (decoder.hasBareCr || decoder.hasBareLf)) incoming.refuse(failure('bareNewline'))
    // Awaited here: the spool is there no longer than this block.
    return await accept(session, incoming)
  }
}

/** Why no message may be sent now, or null. */
export async function refuseMessage(session: Session): Promise<Reply | null> {
  const limit = (await session.rule(declared.session.dataLimitsMessages)) ?? 10
  if (session.messages < limit) return null
  session.trace.emit('smtp.too-many-messages', { limit })
  return replyToFailure(failure('tooManyMessages'))
}

/** RFC 3030 §3: lines mean nothing in a binary message. */
function refuseBinary({ transaction }: Session): Reply | null {
  return transaction?.parameters.body === 'BINARYMIME' ? reply(503, '5.6.1', 'BINARYMIME messages are sent with BDAT.') : null
}

export type NewlineRule = BareNewlines | 'reject'

/** Strangers may be up to something with bare newlines; programs of our own people only do not know better (RFC 6409 §8). */
export function bareNewlines({ login }: Session, settings: Pick<Settings, 'read'>): NewlineRule {
  if (login !== null) return 'normalize'
  const rule = settings.read(declared.session.dataBareNewline)
  return rule === 'accept' ? 'keep' : rule
}

/** DATA and BDAT without recipients (RFC 5321 §3.3: 554 when there were some, all refused). */
export function withoutRecipients({ transaction, trace }: Session): Reply {
  trace.emit('smtp.rcpt-to-missing')
  if (transaction?.hasRefused) return reply(554, '5.5.1', 'No valid recipients.')
  return replyToFailure(failure('noRecipients'))
}

// BDAT — RFC 3030 §2
import { settings as declared, failure } from '@postern/contract'
import { parseBdat } from '@postern/mail/smtp'
import type { Settings } from '#data/settings'
import type { Acceptance } from '../accept/index.ts'
import type { Command, Session } from '../command.ts'
import type { Receive } from '../incoming.ts'
import { NewlineFilter } from '../newlines.ts'
import { type Reply, reply, replyToFailure } from '../reply.ts'
import { bareNewlines, refuseMessage, withoutRecipients } from './data.ts'

interface Parts {
  readonly accept: Acceptance
  readonly receive: Receive
  readonly settings: Pick<Settings, 'read'>
}

export function bdat({ accept, receive, settings }: Parts): Command['run'] {
  return async (session, args) => {
    const { size, isLast } = parseBdat(args)
    const isOff = !(await session.rule(declared.session.extensionsChunking))
    const refusal = isOff ? replyToFailure(failure('commandNotImplemented')) : await refuseChunk(session)
    const { transaction } = session
    if (refusal !== null || transaction === null) {
      // The octets are on their way all the same.
      await pass(session, size, async () => {})
      return refusal ?? withoutRecipients(session)
    }
    transaction.incoming ??= receive((await session.rule(declared.session.dataLimitsSize)) ?? 0)
    const { incoming } = transaction
    transaction.newlines ??= transaction.parameters.body === 'BINARYMIME' ? null : new NewlineFilter(bareNewlines(session, settings))
    const { newlines } = transaction
    await pass(session, size, octets => incoming.take(newlines?.feed(octets) ?? [octets]))
    if (isLast) {
      await incoming.take(newlines?.end() ?? [])
      if (newlines?.isRefused) incoming.refuse(failure('bareNewline'))
      return accept(session, incoming)
    }
    if (incoming.problem !== null) return replyToFailure(incoming.problem)
    return reply(250, '2.6.0', 'Chunk accepted.')
  }
}

async function refuseChunk(session: Session): Promise<Reply | null> {
  const { transaction } = session
  if (transaction === null || transaction.recipients.length === 0) return withoutRecipients(session)
  if (transaction.incoming === null) return refuseMessage(session)
  // RFC 3030 §2: after a chunk that failed only RSET helps.
  return transaction.incoming.problem === null ? null : replyToFailure(failure('badSequence'))
}

async function pass(session: Session, size: number, take: (octets: Buffer) => Promise<void>): Promise<void> {
  for (let left = size; left > 0; ) {
    const octets = await session.readOctets(left)
    left -= octets.length
    await take(octets)
  }
}

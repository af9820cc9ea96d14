// From the last octet to the queue: ordered stages, each of which may refuse the message, put fields in front of it or take some out.
import { Failure, failure } from '@postern/contract'
import type { Clock, Random } from '#base/clock'
import { type Blobs, storageFailure } from '#data/blobs'
import { messageFlags, type Queue } from '#services/queue'
import type { Answer, Session } from '../command.ts'
import type { Incoming, ReceivedContent } from '../incoming.ts'
import { type Reply, reply, replyToFailure } from '../reply.ts'
import type { Transaction } from '../transaction.ts'
import { withContent } from './content.ts'
import { loop } from './loop.ts'
import { ownFields } from './own-fields.ts'
import { readable } from './readable.ts'
import { type Envelope, type Message, type Stage, untouched, type Verdict } from './stage.ts'

/** Takes responsibility for a complete message, or says why not; ends the transaction either way. */
export type Acceptance = (session: Session, incoming: Incoming) => Promise<Answer>

interface Parts {
  readonly queue: Pick<Queue, 'accept' | 'nextId'>
  readonly blobs: Pick<Blobs, 'spool'>
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

export function createAcceptance({ queue, blobs, clock, random }: Parts): Acceptance {
  const stages: readonly Stage[] = [readable, loop, ownFields(random)]

  async function take(session: Session, transaction: Transaction, received: ReceivedContent): Promise<Reply> {
    const { sender, recipients, parameters, needsUtf8 } = transaction
    const message: Message = { id: queue.nextId(), receivedAt: clock.now(), head: received.head, size: received.size }
    const envelope: Envelope = { sender, recipients, parameters, needsUtf8, session }
    const verdict = await judge(stages, message, envelope)
    const id = await withContent(received, verdict, blobs, content => queue.accept(queued(message.id, transaction, session), content))
    return reply(250, '2.0.0', `Message queued as ${id.toString(16).toUpperCase()}`)
  }

  return async (session, incoming) => {
    const { transaction } = session
    if (transaction === null) throw new Error('a message came without a transaction')
    session.messages++
    let answer: Reply
    try {
      answer = await take(session, transaction, await incoming.finish())
    } catch (error) {
      answer = refuse(session, error)
    }
    await session.reset()
    return session.isLmtp ? Array.from({ length: transaction.accepted }, () => answer) : answer
  }
}

async function judge(stages: readonly Stage[], message: Message, envelope: Envelope): Promise<Verdict> {
  let verdict = untouched
  for (const stage of stages) {
    verdict = await stage(message, envelope, verdict)
    if (verdict.refusal !== null) throw verdict.refusal
  }
  return verdict
}

function queued(id: number, { sender, recipients, parameters, priority, holdUntil, needsUtf8 }: Transaction, { login }: Session) {
  const { ret, body, requireTls, smtpUtf8, envId } = parameters
  const flags =
    (ret === 'FULL' ? messageFlags.returnFull : 0) |
    (ret === 'HDRS' ? messageFlags.returnHeaders : 0) |
    (body === '8BITMIME' ? messageFlags.eightBit : 0) |
    (body === 'BINARYMIME' ? messageFlags.binary : 0) |
    (requireTls ? messageFlags.requireTls : 0) |
    (smtpUtf8 || needsUtf8 ? messageFlags.smtpUtf8 : 0)
  return {
    id,
    returnPath: sender,
    recipients,
    envId: envId ?? undefined,
    flags,
    priority,
    holdUntil,
    isAuthenticated: login !== null,
  }
}

function refuse({ trace }: Session, error: unknown): Reply {
  const known = error instanceof Failure || isSystemError(error) ? storageFailure(error) : failure('internal')
  if (known.code === 'messageTooLarge') trace.emit('smtp.message-too-large', { limit: Number(known.details['limit']) })
  // What did not go wrong on the client's side is for the administrator to know.
  if (!(error instanceof Failure) || error.cause !== undefined)
    trace.emit('smtp.error', { reason: known.code, details: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  return replyToFailure(known)
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && 'syscall' in error
}

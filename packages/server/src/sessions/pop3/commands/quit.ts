import { Failure } from '@postern/contract'
import type { Session } from '../command.ts'
import { ok, type Reply, replyToFailure } from '../reply.ts'

/** RFC 1939 §4, §6: after login it removes what is marked, all of it or nothing. */
export async function quit({ login, trace }: Session): Promise<Reply> {
  if (login === null) return ok('Postern POP3 bids you farewell.', { ends: true })
  const { maildrop } = login
  const ids = [...maildrop.marked].map(maildrop.idOf)
  try {
    const count = await maildrop.removeMarked()
    const what = count === 0 ? 'no messages' : count === 1 ? '1 message' : `${count} messages`
    return ok(`Postern POP3 bids you farewell (${what} deleted).`, { ends: true, fields: { documentId: ids } })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    trace.emit('pop3.error', { details: 'Messages could not be deleted', reason: error.code })
    // RFC 1939 §6: the session ends even so.
    return { ...replyToFailure(error), code: 'SYS/TEMP', text: 'Some messages could not be deleted.', ends: true }
  }
}

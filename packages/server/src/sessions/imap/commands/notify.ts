import { type Arguments, notifyEvents, readNotify, UnknownNotifyEvent } from '@postern/mail/imap'
import type { LoggedIn } from '../command.ts'
import { no, ok, type Reply } from '../reply.ts'

/** RFC 5465 §3. */
export async function notify(session: LoggedIn, args: Arguments): Promise<Reply> {
  try {
    await session.notify(readNotify(args, session.text))
    return ok()
  } catch (error) {
    if (error instanceof UnknownNotifyEvent) return no(`${error.message}.`, `BADEVENT (${notifyEvents.join(' ')})`)
    throw error
  }
}

import type { Arguments } from '@postern/mail/imap'
import type { LoggedIn } from '../command.ts'
import { ok, type Reply } from '../reply.ts'

/** RFC 8437: everything the client had enabled and selected is forgotten. */
export async function unauthenticate(session: LoggedIn, args: Arguments): Promise<Reply> {
  args.end()
  await session.logOut()
  return ok()
}

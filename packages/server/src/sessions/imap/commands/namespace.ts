import { type Arguments, encodeMailboxName } from '@postern/mail/imap'
import type { LoggedIn } from '../command.ts'
import { separator } from '../folders.ts'
import { ok, type Reply } from '../reply.ts'

/** RFC 2342: others' mailboxes stand in the second place. */
export async function namespace(session: LoggedIn, args: Arguments): Promise<Reply> {
  args.end()
  const { folders } = session.login
  const root = encodeMailboxName(`${folders.sharedRoot}${separator}`, session.text)
  const others = (await folders.hasShares()) ? `((${root} "${separator}"))` : 'NIL'
  session.write(`* NAMESPACE (("" "${separator}")) ${others} NIL\r\n`)
  return ok()
}

import { type Arguments, compilePattern, encodeMailboxName, readLsub } from '@postern/mail/imap'
import type { LoggedIn } from '../command.ts'
import { separator } from '../folders.ts'
import { ok, type Reply } from '../reply.ts'
import { levelsAbove } from './list.ts'

/** RFC 3501 §6.3.9: with `%`, levels above a subscribed mailbox are shown although they are not subscribed themselves. */
export async function lsub(session: LoggedIn, args: Arguments): Promise<Reply> {
  const { reference, pattern } = readLsub(args, session.text)
  const names = await session.login.folders.list()
  const { matches } = compilePattern(reference, pattern, separator)
  const subscribed = names.filter(({ place }) => place?.mailbox.isSubscribed === true).map(({ name }) => name)
  const known = new Set(subscribed)
  const above = new Set(pattern.includes('%') ? subscribed.filter(name => !matches(name)).flatMap(levelsAbove) : [])
  for (const { name } of names) {
    if (!matches(name) || !(known.has(name) || above.has(name))) continue
    const attribute = known.has(name) ? '\\Subscribed' : '\\NoSelect'
    session.write(`* LSUB (${attribute}) "${separator}" ${encodeMailboxName(name, session.text)}\r\n`)
  }
  return ok(undefined, { fields: { details: [reference, pattern] } })
}

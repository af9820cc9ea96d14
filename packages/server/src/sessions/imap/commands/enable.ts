import { type Arguments, readEnable } from '@postern/mail/imap'
import { extensions, type LoggedIn } from '../command.ts'
import { ok, type Reply } from '../reply.ts'

/** RFC 5161 §3.1: names nobody knows are passed over. */
export async function enable(session: LoggedIn, args: Arguments): Promise<Reply> {
  const wanted = readEnable(args)
  const found = wanted.flatMap(name => extensions.find(extension => extension.toUpperCase() === name) ?? [])
  for (const extension of found) session.enable(extension)
  session.write(`* ENABLED${found.map(name => ` ${name}`).join('')}\r\n`)
  return ok(undefined, { fields: { details: found } })
}

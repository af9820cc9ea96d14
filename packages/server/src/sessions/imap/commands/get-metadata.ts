import { type Arguments, encodeMetadata, readGetMetadata } from '@postern/mail/imap'
import type { LoggedIn } from '../command.ts'
import { wantedEntries } from '../metadata.ts'
import { ok, type Reply } from '../reply.ts'

/** RFC 5464 §4.2; without a mailbox: of the server, which are the client's own. */
export async function getMetadata(session: LoggedIn, args: Arguments): Promise<Reply> {
  const request = readGetMetadata(args, session.text)
  const { folders, caller } = session.login
  const place = request.mailbox === '' ? null : await folders.require(request.mailbox)
  const annotations = await (place?.account ?? folders.own).annotations(place?.mailbox.id ?? null, caller.accountId)
  const most = request.maxSize ?? Number.POSITIVE_INFINITY
  const entries = wantedEntries(annotations, request)
  const shown = entries.filter(({ value }) => value === null || value.length <= most)
  for (const part of encodeMetadata(place?.name ?? '', shown, session.text)) session.write(part)
  const longest = Math.max(0, ...entries.map(({ value }) => value?.length ?? 0))
  return ok(longest > most ? `METADATA LONGENTRIES ${longest}` : undefined)
}

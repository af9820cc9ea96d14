import { type Arguments, readUidSet } from '@postern/mail/imap'
import type { Call, Selected } from '../command.ts'
import { ok, type Reply } from '../reply.ts'

/** RFC 9051 §6.4.3; of some UIDs only: RFC 4315 §2.1. The EXPUNGE responses are the news behind it. */
export async function expunge(session: Selected, args: Arguments, { isUid }: Call): Promise<Reply> {
  const { view } = session
  const set = isUid ? readUidSet(args) : null
  if (set === null) args.end()
  const uids = set === null ? undefined : view.uidsAt(view.resolve(set, true))
  const { account, mailbox } = view
  const { removed, change } = await account.expunge(mailbox.id, uids)
  const code = session.enabled.has('CONDSTORE') && removed.length > 0 ? `HIGHESTMODSEQ ${change}` : undefined
  return ok(code, { fields: { accountId: account.accountId, mailboxId: mailbox.id, documentId: removed } })
}

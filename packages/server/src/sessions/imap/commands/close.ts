import { isFailure } from '@postern/contract'
import type { Arguments } from '@postern/mail/imap'
import type { Call, Selected } from '../command.ts'
import { ok, type Reply } from '../reply.ts'

/** CLOSE removes deleted messages without a word, where that is allowed (RFC 9051 §6.4.1); UNSELECT does not (RFC 9051 §6.4.2). */
export async function close(session: Selected, args: Arguments, { name: command }: Call): Promise<Reply> {
  args.end()
  const { view } = session
  const { account, mailbox } = view
  const fields = { accountId: account.accountId, mailboxId: mailbox.id }
  session.unselect()
  if (command === 'UNSELECT' || view.isReadOnly) return ok(undefined, { fields })
  try {
    const { removed, change } = await account.expunge(mailbox.id)
    // RFC 7162 §3.2.7
    const code = session.enabled.has('QRESYNC') && removed.length > 0 ? `HIGHESTMODSEQ ${change}` : undefined
    return ok(code, { fields: { ...fields, documentId: removed } })
  } catch (error) {
    // RFC 4314 §4: without the right, or without the mailbox, CLOSE only closes.
    if (isFailure(error, 'forbidden') || isFailure(error, 'mailboxNotFound')) return ok(undefined, { fields })
    throw error
  }
}

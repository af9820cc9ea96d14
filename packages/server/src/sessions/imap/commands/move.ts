import type { Arguments } from '@postern/mail/imap'
import type { Call, Selected } from '../command.ts'
import { moveAcross } from '../copy-across.ts'
import { ok, type Reply, someExpunged } from '../reply.ts'
import { copyUid, readTransfer, transferFields } from './copy.ts'

/** RFC 6851: COPYUID first, then the EXPUNGE responses, which are the news behind it. */
export async function move(session: Selected, args: Arguments, { isUid }: Call): Promise<Reply> {
  const { view } = session
  const { account, mailbox } = view
  const request = await readTransfer(session, args, isUid)
  if (request.uids.length === 0) return ok()
  const outcome =
    request.target.account.accountId === account.accountId
      ? await account.move(mailbox.id, request.uids, request.target.mailbox.id)
      : await moveAcross(view, request.uids, request.target)
  const code = copyUid(outcome)
  if (code !== undefined) session.write(`* OK [${code}] Copied UIDs\r\n`)
  const fields = transferFields(session, request.target, outcome)
  return outcome.pairs.length < request.uids.length && !isUid ? { ...someExpunged, fields } : ok(undefined, { fields })
}

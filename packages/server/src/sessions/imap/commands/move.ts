import type { Arguments } from '@postern/mail/imap'
import type { Call, Selected } from '../command.ts'
import { moveAcross } from '../copy-across.ts'
import { ok, type Reply, someExpunged } from '../reply.ts'
import { copyUid, transfer } from './copy.ts'

/** RFC 6851: COPYUID first, then the EXPUNGE responses, which are the news behind it. */
export async function move(session: Selected, args: Arguments, call: Call): Promise<Reply> {
  const done = await transfer(session, args, call, { moves: true, within: session.view.account.move, across: moveAcross })
  if (done === null) return ok()
  const { outcome, fields, isShort } = done
  const code = copyUid(outcome)
  if (code !== undefined) session.write(`* OK [${code}] Copied UIDs\r\n`)
  return isShort && !call.isUid ? { ...someExpunged, fields } : ok(undefined, { fields })
}

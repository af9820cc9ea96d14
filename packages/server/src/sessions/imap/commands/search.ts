import { type Arguments, encodeEsearch, readSearch } from '@postern/mail/imap'
import type { Call, Selected } from '../command.ts'
import type { Reply } from '../reply.ts'
import { answerSearch } from '../search-results.ts'

/** RFC 9051 §6.4.4; results: RFC 4731, saved: RFC 5182, in pieces: RFC 9394, mod-sequences: RFC 7162 §3.1.5. */
export async function search(session: Selected, args: Arguments, call: Call): Promise<Reply> {
  return answerSearch(session, readSearch(args), call, {
    name: 'SEARCH',
    arrange: async uids => uids,
    encode: (wanted, found) => encodeEsearch(call.tag, call.isUid, wanted, found),
  })
}

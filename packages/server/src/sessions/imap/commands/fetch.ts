import { type Arguments, type FetchItem, type FetchRequest, GrammarError, readFetch, setsSeen, slicePartial } from '@postern/mail/imap'
import { flagBits, type Placed } from '#services/mailbox'
import type { Call, Selected } from '../command.ts'
import { type Shown, writeFetch } from '../fetch-response.ts'
import { no, ok, type Reply, someExpunged } from '../reply.ts'
import { writeVanished } from '../vanished.ts'

/** RFC 9051 §6.4.5; CHANGEDSINCE and VANISHED: RFC 7162 §3.1.4, §3.2.6; PARTIAL: RFC 9394 §3.3. */
export async function fetch(session: Selected, args: Arguments, { isUid }: Call): Promise<Reply> {
  const { view } = session
  const request = readFetch(args)
  if (request.vanished && !(isUid && session.enabled.has('QRESYNC')))
    throw new GrammarError('VANISHED needs UID FETCH and QRESYNC to be enabled')
  const usesModSeq = request.changedSince !== null || request.items.some(({ name }) => name === 'MODSEQ')
  if (request.vanished && request.changedSince !== null) await writeVanished(session, request.changedSince, request.set)
  const indexes = choose(session, request, isUid)
  const marked = request.items.some(setsSeen) ? await markSeen(session, indexes) : noneMarked
  // RFC 9586 §3.3: the response begins with the UID.
  const items = shownItems(
    request,
    isUid && !session.enabled.has('UIDONLY'),
    usesModSeq || (marked.size > 0 && session.enabled.has('CONDSTORE')),
  )
  const problems = await writeFetch(session, indexes, { items, marked })
  if (usesModSeq) session.useModSeq()
  const { account, mailbox } = view
  const fields = {
    accountId: account.accountId,
    mailboxId: mailbox.id,
    documentId: indexes.length,
    details: request.items.map(({ name }) => name),
  }
  if (problems.unknownEncoding) return { ...no('The encoding of the part is unknown.', 'UNKNOWN-CTE'), fields }
  return problems.someGone && !isUid ? { ...someExpunged, fields } : ok(undefined, { fields })
}

const noneMarked: ReadonlyMap<number, Placed> = new Map()

function choose({ view }: Selected, { set, changedSince, partial }: FetchRequest, isUid: boolean): readonly number[] {
  let indexes: readonly number[] = view.resolve(set, isUid)
  // What is gone cannot be looked at by UID (RFC 9051 §6.4.9); by number, it shows in the reply.
  if (isUid) indexes = indexes.filter(index => !view.isGone(index))
  if (changedSince !== null) indexes = indexes.filter(index => (view.rows.changes[index] ?? 0) > changedSince)
  return partial === null ? indexes : slicePartial(indexes, partial.from, partial.to)
}

/** Sets \Seen where that is missing and allowed, for all messages in one change. */
async function markSeen({ view }: Selected, indexes: readonly number[]): Promise<ReadonlyMap<number, Placed>> {
  if (view.isReadOnly || !view.mayUse('modifyItems')) return noneMarked
  const unseen = indexes.filter(index => ((view.rows.flags[index] ?? 0) & flagBits.seen) === 0)
  if (unseen.length === 0) return noneMarked
  const change = { mode: 'add', flags: flagBits.seen, keywords: [] } as const
  const { present } = await view.account.changeKeywords(view.mailbox.id, view.uidsAt(unseen), change)
  view.expect(present)
  return new Map(present.map(placed => [placed.uid, placed]))
}

/** Each item once, with what has to be in the answer unasked. */
function shownItems({ items }: FetchRequest, withUid: boolean, withModSeq: boolean): readonly Shown[] {
  const shown: Shown[] = withUid ? [{ name: 'UID' }] : []
  for (const item of items) if (!isPlain(item) || !shown.some(({ name }) => name === item.name)) shown.push(item)
  // RFC 7162 §3.1.4.1
  if (withModSeq && !shown.some(({ name }) => name === 'MODSEQ')) shown.push({ name: 'MODSEQ' })
  // RFC 9051 §6.4.5: that a message is now seen is told with it.
  if (!shown.some(({ name }) => name === 'FLAGS')) shown.push({ name: 'NEW-FLAGS' })
  return shown
}

function isPlain(item: FetchItem): boolean {
  return item.name !== 'BODY[]' && item.name !== 'BINARY[]' && item.name !== 'BINARY.SIZE[]'
}

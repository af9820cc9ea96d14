import { type Arguments, encodeThreads, readThread } from '@postern/mail/imap'
import { type Threadable, threadByIds, threadByReferences, threadBySubject } from '@postern/mail/message'
import { fieldValue, parseMessageIds, readFields, rootPart, unpackStructure } from '@postern/mail/mime'
import { baseSubject } from '@postern/mail/text'
import type { Message, Progress } from '#services/mailbox'
import type { Call, Selected } from '../command.ts'
import { uidRequired, usesNumbers } from '../numbers.ts'
import { createProgress } from '../progress.ts'
import { ok, type Reply } from '../reply.ts'
import { toCriterion } from '../search-criteria.ts'
import { folded } from '../sort-order.ts'

const algorithms = { REFERENCES: threadByReferences, ORDEREDSUBJECT: threadBySubject, REFS: threadByIds } as const
const messagesPerStep = 100
/** More ancestors than these are no thread that a person reads; the latest count. */
const maxReferences = 200

/** RFC 5256 §3. */
export async function thread(session: Selected, args: Arguments, { tag, isUid }: Call): Promise<Reply> {
  const { view } = session
  const { algorithm, criteria } = readThread(args)
  if (session.enabled.has('UIDONLY') && usesNumbers(criteria)) return uidRequired
  const criterion = toCriterion(criteria, view, Math.floor(session.clock.now() / 1000))
  const [searching, threading] = createProgress(session, tag, 2)
  const uids = (await view.account.search(view.mailbox.id, criterion, searching)).filter(uid => view.indexOf(uid) >= 0)
  const messages = await threadable(session, uids, isUid, threading)
  session.write(encodeThreads(algorithms[algorithm](messages)))
  return ok(undefined, { fields: { accountId: view.account.accountId, mailboxId: view.mailbox.id, total: uids.length } })
}

async function threadable(
  session: Selected,
  uids: readonly number[],
  isUid: boolean,
  progress: Progress | undefined,
): Promise<Threadable[]> {
  const { view } = session
  const found: Threadable[] = []
  for (let from = 0; from < uids.length; from += messagesPerStep) {
    const step = uids.slice(from, from + messagesPerStep)
    const ids = step.map(uid => view.rows.ids[view.indexOf(uid)] ?? 0)
    const messages = new Map((await view.account.messages(ids)).map(message => [message.id, message]))
    for (const [at, uid] of step.entries()) {
      const message = messages.get(ids[at] ?? 0)
      // Gone since it was found.
      if (message === undefined) continue
      found.push({ number: isUid ? uid : view.indexOf(uid) + 1, ...(await factsOf(session, message)) })
      await session.relieve()
      await progress?.(from + at + 1, uids.length)
    }
  }
  return found
}

async function factsOf({ view }: Selected, message: Message): Promise<Omit<Threadable, 'number'>> {
  const { buffer, byteOffset, length } = message.structure
  const structure = unpackStructure(Buffer.from(buffer, byteOffset, length))
  const { headerStart, bodyStart } = rootPart(structure)
  const { subject, messageId, inReplyTo } = structure.envelope
  const header = await view.account.content(message, { start: headerStart, end: bodyStart })
  const field = readFields(header).find(({ name }) => name === 'references')
  const references = field === undefined ? [] : parseMessageIds(fieldValue(header, field))
  const { text, isReply } = baseSubject(subject ?? '')
  return {
    messageId: parseMessageIds(messageId ?? '')[0] ?? null,
    references: references.length > 0 ? references.slice(-maxReferences) : parseMessageIds(inReplyTo ?? '').slice(0, 1),
    subject: folded(text),
    isReply,
    // RFC 5256 §2.2: without a usable date, the one of arrival.
    date: message.sent ?? message.received,
  }
}

// The order of SORT (RFC 5256 §3, RFC 5957).
import { splitAddress } from '@postern/mail/address'
import type { SortCriterion } from '@postern/mail/imap'
import { type Envelope, unpackEnvelope } from '@postern/mail/mime'
import { baseSubject, decodeEncodedWords } from '@postern/mail/text'
import type { Message, Progress } from '#services/mailbox'
import type { Selected } from './command.ts'
import type { MailboxView } from './selected.ts'

type Key = number | string

const messagesPerStep = 250

/** UIDs in the order wanted; what is equal stays in the order of its numbers. */
export async function sortMessages(
  session: Selected,
  uids: readonly number[],
  order: readonly SortCriterion[],
  progress?: Progress,
): Promise<readonly number[]> {
  const { view } = session
  const needsMessages = order.some(({ by }) => by !== 'ARRIVAL' && by !== 'SIZE')
  const keyed: { readonly uid: number; readonly keys: readonly Key[] }[] = []
  for (let from = 0; from < uids.length; from += messagesPerStep) {
    const step = uids.slice(from, from + messagesPerStep)
    const ids = step.map(uid => view.rows.ids[view.indexOf(uid)] ?? 0)
    const messages = new Map(needsMessages ? (await view.account.messages(ids)).map(message => [message.id, message]) : [])
    for (const [at, uid] of step.entries()) {
      const message = messages.get(ids[at] ?? 0)
      // Gone since it was found.
      if (needsMessages && message === undefined) continue
      keyed.push({ uid, keys: keysOf(view, view.indexOf(uid), message, order) })
    }
    await session.relieve()
    await progress?.(from + step.length, uids.length)
  }
  const directions = order.map(({ reverse }) => (reverse ? -1 : 1))
  keyed.sort((a, b) => {
    for (const [at, direction] of directions.entries()) {
      const [left = '', right = ''] = [a.keys[at], b.keys[at]]
      if (left !== right) return left < right ? -direction : direction
    }
    return a.uid - b.uid
  })
  return keyed.map(({ uid }) => uid)
}

function keysOf(view: MailboxView, index: number, message: Message | undefined, order: readonly SortCriterion[]): readonly Key[] {
  let unpacked: Envelope | undefined
  const envelope = (): Envelope => {
    const { buffer, byteOffset, length } = message?.structure ?? new Uint8Array()
    unpacked ??= unpackEnvelope(Buffer.from(buffer, byteOffset, length))
    return unpacked
  }
  const { rows } = view
  const measures = { size: rows.sizes[index] ?? 0, received: rows.received[index] ?? 0, sent: message?.sent ?? null }
  return order.map(({ by }) => keyOf(by, measures, envelope))
}

/** `received` and `sent`: Unix seconds. */
interface Measures {
  readonly size: number
  readonly received: number
  readonly sent: number | null
}

function keyOf(by: SortCriterion['by'], { size, received, sent }: Measures, envelope: () => Envelope): Key {
  switch (by) {
    case 'ARRIVAL':
      return received
    case 'SIZE':
      return size
    case 'DATE':
      // RFC 5256 §2.2: without a usable date, the one of arrival.
      return sent ?? received
    case 'SUBJECT':
      return folded(baseSubject(envelope().subject ?? '').text)
    case 'FROM':
      return localPart(envelope().from)
    case 'TO':
      return localPart(envelope().to)
    case 'CC':
      return localPart(envelope().cc)
    case 'DISPLAYFROM':
      return displayed(envelope().from)
    case 'DISPLAYTO':
      return displayed(envelope().to)
  }
}

/** Of the first address; the name of a group stands in its place (RFC 9051 §7.5.2). */
function localPart([first]: Envelope['from']): string {
  if (first === undefined) return ''
  const [mailbox] = first.mailboxes
  if (first.name !== null || mailbox === undefined) return folded(decodeEncodedWords(first.name ?? ''))
  return folded(splitAddress(mailbox.address).local)
}

/** RFC 5957 §3: the name as people see it, or the address. */
function displayed([first]: Envelope['from']): string {
  if (first === undefined) return ''
  const [mailbox] = first.mailboxes
  if (first.name !== null || mailbox === undefined) return folded(decodeEncodedWords(first.name ?? ''))
  const name = decodeEncodedWords(mailbox.name ?? '').trim()
  return folded(name === '' ? mailbox.address : name)
}

/** i;unicode-casemap in effect (RFC 5051): case and compatibility forms do not count. */
export function folded(text: string): string {
  return text.normalize('NFKD').toUpperCase()
}

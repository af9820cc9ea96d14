// FETCH responses. What the columns of the mailbox know goes out in large pieces without asking for anything; the rest takes the stored
// structure of the message, and its octets only where they are asked for.
import { isFailure } from '@postern/contract'
import { type FetchItem, formatInternalDate, needsOctets } from '@postern/mail/imap'
import type { Placed } from '#services/mailbox'
import type { Selected } from './command.ts'
import { addItem, FetchLine, MessageSource } from './fetch-items.ts'
import { fetchStart } from './numbers.ts'
import { objectIdOf } from './object-ids.ts'

/** An item of the answer; `NEW-FLAGS` are shown of those messages only that have become seen. */
export type Shown = FetchItem | { readonly name: 'NEW-FLAGS' }

export interface Wanted {
  readonly items: readonly Shown[]
  /** Messages that have become seen by this command, by UID, as they are now. */
  readonly marked: ReadonlyMap<number, Placed>
}

export interface Problems {
  readonly someGone: boolean
  readonly unknownEncoding: boolean
}

const rowsPerPiece = 500
const messagesPerStep = 64

export async function writeFetch(session: Selected, indexes: readonly number[], wanted: Wanted): Promise<Problems> {
  const columnItems = wanted.items.map(item => columnItem(session, item, wanted.marked))
  const simple = columnItems.filter(item => item !== undefined)
  if (simple.length === columnItems.length) {
    await writeRows(session, indexes, simple)
    return { someGone: false, unknownEncoding: false }
  }
  return writeMessages(session, indexes, wanted.items, columnItems)
}

/** `NAME value` of the message at a position; empty to leave it out. */
type ColumnItem = (index: number) => string

function columnItem({ view }: Selected, item: Shown, marked: ReadonlyMap<number, Placed>): ColumnItem | undefined {
  const { rows } = view
  switch (item.name) {
    case 'UID':
      return index => `UID ${rows.uids[index] ?? 0}`
    case 'FLAGS':
      return index => {
        return `FLAGS ${view.shownFlags(index, marked.get(rows.uids[index] ?? 0))}`
      }
    case 'NEW-FLAGS':
      return index => {
        const now = marked.get(rows.uids[index] ?? 0)
        return now === undefined ? '' : `FLAGS ${view.shownFlags(index, now)}`
      }
    case 'MODSEQ':
      return index => `MODSEQ (${marked.get(rows.uids[index] ?? 0)?.change ?? rows.changes[index] ?? 0})`
    case 'INTERNALDATE':
      return index => `INTERNALDATE "${formatInternalDate((rows.received[index] ?? 0) * 1000)}"`
    case 'SAVEDATE':
      return index => `SAVEDATE "${formatInternalDate((rows.saved[index] ?? 0) * 1000)}"`
    case 'RFC822.SIZE':
      return index => `RFC822.SIZE ${rows.sizes[index] ?? 0}`
    case 'EMAILID':
      return index => `EMAILID (${objectIdOf(view, rows.ids[index] ?? 0)})`
    default:
      return undefined
  }
}

async function writeRows(session: Selected, indexes: readonly number[], items: readonly ColumnItem[]): Promise<void> {
  for (let from = 0; from < indexes.length; from += rowsPerPiece) {
    let text = ''
    for (const index of indexes.slice(from, from + rowsPerPiece)) {
      let values = ''
      for (const item of items) {
        const value = item(index)
        if (value !== '') values += values === '' ? value : ` ${value}`
      }
      text += `${fetchStart(session, index)}${values})\r\n`
    }
    session.write(text)
    await session.relieve()
  }
}

async function writeMessages(
  session: Selected,
  indexes: readonly number[],
  items: readonly Shown[],
  columnItems: readonly (ColumnItem | undefined)[],
): Promise<Problems> {
  const { view } = session
  const readsWhole = items.filter(item => item.name !== 'NEW-FLAGS' && needsOctets(item)).length > 1
  let someGone = false
  let unknownEncoding = false
  for (let from = 0; from < indexes.length; from += messagesPerStep) {
    const step = indexes.slice(from, from + messagesPerStep)
    const messages = await view.account.messages(step.map(index => view.rows.ids[index] ?? 0))
    const byId = new Map(messages.map(message => [message.id, message]))
    for (const index of step) {
      const message = byId.get(view.rows.ids[index] ?? 0)
      const line = new FetchLine(session, index)
      if (message === undefined || !(await fill(line, index, new MessageSource(view.account, message, readsWhole)))) {
        someGone = true
        continue
      }
      line.finish()
      unknownEncoding ||= line.unknownEncoding
      await session.relieve()
    }
  }
  return { someGone, unknownEncoding }

  /** False when the message goes away meanwhile; then nothing of it is written. */
  async function fill(line: FetchLine, index: number, source: MessageSource): Promise<boolean> {
    try {
      for (const [at, item] of items.entries()) {
        const column = columnItems[at]
        if (column !== undefined) line.add(column(index))
        else if (item.name !== 'NEW-FLAGS') await addItem(line, item, source, session)
      }
      return true
    } catch (error) {
      if (isFailure(error, 'blobNotFound') && !line.isSent) return false
      // Half a literal is out: no reply could be told from the rest of it.
      if (line.isSent) session.abort()
      throw error
    }
  }
}

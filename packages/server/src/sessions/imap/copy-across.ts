// Copies between accounts: the messages are added to the other account anew.
import { failure } from '@postern/contract'
import { type NewMessage, type Progress, rightBits, type Transferred } from '#services/mailbox'
import type { Place } from './folders.ts'
import type { MailboxView } from './selected.ts'

/** Octets of messages that are held in memory at once. */
const maxHeldBytes = 32 * 1024 * 1024
const maxHeldMessages = 200

/** All or none: what was added is taken away again when the rest cannot follow. */
export async function copyAcross(
  view: MailboxView,
  uids: readonly number[],
  { account, mailbox }: Place,
  progress?: Progress,
): Promise<Transferred> {
  const pairs: { from: number; to: number; id: number }[] = []
  let uidValidity = mailbox.uidValidity
  let change = 0
  try {
    for (const batch of await batches(view, uids)) {
      const appended = await account.appendAll(await Promise.all(batch.map(source => source.load(mailbox.id))))
      for (const [index, { id, placements, change: at }] of appended.entries()) {
        const [placement] = placements
        if (placement === undefined) continue
        pairs.push({ from: batch[index]?.uid ?? 0, to: placement.uid, id })
        uidValidity = placement.uidValidity
        change = at
      }
      await progress?.(pairs.length, uids.length)
    }
  } catch (error) {
    await account.remove(
      mailbox.id,
      pairs.map(({ to }) => to),
    )
    throw error
  }
  return { uidValidity, pairs, change }
}

/** The source goes only when the copy is safe. */
export async function moveAcross(view: MailboxView, uids: readonly number[], target: Place, progress?: Progress): Promise<Transferred> {
  const { rights } = await view.account.get(view.mailbox.id)
  if ((rights & rightBits.removeItems) === 0) throw failure('forbidden')
  const copied = await copyAcross(view, uids, target, progress)
  const { change } = await view.account.remove(
    view.mailbox.id,
    copied.pairs.map(({ from }) => from),
  )
  return { ...copied, change }
}

interface Source {
  readonly uid: number
  readonly size: number
  load(mailboxId: number): Promise<NewMessage>
}

/** Messages that are there, in the order of the UIDs. */
async function batches({ account, mailbox }: MailboxView, uids: readonly number[]): Promise<Source[][]> {
  const columns = await account.columns(mailbox.id)
  const positions = new Map(Array.from(columns.uids, (uid, at) => [uid, at]))
  const groups: Source[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const uid of uids) {
    const at = positions.get(uid)
    if (at === undefined) continue
    const size = columns.sizes[at] ?? 0
    const last = groups.at(-1)
    const load = async (mailboxId: number): Promise<NewMessage> => {
      const [message] = await account.messages([columns.ids[at] ?? 0])
      if (message === undefined) throw new Error(`message ${uid} went away while it was copied`)
      return {
        content: await account.content(message),
        mailboxIds: [mailboxId],
        flags: columns.flags[at] ?? 0,
        keywords: columns.keywords[at] ?? [],
        received: message.received,
      }
    }
    bytes += size
    if (last === undefined || bytes > maxHeldBytes || last.length >= maxHeldMessages) {
      groups.push([{ uid, size, load }])
      bytes = size
    } else last.push({ uid, size, load })
  }
  return groups
}

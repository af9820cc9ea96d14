// Messages in mailboxes: flags, copies, moves and removals, and the columns that readers live on.

import type { Command, Query, Reader } from '../command.ts'
import { refusal } from '../refusal.ts'
import { bits, internKeywords, knownKeywords, packKeywords, unpackKeywords } from './keywords.ts'
import { beginChange, type MailChange } from './mail-change.ts'
import { deleteMailboxRow, requireMailbox, takeUids } from './mailboxes.ts'
import { insertPlacement, type Keeping, type PlacementRow, removePlacement, renewPlacement } from './messages.ts'

export type PlacementTuple = readonly [
  uid: number,
  messageId: number,
  flags: number,
  keywords: Uint8Array | null,
  changeNumber: number,
  size: number,
  received: number,
  saved: number,
]

export const placementTupleColumns = 'uid, message_id, flags, keywords, change_number, size, received, saved'

export interface MailboxContents {
  readonly uidValidity: number
  readonly uidNext: number
  readonly changeNumber: number
  /** By ascending UID. */
  readonly rows: readonly PlacementTuple[]
}

/** All of a mailbox with UIDs above `afterUid`, at most `limit`. Undefined when there is no such mailbox. */
export const mailboxContents: Query<
  { readonly accountId: number; readonly mailboxId: number; readonly afterUid: number; readonly limit: number },
  MailboxContents | undefined
> = {
  name: 'placements.contents',
  consistent: true,
  run: async (reader, { accountId, mailboxId, afterUid, limit }) => {
    const mailbox = await reader.get<Omit<MailboxContents, 'rows'>>(
      `SELECT uid_validity AS "uidValidity", uid_next AS "uidNext", change_number AS "changeNumber" FROM mailboxes
       WHERE account_id = ? AND id = ?`,
      [accountId, mailboxId],
    )
    if (!mailbox) return undefined
    const rows = await reader.tuples<PlacementTuple & readonly (number | Uint8Array | null)[]>(
      `SELECT ${placementTupleColumns} FROM placements WHERE account_id = ? AND mailbox_id = ? AND uid > ? ORDER BY uid LIMIT ?`,
      [accountId, mailboxId, afterUid, limit],
    )
    return { ...mailbox, rows }
  },
}

/** These UIDs of a mailbox as far as they are there, by ascending UID. */
export const placementsByUid: Query<
  { readonly accountId: number; readonly mailboxId: number; readonly uids: readonly number[] },
  readonly PlacementTuple[]
> = {
  name: 'placements.byUid',
  consistent: true,
  run: (reader, { accountId, mailboxId, uids }) => readPlacements(reader, accountId, mailboxId, uids),
}

export async function readPlacements(
  reader: Reader,
  accountId: number,
  mailboxId: number,
  uids: readonly number[],
): Promise<PlacementTuple[]> {
  const sorted = [...new Set(uids)].sort((a, b) => a - b)
  const first = sorted[0] ?? 0
  const last = sorted.at(-1) ?? 0
  if (sorted.length > 8 && last - first < sorted.length * 4) {
    const wanted = new Set(sorted)
    const rows = await reader.tuples<PlacementTuple & readonly (number | Uint8Array | null)[]>(
      `SELECT ${placementTupleColumns} FROM placements WHERE account_id = ? AND mailbox_id = ? AND uid BETWEEN ? AND ? ORDER BY uid`,
      [accountId, mailboxId, first, last],
    )
    return rows.filter(([uid]) => wanted.has(uid))
  }
  const found: PlacementTuple[] = []
  for (const uid of sorted) {
    const [row] = await reader.tuples<PlacementTuple & readonly (number | Uint8Array | null)[]>(
      `SELECT ${placementTupleColumns} FROM placements WHERE account_id = ? AND mailbox_id = ? AND uid = ?`,
      [accountId, mailboxId, uid],
    )
    if (row) found.push(row)
  }
  return found
}

interface MessagePlacement {
  readonly mailboxId: number
  readonly uid: number
  readonly messageId: number
  readonly threadId: number
  readonly flags: number
  readonly keywords: Uint8Array | null
  readonly changeNumber: number
}

/** Where messages are, by message id; unknown ids are left out. */
export const placementsByMessage: Query<{ readonly accountId: number; readonly ids: readonly number[] }, readonly MessagePlacement[]> = {
  name: 'placements.byMessage',
  consistent: true,
  run: async (reader, { accountId, ids }) => {
    const rows: MessagePlacement[] = []
    for (const id of ids) {
      rows.push(
        ...(await reader.all<MessagePlacement>(
          `SELECT p.mailbox_id AS "mailboxId", p.uid, p.message_id AS "messageId", m.thread_id AS "threadId", p.flags, p.keywords,
             p.change_number AS "changeNumber"
           FROM placements p JOIN messages m ON m.account_id = p.account_id AND m.id = p.message_id
           WHERE p.account_id = ? AND p.message_id = ? ORDER BY p.mailbox_id`,
          [accountId, id],
        )),
      )
    }
    return rows
  },
}

export interface FlagChange {
  readonly mode: 'add' | 'remove' | 'replace'
  readonly flags: number
  readonly keywords: readonly string[]
}

/** Bits of a message in every mailbox it is in; the others belong to one placement. */
const sharedBits = ~bits.deleted

export interface FlagOutcome {
  readonly change: number
  /** Of the messages that are there, as they are now, by ascending UID. */
  readonly present: readonly PlacementTuple[]
  readonly refused: readonly number[]
}

/** Changes flags and keywords of messages in one mailbox; the same messages elsewhere follow, except for `deleted`. */
export const changeFlags: Command<
  {
    readonly accountId: number
    readonly mailboxId: number
    readonly uids: readonly number[]
    readonly change: FlagChange
    /** Messages whose change number is above it are refused. */
    readonly unchangedSince: number | null
    readonly now: number
  },
  FlagOutcome
> = {
  name: 'placements.changeFlags',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, mailboxId, uids, change: wish, unchangedSince, now }) => {
    const change = await beginChange(tx, accountId, now)
    await requireMailbox(tx, accountId, mailboxId)
    const plan = await planFlags(change, wish)
    const present: PlacementTuple[] = []
    const refused: number[] = []
    for (const row of await readPlacements(tx, accountId, mailboxId, uids)) {
      const [uid, messageId, flags, keywords, changeNumber, size, received, saved] = row
      if (unchangedSince !== null && changeNumber > unchangedSince) {
        refused.push(uid)
        continue
      }
      const next = applyPlan(plan, flags, keywords)
      if (next.flags === flags && sameBytes(next.keywords, keywords)) {
        present.push(row)
        continue
      }
      await setFlags(change, { mailboxId, uid, messageId, flags }, next)
      await followElsewhere(change, messageId, mailboxId, next)
      present.push([uid, messageId, next.flags, next.keywords, change.number, size, received, saved])
    }
    await change.finish()
    return { change: change.number, present, refused }
  },
}

interface FlagPlan {
  readonly mode: FlagChange['mode']
  readonly flags: number
  readonly keywords: readonly number[]
}

async function planFlags(change: MailChange, { mode, flags, keywords }: FlagChange): Promise<FlagPlan> {
  const { tx, accountId } = change
  // Taking away a name that nobody uses must not make it known.
  const ids = mode === 'remove' ? await knownKeywords(tx, accountId, keywords) : await internKeywords(tx, accountId, keywords)
  return { mode, flags, keywords: ids }
}

function applyPlan(plan: FlagPlan, flags: number, keywords: Uint8Array | null): { flags: number; keywords: Uint8Array | null } {
  switch (plan.mode) {
    case 'replace':
      return { flags: plan.flags, keywords: packKeywords(plan.keywords) }
    case 'add': {
      const own = plan.keywords.length === 0 ? keywords : packKeywords(union(unpackKeywords(keywords), plan.keywords))
      return { flags: flags | plan.flags, keywords: own }
    }
    case 'remove': {
      const own = plan.keywords.length === 0 ? keywords : packKeywords(unpackKeywords(keywords).filter(id => !plan.keywords.includes(id)))
      return { flags: flags & ~plan.flags, keywords: own }
    }
  }
}

function union(a: readonly number[], b: readonly number[]): number[] {
  return [...new Set([...a, ...b])].sort((x, y) => x - y)
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b
  return Buffer.compare(a, b) === 0
}

async function setFlags(
  change: MailChange,
  row: { readonly mailboxId: number; readonly uid: number; readonly messageId: number; readonly flags: number },
  next: { readonly flags: number; readonly keywords: Uint8Array | null },
): Promise<void> {
  const { tx, accountId, number } = change
  const { mailboxId, uid, messageId } = row
  await tx.run('UPDATE placements SET flags = ?, keywords = ?, change_number = ? WHERE account_id = ? AND mailbox_id = ? AND uid = ?', [
    next.flags,
    next.keywords,
    number,
    accountId,
    mailboxId,
    uid,
  ])
  change.countFlags(mailboxId, row.flags, next.flags)
  change.add({ kind: 'flagged', mailboxId, uid, messageId })
}

async function followElsewhere(
  change: MailChange,
  messageId: number,
  exceptMailboxId: number,
  next: { readonly flags: number; readonly keywords: Uint8Array | null },
): Promise<void> {
  const others = await change.tx.all<{ mailboxId: number; uid: number; flags: number; keywords: Uint8Array | null }>(
    `SELECT mailbox_id AS "mailboxId", uid, flags, keywords FROM placements
     WHERE account_id = ? AND message_id = ? AND mailbox_id <> ?`,
    [change.accountId, messageId, exceptMailboxId],
  )
  for (const { mailboxId, uid, flags, keywords } of others) {
    const own = { flags: (next.flags & sharedBits) | (flags & bits.deleted), keywords: next.keywords }
    if (own.flags !== flags || !sameBytes(own.keywords, keywords)) await setFlags(change, { mailboxId, uid, messageId, flags }, own)
  }
}

export interface TransferOutcome {
  readonly change: number
  readonly uidValidity: number
  /** In the order of the request. */
  readonly pairs: readonly { readonly from: number; readonly to: number; readonly id: number }[]
}

/** Puts messages of one mailbox into another of the same account, with `moves` out of the first. */
export const transferMessages: Command<
  {
    readonly accountId: number
    readonly mailboxId: number
    readonly targetId: number
    readonly uids: readonly number[]
    readonly moves: boolean
    readonly now: number
  },
  TransferOutcome
> = {
  name: 'placements.transfer',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, mailboxId, targetId, uids, moves, now }) => {
    const change = await beginChange(tx, accountId, now)
    await requireMailbox(tx, accountId, mailboxId)
    const { uidValidity } = await requireMailbox(tx, accountId, targetId)
    const byUid = new Map((await readPlacements(tx, accountId, mailboxId, uids)).map(row => [row[0], row]))
    const pairs: { from: number; to: number; id: number }[] = []
    for (const from of new Set(uids)) {
      const row = byUid.get(from)
      if (!row) continue
      const [uid, messageId, flags, keywords, , size, received] = row
      // RFC 6851 §4.5: moved to where it is, a message gets a new UID.
      if (moves && mailboxId === targetId) {
        const { first: to } = await takeUids(tx, accountId, targetId, 1)
        await renewPlacement(change, { mailboxId, uid, messageId }, to)
        pairs.push({ from, to, id: messageId })
        continue
      }
      const there = await tx.get<{ uid: number }>('SELECT uid FROM placements WHERE account_id = ? AND message_id = ? AND mailbox_id = ?', [
        accountId,
        messageId,
        targetId,
      ])
      const to = there?.uid ?? (await takeUids(tx, accountId, targetId, 1)).first
      // The target gets the message as it is; whether it is to be deleted was said of the source only when it moves away from there.
      const own = moves ? flags : flags & sharedBits
      if (!there)
        await insertPlacement(change, { mailboxId: targetId, uid: to, messageId, flags: own, keywords, size, received, saved: now })
      if (moves) await removePlacement(change, { mailboxId, uid, messageId, flags, keywords, size }, keepNothing)
      pairs.push({ from, to, id: messageId })
    }
    await change.finish()
    return { change: change.number, uidValidity, pairs }
  },
}

/** A message that is still somewhere else is not destroyed, so there is nothing to keep. */
const keepNothing: Keeping = { keptUntil: null }

export interface RemovalOutcome {
  readonly change: number
  /** UIDs, ascending. */
  readonly removed: readonly number[]
}

/** Takes messages out of a mailbox: these UIDs, or all; with `onlyDeleted` only those with that flag. */
export const removeMessages: Command<
  {
    readonly accountId: number
    readonly mailboxId: number
    readonly uids: readonly number[] | null
    readonly onlyDeleted: boolean
    readonly keeping: Keeping
    readonly now: number
  },
  RemovalOutcome
> = {
  name: 'placements.remove',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, mailboxId, uids, onlyDeleted, keeping, now }) => {
    const change = await beginChange(tx, accountId, now)
    await requireMailbox(tx, accountId, mailboxId)
    const rows = uids ? await readPlacements(tx, accountId, mailboxId, uids) : await allPlacements(change, mailboxId)
    const removed: number[] = []
    for (const [uid, messageId, flags, keywords, , size] of rows) {
      if (onlyDeleted && (flags & bits.deleted) === 0) continue
      await removePlacement(change, { mailboxId, uid, messageId, flags, keywords, size }, keeping)
      removed.push(uid)
    }
    await change.finish()
    return { change: change.number, removed }
  },
}

async function allPlacements({ tx, accountId }: MailChange, mailboxId: number): Promise<PlacementTuple[]> {
  return await tx.tuples<PlacementTuple & readonly (number | Uint8Array | null)[]>(
    `SELECT ${placementTupleColumns} FROM placements WHERE account_id = ? AND mailbox_id = ? ORDER BY uid`,
    [accountId, mailboxId],
  )
}

/** Removes a mailbox; with `removesMessages` its messages leave it first, else they prevent it: `mailboxHasMessages`. */
export const destroyMailbox: Command<
  {
    readonly accountId: number
    readonly mailboxId: number
    readonly removesMessages: boolean
    readonly keeping: Keeping
    readonly now: number
  },
  void
> = {
  name: 'placements.destroyMailbox',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, mailboxId, removesMessages, keeping, now }) => {
    const change = await beginChange(tx, accountId, now)
    await requireMailbox(tx, accountId, mailboxId)
    const rows = await allPlacements(change, mailboxId)
    if (rows.length > 0 && !removesMessages) throw refusal('mailboxHasMessages')
    for (const [uid, messageId, flags, keywords, , size] of rows) {
      await removePlacement(change, { mailboxId, uid, messageId, flags, keywords, size }, keeping)
    }
    await deleteMailboxRow(change, mailboxId)
    await change.finish()
  },
}

export interface MessagePlan {
  readonly messageId: number
  readonly flags?: FlagChange
  readonly addTo?: readonly number[]
  readonly removeFrom?: readonly number[]
}

/** Changes messages by id: flags, keywords and mailboxes, all in one change. A message must stay in a mailbox, else `invalidParameters`. */
export const updateMessages: Command<
  { readonly accountId: number; readonly plans: readonly MessagePlan[]; readonly now: number },
  { readonly change: number; readonly missing: readonly number[] }
> = {
  name: 'placements.updateMessages',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, plans, now }) => {
    const change = await beginChange(tx, accountId, now)
    const missing: number[] = []
    for (const plan of plans) if (!(await updateOne(change, plan))) missing.push(plan.messageId)
    await change.finish()
    return { change: change.number, missing }
  },
}

async function placementsOf({ tx, accountId }: MailChange, messageId: number): Promise<PlacementRow[]> {
  return await tx.all<PlacementRow>(
    `SELECT mailbox_id AS "mailboxId", uid, message_id AS "messageId", flags, keywords, size, received, saved FROM placements
     WHERE account_id = ? AND message_id = ? ORDER BY mailbox_id`,
    [accountId, messageId],
  )
}

async function updateOne(change: MailChange, { messageId, flags: wish, addTo = [], removeFrom = [] }: MessagePlan): Promise<boolean> {
  const { tx, accountId, now } = change
  const [first] = await placementsOf(change, messageId)
  if (!first) return false
  if (wish) {
    const next = applyPlan(await planFlags(change, wish), first.flags, first.keywords)
    if (next.flags !== first.flags || !sameBytes(next.keywords, first.keywords)) {
      await setFlags(change, first, next)
      await followElsewhere(change, messageId, first.mailboxId, next)
    }
  }
  const [current = first] = await placementsOf(change, messageId)
  for (const mailboxId of addTo) {
    await requireMailbox(tx, accountId, mailboxId)
    const rows = await placementsOf(change, messageId)
    if (rows.some(row => row.mailboxId === mailboxId)) continue
    const { first: uid } = await takeUids(tx, accountId, mailboxId, 1)
    await insertPlacement(change, { ...current, mailboxId, uid, flags: current.flags & sharedBits, saved: now })
  }
  const before = await placementsOf(change, messageId)
  const leaving = before.filter(row => removeFrom.includes(row.mailboxId))
  if (leaving.length === before.length) throw refusal('invalidParameters', { properties: ['mailboxIds'] })
  for (const row of leaving) await removePlacement(change, row, keepNothing)
  return true
}

/** Takes messages out of every mailbox, or of those in `onlyFrom`. */
export const destroyMessages: Command<
  {
    readonly accountId: number
    readonly ids: readonly number[]
    readonly onlyFrom: readonly number[] | null
    readonly keeping: Keeping
    readonly now: number
  },
  { readonly change: number; readonly missing: readonly number[] }
> = {
  name: 'placements.destroyMessages',
  lane: ({ accountId }) => accountId,
  locksFirst: true,
  run: async (tx, { accountId, ids, onlyFrom, keeping, now }) => {
    const change = await beginChange(tx, accountId, now)
    const missing: number[] = []
    for (const id of ids) {
      const rows = (await placementsOf(change, id)).filter(row => onlyFrom === null || onlyFrom.includes(row.mailboxId))
      if (rows.length === 0) missing.push(id)
      for (const row of rows) await removePlacement(change, row, keeping)
    }
    await change.finish()
    return { change: change.number, missing }
  },
}

export const placementCommands = [changeFlags, transferMessages, removeMessages, destroyMailbox, updateMessages, destroyMessages] as const

// Results that stay current: SEARCH and SORT with RETURN (UPDATE …) (RFC 5267 §4.3).
import { compactSet, encodeString } from '@postern/mail/imap'
import type { AccountMailboxes, Criterion } from '#services/mailbox'
import type { News } from './selected.ts'

/** More results than these are not kept current; the client is told so. */
export const maxContexts = 10
/** A sorted result is put in order anew with each change. */
export const maxSortedMessages = 10_000

export interface Context {
  readonly tag: string
  readonly isUid: boolean
  /** With all numbers as UIDs. */
  readonly criterion: Criterion
  /** In the order of the result. */
  uids: readonly number[]
  /** Of a sorted result: puts UIDs in its order. */
  readonly arrange: ((uids: readonly number[]) => Promise<readonly number[]>) | null
}

type Numbering = (uid: number) => number

/** Lines about messages that leave a result because they are gone: told while they still have numbers. */
export function tellGone(contexts: readonly Context[], gone: ReadonlySet<number>, numberOf: Numbering): string {
  if (gone.size === 0) return ''
  return contexts
    .map(context =>
      leave(
        context,
        context.uids.filter(uid => gone.has(uid)),
        numberOf,
      ),
    )
    .join('')
}

/** Lines about messages that came into a result, or left it by a change. `numberOf` fits what the client knows now. */
export async function tellChanged(
  contexts: readonly Context[],
  { changed, arrived }: Pick<News, 'changed' | 'arrived'>,
  account: Pick<AccountMailboxes, 'search'>,
  mailboxId: number,
  numberOf: Numbering,
): Promise<string> {
  const touched = [...changed, ...arrived]
  if (touched.length === 0) return ''
  const ranges = touched.map((uid): readonly [number, number] => [uid, uid])
  let text = ''
  for (const context of contexts) {
    const matching = new Set(await account.search(mailboxId, { kind: 'and', of: [{ kind: 'uids', ranges }, context.criterion] }))
    const known = new Set(context.uids)
    const left = touched.filter(uid => known.has(uid) && !matching.has(uid))
    const came = touched.filter(uid => !known.has(uid) && matching.has(uid))
    text += leave(context, left, numberOf) + (await come(context, came, numberOf))
  }
  return text
}

/** Takes messages out of a result and tells it. */
function leave(context: Context, leaving: readonly number[], numberOf: Numbering): string {
  if (leaving.length === 0) return ''
  const before = context.uids
  const gone = new Set(leaving)
  context.uids = before.filter(uid => !gone.has(uid))
  if (context.arrange === null)
    return line(context, 'REMOVEFROM', `0 ${compactSet(leaving.toSorted((a, b) => a - b).map(shown(context, numberOf)))}`)
  // From the end, so that each position still counts when it is read.
  const positions = before.flatMap((uid, at) => (gone.has(uid) ? [`${at + 1} ${shown(context, numberOf)(uid)}`] : []))
  return line(context, 'REMOVEFROM', positions.toReversed().join(' '))
}

/** Puts messages into a result and tells it. */
async function come(context: Context, coming: readonly number[], numberOf: Numbering): Promise<string> {
  if (coming.length === 0) return ''
  const fresh = new Set(coming)
  const all = [...context.uids, ...coming]
  context.uids = context.arrange === null ? all.toSorted((a, b) => a - b) : await context.arrange(all)
  if (context.arrange === null) return line(context, 'ADDTO', `0 ${compactSet(coming.map(shown(context, numberOf)))}`)
  const positions = context.uids.flatMap((uid, at) => (fresh.has(uid) ? [`${at + 1} ${shown(context, numberOf)(uid)}`] : []))
  return line(context, 'ADDTO', positions.join(' '))
}

function shown({ isUid }: Context, numberOf: Numbering): Numbering {
  return isUid ? uid => uid : numberOf
}

function line({ tag, isUid }: Context, change: 'ADDTO' | 'REMOVEFROM', text: string): string {
  return `* ESEARCH (TAG ${encodeString(tag)})${isUid ? ' UID' : ''} ${change} (${text})\r\n`
}

import type { Arguments } from './arguments.ts'
import { type FetchItem, readItems } from './fetch.ts'
import { GrammarError } from './grammar-error.ts'
import { type NameOptions, readMailboxName } from './mailbox-names.ts'

/** Events by their names in lower case (RFC 5465 §5). */
export const notifyEvents = ['messagenew', 'messageexpunge', 'flagchange', 'mailboxname', 'subscriptionchange'] as const
export type NotifyEvent = (typeof notifyEvents)[number]

/** Which mailboxes a group of events is about (RFC 5465 §6). */
export type NotifyScope =
  | { readonly kind: 'selected' | 'selected-delayed' | 'inboxes' | 'personal' | 'subscribed' }
  | { readonly kind: 'subtree' | 'mailboxes'; readonly names: readonly string[] }

export interface NotifyGroup {
  readonly scope: NotifyScope
  readonly events: ReadonlySet<NotifyEvent>
  /** What is shown of new messages in the selected mailbox. */
  readonly items: readonly FetchItem[]
}

/** Null: nothing is to be told. */
export interface NotifyRequest {
  /** The state of the mailboxes now is told first. */
  readonly status: boolean
  readonly groups: readonly NotifyGroup[]
}

const maxGroups = 50
const maxNames = 200

/** An event that is not known here; the reply names those that are. */
export class UnknownNotifyEvent extends GrammarError {}

/** Arguments of NOTIFY (RFC 5465 §8). */
export function readNotify(args: Arguments, options: NameOptions): NotifyRequest | null {
  args.space()
  const word = args.keyword()
  if (word === 'NONE') {
    args.end()
    return null
  }
  if (word !== 'SET') throw new GrammarError('NOTIFY wants SET or NONE')
  args.space()
  const status = !args.isAtList
  if (status) {
    if (args.keyword() !== 'STATUS') throw new GrammarError('NOTIFY SET wants STATUS or groups of events')
    args.space()
  }
  const groups: NotifyGroup[] = []
  do {
    if (groups.length > 0) args.space()
    groups.push(readGroup(args, options))
    if (groups.length > maxGroups) throw new GrammarError('Too many groups of events')
  } while (!args.isAtEnd)
  return { status, groups }
}

function readGroup(args: Arguments, options: NameOptions): NotifyGroup {
  args.expect('(')
  const scope = readScope(args, options)
  args.space()
  const events = new Set<NotifyEvent>()
  let items: readonly FetchItem[] = []
  if (args.isAtList) {
    args.list(() => {
      const event = args.atom().toLowerCase()
      const known = notifyEvents.find(name => name === event)
      if (known === undefined) throw new UnknownNotifyEvent(`Unknown event "${event.slice(0, 30)}"`)
      events.add(known)
      // The items of MessageNew stand behind it in parentheses.
      if (known !== 'messagenew') return
      const mark = args.mark()
      if (args.take(' ') && args.isAtList) items = readItems(args)
      else args.reset(mark)
    })
  } else if (args.keyword() !== 'NONE') throw new GrammarError('Expected events or NONE')
  args.expect(')')
  checkEvents(scope, events, items)
  return { scope, events, items }
}

/** RFC 5465 §5.1 to §5.3. */
function checkEvents({ kind }: NotifyScope, events: ReadonlySet<NotifyEvent>, items: readonly FetchItem[]): void {
  const isSelected = kind === 'selected' || kind === 'selected-delayed'
  if (events.has('messagenew') !== events.has('messageexpunge')) throw new GrammarError('MessageNew and MessageExpunge go together')
  if (events.has('flagchange') && !events.has('messagenew')) throw new GrammarError('FlagChange needs MessageNew and MessageExpunge')
  if (isSelected && (events.has('mailboxname') || events.has('subscriptionchange')))
    throw new GrammarError('Of the selected mailbox only its messages can be told')
  if (!isSelected && items.length > 0) throw new GrammarError('Items are shown of the selected mailbox only')
}

function readScope(args: Arguments, options: NameOptions): NotifyScope {
  const word = args.atom().toLowerCase()
  switch (word) {
    case 'selected':
    case 'selected-delayed':
    case 'inboxes':
    case 'personal':
    case 'subscribed':
      return { kind: word }
    case 'subtree':
    case 'mailboxes': {
      args.space()
      const names = args.isAtList ? args.list(() => readMailboxName(args, options)) : [readMailboxName(args, options)]
      if (names.length === 0 || names.length > maxNames) throw new GrammarError('Invalid list of mailboxes')
      return { kind: word, names }
    }
    default:
      throw new GrammarError(`Unknown kind of mailboxes "${word.slice(0, 30)}"`)
  }
}

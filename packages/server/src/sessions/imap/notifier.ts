// What the client is told of mailboxes that are not selected, at any time (RFC 5465).
import { encodeMailboxName, type NotifyGroup, type NotifyRequest } from '@postern/mail/imap'
import type { LoggedIn } from './command.ts'
import { mayCount, writeStatus } from './commands/status.ts'
import { type Place, separator } from './folders.ts'
import { mailboxKey } from './recency.ts'

/** How a mailbox was when the client was told of it last. */
interface Told {
  readonly name: string
  readonly total: number
  readonly uidNext: number
  readonly unseen: number
  readonly highestChange: number
  readonly isSubscribed: boolean
}

export interface Notifier {
  /** The group about the selected mailbox, if there is one. */
  readonly selected: NotifyGroup | undefined
  /** Accounts in which something may happen that is told. */
  readonly accountIds: readonly number[]
  /** Tells what happened since the last time. */
  tell(): Promise<void>
}

const inboxRole = 'inbox'

/** Looks at the mailboxes as they are now; what changes from here on is told. With `status`, their state is told at once. */
export async function createNotifier(session: LoggedIn, { groups, status }: NotifyRequest): Promise<Notifier> {
  const selected = groups.find(({ scope }) => scope.kind === 'selected' || scope.kind === 'selected-delayed')
  const others = groups.filter(group => group !== selected)
  const groupOf = (place: Place): NotifyGroup | undefined => others.find(({ scope }) => isWithin(scope, place))

  async function look(): Promise<Map<string, { readonly place: Place; readonly group: NotifyGroup }>> {
    const found = new Map<string, { readonly place: Place; readonly group: NotifyGroup }>()
    for (const { place } of await session.login.folders.list()) {
      const group = place === null ? undefined : groupOf(place)
      if (place !== null && group !== undefined) found.set(mailboxKey(place.account.accountId, place.mailbox), { place, group })
    }
    return found
  }

  const accountIds = await allAccounts(session)
  const first = others.length === 0 ? new Map() : await look()
  let told = new Map<string, Told>([...first].map(([key, { place }]) => [key, toldOf(place)]))
  if (status) for (const { place, group } of first.values()) await tellCounts(session, place, group)

  return {
    selected,
    accountIds,
    async tell() {
      if (others.length === 0) return
      const now = await look()
      for (const [key, before] of told) {
        // RFC 5465 §5.4: what is gone no longer exists.
        if (!now.has(key) && others.some(({ events }) => events.has('mailboxname')))
          session.write(`* LIST (\\NonExistent) "${separator}" ${encodeMailboxName(before.name, session.text)}\r\n`)
      }
      for (const [key, { place, group }] of now) await tellOne(session, place, group, told.get(key))
      told = new Map([...now].map(([key, { place }]) => [key, toldOf(place)]))
    },
  }
}

async function allAccounts({ login: { folders } }: LoggedIn): Promise<readonly number[]> {
  const accounts = (await folders.list()).flatMap(({ place }) => place?.account.accountId ?? [])
  return [...new Set([folders.own.accountId, ...accounts])]
}

function toldOf({ name, mailbox }: Place): Told {
  const { total, uidNext, unseen, highestChange, isSubscribed } = mailbox
  return { name, total, uidNext, unseen, highestChange, isSubscribed }
}

/** RFC 5465 §6; the selected mailbox is told of by its own means. */
function isWithin(scope: NotifyGroup['scope'], { name, isOwn, mailbox }: Place): boolean {
  switch (scope.kind) {
    case 'inboxes':
      return isOwn && mailbox.role === inboxRole
    case 'personal':
      return isOwn
    case 'subscribed':
      return mailbox.isSubscribed
    case 'mailboxes':
      return scope.names.includes(name)
    case 'subtree':
      return scope.names.some(root => name === root || name.startsWith(`${root}${separator}`))
    default:
      return false
  }
}

async function tellOne(session: LoggedIn, place: Place, group: NotifyGroup, before: Told | undefined): Promise<void> {
  const { name, mailbox } = place
  const { events } = group
  const isNamed = before !== undefined && before.name === name
  if (!isNamed && events.has('mailboxname')) {
    const old = before === undefined ? '' : ` ("OLDNAME" (${encodeMailboxName(before.name, session.text)}))`
    session.write(`* LIST (${subscribedWord(place)}) "${separator}" ${encodeMailboxName(name, session.text)}${old}\r\n`)
  } else if (before !== undefined && before.isSubscribed !== mailbox.isSubscribed && events.has('subscriptionchange'))
    session.write(`* LIST (${subscribedWord(place)}) "${separator}" ${encodeMailboxName(name, session.text)}\r\n`)
  const isSelected = session.view?.mailbox.id === mailbox.id && session.view.account.accountId === place.account.accountId
  if (before === undefined || isSelected) return
  const hasMoved = before.total !== mailbox.total || before.uidNext !== mailbox.uidNext
  const hasChanged = before.unseen !== mailbox.unseen || before.highestChange !== mailbox.highestChange
  if ((hasMoved && events.has('messagenew')) || (hasChanged && events.has('flagchange'))) await tellCounts(session, place, group)
}

function subscribedWord({ mailbox }: Place): string {
  return mailbox.isSubscribed ? '\\Subscribed' : ''
}

/** RFC 5465 §5.1 to §5.3: what a client needs to know that something happened, and what. */
async function tellCounts(session: LoggedIn, place: Place, { events }: NotifyGroup): Promise<void> {
  if (!mayCount(place) || !events.has('messagenew')) return
  const items = ['MESSAGES', 'UIDNEXT', 'UIDVALIDITY', 'UNSEEN'] as const
  await writeStatus(session, place, events.has('flagchange') ? [...items, 'HIGHESTMODSEQ'] : items)
}

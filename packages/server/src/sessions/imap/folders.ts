// Mailboxes by the names a client uses: its own at the top, everybody else's below one shared root (RFC 2342).
import { failure, isFailure } from '@postern/contract'
import type { Caller, Directory } from '#services/directory'
import { type AccountMailboxes, type Mailbox, type Mailboxes, rightBits, type Viewer } from '#services/mailbox'

export const separator = '/'

/** A mailbox and where it lives. */
export interface Place {
  /** As the client writes it, in Unicode. */
  readonly name: string
  readonly account: AccountMailboxes
  readonly mailbox: Mailbox
  /** In the client's own account. */
  readonly isOwn: boolean
}

/** A name of a listing: a mailbox, or only a level above some. */
export interface ListedName {
  readonly name: string
  readonly place: Place | null
}

/** Where a name leads, whether or not there is a mailbox. */
export interface Location {
  readonly account: AccountMailboxes
  readonly path: readonly string[]
  readonly isOwn: boolean
}

export interface Folders {
  readonly own: AccountMailboxes
  /** All names, parents before children; levels that are no mailbox included. */
  list(): Promise<readonly ListedName[]>
  /** `mailboxNotFound`. */
  require(name: string): Promise<Place>
  find(name: string): Promise<Place | undefined>
  /** `cannot` for the shared root and accounts below it, `mailboxNotFound` for unknown accounts. */
  locate(name: string): Promise<Location>
  /** Whether anything is below the shared root. */
  hasShares(): Promise<boolean>
  readonly sharedRoot: string
}

export interface FoldersParts {
  readonly mailboxes: Pick<Mailboxes, 'open'>
  readonly directory: Pick<Directory, 'byId' | 'byName'>
  /** Accounts with mailboxes that any of these principals was given rights on. */
  readonly accountsSharedWith: (principalIds: readonly number[]) => Promise<readonly number[]>
  readonly sharedRoot: string
}

interface Share {
  readonly accountId: number
  readonly name: string
  /** Undefined: every right. */
  readonly viewer: Viewer | undefined
}

export async function openFolders(
  { mailboxes, directory, accountsSharedWith, sharedRoot }: FoldersParts,
  caller: Caller,
): Promise<Folders> {
  const own = await mailboxes.open(caller.accountId)
  const opened = new Map<string, AccountMailboxes>()

  async function open({ accountId, viewer }: Share): Promise<AccountMailboxes | undefined> {
    const key = `${accountId}:${viewer?.granteeIds.join() ?? 'all'}`
    const known = opened.get(key)
    if (known !== undefined) return known
    try {
      const account = await mailboxes.open(accountId, viewer)
      opened.set(key, account)
      return account
    } catch (error) {
      // A principal that never had mail.
      if (isFailure(error, 'accountNotFound')) return undefined
      throw error
    }
  }

  async function groupIds(): Promise<readonly number[]> {
    const record = await directory.byId(caller.accountId)
    return (record?.memberOf ?? []).filter(({ type }) => type === 'group').map(({ id }) => id)
  }

  function viewerOf(accountId: number, groups: readonly number[]): Viewer | undefined {
    // Members of a group own its mailboxes.
    if (groups.includes(accountId)) return undefined
    return { principalId: caller.accountId, granteeIds: [caller.accountId, ...groups] }
  }

  async function shares(): Promise<readonly Share[]> {
    const groups = await groupIds()
    const sharing = await accountsSharedWith([caller.accountId, ...groups])
    const found: Share[] = []
    for (const accountId of new Set([...groups, ...sharing])) {
      if (accountId === caller.accountId) continue
      const record = await directory.byId(accountId)
      if (record === undefined) continue
      found.push({ accountId, name: record.name, viewer: viewerOf(accountId, groups) })
    }
    return found
  }

  async function shareNamed(name: string): Promise<AccountMailboxes | undefined> {
    const record = await directory.byName(name)
    if (record === undefined || (record.type !== 'individual' && record.type !== 'group')) return undefined
    if (record.id === caller.accountId) return undefined
    const viewer = caller.rights.has('impersonate') ? undefined : viewerOf(record.id, await groupIds())
    const account = await open({ accountId: record.id, name: record.name, viewer })
    // Who shares nothing with the client cannot be told from nobody.
    return account === undefined || (await account.list()).length === 0 ? undefined : account
  }

  async function locate(name: string): Promise<Location> {
    const path = name.split(separator)
    if (path[0] !== sharedRoot) return { account: own, path, isOwn: true }
    const [, accountName, ...below] = path
    if (accountName === undefined || below.length === 0) throw failure('cannot')
    const account = await shareNamed(accountName)
    if (account === undefined) throw failure('mailboxNotFound')
    return { account, path: below, isOwn: false }
  }

  async function find(name: string): Promise<Place | undefined> {
    let location: Location
    try {
      location = await locate(name)
    } catch (error) {
      if (isFailure(error, 'cannot') || isFailure(error, 'mailboxNotFound')) return undefined
      throw error
    }
    const { account, path, isOwn } = location
    const mailbox = path.includes('') ? undefined : await account.find(path)
    if (mailbox !== undefined) return { name, account, mailbox, isOwn }
    // Names that are shown otherwise than they are stored.
    return isOwn ? (await namesOf(account, '', true)).find(listed => listed.name === name) : undefined
  }

  return {
    own,
    sharedRoot,
    locate,
    find,
    async require(name) {
      const place = await find(name)
      if (place === undefined) throw failure('mailboxNotFound')
      return place
    },
    hasShares: async () => (await shares()).length > 0,
    async list() {
      const places = await namesOf(own, '', true)
      for (const share of await shares()) {
        const account = await open(share)
        if (account !== undefined) places.push(...(await namesOf(account, `${sharedRoot}${separator}${share.name}${separator}`, false)))
      }
      return withLevels(places)
    },
  }
}

async function namesOf(account: AccountMailboxes, prefix: string, isOwn: boolean): Promise<Place[]> {
  const shown = new Map<number, string>()
  const places: Place[] = []
  for (const mailbox of await account.list()) {
    const parent = mailbox.parentId === null ? undefined : shown.get(mailbox.parentId)
    const local =
      parent !== undefined
        ? `${parent}${separator}${mailbox.name}`
        : mailbox.parentId === null && isOwn
          ? topName(mailbox)
          : mailbox.path.join(separator)
    shown.set(mailbox.id, local)
    // RFC 4314 §4: a mailbox may be open to those who know of it, and still not be listed.
    if ((mailbox.rights & rightBits.read) === 0) continue
    places.push({ name: `${prefix}${local}`, account, mailbox, isOwn })
  }
  return places
}

function topName(mailbox: Mailbox): string {
  if (mailbox.role === 'inbox') return 'INBOX'
  // RFC 9051 §5.1: INBOX in any case is the inbox, so nothing else may look like it.
  return mailbox.name.toLowerCase() === 'inbox' ? 'inbox 2' : mailbox.name
}

/** Adds the levels above mailboxes that are none themselves, before the first mailbox below them. */
function withLevels(places: readonly Place[]): ListedName[] {
  const known = new Set(places.map(({ name }) => name))
  const listed: ListedName[] = []
  for (const place of places) {
    for (let end = place.name.indexOf(separator); end >= 0; end = place.name.indexOf(separator, end + 1)) {
      const level = place.name.slice(0, end)
      if (known.has(level)) continue
      known.add(level)
      listed.push({ name: level, place: null })
    }
    listed.push({ name: place.name, place })
  }
  return listed
}

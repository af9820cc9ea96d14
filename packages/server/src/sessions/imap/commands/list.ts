import {
  type Arguments,
  compilePattern,
  encodeMailboxName,
  encodeMetadata,
  GrammarError,
  type ListRequest,
  readList,
} from '@postern/mail/imap'
import type { AccountMailboxes, Annotation } from '#services/mailbox'
import type { LoggedIn } from '../command.ts'
import { type ListedName, type Place, separator } from '../folders.ts'
import { namedEntries } from '../metadata.ts'
import { ok, type Reply } from '../reply.ts'
import { shownRights } from '../rights.ts'
import { attributeOf } from '../special-use.ts'
import { mayCount, writeStatus } from './status.ts'

/** RFC 9051 §6.3.9; LIST-EXTENDED: RFC 5258, LIST-STATUS: RFC 5819, SPECIAL-USE: RFC 6154, LIST-MYRIGHTS: RFC 8440, LIST-METADATA: RFC 9590. */
export async function list(session: LoggedIn, args: Arguments): Promise<Reply> {
  const request = readList(args, session.text)
  const { select, results } = request
  if (select.recursiveMatch && !select.subscribed) throw new GrammarError('RECURSIVEMATCH requires the SUBSCRIBED selection option')
  if (!request.isExtended && request.patterns[0] === '') {
    // RFC 9051 §6.3.9: an empty pattern asks for the separator.
    if (request.reference === '') session.write(`* LIST (\\NoSelect) "${separator}" ""\r\n`)
    return ok()
  }
  if (results.status.includes('HIGHESTMODSEQ')) session.useModSeq()
  const names = await session.login.folders.list()
  const listing = createListing(names, request)
  const annotations = createAnnotationReader(session.login.caller.accountId)
  for (const listed of names) {
    const line = listing.lineFor(listed, session.text)
    if (line === null) continue
    session.write(line)
    const { place } = listed
    if (place === null) continue
    if (results.status.length > 0 && mayCount(place)) await writeStatus(session, place, results.status)
    if (results.myRights)
      session.write(`* MYRIGHTS ${encodeMailboxName(place.name, session.text)} ${shownRights(place.mailbox.rights)}\r\n`)
    if (results.metadata.length > 0) {
      const entries = namedEntries(await annotations(place), results.metadata)
      for (const part of encodeMetadata(place.name, entries, session.text)) session.write(part)
      await session.relieve()
    }
  }
  return ok(undefined, { fields: { details: [request.reference, ...request.patterns] } })
}

/** Reads an account's notes once, when the first of its mailboxes is listed. */
function createAnnotationReader(principalId: number): (place: Place) => Promise<readonly Annotation[]> {
  const read = new Map<AccountMailboxes, ReadonlyMap<number, readonly Annotation[]>>()
  return async ({ account, mailbox }) => {
    const known = read.get(account) ?? (await account.mailboxAnnotations(principalId))
    read.set(account, known)
    return known.get(mailbox.id) ?? []
  }
}

interface Listing {
  /** Null when the name is not wanted. */
  lineFor(listed: ListedName, text: LoggedIn['text']): string | null
}

function createListing(names: readonly ListedName[], { reference, patterns: texts, select, results }: ListRequest): Listing {
  const patterns = texts.map(text => compilePattern(reference, text, separator))
  const matches = (name: string): boolean => patterns.some(pattern => pattern.matches(name))
  const parents = new Set(names.flatMap(({ name }) => levelsAbove(name).slice(-1)))
  const isSelected = ({ place }: ListedName): boolean =>
    (!select.subscribed || place?.mailbox.isSubscribed === true) && (!select.specialUse || specialUse(place) !== undefined)
  // RFC 5258 §3.5: below which names something is selected, and below which something that is not listed by itself.
  const aboveSelected = new Set<string>()
  const aboveHidden = new Set<string>()
  if (select.recursiveMatch) {
    for (const listed of names.filter(isSelected)) {
      for (const level of levelsAbove(listed.name)) {
        aboveSelected.add(level)
        if (!matches(listed.name)) aboveHidden.add(level)
      }
    }
  }

  return {
    lineFor(listed, text) {
      const { name, place } = listed
      if (!matches(name)) return null
      const own = isSelected(listed)
      if (!own && !aboveHidden.has(name)) return null
      const attributes = place === null ? ['\\NoSelect'] : []
      if (place?.mailbox.isSubscribed === true && (select.subscribed || results.subscribed)) attributes.push('\\Subscribed')
      attributes.push(parents.has(name) ? '\\HasChildren' : '\\HasNoChildren')
      const use = specialUse(place)
      if (use !== undefined) attributes.push(use)
      const childInfo = aboveSelected.has(name) ? ' ("CHILDINFO" ("SUBSCRIBED"))' : ''
      return `* LIST (${attributes.join(' ')}) "${separator}" ${encodeMailboxName(name, text)}${childInfo}\r\n`
    },
  }
}

/** The use of a shared mailbox is its owner's affair: clients would put their own drafts there. */
function specialUse(place: Place | null): string | undefined {
  return place?.isOwn === true ? attributeOf(place.mailbox) : undefined
}

/** Names above this one, from the top. */
export function levelsAbove(name: string): string[] {
  const levels: string[] = []
  for (let end = name.indexOf(separator); end >= 0; end = name.indexOf(separator, end + 1)) levels.push(name.slice(0, end))
  return levels
}

// Default folders, and what a mailbox may be called.
import { failure } from '@postern/contract'
import type { FixedMailbox } from '#data/store'
import type { Role } from './types.ts'

export interface DefaultFolder {
  readonly role: Role
  readonly name: string
  /** Other names under which clients may ask for it at the top level. */
  readonly aliases: readonly string[]
  readonly isCreated: boolean
  readonly isSubscribed: boolean
}

/** Inbox, trash and junk are made whatever the settings say. */
export const standardFolders: readonly DefaultFolder[] = [
  { role: 'inbox', name: 'Inbox', aliases: [], isCreated: true, isSubscribed: true },
  { role: 'trash', name: 'Deleted Items', aliases: [], isCreated: true, isSubscribed: true },
  { role: 'junk', name: 'Junk Mail', aliases: [], isCreated: true, isSubscribed: true },
  { role: 'drafts', name: 'Drafts', aliases: [], isCreated: true, isSubscribed: true },
  { role: 'sent', name: 'Sent Items', aliases: [], isCreated: true, isSubscribed: true },
]

/** Ids are the same in every account, so that a client may remember them. */
const fixedIds: Readonly<Partial<Record<Role, number>>> = { inbox: 0, trash: 1, junk: 2, drafts: 3, sent: 4, archive: 5 }
export const inboxId = 0
/** Cannot be deleted without a permission. */
export const protectedIds: ReadonlySet<number> = new Set([0, 1, 2])
const alwaysCreated: ReadonlySet<Role> = new Set<Role>(['inbox', 'trash', 'junk'])

export function fixedMailboxes(folders: readonly DefaultFolder[]): FixedMailbox[] {
  const fixed: FixedMailbox[] = []
  const missing = standardFolders.filter(({ role }) => alwaysCreated.has(role) && !folders.some(folder => folder.role === role))
  for (const { role, name, isCreated, isSubscribed } of [...folders, ...missing]) {
    const id = fixedIds[role]
    if (id === undefined || !(isCreated || alwaysCreated.has(role))) continue
    fixed.push({ id, role, name: cleanName(name), sortOrder: id + 1, isSubscribed })
  }
  return fixed
}

/** The role a top-level name stands for by the settings, or undefined. */
export function roleNamed(folders: readonly DefaultFolder[], name: string): Role | undefined {
  if (isInboxName(name)) return 'inbox'
  const wanted = name.toLowerCase()
  return folders.find(folder => folder.name.toLowerCase() === wanted || folder.aliases.some(alias => alias.toLowerCase() === wanted))?.role
}

/** RFC 9051 §5.1: INBOX in any case is the inbox. */
export function isInboxName(name: string): boolean {
  return name.length === 5 && name.toLowerCase() === 'inbox'
}

export interface NameLimits {
  readonly maxDepth: number
  /** Bytes of UTF-8 per part. */
  readonly maxNameBytes: number
}

/** The parts of a path as they are stored. `mailboxNameInvalid`, `mailboxTooDeep`. */
export function cleanPath(path: readonly string[], limits: NameLimits): string[] {
  const parts = path.map(cleanName)
  if (parts.length === 0) throw failure('mailboxNameInvalid', { reason: 'empty' })
  if (parts.length > limits.maxDepth) throw failure('mailboxTooDeep', { limit: limits.maxDepth })
  for (const part of parts) {
    if (part === '' || part.includes('/') || hasControl(part)) throw failure('mailboxNameInvalid', { name: part })
    if (Buffer.byteLength(part) > limits.maxNameBytes) throw failure('mailboxNameInvalid', { limit: limits.maxNameBytes })
  }
  return parts
}

// RFC 8621 §2: names are Net-Unicode (RFC 5198), so NFC; names that only differ in composition are one.
function cleanName(name: string): string {
  return name.normalize('NFC').trim()
}

function hasControl(text: string): boolean {
  return /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text)
}

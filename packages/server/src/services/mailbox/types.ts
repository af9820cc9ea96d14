// What the mailbox service gives and takes. No protocol word appears here; MODSEQ, state and push all speak of change numbers.
import type { MessageStructure } from '@postern/mail/mime'
import { type BlobLocation, keywordBits, maxAnnotationBytes, type SpooledContent, type StoredContent } from '#data/store'

/** Special use of a mailbox, at most one mailbox per role and account. Fixed ids: inbox 0, trash 1, junk 2, drafts 3, sent 4, archive 5. */
export const roles = ['inbox', 'trash', 'junk', 'drafts', 'sent', 'archive', 'important'] as const
export type Role = (typeof roles)[number]

/**
 * Keywords with a bit of their own. All other keywords are names. `deleted` belongs to one placement of a message, everything else to the
 * message in all its mailboxes.
 */
export const flagBits = keywordBits
export type FlagName = keyof typeof flagBits

/** Rights on a mailbox; the owner and members of a group account have all. */
export const rightBits = {
  read: 1,
  modify: 2,
  delete: 4,
  readItems: 8,
  addItems: 16,
  modifyItems: 32,
  removeItems: 64,
  createChild: 128,
  administer: 256,
  submit: 512,
} as const
export type RightName = keyof typeof rightBits
export const allRights = 1023

/** Octets of the value of a note. */
export const annotationBytes = maxAnnotationBytes

/** Who looks at an account. Without one, a view has every right: the owner, delivery, maintenance. */
export interface Viewer {
  /** Whose subscriptions are shown. */
  readonly principalId: number
  /** Everything rights may have been granted to: the principal itself and its groups. */
  readonly granteeIds: readonly number[]
}

export interface Mailbox {
  /** Stable for life, unique in the account. */
  readonly id: number
  /** Null at the top. */
  readonly parentId: number | null
  /** Own part of the path, NFC, without `/`. */
  readonly name: string
  /** Names from the top down to and including this one. */
  readonly path: readonly string[]
  readonly role: Role | null
  readonly sortOrder: number
  readonly isSubscribed: boolean
  /** Of the viewer: a sum of `rightBits`. */
  readonly rights: number
  /** Somebody besides the owner has rights here. */
  readonly isShared: boolean
  readonly uidValidity: number
  /** The next UID that will be given. */
  readonly uidNext: number
  readonly total: number
  /** Without `seen`. */
  readonly unseen: number
  /** Without `seen` and without `draft`. */
  readonly unread: number
  /** With `deleted`. */
  readonly deleted: number
  /** Sum of message sizes. */
  readonly bytes: number
  /** The newest change to a message of this mailbox, removals included; at least 1. */
  readonly highestChange: number
}

/** One message as it stands in one mailbox. */
export interface Placed {
  readonly uid: number
  /** Message id: stable for life, unique in the account. */
  readonly id: number
  /** Sum of `flagBits`. */
  readonly flags: number
  /** Other keywords, sorted; equal lists are often the same object. */
  readonly keywords: readonly string[]
  /** Change number of the last change to flags or keywords, or of the arrival. */
  readonly change: number
}

/** A mailbox's messages as columns, by ascending UID. A snapshot: never changes, may be shared by many readers. */
export interface MailboxColumns {
  readonly mailboxId: number
  readonly uidValidity: number
  readonly uidNext: number
  readonly highestChange: number
  readonly count: number
  readonly uids: Uint32Array
  readonly ids: Float64Array
  readonly flags: Uint32Array
  readonly keywords: readonly (readonly string[])[]
  readonly changes: Float64Array
  readonly sizes: Uint32Array
  /** Internal date, Unix seconds. */
  readonly received: Float64Array
  /** When the message came into this mailbox, Unix seconds. */
  readonly saved: Float64Array
}

/** What happened in one mailbox. Apply `removed` first, then `present`. */
export interface MailboxChanges {
  readonly mailboxId: number
  /** Everything up to and including this number is told. */
  readonly upTo: number
  /** UIDs that are gone, ascending. With `isComplete` false the history does not reach back: then only `present` is told, fully. */
  readonly removed: readonly number[]
  /** New and changed messages that are there now, by ascending UID. */
  readonly present: readonly Placed[]
  readonly isComplete: boolean
  /** The mailbox itself is gone. */
  readonly isDestroyed: boolean
}

/** Objects of one kind that changed in the account; each id is in one list. */
export interface ObjectChanges {
  readonly created: readonly number[]
  readonly updated: readonly number[]
  readonly destroyed: readonly number[]
  readonly upTo: number
  readonly hasMore: boolean
  /** Mailboxes: only counts changed in all of `updated`. */
  readonly onlyCounts: boolean
}
export type ChangedKind = 'message' | 'mailbox' | 'thread'

/** A message with what was stored about it. */
export interface Message {
  readonly id: number
  readonly threadId: number
  /** SHA-256 of the bytes. */
  readonly blobHash: Uint8Array
  readonly size: number
  /** Internal date, Unix seconds. */
  readonly received: number
  /** The Date field, Unix seconds; null when missing or unreadable. */
  readonly sent: number | null
  readonly hasAttachment: boolean
  /** Packed by `@postern/mail/mime`. */
  readonly structure: Uint8Array
  /** For `content`. */
  readonly location: BlobLocation
}

export interface MessageState {
  readonly id: number
  readonly threadId: number
  readonly placements: readonly { readonly mailboxId: number; readonly uid: number }[]
  readonly flags: number
  readonly keywords: readonly string[]
  readonly change: number
}

export interface NewMessage {
  /** The bytes, the server's own fields included. */
  readonly content: Uint8Array | SpooledContent | StoredContent
  /** Mailbox ids, at least one. */
  readonly mailboxIds: readonly number[]
  readonly flags?: number
  readonly keywords?: readonly string[]
  /** Internal date, Unix seconds; default now. */
  readonly received?: number
  /** When the caller has parsed the same bytes already. */
  readonly structure?: MessageStructure
  /** It may hold octets that line protocols cannot carry; parts with such are kept in Base64 (RFC 3516 §4.4). */
  readonly isBinary?: boolean
  /** Skip a message whose Message-ID is already in the first mailbox and that is the same by size or body. */
  readonly skipsDuplicate?: boolean
}

export interface Appended {
  readonly id: number
  readonly threadId: number
  readonly change: number
  readonly size: number
  /** In the order of `mailboxIds`. Empty for a duplicate. */
  readonly placements: readonly { readonly mailboxId: number; readonly uid: number; readonly uidValidity: number }[]
  readonly isDuplicate: boolean
}

export interface KeywordChange {
  readonly mode: 'add' | 'remove' | 'replace'
  readonly flags: number
  readonly keywords: readonly string[]
}

export interface KeywordOutcome {
  /** Messages of the request that are there, by ascending UID, as they are now; unchanged ones keep their change number. */
  readonly present: readonly Placed[]
  /** UIDs left alone because they changed after `unchangedSince`, ascending. */
  readonly refused: readonly number[]
  /** UIDs of the request that are not there, ascending. */
  readonly missing: readonly number[]
  readonly change: number
}

export interface Transferred {
  readonly uidValidity: number
  /** In the order of the request; messages that are gone are left out. */
  readonly pairs: readonly { readonly from: number; readonly to: number; readonly id: number }[]
  readonly change: number
}

/** One message's part of an `update`: every member may be left out. */
export interface MessageUpdate {
  readonly id: number
  readonly keywords?: KeywordChange
  /** Mailboxes to be added to and taken out of; the message must stay in at least one. */
  readonly addTo?: readonly number[]
  readonly removeFrom?: readonly number[]
}

/** A note of a client on a mailbox, or on an account as a whole. */
export interface Annotation {
  /** Unique among everybody's notes, and among the private ones of each principal. */
  readonly name: string
  readonly isPrivate: boolean
  readonly value: Uint8Array
}

export type AnnotationChange = Pick<Annotation, 'name' | 'isPrivate'> & {
  /** Null removes. */
  readonly value: Uint8Array | null
}

export interface Usage {
  readonly bytes: number
  readonly messages: number
}

/** A destroyed message whose bytes are still kept. */
export interface KeptMessage {
  readonly id: number
  readonly blobHash: Uint8Array
  readonly size: number
  /** Unix seconds, like all times here. */
  readonly received: number
  readonly deletedAt: number
  readonly keptUntil: number
  /** The last mailbox it was in; it may be gone. */
  readonly mailboxId: number
  readonly flags: number
  readonly keywords: readonly string[]
  /** Packed by `@postern/mail/mime`. */
  readonly structure: Uint8Array
}

/** 0 means no limit. */
export interface QuotaLimits {
  readonly bytes: number
  readonly messages?: number
  /** Shared by all accounts of a tenant. */
  readonly tenant?: { readonly id: number; readonly bytes: number }
}

/** Told from time to time how many of so many parts of a long piece of work are done; the work waits for it. */
export type Progress = (done: number, total: number) => Promise<void>

/** What a search looks for, in one mailbox or account. Texts are compared as substrings without regard to case (i;unicode-casemap). */
export type Criterion =
  | { readonly kind: 'all' }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Criterion[] }
  | { readonly kind: 'not'; readonly of: Criterion }
  /** All bits of `flags` are set. */
  | { readonly kind: 'flags'; readonly flags: number }
  | { readonly kind: 'keyword'; readonly name: string }
  /** UIDs, as inclusive ranges; `Infinity` as the end means everything above. */
  | { readonly kind: 'uids'; readonly ranges: readonly (readonly [first: number, last: number])[] }
  | { readonly kind: 'ids'; readonly ids: readonly number[] }
  | { readonly kind: 'thread'; readonly threadId: number }
  | { readonly kind: 'changedSince'; readonly change: number }
  /** Bytes; `larger` and `smaller` exclude the number itself. */
  | { readonly kind: 'larger' | 'smaller'; readonly bytes: number }
  /** `from` ≤ time < `until`, Unix seconds. */
  | { readonly kind: 'received' | 'saved'; readonly from?: number; readonly until?: number }
  /** The Date field's day as written, without its zone, as Unix seconds of that day's midnight UTC. */
  | { readonly kind: 'sent'; readonly from?: number; readonly until?: number }
  | { readonly kind: 'hasAttachment' }
  /** A header field; an empty text asks whether the field exists. */
  | { readonly kind: 'header'; readonly name: string; readonly text: string }
  | { readonly kind: 'from' | 'to' | 'cc' | 'bcc' | 'subject'; readonly text: string }
  /** Body texts; `text` is body and header. */
  | { readonly kind: 'body' | 'text'; readonly text: string }

// Mailboxes: the only door to stored mail, for every protocol and for delivery.
//
// Owns the rules of mail at rest: default folders, names and roles, UIDs, keywords, threads, duplicates, quota, rights on mailboxes, and
// the feed of changes that IDLE, push, indexing and training read.
// Never knows a protocol, never opens a socket, never alters stored bytes.
import type {
  Annotation,
  AnnotationChange,
  Appended,
  ChangedKind,
  Criterion,
  KeptMessage,
  KeywordChange,
  KeywordOutcome,
  Mailbox,
  MailboxChanges,
  MailboxColumns,
  Message,
  MessageState,
  MessageUpdate,
  NewMessage,
  ObjectChanges,
  Progress,
  Role,
  Transferred,
  Usage,
  Viewer,
} from './types.ts'

export { inboxId } from './folders.ts'
export * from './types.ts'

export interface Mailboxes extends Disposable {
  /** A view on one account; default folders are made at its first use. */
  open(accountId: number, viewer?: Viewer): Promise<AccountMailboxes>
  /** What an account uses; looking does not make its mailboxes. */
  usageOf(accountId: number): Promise<Usage>
  /**
   * Yields the account's newest change number after every commit that changed it, coalesced: a slow reader sees the newest only.
   * Ends when the signal is aborted.
   */
  watch(accountId: number, signal: AbortSignal): AsyncIterable<number>
  /** The same for all accounts: what indexing and training read. */
  watchAll(signal: AbortSignal): AsyncIterable<{ readonly accountId: number; readonly change: number }>
  /** Removes everything of an account, and what it was granted elsewhere. */
  destroyAccount(accountId: number): Promise<void>
  /** New UIDVALIDITY for every mailbox, UIDs from 1: a last resort when clients are out of step for good. */
  renumberUids(accountId: number): Promise<{ readonly mailboxes: number; readonly messages: number }>
  /** What a night brings: old messages leave trash and junk, old history is forgotten. Seconds; 0 leaves everything. */
  tidyAccount(
    accountId: number,
    options: { readonly expungeAfter: number; readonly forgetAfter: number },
  ): Promise<{ readonly expunged: number; readonly forgotten: number }>
  /** Gives up kept messages whose time is over; gives the number. */
  endKept(): Promise<number>
}

export interface RestoreOptions {
  /** Internal date of the new message, Unix seconds, and it is unread; else it comes back as it was. */
  readonly received?: number
  /** It can be restored again. */
  readonly staysKept?: boolean
}

/**
 * Every method checks the viewer's rights. Failures: `mailboxNotFound` (also when the viewer may not see it), `forbidden`, and those named
 * at the method. Anything that takes UIDs takes them in any order and ignores the ones that are not there unless it says otherwise.
 */
export interface AccountMailboxes {
  readonly accountId: number

  /** Visible mailboxes: parents before children, siblings by sort order, then by name. */
  list(): Promise<readonly Mailbox[]>
  get(mailboxId: number): Promise<Mailbox>
  /** By path; the first part `INBOX` in any case means the inbox, and names of default folders and their aliases mean those. */
  find(path: readonly string[]): Promise<Mailbox | undefined>
  findRole(role: Role): Promise<Mailbox | undefined>
  /** Makes the mailbox and its missing parents. `mailboxExists`, `mailboxNameInvalid`, `mailboxTooDeep`, `specialUseTaken`. */
  create(path: readonly string[], options?: { readonly role?: Role; readonly isSubscribed?: boolean }): Promise<Mailbox>
  /** Moves and renames with all children; ids, UIDs and UIDVALIDITY stay. Missing parents are made. `mailboxExists`, `mailboxNameInvalid`, `mailboxTooDeep`. */
  rename(mailboxId: number, path: readonly string[]): Promise<Mailbox>
  change(mailboxId: number, change: { readonly role?: Role | null; readonly sortOrder?: number }): Promise<void>
  /** `mailboxHasChildren`; `mailboxHasMessages` unless messages may go; inbox, trash and junk are `mailboxProtected` unless `mayBeSystemFolder`. */
  destroy(mailboxId: number, options: { readonly removesMessages: boolean; readonly mayBeSystemFolder?: boolean }): Promise<void>
  subscribe(mailboxId: number, isSubscribed: boolean): Promise<void>
  /** Rights of others on a mailbox. Needs `administer`. */
  grants(mailboxId: number): Promise<readonly { readonly principalId: number; readonly rights: number }[]>
  /** 0 rights removes the grant. Needs `administer`. */
  grant(mailboxId: number, principalId: number, rights: number): Promise<void>

  /**
   * Notes on a mailbox, or with null on the account: everybody's and those of `principalId`, who may be another than the viewer's. Whoever
   * uses them has to see the mailbox, and to read, change, add or post there (RFC 5464 §3.3).
   */
  annotations(mailboxId: number | null, principalId: number): Promise<readonly Annotation[]>
  /** The same of every mailbox the viewer may ask for, by its id; those without notes are left out. */
  mailboxAnnotations(principalId: number): Promise<ReadonlyMap<number, readonly Annotation[]>>
  /** All or none. Everybody's notes on an account cannot be changed: `forbidden`. `annotationTooLarge`, `tooManyAnnotations`. */
  annotate(mailboxId: number | null, principalId: number, changes: readonly AnnotationChange[]): Promise<void>

  /** Adds one message. `overQuota`, `tenantOverQuota`, `messageInvalid`. */
  append(message: NewMessage): Promise<Appended>
  /** All or none. */
  appendAll(messages: readonly NewMessage[]): Promise<readonly Appended[]>
  /** Checks the quota before the bytes are here: `overQuota`, `tenantOverQuota`. */
  assertRoom(bytes: number): Promise<void>
  usage(): Promise<Usage>
  /** What the account may use; 0 for no limit. */
  limits(): Promise<Usage>

  columns(mailboxId: number): Promise<MailboxColumns>
  /** By message id, how many line feeds of a message lack their carriage return; undefined where that is not known, and no entry for none. */
  bareLineFeeds(mailboxId: number): Promise<ReadonlyMap<number, number | undefined>>
  /** What happened in the mailbox after change number `since`. */
  changesIn(mailboxId: number, since: number): Promise<MailboxChanges>
  /** The account's newest change number. */
  newestChange(): Promise<number>
  /** The newest number that concerns this kind: its state. */
  stateOf(kind: ChangedKind): Promise<number>
  /** Undefined when the history does not reach back to `since`. */
  changesOf(kind: ChangedKind, since: number, limit: number): Promise<ObjectChanges | undefined>

  /** `unchangedSince` leaves alone what changed later. */
  changeKeywords(
    mailboxId: number,
    uids: readonly number[],
    change: KeywordChange,
    options?: { readonly unchangedSince?: number },
  ): Promise<KeywordOutcome>
  /** Target UIDs ascend in the order given; a message that is in the target already is reported with the UID it has there. */
  copy(mailboxId: number, uids: readonly number[], targetId: number): Promise<Transferred>
  move(mailboxId: number, uids: readonly number[], targetId: number): Promise<Transferred>
  /** Removes messages with `deleted`, of these UIDs if given; resolves to the removed UIDs, ascending. */
  expunge(mailboxId: number, uids?: readonly number[]): Promise<{ readonly removed: readonly number[]; readonly change: number }>
  /** Removes messages from this mailbox whatever their flags. */
  remove(mailboxId: number, uids: readonly number[]): Promise<{ readonly removed: readonly number[]; readonly change: number }>

  /** The same into a mailbox of another account, where the messages become new ones. `overQuota` of the other account. */
  transferTo(
    mailboxId: number,
    uids: readonly number[],
    target: { readonly account: AccountMailboxes; readonly mailboxId: number },
    moves: boolean,
  ): Promise<Transferred>

  /** By message id: keywords and mailboxes. All in one change; ids that are not there are in `missing`. */
  update(updates: readonly MessageUpdate[]): Promise<{ readonly missing: readonly number[]; readonly change: number }>
  /** Removes messages from every mailbox. */
  destroyMessages(ids: readonly number[]): Promise<{ readonly missing: readonly number[]; readonly change: number }>

  /** In the order of the ids; unknown ones are left out. Ask for at most some hundred at a time. */
  messages(ids: readonly number[]): Promise<readonly Message[]>
  states(ids: readonly number[]): Promise<readonly MessageState[]>
  /** Message ids of a thread, oldest first. */
  thread(threadId: number): Promise<readonly number[]>
  /** The bytes of a message, or `[start, end)` of them. */
  content(message: Pick<Message, 'location'>, range?: { readonly start: number; readonly end: number }): Promise<Buffer>
  /** Destroyed messages whose bytes are still kept, newest first. */
  kept(): Promise<readonly KeptMessage[]>
  /** Puts a kept message back as a new one: with its keywords, into its mailbox or, when that is gone, the inbox. `messageNotFound`. */
  restore(id: number, options?: RestoreOptions): Promise<Appended>
  /** UIDs that match, ascending. */
  search(mailboxId: number, criterion: Criterion, progress?: Progress): Promise<readonly number[]>
}

export { type DefaultFolder, standardFolders } from './folders.ts'
export { flagOfKeyword, keywordsOfFlags } from './keywords.ts'
export { createMailboxes, type MailboxesParts } from './mailboxes.ts'
export type { MailboxLimits } from './scope.ts'

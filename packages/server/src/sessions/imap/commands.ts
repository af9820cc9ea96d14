// THE TABLE: which commands there are, where they are allowed, what they need and what they do to the client's view.
import type { Command } from './command.ts'
import { append, receiveMessage } from './commands/append.ts'
import { authenticate } from './commands/authenticate.ts'
import { cancelUpdate } from './commands/cancel-update.ts'
import { capability } from './commands/capability.ts'
import { close } from './commands/close.ts'
import { compress } from './commands/compress.ts'
import { copy } from './commands/copy.ts'
import { create } from './commands/create.ts'
import { deleteMailbox } from './commands/delete.ts'
import { enable } from './commands/enable.ts'
import { expunge } from './commands/expunge.ts'
import { fetch } from './commands/fetch.ts'
import { getAcl } from './commands/get-acl.ts'
import { getMetadata } from './commands/get-metadata.ts'
import { getQuota, getQuotaRoot, setQuota } from './commands/get-quota.ts'
import { id } from './commands/id.ts'
import { idle } from './commands/idle.ts'
import { list } from './commands/list.ts'
import { listRights } from './commands/list-rights.ts'
import { login } from './commands/login.ts'
import { logout } from './commands/logout.ts'
import { lsub } from './commands/lsub.ts'
import { move } from './commands/move.ts'
import { myRights } from './commands/my-rights.ts'
import { namespace } from './commands/namespace.ts'
import { noop } from './commands/noop.ts'
import { notify } from './commands/notify.ts'
import { rename } from './commands/rename.ts'
import { receiveReplacement, replace } from './commands/replace.ts'
import { search } from './commands/search.ts'
import { select } from './commands/select.ts'
import { deleteAcl, setAcl } from './commands/set-acl.ts'
import { receiveValue, setMetadata } from './commands/set-metadata.ts'
import { sort } from './commands/sort.ts'
import { starttls } from './commands/starttls.ts'
import { status } from './commands/status.ts'
import { store } from './commands/store.ts'
import { subscribe } from './commands/subscribe.ts'
import { thread } from './commands/thread.ts'
import { unauthenticate } from './commands/unauthenticate.ts'

const copying = { states: 'selected', takesNumbers: true, permission: 'imap-copy', event: 'imap.copy', news: 'after', run: copy } as const
const expunging = {
  states: 'selected',
  permission: 'imap-expunge',
  event: 'imap.expunge',
  news: 'after',
  writes: true,
  run: expunge,
} as const
const fetching = {
  states: 'selected',
  takesNumbers: true,
  permission: 'imap-fetch',
  event: 'imap.fetch',
  news: 'before',
  keepsNumbers: true,
  isStrict: true,
  run: fetch,
} as const
const moving = {
  states: 'selected',
  takesNumbers: true,
  permission: 'imap-move',
  event: 'imap.move',
  news: 'after',
  writes: true,
  run: move,
} as const
const replacing = {
  states: 'selected',
  takesNumbers: true,
  permission: 'imap-append',
  event: 'imap.append',
  news: 'after',
  writes: true,
  offer: receiveReplacement,
  run: replace,
} as const
const searching = {
  states: 'selected',
  takesNumbers: true,
  permission: 'imap-search',
  event: 'imap.search',
  news: 'before',
  keepsNumbers: true,
  run: search,
} as const
const sorting = {
  states: 'selected',
  takesNumbers: true,
  permission: 'imap-sort',
  event: 'imap.sort',
  news: 'before',
  keepsNumbers: true,
  run: sort,
} as const
const storing = {
  states: 'selected',
  takesNumbers: true,
  permission: 'imap-store',
  event: 'imap.store',
  news: 'after',
  keepsNumbers: true,
  writes: true,
  isStrict: true,
  run: store,
} as const

const threading = {
  states: 'selected',
  takesNumbers: true,
  permission: 'imap-thread',
  event: 'imap.thread',
  news: 'before',
  keepsNumbers: true,
  run: thread,
} as const

const table = {
  CAPABILITY: { states: 'any', permission: 'imap-capability', event: 'imap.capabilities', run: capability },
  NOOP: { states: 'any', event: 'imap.noop', news: 'after', run: noop },
  LOGOUT: { states: 'any', event: 'imap.logout', run: logout },
  ID: { states: 'any', permission: 'imap-id', event: 'imap.id', run: id },
  STARTTLS: { states: 'any', run: starttls },

  LOGIN: { states: 'anonymous', run: login },
  AUTHENTICATE: { states: 'anonymous', isStrict: true, run: authenticate },

  COMPRESS: { states: 'authenticated', run: compress },
  UNAUTHENTICATE: { states: 'authenticated', run: unauthenticate },
  ENABLE: { states: 'authenticated', permission: 'imap-enable', event: 'imap.enable', run: enable },
  SELECT: { states: 'authenticated', permission: 'imap-select', event: 'imap.select', run: select },
  EXAMINE: { states: 'authenticated', permission: 'imap-examine', event: 'imap.select', run: select },
  CREATE: { states: 'authenticated', permission: 'imap-create', event: 'imap.create-mailbox', news: 'after', run: create },
  DELETE: { states: 'authenticated', permission: 'imap-delete', event: 'imap.delete-mailbox', news: 'after', run: deleteMailbox },
  RENAME: { states: 'authenticated', permission: 'imap-rename', event: 'imap.rename-mailbox', news: 'after', run: rename },
  SUBSCRIBE: { states: 'authenticated', permission: 'imap-subscribe', event: 'imap.subscribe', run: subscribe },
  UNSUBSCRIBE: { states: 'authenticated', permission: 'imap-subscribe', event: 'imap.unsubscribe', run: subscribe },
  LIST: { states: 'authenticated', permission: 'imap-list', event: 'imap.list', run: list },
  LSUB: { states: 'authenticated', permission: 'imap-lsub', event: 'imap.lsub', run: lsub },
  NAMESPACE: { states: 'authenticated', permission: 'imap-namespace', event: 'imap.namespace', run: namespace },
  STATUS: { states: 'authenticated', permission: 'imap-status', event: 'imap.status', run: status },
  APPEND: { states: 'authenticated', permission: 'imap-append', event: 'imap.append', news: 'after', offer: receiveMessage, run: append },
  IDLE: { states: 'authenticated', permission: 'imap-idle', event: 'imap.idle-stop', run: idle },
  NOTIFY: { states: 'authenticated', permission: 'imap-idle', run: notify },
  GETQUOTA: { states: 'authenticated', permission: 'imap-status', run: getQuota },
  GETQUOTAROOT: { states: 'authenticated', permission: 'imap-status', run: getQuotaRoot },
  SETQUOTA: { states: 'authenticated', permission: 'imap-status', run: setQuota },
  GETMETADATA: { states: 'authenticated', permission: 'imap-status', run: getMetadata },
  SETMETADATA: { states: 'authenticated', permission: 'imap-status', offer: receiveValue, run: setMetadata },
  GETACL: { states: 'authenticated', permission: 'imap-acl-get', event: 'imap.get-acl', run: getAcl },
  SETACL: { states: 'authenticated', permission: 'imap-acl-set', event: 'imap.set-acl', run: setAcl },
  DELETEACL: { states: 'authenticated', permission: 'imap-acl-set', event: 'imap.set-acl', run: deleteAcl },
  MYRIGHTS: { states: 'authenticated', permission: 'imap-my-rights', event: 'imap.my-rights', run: myRights },
  LISTRIGHTS: { states: 'authenticated', permission: 'imap-list-rights', event: 'imap.list-rights', run: listRights },

  CHECK: { states: 'selected', event: 'imap.noop', news: 'after', run: noop },
  CLOSE: { states: 'selected', permission: 'imap-expunge', event: 'imap.close', run: close },
  UNSELECT: { states: 'selected', event: 'imap.close', run: close },
  EXPUNGE: expunging,
  'UID EXPUNGE': expunging,
  FETCH: fetching,
  'UID FETCH': fetching,
  SEARCH: searching,
  'UID SEARCH': searching,
  SORT: sorting,
  'UID SORT': sorting,
  CANCELUPDATE: { states: 'selected', permission: 'imap-search', run: cancelUpdate },
  THREAD: threading,
  'UID THREAD': threading,
  REPLACE: replacing,
  'UID REPLACE': replacing,
  STORE: storing,
  'UID STORE': storing,
  COPY: copying,
  'UID COPY': copying,
  MOVE: moving,
  'UID MOVE': moving,
} as const satisfies Record<string, Command>

export const commands: ReadonlyMap<string, Command> = new Map(Object.entries(table))

// From credentials to somebody who may use IMAP, with a connection slot and the mailboxes opened.
import { failure } from '@postern/contract'
import type { ConcurrencyLimit } from '#base/limits'
import type { Access, Credentials, Origin } from '#services/access'
import type { Caller, Directory } from '#services/directory'
import type { Folders } from './folders.ts'
import type { Limits } from './limits.ts'

export interface Login extends Disposable {
  readonly caller: Caller
  readonly folders: Folders
  /** Names of those to whom rights are given. */
  readonly directory: Pick<Directory, 'byId' | 'byName'>
}

export interface Logins {
  /** Failures of `access.authenticate`, `loginForbidden`, `tooManyConnections`. */
  logIn(credentials: Credentials, origin: Origin): Promise<Login>
}

export interface LoginsParts {
  readonly access: Pick<Access, 'authenticate'>
  readonly directory: Pick<Directory, 'byId' | 'byName'>
  readonly openFolders: (caller: Caller) => Promise<Folders>
  readonly connections: ConcurrencyLimit
  readonly limits: Limits
}

export function createLogins({ access, directory, openFolders, connections, limits }: LoginsParts): Logins {
  return {
    async logIn(credentials, origin) {
      const caller = await access.authenticate(credentials, origin)
      if (!caller.rights.has('imap-authenticate')) throw failure('loginForbidden')
      const max = caller.rights.has('unlimited-requests') ? undefined : limits.maxConcurrent()
      const slot = connections.enter(`imap:${caller.accountId}`, max ?? Number.POSITIVE_INFINITY)
      if (slot === undefined) throw failure('tooManyConnections')
      try {
        return { caller, directory, folders: await openFolders(caller), [Symbol.dispose]: () => slot[Symbol.dispose]() }
      } catch (error) {
        slot[Symbol.dispose]()
        throw error
      }
    },
  }
}

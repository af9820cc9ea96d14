// From credentials to somebody who may use IMAP, with a connection slot and the mailboxes opened.
import { failure } from '@postern/contract'
import type { Access, ClientLimits, Credentials, Origin } from '#services/access'
import type { Caller, Directory } from '#services/directory'
import type { Folders } from './folders.ts'

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
  readonly limits: Pick<ClientLimits, 'enter'>
}

export function createLogins({ access, directory, openFolders, limits }: LoginsParts): Logins {
  return {
    async logIn(credentials, origin) {
      const caller = await access.authenticate(credentials, origin)
      if (!caller.rights.has('imap-authenticate')) throw failure('loginForbidden')
      const slot = limits.enter(caller)
      try {
        return { caller, directory, folders: await openFolders(caller), [Symbol.dispose]: () => slot[Symbol.dispose]() }
      } catch (error) {
        slot[Symbol.dispose]()
        throw error
      }
    },
  }
}

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

export interface Attempt {
  readonly credentials: Credentials
  /** Whom to act as, by SASL authorization identity. */
  readonly actAs: string
}

export interface Logins {
  /** Failures of `access.authenticate`, `loginForbidden`, `tooManyConnections`. */
  logIn(attempt: Attempt, origin: Origin): Promise<Login>
}

export interface LoginsParts {
  readonly access: Pick<Access, 'authenticate' | 'callerFor'>
  readonly directory: Pick<Directory, 'byId' | 'byName'>
  readonly openFolders: (caller: Caller) => Promise<Folders>
  readonly connections: ConcurrencyLimit
  readonly limits: Limits
}

export function createLogins({ access, directory, openFolders, connections, limits }: LoginsParts): Logins {
  /** RFC 4616 §2: an authorization identity is heeded for those who may act for others; for all else it says nothing new. */
  async function actingAs(caller: Caller, actAs: string): Promise<Caller> {
    if (actAs === '' || !caller.rights.has('impersonate')) return caller
    const account = await directory.byName(actAs)
    if (account === undefined || account.id === caller.accountId) return caller
    if (account.type !== 'individual') throw failure('loginForbidden')
    return access.callerFor(account.id)
  }

  return {
    async logIn({ credentials, actAs }, origin) {
      const caller = await actingAs(await access.authenticate(credentials, origin), actAs)
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

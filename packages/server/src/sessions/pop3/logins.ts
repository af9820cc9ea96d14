// From credentials to somebody who may use POP3, with a connection slot and a snapshot of the inbox.
import { failure } from '@postern/contract'
import type { ConcurrencyLimit } from '#base/limits'
import type { Access, Credentials, Origin } from '#services/access'
import type { Caller, Directory } from '#services/directory'
import type { Mailboxes } from '#services/mailbox'
import type { Limits } from './limits.ts'
import { type Maildrop, openMaildrop } from './maildrop.ts'
import type { SentSizes } from './sent-sizes.ts'

export interface Login extends Disposable {
  readonly caller: Caller
  readonly maildrop: Maildrop
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
  readonly directory: Pick<Directory, 'byName'>
  readonly mailboxes: Pick<Mailboxes, 'open'>
  readonly sizes: SentSizes
  readonly connections: ConcurrencyLimit
  readonly limits: Limits
}

export function createLogins({ access, directory, mailboxes, sizes, connections, limits }: LoginsParts): Logins {
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
      if (!caller.rights.has('pop3-authenticate')) throw failure('loginForbidden')
      const max = caller.rights.has('unlimited-requests') ? undefined : limits.maxConcurrent()
      const slot = connections.enter(`imap:${caller.accountId}`, max ?? Number.POSITIVE_INFINITY)
      if (slot === undefined) throw failure('tooManyConnections')
      try {
        const maildrop = await openMaildrop(await mailboxes.open(caller.accountId), sizes)
        return { caller, maildrop, [Symbol.dispose]: () => slot[Symbol.dispose]() }
      } catch (error) {
        slot[Symbol.dispose]()
        throw error
      }
    },
  }
}

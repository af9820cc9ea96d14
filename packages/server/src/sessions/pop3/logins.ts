// From credentials to somebody who may use POP3, with a connection slot and a snapshot of the inbox.
import { failure } from '@postern/contract'
import type { Access, ClientLimits, Credentials, Origin } from '#services/access'
import type { Caller } from '#services/directory'
import type { Mailboxes } from '#services/mailbox'
import { type Maildrop, openMaildrop } from './maildrop.ts'
import type { SentSizes } from './sent-sizes.ts'

export interface Login extends Disposable {
  readonly caller: Caller
  readonly maildrop: Maildrop
}

export interface Logins {
  /** Failures of `access.authenticate`, `loginForbidden`, `tooManyConnections`. */
  logIn(credentials: Credentials, origin: Origin): Promise<Login>
}

export interface LoginsParts {
  readonly access: Pick<Access, 'authenticate'>
  readonly mailboxes: Pick<Mailboxes, 'open'>
  readonly sizes: SentSizes
  readonly limits: Pick<ClientLimits, 'enter'>
}

export function createLogins({ access, mailboxes, sizes, limits }: LoginsParts): Logins {
  return {
    async logIn(credentials, origin) {
      const caller = await access.authenticate(credentials, origin)
      if (!caller.rights.has('pop3-authenticate')) throw failure('loginForbidden')
      const slot = limits.enter(caller)
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

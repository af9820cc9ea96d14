import { settings as declared, failure } from '@postern/contract'
import type { Clock } from '#base/clock'
import { createConcurrencyLimit, createRateCounter } from '#base/limits'
import type { SettingsReader } from '#data/settings'
import type { Caller } from '#services/directory'

/** Connections and commands of an account, over all protocols that read its mail. Settings are read anew each time. */
export interface ClientLimits {
  /** A connection more, until it is disposed of. Failure `tooManyConnections`. */
  enter(caller: Caller): Disposable
  /** Counts a command; false when it was one too many. */
  admit(caller: Caller): boolean
}

export function createClientLimits({ settings, clock }: { readonly settings: SettingsReader; readonly clock: Clock }): ClientLimits {
  const connections = createConcurrencyLimit()
  const requests = createRateCounter({ clock })
  const isUnlimited = ({ rights }: Caller): boolean => rights.has('unlimited-requests')
  return {
    enter(caller) {
      const max = isUnlimited(caller) ? undefined : settings.read(declared.imap.rateLimitConcurrent)
      const slot = connections.enter(`imap:${caller.accountId}`, max ?? Number.POSITIVE_INFINITY)
      if (slot === undefined) throw failure('tooManyConnections')
      return slot
    },
    admit(caller) {
      const rate = settings.read(declared.imap.rateLimitRequests)
      if (rate === undefined || isUnlimited(caller)) return true
      return requests.count(`imap:${caller.accountId}`, rate.periodMs).events <= rate.count
    },
  }
}

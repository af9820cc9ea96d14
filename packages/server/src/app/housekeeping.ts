import { settings as declared } from '@postern/contract'
import type { Clock, Timer } from '#base/clock'
import type { Trace } from '#base/trace'
import type { Blobs } from '#data/blobs'
import type { Settings } from '#data/settings'
import type { Store } from '#data/store'
import type { Bans } from '#services/access'
import type { Directory } from '#services/directory'
import type { MailAuth } from '#services/mailauth'
import { type Maintenance, nextRun } from '#services/maintenance'

interface Parts {
  readonly bans: Bans
  readonly mailAuth: Pick<MailAuth, 'continueRotations'>
  readonly maintenance: Pick<Maintenance, 'tidyAccounts'>
  readonly settings: Pick<Settings, 'read' | 'tidyHistory'>
  readonly blobs: Blobs
  readonly directory: Directory
  readonly store: Store
  readonly clock: Clock
  readonly trace: Trace
}

const minuteMs = 60_000

/** Work that nobody asks for: old trash that goes, bans that end, what deleted accounts left, contents that nobody refers to, space that is given back. */
export function startHousekeeping({
  bans,
  mailAuth,
  maintenance,
  settings,
  blobs,
  directory,
  store,
  clock,
  trace,
}: Parts): AsyncDisposable {
  const jobs: ReadonlyArray<{ readonly everyMs: number | (() => number); readonly run: () => Promise<unknown> }> = [
    { everyMs: minuteMs, run: () => bans.expire() },
    { everyMs: minuteMs, run: () => directory.finishRemovals() },
    { everyMs: 60 * minuteMs, run: () => blobs.collectGarbage() },
    { everyMs: 60 * minuteMs, run: () => blobs.compact() },
    { everyMs: 10 * minuteMs, run: () => store.tidy() },
    { everyMs: 10 * minuteMs, run: () => mailAuth.continueRotations() },
    { everyMs: 60 * minuteMs, run: () => settings.tidyHistory() },
    {
      everyMs: () => nextRun(settings.read(declared.jmap.accountPurgeFrequency), clock.now()) - clock.now(),
      run: () => maintenance.tidyAccounts(),
    },
  ]
  const timers = new Set<Timer>()
  let stopped = false
  let underWay: Promise<unknown> = Promise.resolve()

  function plan({ everyMs, run }: (typeof jobs)[number]): void {
    const timer = clock.after(typeof everyMs === 'number' ? everyMs : everyMs(), () => {
      timers.delete(timer)
      // One job at a time: none is urgent, and each costs the disk something.
      underWay = underWay
        .then(() => (stopped ? undefined : run()))
        .catch(error => trace.emit('store.unexpected-error', { reason: String(error) }))
        .then(() => {
          if (!stopped) plan({ everyMs, run })
        })
    })
    timers.add(timer)
  }

  for (const job of jobs) plan(job)
  return {
    async [Symbol.asyncDispose]() {
      stopped = true
      for (const timer of timers) timer.cancel()
      await underWay
    },
  }
}

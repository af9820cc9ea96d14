// Time-based one-time codes (RFC 6238).
import { createHash } from 'node:crypto'
import type { Clock } from '#base/clock'
import type { Ephemeral } from '#data/ephemeral'

export interface SecondFactor {
  /** Whether a code fits one of the `otpauth://` URLs of an account now and was not used there before (RFC 6238 §5.2). */
  accept(accountId: number, urls: readonly string[], code: string): Promise<boolean>
}

/** One step to either side makes up for clocks that are off. */
const skewSteps = 1

export function createSecondFactor({ ephemeral, clock }: { ephemeral: Ephemeral; clock: Pick<Clock, 'now'> }): SecondFactor {
  return {
    async accept(accountId, urls, code) {
      const { TOTP, URI } = await import('otpauth')
      for (const url of urls) {
        const timestamp = clock.now()
        let step: number | undefined
        let periodMs = 0
        try {
          const totp = URI.parse(url)
          if (!(totp instanceof TOTP)) continue
          const delta = totp.validate({ token: code, timestamp, window: skewSteps })
          if (delta !== null) step = totp.counter({ timestamp }) + delta
          periodMs = totp.period * 1000
        } catch {
          // No URL of a TOTP: no code fits it.
        }
        if (step === undefined) continue
        const secret = createHash('sha256').update(url).digest('base64url').slice(0, 16)
        // The step stays acceptable while it is at most so many steps old.
        const windowMs = (2 * skewSteps + 1) * periodMs
        return ephemeral.lock(`totp:${accountId}:${secret}:${step}`, windowMs)
      }
      return false
    },
  }
}

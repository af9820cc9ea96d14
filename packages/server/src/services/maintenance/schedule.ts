import type { Cron } from '@postern/contract'

const minuteMs = 60_000
const weekMinutes = 7 * 24 * 60

/** The first time after `nowMs` that a plan names, in UTC: Unix milliseconds at the beginning of its minute. */
export function nextRun({ minute, hour, weekday }: Cron, nowMs: number): number {
  const first = (Math.floor(nowMs / minuteMs) + 1) * minuteMs
  // Every plan comes round within a week.
  for (let step = 0; step <= weekMinutes; step++) {
    const at = new Date(first + step * minuteMs)
    const fits =
      at.getUTCMinutes() === minute &&
      (hour ?? at.getUTCHours()) === at.getUTCHours() &&
      (weekday === undefined || weekday % 7 === at.getUTCDay())
    if (fits) return at.getTime()
  }
  throw new RangeError('a plan that never comes')
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nextRun } from './schedule.ts'

const at = (text: string): number => Date.parse(text)
const plans: ReadonlyArray<readonly [plan: Parameters<typeof nextRun>[0], now: string, next: string]> = [
  [{ minute: 15, hour: undefined, weekday: undefined }, '2027-01-01T10:15:00Z', '2027-01-01T11:15:00Z'],
  [{ minute: 15, hour: undefined, weekday: undefined }, '2027-01-01T10:14:59Z', '2027-01-01T10:15:00Z'],
  [{ minute: 0, hour: 3, weekday: undefined }, '2027-12-31T03:00:01Z', '2028-01-01T03:00:00Z'],
  // A Friday; Sunday is 7.
  [{ minute: 0, hour: 3, weekday: 7 }, '2027-01-01T00:00:00Z', '2027-01-03T03:00:00Z'],
  [{ minute: 0, hour: 3, weekday: 5 }, '2027-01-01T03:00:00Z', '2027-01-08T03:00:00Z'],
]
for (const [plan, now, next] of plans)
  test(`${plan.minute} ${plan.hour ?? '*'} ${plan.weekday ?? '*'} after ${now}`, () => assert.equal(nextRun(plan, at(now)), at(next)))

test('every plan comes later than now, and within a week', () => {
  const plan = fc.record({
    minute: fc.nat(59),
    hour: fc.option(fc.nat(23), { nil: undefined }),
    weekday: fc.option(fc.integer({ min: 1, max: 7 }), { nil: undefined }),
  })
  fc.assert(
    fc.property(plan, fc.integer({ min: 0, max: 4_000_000_000_000 }), (wanted, now) => {
      const wait = nextRun(wanted, now) - now
      assert.ok(wait > 0 && wait <= 7 * 24 * 3600_000)
    }),
    { numRuns: 200 },
  )
})

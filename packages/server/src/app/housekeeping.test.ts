import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFakeClock, createRecordingTrace } from '@postern/testkit'
import { startHousekeeping } from './housekeeping.ts'

type Parts = Parameters<typeof startHousekeeping>[0]

test('accounts are tidied when the plan says so, again and again, though a job before failed', async () => {
  const clock = createFakeClock()
  const done: string[] = []
  const job = (name: string) => async (): Promise<void> => {
    done.push(name)
  }
  const trace = createRecordingTrace()
  await using _ = startHousekeeping({
    clock,
    trace,
    bans: { expire: () => Promise.reject(new Error('no store')) } as unknown as Parts['bans'],
    mailAuth: { continueRotations: job('rotations') },
    maintenance: { tidyAccounts: job('accounts') },
    // At half past three.
    settings: { read: () => ({ minute: 30, hour: 3, weekday: undefined }), tidyHistory: job('history') } as unknown as Parts['settings'],
    blobs: { collectGarbage: job('garbage'), compact: job('compact') } as unknown as Parts['blobs'],
    directory: { finishRemovals: job('removals') } as unknown as Parts['directory'],
    store: { tidy: job('tidy') } as unknown as Parts['store'],
  })
  const count = (): number => done.filter(name => name === 'accounts').length
  const day = 24 * 60
  const start = new Date(clock.now())
  const minutesUntil = (3 * 60 + 30 - (start.getUTCHours() * 60 + start.getUTCMinutes()) + day) % day || day
  for (let minute = 0; minute < minutesUntil - 1; minute++) await pass()
  assert.equal(count(), 0)
  await pass()
  await pass()
  assert.equal(count(), 1)
  for (let minute = 0; minute < day; minute++) await pass()
  assert.equal(count(), 2)
  assert.ok(done.filter(name => name === 'removals').length > day)
  assert.ok(trace.events.some(event => event.id === 'store.unexpected-error'))

  async function pass(): Promise<void> {
    await clock.advance(60_000)
    await new Promise(resolve => setImmediate(resolve))
  }
})

// How far a long command has come, for clients that would give up otherwise (RFC 9585).
import { encodeString } from '@postern/mail/imap'
import type { Progress } from '#services/mailbox'
import type { Session } from './command.ts'

/** RFC 9585 §4: not more often than this. */
const intervalMs = 10_000

/**
 * One function for each of the steps a command takes one after the other, each worth the same. The client is told in hundredths of the
 * whole, so that the goal stays the same however much each step turns out to be.
 */
export function createProgress(session: Pick<Session, 'clock' | 'write' | 'flush'>, tag: string, steps: number): readonly Progress[] {
  let toldMs = session.clock.monotonic()
  return Array.from({ length: steps }, (_, step) => async (done: number, total: number) => {
    const nowMs = session.clock.monotonic()
    if (nowMs - toldMs < intervalMs || done >= total) return
    toldMs = nowMs
    const percent = Math.floor((100 * (step + done / total)) / steps)
    session.write(`* OK [INPROGRESS (${encodeString(tag)} ${percent} 100)] ${percent} % done\r\n`)
    await session.flush()
  })
}

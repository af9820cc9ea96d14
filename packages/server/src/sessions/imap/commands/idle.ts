import type { Arguments } from '@postern/mail/imap'
import type { LoggedIn } from '../command.ts'
import { bad, ok, type Reply } from '../reply.ts'

const maxLineBytes = 1024
/** Mobile networks forget connections that say nothing. */
const stillHereMs = 4 * 60_000

/** RFC 9051 §6.3.13. The client hears of changes as they are committed. */
export async function idle(session: LoggedIn, args: Arguments): Promise<Reply> {
  args.end()
  session.trace.emit('imap.idle-start', { accountId: session.login.caller.accountId, mailboxId: session.view?.mailbox.id ?? null })
  session.write("+ Idling, send 'DONE' to stop.\r\n")
  await using _ = session.beginIdle()
  using _reminders = remind(session)
  const line = await session.readLine(maxLineBytes, session.limits.idleTimeoutMs(), 'IDLE timed out.')
  return line?.toString('latin1').trim().toUpperCase() === 'DONE' ? ok() : bad('Expected DONE.')
}

function remind(session: LoggedIn): Disposable {
  const say = (): void => {
    session.write('* OK Still here\r\n')
    // A connection that is lost shows where the client's line is awaited.
    session.flush().catch(() => {})
    timer = session.clock.after(stillHereMs, say)
  }
  let timer = session.clock.after(stillHereMs, say)
  return { [Symbol.dispose]: () => timer.cancel() }
}

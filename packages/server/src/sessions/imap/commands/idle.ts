import type { Arguments } from '@postern/mail/imap'
import type { LoggedIn } from '../command.ts'
import { bad, ok, type Reply } from '../reply.ts'

const maxLineBytes = 1024
/** Mobile networks forget connections that say nothing. */
const stillHereMs = 4 * 60_000

/** RFC 9051 §6.3.13. The client hears of changes as they are committed. */
export async function idle(session: LoggedIn, args: Arguments): Promise<Reply> {
  args.end()
  const { view } = session
  session.trace.emit('imap.idle-start', { accountId: session.login.caller.accountId, mailboxId: view?.mailbox.id ?? null })
  const stop = new AbortController()
  session.write("+ Idling, send 'DONE' to stop.\r\n")
  const reporting = view === null ? undefined : report(session, view.account.accountId, stop.signal)
  const reminders = remind(session)
  try {
    const line = await session.readLine(maxLineBytes, session.limits.idleTimeoutMs(), 'IDLE timed out.')
    return line?.toString('latin1').trim().toUpperCase() === 'DONE' ? ok() : bad('Expected DONE.')
  } finally {
    reminders[Symbol.dispose]()
    stop.abort()
    await reporting
  }
}

/** Never rejects: what cannot be told now is told with the next news, and a lost connection shows where the client's line is awaited. */
async function report(session: LoggedIn, accountId: number, signal: AbortSignal): Promise<void> {
  // Heard from here on, so that nothing is missed between the first look and the first news.
  const changes = session.watch(accountId, signal)
  await tell(session)
  for await (const _ of changes) await tell(session)
}

async function tell(session: LoggedIn): Promise<void> {
  try {
    await session.tellNews(true, true)
    await session.flush()
  } catch (error) {
    session.trace.emit('imap.error', { details: 'News could not be told', reason: error instanceof Error ? error.message : String(error) })
  }
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

// News that nobody asked for: told while no command runs, in IDLE and after NOTIFY.
import type { Session } from './command.ts'

export interface PushParts {
  readonly watch: (accountId: number, signal: AbortSignal) => AsyncIterable<number>
  /** Tells everything that may be told now. */
  readonly tell: () => Promise<void>
  readonly trace: Session['trace']
}

export interface Pushes {
  /** Tells at once, and from now on whenever something changes in one of the accounts, until disposed. */
  follow(accountIds: readonly number[]): AsyncDisposable
  /** Nothing is told until `resume`; what happens meanwhile is told then. Waits for what is being told. */
  pause(): Promise<void>
  resume(): void
}

export function createPushes({ watch, tell, trace }: PushParts): Pushes {
  let isPaused = false
  let isDue = false
  let telling: Promise<void> = Promise.resolve()

  function push(): void {
    if (isPaused) {
      isDue = true
      return
    }
    telling = telling.then(tell).catch(error =>
      // What cannot be told now is told with the next news, and a lost connection shows where the client's line is awaited.
      trace.emit('imap.error', { details: 'News could not be told', reason: error instanceof Error ? error.message : String(error) }),
    )
  }

  async function followOne(accountId: number, signal: AbortSignal): Promise<void> {
    // Heard from here on, so that nothing is missed between the first look and the first news.
    const changes = watch(accountId, signal)
    push()
    for await (const _ of changes) push()
  }

  return {
    follow(accountIds) {
      const stop = new AbortController()
      const following = accountIds.map(accountId => followOne(accountId, stop.signal))
      return {
        async [Symbol.asyncDispose]() {
          stop.abort()
          await Promise.all(following)
          await telling
        },
      }
    },
    async pause() {
      isPaused = true
      await telling
    },
    resume() {
      isPaused = false
      if (!isDue) return
      isDue = false
      push()
    },
  }
}

import type { Clock } from '#base/clock'
import type { Connection } from './connection.ts'

/** The clients of one protocol. Disposing aborts `stop`, waits for them, and cuts off those that do not go. */
export interface Clients extends AsyncDisposable {
  /** Aborted when the server stops. */
  readonly stop: AbortSignal
  /** Keeps a session in mind until it ends; gives it back. */
  follow(connection: Connection, session: Promise<void>): Promise<void>
}

export function createClients({ clock, patienceMs }: { readonly clock: Clock; readonly patienceMs: number }): Clients {
  const stop = new AbortController()
  const running = new Map<Promise<void>, Connection>()
  return {
    stop: stop.signal,
    follow(connection, session) {
      running.set(session, connection)
      const forget = (): void => void running.delete(session)
      session.then(forget, forget)
      return session
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      const timer = clock.after(patienceMs, () => {
        for (const connection of running.values()) connection.destroy()
      })
      await Promise.allSettled(running.keys())
      timer.cancel()
    },
  }
}

// Who waits for changes hears of every commit that concerns him, newest number only.
import type { Store } from '#data/store'

export interface Feed extends Disposable {
  watch(accountId: number, signal: AbortSignal): AsyncIterable<number>
  watchAll(signal: AbortSignal): AsyncIterable<{ readonly accountId: number; readonly change: number }>
}

export function createFeed(store: Store): Feed {
  const watchers = new Map<number, Set<(change: number) => void>>()
  const watchersOfAll = new Set<(accountId: number, change: number) => void>()
  const stop = store.onCommit(({ topic, key, value }) => {
    if (topic !== 'account' || typeof key !== 'number' || value === undefined) return
    for (const tell of watchers.get(key) ?? []) tell(value)
    for (const tell of watchersOfAll) tell(key, value)
  })

  return {
    watch(accountId, signal) {
      const news = createNews<number>(signal)
      const tell = (change: number): void => news.put(accountId, change)
      const own = watchers.get(accountId) ?? new Set()
      watchers.set(accountId, own.add(tell))
      news.onEnd(() => {
        own.delete(tell)
        if (own.size === 0 && watchers.get(accountId) === own) watchers.delete(accountId)
      })
      return news.iterate(([, change]) => change)
    },
    watchAll(signal) {
      const news = createNews<number>(signal)
      const tell = (accountId: number, change: number): void => news.put(accountId, change)
      watchersOfAll.add(tell)
      news.onEnd(() => watchersOfAll.delete(tell))
      return news.iterate(([accountId, change]) => ({ accountId, change }))
    },
    [Symbol.dispose]: stop,
  }
}

interface PendingNews<Value> {
  put(key: number, value: Value): void
  onEnd(run: () => void): void
  iterate<Item>(describe: (entry: readonly [number, Value]) => Item): AsyncIterable<Item>
}

/** Latest value per key until it is fetched. Hears from the moment it is made, not only from the first fetch. */
function createNews<Value>(signal: AbortSignal): PendingNews<Value> {
  const pending = new Map<number, Value>()
  const atEnd: (() => void)[] = []
  let wake = (): void => {}
  let ended = signal.aborted

  function end(): void {
    if (!ended) signal.removeEventListener('abort', end)
    ended = true
    for (const run of atEnd.splice(0)) run()
    wake()
  }
  signal.addEventListener('abort', end, { once: true })

  return {
    put(key, value) {
      pending.set(key, value)
      wake()
    },
    onEnd(run) {
      if (ended) run()
      else atEnd.push(run)
    },
    async *iterate(describe) {
      try {
        while (!ended) {
          for (const entry of pending) {
            pending.delete(entry[0])
            yield describe(entry)
            if (ended) return
          }
          if (pending.size > 0 || ended) continue
          await new Promise<void>(resolve => {
            wake = resolve
          })
          wake = () => {}
        }
      } finally {
        end()
      }
    },
  }
}

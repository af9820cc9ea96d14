// How much is under way: attempts that may wait for other hosts, and deliveries that stay on this one.

export interface Place {
  /** It waits for no other host: the place counts at home from now on. */
  readonly stayAtHome: () => void
  readonly leave: () => void
}

export interface Lanes {
  /** A message counts as one for other hosts until it is known to stay. */
  enter(bytes: number): Place
  /** How many messages may enter when `mostAbroad` may be on their way to other hosts. */
  free(mostAbroad: number): number
  /** Resolves when a place was left or changed; rejects when aborted. */
  untilLeft(signal: AbortSignal): Promise<void>
  untilEmpty(): Promise<void>
}

export function createLanes({ mostAtHome }: { readonly mostAtHome: { readonly messages: number; readonly bytes: number } }): Lanes {
  let abroad = 0
  let atHome = 0
  let bytesAtHome = 0
  const waiting = new Set<() => void>()

  function changed(): void {
    for (const resume of waiting) resume()
    waiting.clear()
  }

  function untilLeft(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const finish = (): void => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      const abort = (): void => {
        waiting.delete(finish)
        reject(signal?.reason)
      }
      waiting.add(finish)
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  return {
    enter(bytes) {
      let isAtHome = false
      abroad += 1
      return {
        stayAtHome() {
          if (isAtHome) return
          isAtHome = true
          abroad -= 1
          atHome += 1
          bytesAtHome += bytes
          changed()
        },
        leave() {
          if (isAtHome) {
            atHome -= 1
            bytesAtHome -= bytes
          } else abroad -= 1
          changed()
        },
      }
    },
    free: mostAbroad => (bytesAtHome > mostAtHome.bytes ? 0 : Math.min(mostAbroad - abroad, mostAtHome.messages - atHome)),
    untilLeft,
    async untilEmpty() {
      while (abroad + atHome > 0) await untilLeft()
    },
  }
}

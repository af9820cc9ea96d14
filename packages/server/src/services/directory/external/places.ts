/** A number of places that are taken in turn. */
export interface Places {
  /** Runs the work when a place is free; rejects at once when too many wait already. */
  take<Result>(work: () => Promise<Result>): Promise<Result>
}

const mostWaiting = 1000

export function createPlaces(count: number): Places {
  let free = Math.max(1, count)
  const waiting: Array<() => void> = []
  return {
    async take(work) {
      if (free > 0) free--
      else {
        if (waiting.length >= mostWaiting) throw new Error('too many wait for a connection')
        await new Promise<void>(resolve => waiting.push(resolve))
      }
      try {
        return await work()
      } finally {
        const next = waiting.shift()
        if (next === undefined) free++
        else next()
      }
    },
  }
}
